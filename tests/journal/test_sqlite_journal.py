"""The journal: what is committed comes back, whatever happens to the process or the file."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import JournalError
from augment.journal import SqliteJournal
from augment.records import (
    Ask,
    Completion,
    Decision,
    Failure,
    TokenLogprob,
    Verdict,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def opened(folder: Path, start: float = 1_000_000.0) -> SqliteJournal:
    clock = itertools.count(start, 0.5)
    return SqliteJournal(folder / "journal.db", clock=lambda: next(clock))


def an_ask(number: int, label: str = "card") -> Ask:
    return Ask(number=number, strategy="fewshot", labels=(label,), exemplars=("s1", "s2"))


def filled(folder: Path, rows: int, *, closed: bool = True) -> dict[int, tuple[object, object]]:
    """Record `rows` answers with decisions, a commit after each, and return what must come back.

    Where it is not closed, the folder holds what a killed process leaves.
    """
    work = folder.with_name("work")
    work.mkdir()
    journal = opened(work)
    journal.write_header({"facts": "{}"})
    journal.begin_session()
    for number in range(rows):
        journal.plan([(an_ask(number), f"{number:064d}")])
        completion = Completion(text=f'{{"text": "row {number} {"x" * (number % 700)}"}}')
        arrival = journal.arrive(an_ask(number), f"{number:064d}", completion)
        journal.commit()
        verdict = Verdict(filter="length", outcome="passed", score=float(number))
        journal.decide(
            [Decision(arrival=arrival.number, index=0, accepted=True, verdicts=(verdict,))]
        )
    journal.commit()
    found = {arrival.number: (arrival, decisions) for arrival, decisions in journal.replay()}
    if closed:
        journal.close()
    shutil.copytree(work, folder)
    if not closed:
        journal.close()
    return found


@given(
    text=ANY_TEXT,
    reasoning=st.none() | ANY_TEXT,
    finish=st.sampled_from(["stop", "length", "content_filter", "other"]),
    tokens=st.none() | st.integers(0, 2**40),
    logprob=st.none() | st.floats(max_value=0, allow_nan=False, allow_infinity=False),
    attributes=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)
def test_every_answer_comes_back_as_it_was(
    tmp_path_factory, text, reasoning, finish, tokens, logprob, attributes
):
    journal = opened(tmp_path_factory.mktemp("journal"))
    ask = Ask(
        number=7,
        strategy="paraphrase",
        labels=("a", "b"),
        attributes=attributes,
        instructions="be brief",
        k=3,
    )
    outcome = Completion(
        text=text,
        reasoning=reasoning,
        finish=finish,
        prompt_tokens=tokens,
        completion_tokens=tokens,
        logprobs=None
        if logprob is None
        else (TokenLogprob(token="t", logprob=logprob, top={"u": -1.5}),),
        calls=2,
    )
    journal.plan([(ask, "k" * 64)])
    arrival = journal.arrive(ask, "k" * 64, outcome)
    journal.commit()

    assert list(journal.replay()) == [(arrival, ())]
    journal.close()


def test_failures_and_decisions_come_back_in_order(tmp_path):
    journal = opened(tmp_path)
    for number in range(3):
        journal.plan([(an_ask(number), f"k{number}")])
    failure = Failure(code="refused", detail="HTTP 400: \ud800", calls=1)
    second = journal.arrive(an_ask(1), "k1", failure)
    first = journal.arrive(an_ask(0), "k0", Completion(text="x"))
    verdicts = (
        Verdict(filter="leak", outcome="abstained", reason="no_holdout"),
        Verdict(filter="copy", outcome="rejected", score=0.9, threshold=0.7, reason="copy_of_seed"),
    )
    rejected = Decision(arrival=second.number, index=0, accepted=False, verdicts=verdicts)
    accepted = Decision(arrival=first.number, index=0, accepted=True, verdicts=verdicts[:1])
    journal.decide([rejected, accepted])

    assert list(journal.replay()) == [(second, (rejected,)), (first, (accepted,))]
    assert rejected.rejection.reason == "copy_of_seed"
    assert journal.unanswered() == [(an_ask(2), "k2")]
    assert journal.next_ask() == 3
    journal.close()


@given(
    band=st.none() | st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    score=st.none() | st.floats(-1, 1),
)
def test_a_band_comes_back_with_its_verdict(tmp_path_factory, band, score):
    journal = opened(tmp_path_factory.mktemp("journal"))
    journal.plan([(an_ask(0), "k")])
    arrival = journal.arrive(an_ask(0), "k", Completion(text="x"))
    verdict = Verdict(filter="similarity", outcome="passed", score=score, band=band)
    decision = Decision(arrival=arrival.number, index=0, accepted=True, verdicts=(verdict,) * 2)
    journal.decide([decision])

    ((_, decisions),) = journal.replay()
    assert decisions == (decision,)
    assert band is None or isinstance(decisions[0].verdicts[0].band, tuple)
    journal.close()


def test_verdicts_of_before_there_were_bands_are_read(tmp_path):
    journal = opened(tmp_path)
    journal.write_header({})
    journal.plan([(an_ask(0), "k")])
    arrival = journal.arrive(an_ask(0), "k", Completion(text="x"))
    verdict = Verdict(filter="copy", outcome="rejected", score=0.9, threshold=0.7, reason="copy")
    journal.decide([Decision(arrival=arrival.number, index=0, accepted=False, verdicts=(verdict,))])
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        old = '[["length","passed",12.0,null,null,null],["copy","rejected",0.9,0.7,"copy","s1"]]'
        db.execute("UPDATE decisions SET verdicts = ?", [old])
    db.close()

    again = opened(tmp_path)
    ((_, (decision,)),) = again.replay()
    assert [own.filter for own in decision.verdicts] == ["length", "copy"]
    assert [own.band for own in decision.verdicts] == [None, None]
    assert decision.rejection == replace(verdict, detail="s1")
    again.close()


def test_a_verdict_without_a_band_is_written_as_before_there_were_bands(tmp_path):
    journal = opened(tmp_path)
    journal.plan([(an_ask(0), "k")])
    arrival = journal.arrive(an_ask(0), "k", Completion(text="x"))
    verdict = Verdict(filter="length", outcome="passed", score=12.0)
    journal.decide([Decision(arrival=arrival.number, index=0, accepted=True, verdicts=(verdict,))])
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        ((written,),) = db.execute("SELECT verdicts FROM decisions").fetchall()
    db.close()

    assert written == '[["length","passed",12.0,null,null,null]]'


def test_an_answer_comes_back_with_its_server_and_what_was_asked_in_the_end(tmp_path):
    journal = opened(tmp_path)
    journal.plan([(an_ask(0), "k0"), (an_ask(1), "k1")])
    shorter = replace(an_ask(1), exemplars=("s1",), shortened=True)
    outcomes = [
        journal.arrive(an_ask(0), "k0", Completion(text="x", server="http://a/v1")),
        journal.arrive(shorter, "other", Failure(code="prompt_too_long", detail="d")),
    ]

    assert [arrival for arrival, _ in journal.replay()] == outcomes
    journal.close()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_journal_of_before_there_were_servers_goes_on(tmp_path, damaged):
    journal = opened(tmp_path)
    journal.write_header({"schema_version": "1"})
    journal.plan([(an_ask(number), f"k{number}") for number in range(2)])
    before = journal.arrive(an_ask(0), "k0", Completion(text="x"))
    journal.close()
    path = tmp_path / "journal.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE arrivals DROP COLUMN shortened")
        db.execute("ALTER TABLE arrivals DROP COLUMN server")
        db.execute("ALTER TABLE asks DROP COLUMN avoid")
        db.commit()
    if damaged:
        path.write_bytes(b"SQLite format 4\0" + path.read_bytes()[16:])

    journal = opened(tmp_path)  # to look at: nothing is changed before the run is accepted
    with contextlib.closing(sqlite3.connect(path)) as db:
        columns = {name for _, name, *_ in db.execute("PRAGMA table_info(arrivals)")}
    assert damaged or "server" not in columns
    journal.write_header({})
    after = journal.arrive(an_ask(1), "k1", Completion(text="y", server="http://a/v1"))
    assert [arrival for arrival, _ in journal.replay()] == [before, replace(after, at=after.at)]
    assert journal.header()["schema_version"] == "4"
    journal.close()


def test_numbers_go_on_where_the_last_session_ended(tmp_path):
    journal = opened(tmp_path)
    journal.plan([(an_ask(0), "k0"), (an_ask(1), "k1")])
    journal.arrive(an_ask(0), "k0", Completion(text="x"))
    journal.close()

    again = opened(tmp_path)
    assert again.arrive(an_ask(1), "k1", Completion(text="y")).number == 2
    assert [ask.number for ask, _ in again.unanswered()] == []
    again.close()


def test_a_killed_session_ends_with_its_last_arrival(tmp_path):
    journal = opened(tmp_path)
    journal.begin_session()  # at 1,000,000.0
    journal.plan([(an_ask(0), "k")])
    journal.arrive(an_ask(0), "k", Completion(text="x"))  # at .5
    journal.commit()
    journal.abandon()
    again = opened(tmp_path, start=2_000_000.0)
    again.begin_session()
    again.end_session()

    assert again.sessions()[0] == (1_000_000.0, 1_000_000.5)
    again.close()


@pytest.mark.parametrize(
    ("part", "closed"), [("journal.db", False), ("journal.db-wal", False), ("journal.db", True)]
)
def test_a_file_cut_at_any_byte_gives_back_rows_as_they_were(tmp_path, part, closed, caplog):
    whole = tmp_path / "whole"
    rows = filled(whole, 1500, closed=closed)
    size = (whole / part).stat().st_size
    cuts = [0, 1, 99, 100, 4095, 4096, 20_000, size // 3, size // 2, size - 4097, size - 1]
    kept: list[int] = []
    for cut in sorted(cuts):
        copy = tmp_path / f"cut-{cut}"
        shutil.copytree(whole, copy)
        os.truncate(copy / part, cut)
        journal = opened(copy)
        found = {arrival.number: (arrival, own) for arrival, own in journal.replay()}
        for number, (arrival, decisions) in found.items():
            assert arrival == rows[number][0]
            assert decisions in {(), rows[number][1]}
        kept.append(len(found))
        journal.begin_session()  # it can be written again
        journal.close()
        shutil.rmtree(copy)
    assert kept == sorted(kept)
    assert kept[-1] >= 1450
    if part == "journal.db":
        assert "is kept as journal.db.damaged-1" in caplog.text


def test_salvage_finds_at_least_the_rows_before_the_cut(tmp_path):
    whole = tmp_path / "whole"
    rows = filled(whole, 4000)
    os.truncate(whole / "journal.db", (whole / "journal.db").stat().st_size // 2)
    journal = opened(whole)

    assert len(list(journal.replay())) >= 0.45 * len(rows)
    journal.close()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 300, bytes(8192)])
def test_a_file_that_is_no_journal_is_set_aside(tmp_path, content, caplog):
    (tmp_path / "journal.db").write_bytes(content)
    journal = opened(tmp_path)

    assert list(journal.replay()) == []
    assert (tmp_path / "journal.db.damaged-1").read_bytes() == content
    assert "0 answers and 0 decisions were saved" in caplog.text
    journal.close()


def test_a_row_larger_than_a_page_is_salvaged(tmp_path):
    journal = opened(tmp_path)
    journal.write_header({})
    long = "ä" * 1_000_000
    journal.plan([(an_ask(0), "k")])
    arrival = journal.arrive(an_ask(0), "k", Completion(text=long))
    journal.close()
    path = tmp_path / "journal.db"
    with path.open("r+b") as file:  # a header that claims more pages than there are
        file.seek(28)
        file.write((10**6).to_bytes(4, "big"))
    again = opened(tmp_path)

    assert list(again.replay()) == [(arrival, ())]
    again.close()


def test_a_later_version_is_refused(tmp_path):
    journal = opened(tmp_path)
    journal.write_header({})
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("UPDATE run SET value = '99' WHERE name = 'schema_version'")
    db.close()

    with pytest.raises(JournalError, match=r"journal\.db: written by a later version \(schema 99"):
        opened(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_journal_error(tmp_path):
    with pytest.raises(JournalError, match="what was committed before is kept"):
        SqliteJournal(tmp_path / "missing" / "journal.db", clock=lambda: 0.0)


COMMITTER = """
import sys, time
from pathlib import Path
from augment.journal import SqliteJournal
from augment.records import Ask, Completion

journal = SqliteJournal(Path(sys.argv[1]) / "journal.db", clock=time.time)
for number in range(10**6):
    ask = Ask(number=number, strategy="fewshot", labels=("x",))
    journal.plan([(ask, str(number))])
    journal.arrive(ask, str(number), Completion(text=f"row {number}"))
    journal.commit()
    print(number, flush=True)
"""


def test_what_was_committed_survives_kill_9(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", COMMITTER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 300:
            break
    process.send_signal(signal.SIGKILL)
    said = [int(line) for line in process.stdout.read().split()]
    process.wait()
    journal = opened(tmp_path)
    texts = [arrival.outcome.text for arrival, _ in journal.replay()]

    assert texts[: max(said, default=300) + 1] == [
        f"row {n}" for n in range(max(said, default=300) + 1)
    ]
    assert len(texts) <= max(said, default=300) + 3
    journal.close()
    process.stdout.close()
