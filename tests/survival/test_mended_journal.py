"""What is saved of a damaged journal is saved whole, and nothing on the way can cost it."""

from __future__ import annotations

import itertools
import os
import shutil

import pytest

from augment.journal import SqliteJournal
from augment.records import Ask, Completion, Decision, Verdict

ROWS = 4


def opened(folder):
    ticks = itertools.count(1_000_000.0, 0.5)
    return SqliteJournal(folder / "journal.db", clock=lambda: next(ticks))


@pytest.fixture
def whole(tmp_path):
    """A closed journal of 400 answers with four rows each."""
    folder = tmp_path / "whole"
    folder.mkdir()
    journal = opened(folder)
    journal.write_header({"facts": "{}"})
    passed = (Verdict(filter="length", outcome="passed", score=12.0),)
    for number in range(400):
        ask = Ask(number=number, strategy="fewshot", labels=("card",), k=ROWS)
        journal.plan([(ask, f"{number:064d}")])
        arrival = journal.arrive(ask, f"{number:064d}", Completion(text=f"row {number}"))
        journal.decide(
            Decision(arrival=arrival.number, index=index, accepted=True, verdicts=passed)
            for index in range(ROWS)
        )
        if number % 7 == 0:
            journal.commit()
    journal.close()
    return folder


def test_of_an_answers_decisions_all_are_saved_or_none(whole, tmp_path):
    pages = (whole / "journal.db").stat().st_size // 4096
    saved = []
    for page in range(2, pages, 3):
        copy = tmp_path / f"cut-{page}"
        shutil.copytree(whole, copy)
        os.truncate(copy / "journal.db", page * 4096)
        journal = opened(copy)
        counts = [len(decisions) for _, decisions in journal.replay()]
        journal.close()
        assert set(counts) <= {0, ROWS}, f"cut after page {page}"
        saved.append(sum(counts))

    assert saved[-1] > 300 * ROWS


@pytest.mark.parametrize("with_log", [False, True])
def test_a_crash_before_the_saved_journal_takes_its_place_costs_nothing(whole, tmp_path, with_log):
    (whole / "journal.db").rename(whole / "journal.db.saved")
    (whole / "journal.db.damaged-1").write_bytes(b"what was damaged")
    if with_log:  # a whole one, which SQLite would take for that of the saved journal
        damaged = opened(tmp_path)
        damaged.write_header({"facts": "of the damaged one"})
        shutil.copy(tmp_path / "journal.db-wal", whole)
        damaged.close()
    journal = opened(whole)

    assert len(list(journal.replay())) == 400
    assert journal.header()["facts"] == "{}"
    journal.close()
    assert not (whole / "journal.db.saved").exists()


def test_a_saved_journal_that_was_not_finished_is_begun_again(whole):
    size = (whole / "journal.db").stat().st_size
    os.truncate(whole / "journal.db", size - 1)
    (whole / "journal.db.saved").write_bytes(b"the beginning of")
    journal = opened(whole)

    assert len(list(journal.replay())) >= 380
    journal.close()
    assert (whole / "journal.db.damaged-1").stat().st_size == size - 1


def test_a_file_that_its_log_completes_is_no_damage(whole, caplog):
    """A crash between the first and the last page of a log that is carried over leaves this."""
    journal = opened(whole)
    log_holder = opened(whole)  # while it is open, the log stays
    for number in range(400, 700):
        ask = Ask(number=number, strategy="fewshot", labels=("card",))
        journal.plan([(ask, f"{number:064d}")])
        journal.arrive(ask, f"{number:064d}", Completion(text=f"row {number}" * 20))
    journal.commit()
    crashed = whole.with_name("crashed")
    shutil.copytree(whole, crashed)
    journal.close()
    log_holder.close()
    with (whole / "journal.db").open("rb") as file:
        first_page = file.read(4096)
    with (crashed / "journal.db").open("r+b") as file:
        file.write(first_page)
    again = opened(crashed)

    assert len(list(again.replay())) == 700
    assert caplog.text == ""
    again.close()
