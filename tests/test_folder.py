"""A run's folder: who may hold it, what may continue it, and the rows that are written."""

from __future__ import annotations

import itertools
import json
import threading

import pytest
from augment_command import digests, rows_in
from small_runs import SmallRun, answer, seed_set

from augment import folder
from augment.errors import InputError, JournalError
from augment.records import Completion, Failure


def held(path):
    ticks = itertools.count(1_000_000.0)
    return folder.held(path, clock=lambda: next(ticks))


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    with held(tmp_path / "a" / "b") as journal:
        assert journal.header() == {}
    assert (tmp_path / "a" / "b" / "journal.db").exists()


def test_only_one_may_hold_a_folder_at_a_time(tmp_path):
    refused = []

    def second():
        try:
            with held(tmp_path):
                pass
        except InputError as error:
            refused.append(str(error))

    with held(tmp_path):
        other = threading.Thread(target=second)
        other.start()
        other.join()
    with held(tmp_path):
        pass

    assert refused == [f"{tmp_path}: another run is at work in this folder"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, JournalError])
def test_whatever_ends_the_block_the_folder_is_free_again(tmp_path, error):
    with pytest.raises(error), held(tmp_path):
        raise error
    assert "journal-flush" not in {thread.name for thread in threading.enumerate()}
    with held(tmp_path) as journal:
        assert journal.next_ask() == 0


@pytest.mark.parametrize("name", ["README.md", "accepted.jsonl", ".hidden"])
def test_a_folder_of_somebody_elses_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    before = digests(tmp_path)
    with pytest.raises(InputError, match=f"holds '{name}' but no run"), held(tmp_path):
        pass
    assert digests(tmp_path) == before


@pytest.mark.parametrize("name", [".lock", "journal.db.saved", "journal.db.damaged-1"])
def test_what_a_run_leaves_before_its_journal_is_there_is_no_stranger(tmp_path, name):
    (tmp_path / name).touch()
    if name != ".lock":
        (tmp_path / "journal.db.damaged-1").touch()
    with held(tmp_path) as journal:
        assert journal.next_ask() == 0


FACTS = {"seeds": "5eed", "holdout": None, "templates": {"fewshot": "f"}, "recipe": {"shots": 5}}


def taken_up(path, facts, *, differences=()):
    with held(path) as journal:
        folder.continue_or_refuse(
            journal, facts, where=path, differences=lambda before: list(differences)
        )
        return json.loads(journal.header()["facts"])


def test_the_facts_of_a_new_run_are_written_and_the_same_ones_continue_it(tmp_path):
    assert taken_up(tmp_path, FACTS) == FACTS
    assert taken_up(tmp_path, FACTS) == FACTS


def test_what_may_grow_is_remembered_as_it_is_now(tmp_path):
    taken_up(tmp_path, FACTS)
    larger = {**FACTS, "recipe": {"shots": 5, "per_label": 9}}
    assert taken_up(tmp_path, larger) == larger


def test_every_difference_is_a_fault_of_its_own_and_nothing_is_written(tmp_path):
    taken_up(tmp_path, FACTS)
    other = {**FACTS, "seeds": "0ther", "templates": {}}
    with pytest.raises(InputError) as caught:
        taken_up(tmp_path, other, differences=["shots: was 5, now 3"])
    found = [fault.what for fault in caught.value.faults]

    assert found[0].startswith("holds another run: choose another --out")
    assert found[1:] == [
        "seeds: was '5eed', now '0ther'",
        "templates: was {'fewshot': 'f'}, now {}",
        "shots: was 5, now 3",
    ]
    assert taken_up(tmp_path, FACTS) == FACTS


@pytest.fixture
def run(tmp_path):
    run = SmallRun(path=tmp_path / "run")
    yield run
    run.close()


