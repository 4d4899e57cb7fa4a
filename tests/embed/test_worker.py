"""The encoder's process dies, is killed, ended or left behind: nobody waits for it in vain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from stub_encoder import WIDTH, vectors_of

from augment.embed.encoder import RunEncoder
from augment.embed.store import VectorStore
from augment.embed.worker import Worker
from augment.errors import EncoderError

PATIENCE_S = 20.0
"""What takes longer is a hang."""


def unit(texts):
    made = vectors_of(texts)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def until(condition):
    ends = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < ends, "it never came to pass"
        time.sleep(0.01)
    return found


def pid_of(worker: Worker) -> int:
    (child,) = [
        child for child in psutil.Process().children() if child.pid == worker._process.handle.pid
    ]
    return child.pid


@pytest.fixture
def hold(tmp_path):
    folder = tmp_path / "hold"
    folder.mkdir()
    return folder


def held(pool, worker, hold):
    """Begin a call that is being encoded until `go`, and return its future."""
    future = pool.submit(worker.encode, [f"hold {hold}"])
    until((hold / "begun").exists)
    return future


@pytest.fixture
def pool():
    pool = ThreadPoolExecutor(8)
    yield pool
    pool.shutdown(wait=False, cancel_futures=True)


def test_vectors_come_back_in_the_order_of_the_texts(stub):
    texts = [f"{'x' * (number * 7 % 50)} {number}" for number in range(200)]
    worker = stub()

    assert worker.encode(texts).astype(np.float32) == pytest.approx(unit(texts), abs=1e-3)
    assert worker.texts == 200
    assert worker.busy_s > 0


def test_many_threads_get_each_their_own(stub, pool):
    worker = stub()
    calls = [[f"{call} {text}" for text in range(call % 5 + 1)] for call in range(60)]
    for texts, vectors in zip(calls, pool.map(worker.encode, calls), strict=True):
        assert vectors.astype(np.float32) == pytest.approx(unit(texts), abs=1e-3)

    assert worker.texts == sum(map(len, calls))


def test_counts_and_vectors_asked_for_at_once_are_not_confused(stub, pool):
    worker = stub()
    counts = [pool.submit(worker.pieces, ["a b ?", "c"] * (n + 1)) for n in range(20)]
    vectors = [pool.submit(worker.encode, ["a"] * (n + 1)) for n in range(20)]

    assert [each.result(PATIENCE_S) for each in counts] == [
        {"pieces": 4 * (n + 1), "unknown": n + 1} for n in range(20)
    ]
    assert [each.result(PATIENCE_S).shape for each in vectors] == [
        (n + 1, WIDTH) for n in range(20)
    ]


def test_the_next_texts_are_read_while_some_are_encoded(stub, pool, hold, tmp_path):
    worker, other = stub(), tmp_path / "other"
    other.mkdir()
    first, second = held(pool, worker, hold), held(pool, worker, other)
    (other / "go").touch()
    time.sleep(0.05)
    assert not second.done(), "an answer overtook the one before it"
    (hold / "go").touch()

    assert first.result(PATIENCE_S).shape == second.result(PATIENCE_S).shape == (1, WIDTH)


def test_time_is_counted_once_however_many_wait(stub, pool, hold):
    worker = stub()
    first = held(pool, worker, hold)
    began = time.monotonic()
    others = [pool.submit(worker.encode, ["x"]) for _ in range(5)]
    time.sleep(0.2)
    (hold / "go").touch()
    for each in (first, *others):
        each.result(PATIENCE_S)

    assert 0.2 <= worker.busy_s <= time.monotonic() - began + 1


def test_what_a_library_prints_is_no_answer(stub):
    worker = stub()
    texts = ['print {"shape": [9, 9]}', "x"]

    assert worker.encode(texts).astype(np.float32) == pytest.approx(unit(texts), abs=1e-3)


def test_an_error_of_the_library_is_told_by_its_last_line(stub):
    worker = stub()
    with pytest.raises(EncoderError) as caught:
        worker.encode(["x", "raise no sums today"])

    assert str(caught.value) == (
        "the encoder's process ended with code 1: ArithmeticError: no sums today; what was "
        "committed before is kept, the same command continues"
    )


def test_a_process_killed_while_it_encodes_is_an_error_for_all_who_wait(stub, pool, hold):
    worker = stub()
    waiting = [held(pool, worker, hold), *[pool.submit(worker.encode, ["x"]) for _ in range(3)]]
    os.kill(pid_of(worker), signal.SIGKILL)
    for each in waiting:
        with pytest.raises(EncoderError, match="process ended with code -9: it said nothing; what"):
            each.result(PATIENCE_S)
    with pytest.raises(EncoderError, match="code -9"):
        worker.encode(["x"])


def test_a_process_killed_while_it_loads_is_an_error(stub, pool, hold):
    (hold / "wait").touch()
    worker = stub(str(hold), ready=False)
    waiting = pool.submit(worker.ready)
    os.kill(pid_of(worker), signal.SIGKILL)

    with pytest.raises(EncoderError, match="process ended with code -9"):
        waiting.result(PATIENCE_S)


def test_to_end_it_while_others_wait_is_no_hang(stub, pool, hold):
    worker = stub()
    waiting = [held(pool, worker, hold), *[pool.submit(worker.encode, ["x"]) for _ in range(3)]]
    pid = pid_of(worker)
    pool.submit(worker.close).result(PATIENCE_S)
    for each in waiting:
        with pytest.raises(EncoderError, match=r"ended with the run|has no process"):
            each.result(PATIENCE_S)

    assert not psutil.pid_exists(pid)


def test_to_end_it_while_it_loads_is_no_hang(stub, pool, hold):
    (hold / "wait").touch()
    worker = stub(str(hold), ready=False)
    waiting = pool.submit(worker.ready)
    pool.submit(worker.close).result(PATIENCE_S)

    with pytest.raises(EncoderError, match=r"ended with the run|has no process"):
        waiting.result(PATIENCE_S)


def test_an_ended_one_encodes_no_more_and_can_be_ended_again(stub):
    worker = stub()
    worker.close()
    worker.close()
    with pytest.raises(EncoderError, match="has no process"):
        worker.encode(["x"])


def test_one_that_never_started_has_nothing_to_end():
    worker = Worker("minilm")
    worker.close()

    with pytest.raises(EncoderError, match="has no process"):
        worker.ready()
    with pytest.raises(EncoderError, match="was ended with the run"):
        worker.start(dtype=None)
    assert not worker.started


def test_what_is_sent_may_be_larger_than_any_pipe(stub, pool):
    worker = stub()
    texts = [f"{number} " + "é" * 100_000 for number in range(20)]
    both = [pool.submit(worker.encode, texts) for _ in range(2)]

    assert [each.result(PATIENCE_S).shape for each in both] == [(20, WIDTH)] * 2


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_number_format_asked_for_is_taken(stub, dtype):
    assert stub(dtype=dtype).ready() == {"name": "encoder", "dtype": dtype, "device": "cpu"}


def test_ctrl_c_is_for_the_run_alone(stub):
    worker = stub()

    assert os.getsid(pid_of(worker)) != os.getsid(0)


PARENT = """
import sys, threading, time
from augment.embed.worker import Worker

