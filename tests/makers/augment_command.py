"""The `augment` command for tests: in this process, in its own, and the folder it leaves."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.cli import main

COMMAND = str(Path(sys.executable).with_name("augment"))
LONGEST_S = 120
SOAK = os.environ.get("AUGMENT_SOAK") == "1"

STORM = {
    "refuse_forever": 0.01 if SOAK else 0.05,  # one at least, also of few prompts
    "error_500": 0.2,
    "error_429": 0.1,
    "reset": 0.05,
    "hang": 0.02,
    "junk": 0.1,
    "null_content": 0.03,
    "wrong_label": 0.03,
}
"""The server's configuration that every quota has to survive."""

_PROVENANCE = {
    "strategy": str, "template": str, "template_digest": str, "engine": str, "model": str,
    "request_key": str, "seed_ids": list, "ask": int,
}  # fmt: skip
_REJECTION = {"filter": str, "score": float, "threshold": float, "reason": str, "detail": str}
_NULLABLE = {
    "score", "threshold", "detail", "text_pair", "template", "template_digest", "engine", "model",
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended; no ending of it may show a traceback."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.out + self.err, self.err


def _settled(arguments: Sequence[object]) -> list[str]:
    """Spare tests the seconds of loading an encoder or a model, unless they name one."""
    words = [str(each) for each in arguments]
    embeds = words[:1] in (["run"], ["check"], ["preview"]) or words[:2] == ["prompts", "render"]
    if embeds and "--encoder" not in words:
        words += ["--encoder", "ngram"]
    writes = words[:1] in (["run"], ["preview"])
    if writes and not {"--endpoint", "--engine", "--model", "--recipe", "--serve"}.intersection(
        words
    ):
        words += ["--model", "ngram"]
    return words


def here(*arguments: object) -> Ended:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(_settled(arguments))
        except SystemExit as ending:  # argparse's
            code = int(ending.code or 0)
    return Ended(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def started(*arguments: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start the command in a process of its own, which does not outlive the block."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        [COMMAND, *_settled(arguments)],
        text=True,
        start_new_session=True,
        **{**pipes, **options},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LONGEST_S)


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a started command."""
    out, err = process.communicate(timeout=LONGEST_S)
    return Ended(process.returncode, out or "", err or "")


def alone(*arguments: object) -> Ended:
    """Run the command in a process of its own."""
    with started(*arguments) as process:
        return ended(process)


def killed(process: subprocess.Popen[str]) -> None:
    """End it with kill -9; nothing else may have ended it but success."""
    process.kill()
    _, err = process.communicate(timeout=LONGEST_S)
    assert process.returncode in {0, -signal.SIGKILL}, err


@contextlib.contextmanager
def meanwhile(condition: Callable[[], bool], act: Callable[[], object]) -> Iterator[None]:
    """Act in another thread once something holds, while the block runs."""

    def wait() -> None:
        until(condition)
        act()

    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(wait)
        yield
        acting.result(timeout=LONGEST_S)


def until(condition: Callable[[], bool], *, within_s: float = 60.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {within_s} s"
        time.sleep(0.01)


# Seeds ------------------------------------------------------------------------------------------

_NOUNS = (
    "lamp", "kettle", "ticket", "river", "window", "carpet", "bicycle", "garden", "letter",
    "hammer", "piano", "market",
)  # fmt: skip
_VERBS = (
    "broke", "vanished", "arrived", "stopped", "leaked", "rang", "melted", "turned", "faded",
    "opened",
)  # fmt: skip


def seed_rows(labels: Iterable[str] = ("alpha", "beta", "gamma"), *, each: int = 5) -> list[Any]:
    """Seeds of distinct words, `each` for every label."""
    count = len(_NOUNS)
    return [
        {
            "text": f"the {_NOUNS[(7 * n + at) % count]} of ours {_VERBS[(3 * n + at) % 10]} near "
            f"the {_NOUNS[(5 * n + 2 * at + 1) % count]} number {n}{at} today",
            "label": label,
        }
        for n, label in enumerate(labels)
        for at in range(each)
    ]


def seeds_file(folder: Path, rows: Iterable[Mapping[str, Any]] | None = None) -> Path:
    """Write seeds as JSONL."""
    path = folder / "seeds.jsonl"
    lines = (json.dumps(row) for row in (seed_rows() if rows is None else rows))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


# The folder -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """What a run left: rows that were parsed line by line, and the report's figures."""

    accepted: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    report: dict[str, Any]

    def per_label(self) -> Counter[str]:
        """Accepted rows that carry each label."""
        labels = (row["label"] for row in self.accepted)
        return Counter(x for each in labels for x in ([each] if isinstance(each, str) else each))

    def reasons(self) -> Counter[str]:
        """Rejected rows by reason."""
        return Counter(row["reason"] for row in self.rejected)


def left_in(out: Path) -> Left:
    """Read a run's folder, and hold it against what every such folder promises."""
    accepted, rejected = rows_in(out / "accepted.jsonl"), rows_in(out / "rejected.jsonl")
    report = json.loads((out / "report.json").read_text("utf-8"))
    _check_fields(accepted, {"text": str, "id": str, "provenance": dict})
    _check_fields(rejected, {"text": str, "id": str, "provenance": dict, **_REJECTION})
    ids = [row["id"] for row in accepted + rejected]
    assert len(set(ids)) == len(ids), "an id stands on two rows"
    counts = report["counts"]
    assert counts["accepted"] == len(accepted)
    assert counts["rejected"] == len(rejected)
    assert counts["candidates"] + counts["none"] == len(accepted) + len(rejected)
    for name in ("report.html", "README.md", "manifest.json", "journal.db"):
        assert (out / name).stat().st_size > 0
    return Left(accepted, rejected, report)


def rows_in(path: Path) -> list[dict[str, Any]]:
    """Read JSONL as strictly as any reader might: in UTF-8, a row a line, no other line ends."""
    text = path.read_bytes().decode("utf-8")
    lines = text.split("\n")
    assert lines.pop() == ""
    assert lines == text.splitlines()
    return [json.loads(line) for line in lines]


def _check_fields(rows: list[dict[str, Any]], fields: Mapping[str, type]) -> None:
    for row in rows:
        assert row.keys() == rows[0].keys(), "a field is missing somewhere"
        assert row.keys() - {"text_pair"} == {*fields, "label"}
        assert isinstance(row["label"], type(rows[0]["label"]))
        assert row["provenance"].keys() == _PROVENANCE.keys()
        for held, kinds in ((row, fields), (row["provenance"], _PROVENANCE)):
            for name, kind in kinds.items():
                assert type(held[name]) is kind or (name in _NULLABLE and held[name] is None), name
        assert re.fullmatch(r"[0-9a-f]{16}-\d+", row["id"])


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder; empty where there is none."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