def test_accepted_and_rejected_rows_stand_in_order_of_arrival_with_their_making(run):
    run.arrive(["card"], answer("my card is still on its way", ["card"]))
    run.arrive(["refund"], Completion(text="no JSON at all"), strategy="paraphrase")
    run.arrive(["card"], Failure(code="refused", detail="HTTP 400"))
    run.arrive(["refund"], answer("no", ["refund"]))
    run.write_rows()
    (accepted,) = rows_in(run.path / "accepted.jsonl")
    unreadable, refused, short = rows_in(run.path / "rejected.jsonl")

    assert accepted == {
        "text": "my card is still on its way",
        "label": "card",
        "id": f"{accepted['provenance']['request_key'][:16]}-0",
        "provenance": {
            "strategy": "fewshot", "template": "classification/fewshot",
            "template_digest": "f" * 64, "engine": "endpoint", "model": "acme/writer-7b",
            "request_key": accepted["provenance"]["request_key"], "seed_ids": ["s0"], "ask": 0,
        },
    }  # fmt: skip
    assert unreadable["provenance"]["template_digest"] == "p" * 64
    assert (unreadable["filter"], unreadable["reason"], unreadable["text"]) == (
        "schema",
        "json",
        "",
    )
    assert (refused["filter"], refused["reason"], refused["detail"]) == (
        "engine", "refused", "HTTP 400",
    )  # fmt: skip
    assert (refused["text"], refused["label"], refused["score"]) == ("", "card", None)
    assert (short["text"], short["score"], short["threshold"]) == ("no", 2.0, 4.0)
    assert [row["provenance"]["ask"] for row in (unreadable, refused, short)] == [1, 2, 3]


def test_a_row_without_a_decision_is_written_nowhere_yet(run):
    run.unjudged = True
    run.arrive(["card"], answer("my card is still on its way", ["card"]))
    run.write_rows()

    assert rows_in(run.path / "accepted.jsonl") == rows_in(run.path / "rejected.jsonl") == []


def test_a_faulty_answer_to_an_ask_for_a_pair_has_both_fields(tmp_path):
    seeds = seed_set([("where is it", "card"), ("my money", "refund")], pairs=True)
    run = SmallRun(path=tmp_path / "run", seeds=seeds)
    run.arrive(["card"], answer("where has it gone to", ["card"], seeds=seeds))
    run.arrive(["card"], Completion(text=""))
    run.write_rows()
    run.close()
    (accepted,), (rejected,) = (rows_in(run.path / f"{n}.jsonl") for n in ("accepted", "rejected"))

    assert accepted["text_pair"] == "then where has it gone to"
    assert (rejected["text"], rejected["text_pair"], rejected["reason"]) == ("", None, "empty")


def test_writing_again_gives_the_same_bytes(run):
    for number in range(9):
        run.arrive(["card"], answer(f"card number {number} is late \u2028 {number}", ["card"]))
    run.write_rows()
    files = [run.path / "accepted.jsonl", run.path / "rejected.jsonl"]
    before = [path.read_bytes() for path in files]
    run.write_rows()

    assert [path.read_bytes() for path in files] == before
    assert before[0].count(b"\n") == 5
    assert not list(run.path.glob("*.tmp"))


def test_files_are_left_as_they_were_unless_all_rounds_are_taken(run):
    run.arrive(["card"], answer("my card is still on its way", ["card"]))
    run.write_rows()
    before = (run.path / "accepted.jsonl").read_bytes()
    run.arrive(["card"], answer("my card has not come yet", ["card"]))
    made = folder.Made(engine="", model="", templates={"fewshot": {"name": "", "digest": ""}})
    rounds = folder.written(run.path, run.journal, task=run.task, made=made)
    next(rounds)
    rounds.close()

    assert (run.path / "accepted.jsonl").read_bytes() == before
    assert not list(run.path.glob("*.tmp"))


def test_json_for_people_holds_any_text_and_ends_its_line(tmp_path):
    folder.write_json(tmp_path / "x.json", {"text": "\u2028 \ud800 ü", "none": None})
    text = (tmp_path / "x.json").read_text("ascii")

    assert text.endswith("}\n")
    assert json.loads(text) == {"text": "\u2028 \ud800 ü", "none": None}