worker = Worker(sys.argv[1])
worker.start(dtype="float32")
if sys.argv[2] != "loads":
    worker.ready()
if sys.argv[2] == "encodes":
    threading.Thread(target=worker.encode, args=([f"hold {sys.argv[1]}"],), daemon=True).start()
print(worker._process.handle.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("at_work", ["waits", "loads", "encodes"])
def test_it_ends_when_the_run_is_killed(stub, hold, at_work):
    if at_work == "loads":
        (hold / "wait").touch()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(hold), at_work], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.parent().pid == parent.pid
    if at_work == "encodes":
        until((hold / "begun").exists)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    (hold / "go").touch()
    (hold / "wait").unlink(missing_ok=True)

    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


IMPORTS = """
import sys
import augment.embed.{name}
print(sorted({{"torch", "transformers", "sentence_transformers"}} & {{*sys.modules}}))
"""


@pytest.mark.parametrize("name", ["encoder", "worker", "store", "seeds", "knowledge", "model"])
def test_torch_is_imported_by_the_process_alone(name):
    said = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(name=name)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == "[]\n"


def run_encoder(worker: Worker, folder: Path | None = None) -> RunEncoder:
    path = None if folder is None else folder / "vectors.db"
    return RunEncoder(worker, VectorStore(path, encoder="some/encoder"))


