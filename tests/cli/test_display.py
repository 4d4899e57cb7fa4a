"""What is shown of a run: rates, time left, the labels that miss most, and what to do next."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from augment.app import EXIT_CODES, Outcome, Progress
from augment.cli.display import Display, advice, duration, line, picture, summary


def progress(**changes):
    values = {
        "wanted": {"a": 10, "b": 10},
        "filled": {"a": 4, "b": 0},
        "accepted": 4,
        "rejected": 4,
        "reasons": Counter(json=3, quota=1),
        "requests": 20,
        "answered": 18,
        "waiting": 0,
        "votes": 0,
        "tokens": 1000,
        "in_flight": 2,
        "seconds": 10.0,
    }
    return Progress(**{**values, **changes})


START = progress(filled={"a": 0, "b": 0}, requests=0, tokens=0, seconds=0.0)


def shown(what):
    console = Console(file=io.StringIO(), width=100)
    console.print(what)
    return console.file.getvalue()


def test_the_line_says_how_far_how_fast_and_how_long_still():
    assert line(progress(), since=START) == (
        "4/20 accepted · 2.0 requests/s · 100 tokens/s · 2 in flight · 50% kept · "
        "most rejected: json (3) · 40.0 s left"
    )


def test_rates_leave_out_what_was_there_before_the_session():
    text = line(progress(seconds=12.0), since=progress())
    assert "0.0 requests/s" in text
    assert "left" not in text


def test_the_picture_shows_the_cells_that_miss_most():
    many = {f"label {n:02}": 20 for n in range(30)}
    text = shown(picture(progress(wanted=many, filled={"label 07": 20}), since=START))
    assert "label 00" in text
    assert "label 07" not in text
    assert "and 14 more that miss less" in text


def test_labels_are_no_markup():
    label = "[bold]x[/] [link=y]z[/link]"
    assert label in shown(picture(progress(wanted={label: 3}, filled={}), since=START))


def outcome(finish, **changes):
    values = {
        "detail": "", "out": Path("runs/x"), "progress": progress(), "seconds_in_all": 75.0,
        "warnings": ("labels with one seed: 1 ([b])",),
    }  # fmt: skip
    return Outcome(finish=finish, **{**values, **changes})


@pytest.mark.parametrize("finish", EXIT_CODES)
def test_the_summary_tells_every_ending_with_counts_and_where_the_report_is(finish):
    text = shown(summary(outcome(finish, detail="in other words")))
    assert "in other words" in text
    assert "warning: labels with one seed: 1 ([b])" in text
    assert "1 min 15 s" in text
    assert "runs/x/report.html" in text
    rows = [line.split() for line in text.splitlines() if "  " in line]
    assert rows[:4] == [["asked", "20"], ["answered", "18"], ["accepted", "4"], ["rejected", "4"]]
    assert ["json", "3"] in rows
    assert ["quota", "1"] in rows


def test_a_filter_that_judged_nothing_is_spoken_of_once():
    asides = [("agreement", "NOT judged, in any of 9 rows: too few."), ("form", "NOT judged: off.")]
    own = {"agreement": "Labels are NOT judged: too few.", "form": "It is as it is."}
    text = shown(summary(outcome("done", statements=own, asides=asides)))
    assert [line for line in text.splitlines() if "judged" in line] == [
        "agreement: Labels are NOT judged: too few.", "form: NOT judged: off.",
    ]  # fmt: skip


def test_what_is_waited_for_before_the_first_ask_is_told_apart():
    assert "loading" not in shown(summary(outcome("done", loading_s=0.4)))
    rows = [line.split() for line in shown(summary(outcome("done", loading_s=9.8))).splitlines()]
    assert rows.index(["loading", "9.8", "s"]) + 1 == rows.index(
        ["duration", "1", "min", "15", "s"]
    )


def test_the_reports_path_stays_whole_however_narrow_the_screen():
    out = Path("runs", *["a folder with a name"] * 6)
    console = Console(file=io.StringIO(), width=40)
    console.print(summary(outcome("done", out=out)), overflow="ignore", crop=False)
    assert console.file.getvalue().endswith(f"report  {out}/report.html\n")


def test_advice_names_what_rejected_most_and_how_to_go_on():
    assert advice(outcome("done")) is None
    assert advice(outcome("interrupted")) == "Run the same command again to continue."
    said = advice(outcome("budget")) or ""
    assert "Rejected most: json (3), quota (1)." in said
    assert "the same command continues" in said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(4.24, "4.2 s"), (59.99, "1 min 00 s"), (185, "3 min 05 s"), (3599.6, "1 h 00 min"),
     (7620, "2 h 07 min")],
)  # fmt: skip
def test_durations_are_told_as_people_say_them(seconds, said):
    assert duration(seconds) == said


def test_a_pipe_gets_a_plain_line_every_five_seconds():
    console = Console(file=io.StringIO(), width=40)
    with Display(console) as display:
        for second in range(12):
            display(progress(seconds=float(second)))
    lines = console.file.getvalue().splitlines()

    assert len(lines) == 2
    assert all(text.startswith("4/20 accepted · ") for text in lines)


def test_a_terminal_is_left_clean_when_the_display_ends_with_an_error():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with pytest.raises(ZeroDivisionError), Display(console) as display:  # noqa: PT012 - it must be live
        display(progress())
        raise ZeroDivisionError
    assert "\x1b[?25h" in console.file.getvalue(), "the cursor is shown again"
