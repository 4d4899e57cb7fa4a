"""A run's folder: who may hold it, whether a run may continue it, and the rows it is left with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from augment.answers import row_id, rows_of
from augment.errors import InputError, InputFault
from augment.formats.write import write_text, writing_jsonl
from augment.journal import SqliteJournal
from augment.protocols import Task
from augment.records import Arrival, Ask, Candidate, Decision, Fault, Json, place_of

JOURNAL = "journal.db"
_LOCK = ".lock"
_DIGEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How the rows of a run are made, as far as it is the same for all of them.

    Attributes:
        templates: name and digest of each strategy's template.
        engineless: strategies whose rows no engine writes.
        attributes: those of which an ask may draw a value; each then stands on every row.
        given: ids of the given texts by place, where texts were given labels; each row then names
            its text, and how sure the engine was.
    """

    engine: str
    model: str
    templates: Mapping[str, Mapping[str, str | None]]
    engineless: frozenset[str] = frozenset()
    attributes: Sequence[str] = ()
    given: Sequence[str] | None = None

    def provenance(self, ask: Ask, key: str, *, probability: float | None) -> dict[str, Json]:
        """Return what a row says of its own making."""
        template = self.templates[ask.strategy]
        drawn: dict[str, Json] = {name: ask.attributes.get(name) for name in self.attributes}
        own: dict[str, Json] = {"attributes": drawn} if drawn else {}
        if self.given is not None:
            given = self.given[place_of(ask.number, rows=len(self.given))]
            own |= {"given": given, "probability": probability}
        return {
            "strategy": ask.strategy,
            "template": template["name"],
            "template_digest": template["digest"],
            "engine": None if ask.strategy in self.engineless else self.engine,
            "model": None if ask.strategy in self.engineless else self.model,
            "request_key": key,
            "seed_ids": list(ask.exemplars),
            "ask": ask.number,
            **own,
        }


@contextlib.contextmanager
def held(path: Path, *, clock: Callable[[], float]) -> Generator[SqliteJournal]:
    """Hold a run's folder, new or old, and open its journal.

    Raises:
        InputError: another process holds it, or it is not a run's folder.
        JournalError: the journal cannot be used.
    """
    _refuse_strangers(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / _LOCK)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError.one(str(path), "another run is at work in this folder") from error
    except OSError as error:
        raise InputError.one(str(path), f"cannot be used as a run's folder: {error}") from error
    try:
        journal = SqliteJournal(path / JOURNAL, clock=clock)
        try:
            yield journal
        except BaseException:
            journal.abandon()
            raise
        journal.close()
    finally:
        lock.release()


def _refuse_strangers(path: Path) -> None:
    """Refuse a folder with files of somebody else's: we would write over README.md."""
    try:
        names = {entry.name for entry in path.iterdir()} if path.exists() else set[str]()
    except OSError as error:
        raise InputError.one(str(path), f"cannot be used as a run's folder: {error}") from error
    if names - {_LOCK} and not any(name.startswith(JOURNAL) for name in names):
        raise InputError.one(
            str(path), f"holds {sorted(names)[0]!r} but no run; choose an empty or new --out"
        )


def continue_or_refuse(
    journal: SqliteJournal,
    facts: Mapping[str, Json],
    *,
    where: Path,
    differences: Callable[[Mapping[str, Json]], list[str]],
) -> None:
    """Write the facts of a run into a new journal, or hold them against those of an old one.

    Args:
        journal: of the folder.
        facts: what the rows depend on: `recipe` and whatever else must not change.
        where: the folder, for messages.
        differences: says how an old recipe and ours differ where they may not.

    Raises:
        InputError: the run in the folder is another one; every difference is listed.
    """
    before = journal.header()
    if "facts" in before:
        old = json.loads(before["facts"])
        found = [
            f"{name}: was {_short(old.get(name))}, now {_short(value)}"
            for name, value in facts.items()
            if name != "recipe" and old.get(name) != value
        ]
        found += differences(old.get("recipe", {}))
        if found:
            head = "holds another run: choose another --out, delete it, or use the same settings"
            what = [head, *found]
            raise InputError([InputFault(where=str(where), what=text) for text in what])
    journal.write_header({"facts": json.dumps(facts, ensure_ascii=False)})


def _short(value: Json) -> str:
    """Return a digest's beginning, and anything else as it is."""
    return f"{value[:12]}..." if isinstance(value, str) and len(value) == _DIGEST else repr(value)


Round = tuple[Arrival, tuple[Candidate | Fault, ...], tuple[Decision, ...]]


def rounds(journal: SqliteJournal, task: Task[Any]) -> Iterator[Round]:
    """Yield each arrival with its rows and their decisions; these are none before it is judged."""
    for arrival, decisions in journal.replay():
        yield arrival, rows_of(task, arrival), decisions


def written(path: Path, journal: SqliteJournal, *, task: Task[Any], made: Made) -> Generator[Round]:
    """Yield each round, and write its rows into accepted.jsonl and rejected.jsonl on the way.

    The files are there, each whole, after the last round; not at all if they are not all taken.
    """
    with (
        writing_jsonl(path / "accepted.jsonl") as accept,
        writing_jsonl(path / "rejected.jsonl") as reject,
    ):
        for arrival, rows, decisions in rounds(journal, task):
            for row, decision in zip(rows, decisions, strict=bool(decisions)):
                add = accept if decision.accepted else reject
                add(_line_of(arrival, row, decision, task=task, made=made))
            yield arrival, rows, decisions


def write_json(path: Path, value: Mapping[str, Json]) -> None:
    """Write a JSON file that people may read, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=True, indent=1) + "\n")


def row_of(candidate: Candidate, *, task: Task[Any], made: Made) -> dict[str, Json]:
    """Return a row as its file has it."""
    provenance = made.provenance(candidate.ask, candidate.key, probability=candidate.probability)
    example = candidate.example
    return {**task.fields(example), "id": example.id, "provenance": provenance}


def _line_of(
    arrival: Arrival, row: Candidate | Fault, decision: Decision, *, task: Task[Any], made: Made
) -> dict[str, Json]:
    """Return a row as its file has it, with the reason where it was rejected."""
    if not isinstance(row, Candidate):
        unfinished = task.unfinished(arrival.ask, text=row.text, text_pair=row.text_pair)
        row = Candidate(
            example=replace(unfinished, id=row_id(arrival.key, decision.index)),
            ask=arrival.ask,
            key=arrival.key,
            index=decision.index,
        )
    line = row_of(row, task=task, made=made)
    if decision.accepted:
        return line
    verdict = decision.rejection
    return line | {
        "filter": verdict.filter,
        "score": None if verdict.score is None else float(verdict.score),
        "threshold": None if verdict.threshold is None else float(verdict.threshold),
        "reason": verdict.reason,
        "detail": verdict.detail,
    }