def test_a_run_embeds_each_text_once(stub):
    worker = stub()
    encoder = run_encoder(worker)
    texts = ["b", "a", "b", "b", "c"]
    first, again = encoder.encode(texts), encoder.encode(["c", "d", "a"])

    assert worker.texts == 4
    assert first == pytest.approx(unit(texts), abs=1e-3)
    assert again == pytest.approx(unit(["c", "d", "a"]), abs=1e-3)
    assert np.linalg.norm(first, axis=1) == pytest.approx(np.ones(5), abs=1e-6)


def test_thousands_of_texts_are_stored_as_they_come(stub, tmp_path):
    worker = stub()
    texts = [f"{number:05}" for number in range(2500)]
    encoder = run_encoder(worker, tmp_path)
    with pytest.raises(EncoderError, match="no sums"):
        encoder.encode([*texts, "raise no sums"])
    kept = VectorStore(tmp_path / "vectors.db", encoder="some/encoder").get(texts)

    assert 1024 <= len(kept) < 2500, "what was embedded before the death was not stored"
    again = stub()
    vectors = run_encoder(again, tmp_path).encode(texts)
    assert vectors == pytest.approx(unit(texts), abs=1e-3)
    assert again.texts == 2500 - len(kept)


def test_the_worker_is_started_by_the_first_unknown_text(stub, tmp_path):
    stub()
    first = Worker("some/encoder")
    encoder = run_encoder(first, tmp_path)
    assert not first.started
    made = encoder.encode(["a", "b"])
    assert first.started
    assert encoder.pieces(["a b ?"]) == {"pieces": 3, "unknown": 1}
    about, name = encoder.about, encoder.name
    first.close()

    second = Worker("some/encoder")
    resumed = run_encoder(second, tmp_path)
    assert np.array_equal(resumed.encode(["b", "a"]), made[::-1])
    assert (resumed.about, resumed.name) == (about, name)
    assert resumed.pieces(["other texts"]) == {"pieces": 3, "unknown": 1}
    assert not second.started, "a process was started for what the store knows"
    resumed.encode(["c"])
    assert second.started
    assert second.texts == 1
    second.close()


def test_a_later_session_goes_on_in_the_number_format_of_the_first(stub, tmp_path):
    encoder = run_encoder(stub(dtype="bfloat16"), tmp_path)
    encoder.ready()
    assert encoder.about["dtype"] == "bfloat16"
    second = Worker("some/encoder")
    resumed = run_encoder(second, tmp_path)
    resumed.encode(["a"])

    assert second.ready()["dtype"] == "bfloat16"
    second.close()


def test_threads_that_ask_first_start_one_process(stub, pool):
    stub()
    worker = Worker("some/encoder")
    encoder = run_encoder(worker)
    before = len(psutil.Process().children())
    start = threading.Barrier(4)

    def ask(number):
        start.wait()
        return encoder.encode([f"{number} x"])

    made = list(pool.map(ask, range(4)))
    assert len(psutil.Process().children()) == before + 1
    assert np.vstack(made) == pytest.approx(unit([f"{n} x" for n in range(4)]), abs=1e-3)
    worker.close()


class Zeros(Worker):
    """A worker whose encoder has nothing to say of a text, as one of static embeddings may."""

    @property
    def started(self):
        return True

    def ready(self):
        return {"name": "zeros", "dtype": "float32", "device": "cpu"}

    def encode(self, texts):
        return np.zeros((len(texts), 4), dtype=np.float16)


def test_a_text_of_which_the_encoder_says_nothing_is_zeros():
    assert np.array_equal(run_encoder(Zeros("zeros")).encode(["", "a"]), np.zeros((2, 4)))


def test_vectors_that_are_no_numbers_are_refused_and_not_stored(stub):
    store = VectorStore(None, encoder="stub")
    encoder = RunEncoder(stub(), store)
    with pytest.raises(EncoderError, match="gave vectors that are no numbers"):
        encoder.encode(["a text", "nan"])

    assert store.get(["a text", "nan"]) == {}
    assert encoder.encode(["a text"]).shape == (1, WIDTH), "other texts are encoded as before"
    store.close()
