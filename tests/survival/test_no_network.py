"""The default filters ask no network, at import or at work: whatever tries is noted and refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from augment_command import ended, left_in, started

SEEDS = Path(__file__).parents[2] / "examples" / "support_intents.csv"
HOOK = """
import os, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        with open(os.environ["ATTEMPTS"], "a") as file:
            file.write(f"{sys.argv} {event} {arguments[1:]}\\n")
        raise OSError("no network here")

sys.addaudithook(refuse)
"""
ROWS = (
    "my card is 4556 7375 8689 9855 and the charge is wrong",
    "you fucking bitch, shut the fuck up",
    "there is a fee of nine pounds that no one told me of",
)


@pytest.fixture
def blocked(tmp_path):
    """The environment of processes that can reach nothing, theirs and their children's."""
    folder = tmp_path / "hook"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK)
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "ATTEMPTS": str(tmp_path / "attempts")}


def test_whatever_asks_the_network_is_noted(blocked, tmp_path):
    command = "import socket; socket.create_connection(('127.0.0.1', 9))"
    asked = subprocess.run([sys.executable, "-P", "-c", command], env=blocked, check=False)
    assert asked.returncode == 1
    assert "socket.getaddrinfo" in (tmp_path / "attempts").read_text()


@pytest.mark.slow
def test_rows_are_checked_without_a_network(blocked, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "".join(f'{{"text": {json.dumps(t)}, "label": "wrong_charge"}}\n' for t in ROWS)
    )
    out = tmp_path / "out"
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("filters: {without: [agreement, similarity]}")  # both come before toxicity
    command = ("check", rows, "--seeds", SEEDS, "--encoder", "minilm", "--recipe", recipe)
    with started(*command, "--out", out, env=blocked) as process:
        done = ended(process)
    left = left_in(out)

    assert done.code == 0, done.err
    assert {row["text"]: row["reason"] for row in left.rejected} == {
        ROWS[0]: "pii",
        ROWS[1]: "toxicity",
    }
    assert not (tmp_path / "attempts").exists(), (tmp_path / "attempts").read_text()
