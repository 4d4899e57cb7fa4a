"""Whoever is killed while writing leaves nothing for good, and whoever writes loses nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from augment.embed.static import kept
from augment.formats.write import write_text
from augment.replacing import making_folder, replacing

WRITER = """
import sys
from pathlib import Path

from augment.replacing import making_folder, replacing

path = Path(sys.argv[2])
if sys.argv[1] == "file":
    with replacing(path) as file:
        file.write(b"a part")
        file.flush()
        print("at work", flush=True)
        sys.stdin.read()
else:
    with making_folder(path, overwrite=True) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "part").write_text("a part")
        print("at work", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def writer():
    """Start writers that have begun and go on once they are told; end them with kill -9."""
    running = []

    def start(kind, path):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, kind, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        running.append(process)
        assert process.stdout.readline() == b"at work\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def write(kind, path):
    if kind == "file":
        write_text(path, "whole")
    else:
        with making_folder(path, overwrite=True) as folder:
            (folder / "whole").write_text("whole")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_killed_writers_left_is_gone_after_the_next_write_of_the_same(writer, tmp_path, kind):
    for _ in range(2):
        process = writer(kind, tmp_path / "target")
        process.kill()
        process.communicate()
    other = writer(kind, tmp_path / "other")
    other.kill()
    other.communicate()
    assert len(names_in(tmp_path)) == 2, "the second has removed what the first had left"
    write(kind, tmp_path / "target")

    assert len(names_in(tmp_path)) == 2, "what is another target's is not touched"
    write(kind, tmp_path / "other")
    assert names_in(tmp_path) == ["other", "target"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_somebody_is_at_work_on_is_left_alone(writer, tmp_path, kind):
    process = writer(kind, tmp_path / "target")
    write(kind, tmp_path / "target")
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert names_in(tmp_path) == ["target"]
    if kind == "file":
        assert (tmp_path / "target").read_bytes() == b"a part"
    else:
        assert (tmp_path / "target" / "inner" / "part").exists()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_failure_leaves_what_stood_there_and_nothing_beside_it(tmp_path, kind):
    path = tmp_path / "target"
    write(kind, path)
    writing = replacing(path) if kind == "file" else making_folder(path, overwrite=True)
    with pytest.raises(RuntimeError, match="at once"), writing:
        raise RuntimeError("at once")

    assert names_in(tmp_path) == ["target"]
    assert (path if kind == "file" else path / "whole").read_text() == "whole"


def hidden_name_of_a_folder(writer, folder):
    process = writer("folder", folder / "target")
    (name,) = [name for name in names_in(folder) if name.startswith(".")]
    process.communicate(timeout=60)
    return name.removesuffix(".tmp")


def test_a_folder_that_was_put_aside_by_a_killed_writer_goes_once_the_next_is_whole(
    writer, tmp_path
):
    path = tmp_path / "target"
    write("folder", path)
    name = hidden_name_of_a_folder(writer, tmp_path)
    path.rename(tmp_path / f"{name}.old")  # as just before the new one takes its name
    with pytest.raises(RuntimeError), making_folder(path, overwrite=True):
        raise RuntimeError
    assert names_in(tmp_path) == [f"{name}.old"], "the only copy was thrown away"
    write("folder", path)

    assert names_in(tmp_path) == ["target"]


def test_a_name_as_long_as_it_may_be_can_be_written(tmp_path):
    write_text(tmp_path / ("n" * 255), "whole")
    assert names_in(tmp_path) == ["n" * 255]


def test_the_fast_encoders_file_is_written_so_too(writer, tmp_path):
    path = tmp_path / "pieces.safetensors"
    process = writer("file", path)
    process.kill()
    process.communicate()
    with pytest.raises(RuntimeError):
        kept(path, failing)

    assert names_in(tmp_path) == []


def failing():
    raise RuntimeError("nothing comes of it")
