"""Fixtures for all tests: the misbehaving server, the public corpora, and hypothesis's profiles."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest

SERVER_FOLDER = Path(__file__).parent / "server"
sys.path.insert(0, str(SERVER_FOLDER))

for name, examples in (("default", 25), ("soak", 1000)):
    hypothesis.settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("soak" if os.environ.get("AUGMENT_SOAK") == "1" else "default")


def missing(reason: str) -> NoReturn:
    """Skip the test on a user's machine; fail it in CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing in CI: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(name="missing", scope="session")
def _missing() -> Callable[[str], NoReturn]:
    return missing


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the public corpora."""
    folder = os.environ.get("AUGMENT_CORPORA")
    if not folder:
        missing("AUGMENT_CORPORA does not name the folder of the public corpora")
    if not Path(folder).is_dir():
        missing(f"AUGMENT_CORPORA={folder} is not a folder")
    return Path(folder)


class OpenAIServer:
    """A running tests/server/openai_server.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER_FOLDER / "openai_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for pytest, which then ends the server
        )
        assert self._process.stdout is not None
        self.port: int = json.loads(self._process.stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def pid(self) -> int:
        return self._process.pid

    def stats(self) -> dict[str, Any]:
        """Return the counts so far; README.md in the server's folder explains them."""
        return self._call("GET", "/stats")

    def control(self, **config: Any) -> None:
        """Change the configuration.

        Raises:
            ValueError: the server does not know a name, or a value is not allowed.
        """
        self._call("POST", "/control", json.dumps(config))

    def _call(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            with connection.getresponse() as answer:
                found = json.load(answer)
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(found["error"]["message"])
        return found

    def kill(self) -> None:
        """End the process at once and for good."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(name="recipe")
def _recipe(tmp_path: Path) -> dict[str, Any]:
    """A run of a second that needs nothing."""
    return {
        "engine": "seedlm",
        "model": "ngram",
        "encoder": "ngram",
        "per_label": 2,
        "out": str(tmp_path / "out"),
    }


@pytest.fixture
def openai_server() -> Iterator[Callable[..., OpenAIServer]]:
    """Return a function that starts servers, `openai_server(error_500=0.2)`."""
    running: list[OpenAIServer] = []

    def start(**config: Any) -> OpenAIServer:
        server = OpenAIServer()
        running.append(server)
        server.control(**config)
        return server

    yield start
    for server in running:
        server.kill()
