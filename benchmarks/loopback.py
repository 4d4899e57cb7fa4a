"""The tests' server on loopback, for benchmarks: it answers at once or after a fixed time."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_SERVER = ROOT / "tests" / "server" / "openai_server.py"


@contextlib.contextmanager
def server(latency_ms: float = 0.0, **config: object) -> Iterator[str]:
    """Run the server, configured so, and give its address."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(_SERVER),
            "--config",
            json.dumps({"latency_ms": latency_ms, **config}),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}/v1"
    finally:
        process.kill()
        process.communicate()
