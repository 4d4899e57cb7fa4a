"""The store: what was added comes back whatever becomes of the process, and damage is no error."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.embed.store import VectorStore
from augment.errors import JournalError

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ABOUT = {"name": "an encoder", "dtype": "float32", "device": "cpu"}


def opened(folder: Path, encoder: str = "minilm") -> VectorStore:
    return VectorStore(folder / "vectors.db", encoder=encoder)


def vectors_of(count: int, *, seed: int = 0):
    return np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float16)


def filled(folder: Path, count: int = 200) -> tuple[list[str], np.ndarray]:
    texts, vectors = [f"text {number}" for number in range(count)], vectors_of(count)
    store = opened(folder)
    store.add(texts, vectors)
    store.note({"about": ABOUT})
    store.close()
    return texts, vectors


@given(texts=st.lists(ANY_TEXT, unique=True, max_size=8), others=st.lists(ANY_TEXT, max_size=4))
def test_what_is_added_comes_back_in_single_precision_and_nothing_else(texts, others):
    store, vectors = VectorStore(None, encoder="minilm"), vectors_of(len(texts))
    store.add(texts, vectors)
    found = store.get([*others, *texts])

    assert found.keys() == set(texts)
    for text, vector in zip(texts, vectors, strict=True):
        assert found[text].dtype == np.float32
        assert np.array_equal(found[text], vector.astype(np.float32))
    store.close()


def test_texts_that_differ_in_a_lone_surrogate_only_are_told_apart():
    store, texts, vectors = (
        VectorStore(None, encoder="minilm"),
        ["\ud800", "\udfff", "?"],
        vectors_of(3),
    )
    store.add(texts, vectors)

    assert np.array_equal([store.get(texts)[text] for text in texts], vectors.astype(np.float32))
    store.close()


def test_thousands_of_texts_are_looked_up_at_once(tmp_path):
    texts, vectors = filled(tmp_path, 2500)
    store = opened(tmp_path)
    found = store.get(texts)

    assert found.keys() == set(texts)
    assert np.array_equal([found[text] for text in texts], vectors.astype(np.float32))
    assert store.get([]) == {}
    store.close()


def test_what_was_added_and_noted_is_there_when_it_is_opened_again(tmp_path):
    texts, vectors = filled(tmp_path)
    store = opened(tmp_path)

    assert store.facts() == {"encoder": "minilm", "about": ABOUT}
    assert np.array_equal(store.get(texts)["text 7"], vectors[7].astype(np.float32))
    store.close()


def test_the_last_vector_and_the_last_note_count(tmp_path):
    store = opened(tmp_path)
    one, other = vectors_of(1), vectors_of(1, seed=1)
    store.add(["a"], one)
    store.add(["a"], other)
    store.note({"pieces": 1})
    store.note({"pieces": {"unknown": 2}})

    assert np.array_equal(store.get(["a"])["a"], other[0].astype(np.float32))
    assert store.facts()["pieces"] == {"unknown": 2}
    store.close()


def test_adding_and_noting_nothing_changes_nothing(tmp_path):
    filled(tmp_path)
    store = opened(tmp_path)
    store.add([], vectors_of(0))
    store.note({})

    assert len(store.get(["text 0", "text 199"])) == 2
    store.close()


def test_a_text_and_its_vector_must_be_as_many(tmp_path):
    store = opened(tmp_path)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        store.add(["a", "b"], vectors_of(1))
    assert store.get(["a"]) == {}
    store.close()


def test_another_encoder_begins_anew_and_the_first_one_again(tmp_path):
    texts, _ = filled(tmp_path)
    for encoder in ("/models/other", "minilm"):
        store = opened(tmp_path, encoder)
        assert store.get(texts) == {}
        assert store.facts() == {"encoder": encoder}
        store.add(["text 0"], vectors_of(1))
        store.close()


ADDER = """
import os, sys
from pathlib import Path
import numpy as np
from augment.embed.store import VectorStore

store = VectorStore(Path(sys.argv[1]) / "vectors.db", encoder="minilm")
for number in range(10**6):
    store.add([f"{number} {n}" for n in range(20)], np.full((20, 8), number, np.float16))
    print(number, flush=True)
    if number == int(sys.argv[2]):
        os._exit(9)
