"""An executable in the place of vLLM's, which starts, dies and complains as it is told.

    FAKE_VLLM='{"die_after_answers": 20}' python -I -m vllm... --host H --port N ...

Like the real one it is three processes, of which two heed no SIGTERM. The folder FAKE_VLLM_STATE
gets a line in `starts` for each start (the ids of the three), and its words and variables in
`told.json`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from openai_faults import Config, Reply
from openai_server import Connection, Server


@dataclass(frozen=True)
class Told:
    """What it is to do.

    Attributes:
        say: on standard error, at the start.
        exit: at once, with this code; `exit_again` from the second start on.
        never_ready: /health is refused for ever.
        sick_after_answers: from then on /health and every call say HTTP 500.
        die_after_answers: at the first start it then kills itself; `die_always` at every start.
    """

    say: str = ""
    exit: int | None = None
    exit_again: int | None = None
    never_ready: bool = False
    sick_after_answers: int | None = None
    die_after_answers: int | None = None
    die_always: bool = False
    latency_ms: int = 5


class Fake(Server):
    """The tests' server, with the health of vLLM's."""

    def __init__(self, told: Told, *, first: bool, port: int, model: str) -> None:
        super().__init__(
            Config(latency_ms=told.latency_ms, models=(model,), prefix_hits=0.5), port=port
        )
        self._told = told
        self._first = first
        self._calls = 0

    def route(self, connection: Connection, head: bytes, body: bytes) -> None:
        told = self._told
        self._calls += head.startswith(b"POST")
        most = told.sick_after_answers
        sick = self._first and most is not None and self._calls > most
        if sick or head.startswith(b"GET /health"):
            connection.send(Reply("health", 500 if sick else 200, b"{}"))
            return
        mortal = self._first or told.die_always
        if told.die_after_answers is not None and mortal and self._calls > told.die_after_answers:
            os.kill(os.getpid(), signal.SIGKILL)
        super().route(connection, head, body)


def _stubborn() -> subprocess.Popen[bytes]:
    """Start an engine with a worker, neither heeding SIGTERM nor its parent's death."""
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "child = os.fork(); child and print(child, flush=True); time.sleep(600)"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


def _starts(state: Path) -> int:
    path = state / "starts"
    return len(path.read_text("ascii").splitlines()) if path.exists() else 0


async def _serve(told: Told, *, first: bool, port: int, model: str) -> None:
    await Fake(told, first=first, port=port, model=model).listen()
    await asyncio.Event().wait()


def main() -> None:
    told = Told(**json.loads(os.environ.get("FAKE_VLLM", "{}")))
    state = Path(os.environ["FAKE_VLLM_STATE"])
    state.mkdir(exist_ok=True)
    words = sys.argv[1:]
    first = _starts(state) == 0
    engine = _stubborn()
    assert engine.stdout is not None
    worker = int(engine.stdout.readline())
    with (state / "starts").open("a") as file:
        file.write(f"{os.getpid()} {engine.pid} {worker}\n")
    (state / "told.json").write_text(json.dumps({"words": words, "environ": dict(os.environ)}))
    sys.stderr.write(told.say)
    sys.stderr.flush()
    code = told.exit if first else told.exit_again
    if code is not None:
        os._exit(code)
    if told.never_ready:
        time.sleep(600)
    port, model = (words[words.index(name) + 1] for name in ("--port", "--served-model-name"))
    asyncio.run(_serve(told, first=first, port=int(port), model=model))


if __name__ == "__main__":
    main()
