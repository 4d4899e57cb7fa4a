"""What numba compiled is kept where it can be; what becomes of its files never stops a run."""

from __future__ import annotations

import shutil

import numba
import pytest

from augment.filters.compiled import compiled


def doubled(x):
    return 2 * x


@pytest.fixture(name="kept")
def _kept(tmp_path, monkeypatch):
    """A folder with what was compiled."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    assert compiled(doubled)(21) == 42
    return tmp_path / "kept"


def is_taken_up():
    function = compiled(doubled)
    assert function(21) == 42
    return bool(function.stats.cache_hits)


def test_what_was_compiled_is_taken_up(kept):
    assert is_taken_up()


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize(
    "damaged",
    [lambda whole: b"", lambda whole: whole[: len(whole) // 2], lambda whole: bytes(len(whole))],
    ids=["emptied", "cut", "zeros"],
)
def test_what_is_damaged_is_said_and_compiled_anew(kept, caplog, suffix, damaged):
    (file,) = kept.rglob(f"*{suffix}")
    file.write_bytes(damaged(file.read_bytes()))

    assert not is_taken_up()
    assert "cannot be used and is made anew" in caplog.text
    caplog.clear()
    assert is_taken_up()
    assert caplog.text == ""


def test_what_cannot_be_kept_is_said_and_used(kept, caplog):
    function = compiled(doubled)
    shutil.rmtree(kept)
    kept.touch()

    assert function(21) == 42
    assert "what was compiled cannot be kept in" in caplog.text


def test_where_no_folder_can_be_written_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    module = {}
    exec(compile("def tripled(x): return 3 * x", "/proc/nowhere/tripled.py", "exec"), module)  # noqa: S102 - a function whose file lies where nothing can be written

    assert compiled(module["tripled"])(14) == 42