"""


@pytest.mark.parametrize("last", [50, 10**9], ids=["ends at once", "is killed"])
def test_what_was_added_survives_a_process_that_dies(tmp_path, last):
    process = subprocess.Popen(
        [sys.executable, "-c", ADDER, str(tmp_path), str(last)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(40)]
    if last > 50:
        process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout.read().split()]
    process.stdout.close()
    assert process.wait() in {9, -signal.SIGKILL}
    store = opened(tmp_path)
    for number in said:
        found = store.get([f"{number} {n}" for n in range(20)])
        assert len(found) == 20, f"call {number} of {said[-1]} was lost"
        assert all((vector == number).all() for vector in found.values())
    store.close()


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    filled(folder)
    return (folder / "vectors.db").read_bytes()


def usable(path: Path) -> bool:
    """Use the store, and tell whether it still held everything."""
    texts, vectors = [f"text {number}" for number in range(200)], vectors_of(200)
    store = VectorStore(path, encoder="minilm")
    found = store.get(texts)
    for text, vector in found.items():
        number = int(text.removeprefix("text "))
        assert np.array_equal(vector, vectors[number].astype(np.float32))
    store.add(["new"], vectors[:1])
    store.close()
    again = VectorStore(path, encoder="minilm")
    assert np.array_equal(again.get(["new"])["new"], vectors[0].astype(np.float32))
    assert again.facts()["encoder"] == "minilm"
    again.close()
    return len(found) == 200


@given(data=st.data())
def test_a_file_cut_at_any_byte_gives_no_wrong_vector_and_takes_new_ones(
    tmp_path_factory, whole, data
):
    path = tmp_path_factory.mktemp("cut") / "vectors.db"
    # SQLite fills up the last page with zeros, which must not be taken for vectors
    cut = data.draw(st.integers(0, len(whole) - 1) | st.integers(len(whole) - 100, len(whole) - 1))
    path.write_bytes(whole[:cut])

    assert cut > len(whole) - 100 or not usable(path)
    usable(path)


@given(data=st.data())
def test_a_changed_byte_never_gives_another_vector(tmp_path_factory, whole, data):
    path = tmp_path_factory.mktemp("changed") / "vectors.db"
    place, byte = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])

    with contextlib.suppress(JournalError):  # where the schema names other columns
        usable(path)


def test_the_uncut_file_is_kept(tmp_path, whole):
    (tmp_path / "vectors.db").write_bytes(whole)

    assert usable(tmp_path / "vectors.db")


@pytest.mark.parametrize("content", [b"not a database at all" * 300, bytes(8192), b"\xff" * 5000])
def test_a_file_that_is_no_store_is_begun_anew_and_that_is_said(tmp_path, content, caplog):
    path = tmp_path / "vectors.db"
    path.write_bytes(content)
    (tmp_path / "vectors.db-journal").write_bytes(b"of the damaged one")
    usable(path)

    assert caplog.messages == [f"{path} was damaged and is begun anew"]


def test_damage_inside_the_file_is_found_when_it_is_opened(tmp_path, whole):
    pages = len(whole) // 4096
    for page in range(pages):
        path = tmp_path / f"{page}.db"
        path.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        assert not usable(path), f"page {page} of {pages} was taken for whole"


def test_threads_add_and_get_at_once(tmp_path):
    store = opened(tmp_path)
    failed: list[BaseException] = []

    def work(own: int) -> None:
        try:
            for number in range(30):
                texts = [f"{own} {number} {n}" for n in range(5)]
                store.add(texts, np.full((5, 8), own, np.float16))
                assert all((v == own).all() for v in store.get(texts).values())
                store.note({str(own): number})
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(own,)) for own in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    texts = [f"{own} {number} {n}" for own in range(6) for number in range(30) for n in range(5)]
    assert len(store.get(texts)) == 900
    assert [store.facts()[str(own)] for own in range(6)] == [29] * 6
    store.close()


def test_a_path_that_cannot_be_written_is_a_journal_error_that_names_it(tmp_path):
    (tmp_path / "vectors.db").mkdir()
    for path in (tmp_path / "vectors.db", tmp_path / "missing" / "vectors.db"):
        with pytest.raises(JournalError, match="the same command continues") as caught:
            VectorStore(path, encoder="minilm")
        assert str(caught.value).startswith(f"{path}: unable to open")
    assert (tmp_path / "vectors.db").is_dir(), "what stood there was removed"


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from augment.embed.store import VectorStore
from augment.errors import JournalError

store = VectorStore(Path(sys.argv[1]) / "vectors.db", encoder="minilm")
store.add(["before"], np.ones((1, 8), np.float16))
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    for number in range(100):
        store.add([f"{number} {n}" for n in range(100)], np.ones((100, 8), np.float16))
except JournalError as error:
    print(error)
"""


def test_a_full_disk_is_a_journal_error_and_what_was_added_before_is_kept(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith(f"{tmp_path / 'vectors.db'}: ")
    assert said.stdout.rstrip().endswith(
        "what was committed before is kept, the same command continues"
    )
    store = opened(tmp_path)
    assert "before" in store.get(["before"])
    store.close()


def test_the_file_holds_no_text(tmp_path):
    store = opened(tmp_path)
    store.add(["a customer's own secret words"], vectors_of(1))
    store.close()

    assert b"secret" not in (tmp_path / "vectors.db").read_bytes()


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = VectorStore(None, encoder="minilm")
    store.add(["a"], vectors_of(1))
    store.close()

    assert list(tmp_path.iterdir()) == []


def test_a_closed_store_lets_go_of_its_file(tmp_path):
    filled(tmp_path)
    with sqlite3.connect(tmp_path / "vectors.db", timeout=0) as db:
        db.execute("DELETE FROM vectors")
    db.close()
    store = opened(tmp_path)
    assert store.get(["text 0"]) == {}
    store.close()
