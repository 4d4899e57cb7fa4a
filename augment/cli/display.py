"""What a person sees of a run: live in a terminal, plain lines elsewhere, a table at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from augment.app import Outcome, Progress
from evals.wording import visible

_MOST_CELLS = 16
_LINE_EVERY_S = 5.0
_LEAST_LOADING_S = 1.0
_NOT_JUDGED = "NOT judged"
_HEADLINES = {
    "done": "Done: every quota is full.",
    "checked": "Done: every row was checked.",
    "labelled": "Done: every text was asked about.",
    "exhausted": "Stopped: some quotas cannot be filled.",
    "unanswered": "Stopped: some texts were not answered.",
    "budget": "Stopped: the budget is spent.",
    "gone": "Stopped: there are no answers any more.",
    "interrupted": "Interrupted.",
}


def said(text: str) -> None:
    """Say on standard error what goes on beside what a command is asked to show."""
    sys.stderr.write(f"{visible(text)}\n")


class Display:
    """Shows progress while it is entered; call it with each new `Progress`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else None
        )
        self._first: Progress | None = None
        self._last_line_s = 0.0

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Say what is going on before there is progress to show."""
        self._console.print(Text(visible(text), style="dim"), soft_wrap=True)

    def __call__(self, progress: Progress) -> None:
        """Show how far the run has come."""
        self._first = self._first or progress
        if self._live is not None:
            self._live.update(picture(progress, since=self._first), refresh=True)
        elif progress.seconds - self._last_line_s >= _LINE_EVERY_S:
            self._last_line_s = progress.seconds
            self._console.print(Text(line(progress, since=self._first)), soft_wrap=True)


def line(progress: Progress, *, since: Progress) -> str:
    """Return the state of a run in one line; rates count from `since`."""
    wanted, filled = sum(progress.wanted.values()), useful(progress)
    seconds = max(progress.seconds - since.seconds, 1e-3)
    parts = [
        f"{filled}/{wanted} accepted",
        f"{_requests(progress, since) / seconds:.1f} requests/s",
        f"{(progress.tokens - since.tokens) / seconds:.0f} tokens/s",
        f"{progress.in_flight} in flight",
    ]
    if progress.waiting > progress.in_flight:
        parts.append(f"{progress.waiting} await judgement")
    judged = progress.accepted + progress.rejected
    if judged:
        parts.append(f"{progress.accepted / judged:.0%} kept")
    if progress.reasons:
        reason, count = progress.reasons.most_common(1)[0]
        parts.append(f"most rejected: {reason} ({count})")
    rate = (filled - useful(since)) / seconds
    if rate > 0 and filled < wanted:
        parts.append(f"{duration((wanted - filled) / rate)} left")
    return " · ".join(parts)


def _requests(progress: Progress, since: Progress) -> int:
    return progress.requests + progress.votes - since.requests - since.votes


def useful(progress: Progress) -> int:
    """Return how many accepted rows count towards a quota; more than its cell wants do not."""
    return sum(min(progress.filled.get(cell, 0), n) for cell, n in progress.wanted.items())


def picture(progress: Progress, *, since: Progress) -> RenderableType:
    """Return the live display: the cells that miss most, and the line of figures below them."""
    table = Table.grid(padding=(0, 1))
    table.add_column(max_width=40, no_wrap=True)
    table.add_column(justify="right")
    table.add_column(width=30)
    missing = {cell: n - progress.filled.get(cell, 0) for cell, n in progress.wanted.items()}
    shown = sorted(progress.wanted, key=lambda cell: -missing[cell])[:_MOST_CELLS]
    for cell in (cell for cell in progress.wanted if cell in shown):
        wanted, filled = progress.wanted[cell], progress.filled.get(cell, 0)
        table.add_row(
            Text(visible(cell)),
            f"{filled}/{wanted}",
            ProgressBar(total=max(wanted, 1), completed=min(filled, wanted)),
        )
    rest = len(progress.wanted) - len(shown)
    more = [Text(f"and {rest} more that miss less", style="dim")] if rest else []
    return Group(table, *more, Text(line(progress, since=since), style="bold"))


def summary(outcome: Outcome) -> RenderableType:
    """Return what is shown at the end: how it ended, the counts, and where the report is."""
    progress = outcome.progress
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    asked = [("asked", progress.requests), ("answered", progress.answered)]
    rows = [
        *([("rows", progress.requests)] if outcome.kind == "checked" else asked),
        *([("not judged yet", progress.waiting)] if progress.waiting else []),
        *([("votes of the judge", progress.votes)] if progress.votes else []),
        ("accepted", progress.accepted),
        ("rejected", progress.rejected),
        *((f"  {reason}", count) for reason, count in progress.reasons.most_common()),
        *([("tokens", progress.tokens)] if outcome.kind != "checked" or progress.votes else []),
    ]
    for name, count in rows:
        table.add_row(Text(name), f"{count:,}")
    if outcome.embedded:
        rate = outcome.embedded / max(outcome.embedding_s, 1e-3)
        table.add_row("embedded", f"{outcome.embedded:,} at {rate:.0f}/s")
    if outcome.cost is not None:
        table.add_row("cost", f"{outcome.cost:.4g}")
    if outcome.loading_s >= _LEAST_LOADING_S:
        table.add_row("loading", duration(outcome.loading_s))
    table.add_row("duration", duration(outcome.seconds_in_all))
    head = [Text(_HEADLINES[_ending(outcome)], style="bold")]
    head += [Text(visible(outcome.detail))] if outcome.detail else []
    head += [Text(visible(f"warning: {warning}"), style="yellow") for warning in outcome.warnings]
    report = Text(f"report  {outcome.out / 'report.html'}", no_wrap=True)
    return Group(*head, table, *_of_filters(outcome), report)


def _of_filters(outcome: Outcome) -> Iterator[Text]:
    """Yield what filters say of themselves, and what is to be said of them; nothing twice."""
    unjudged = {name for name, said in outcome.statements.items() if _NOT_JUDGED in said}
    for name, statement in outcome.statements.items():
        style = "yellow" if name in unjudged else "dim"
        yield Text(visible(f"{name}: {statement}"), style=style)
    for name, aside in outcome.asides:
        if name not in unjudged or _NOT_JUDGED not in aside:
            yield Text(visible(f"{name}: {aside}"), style="yellow")


def _ending(outcome: Outcome) -> str:
    if outcome.kind == "labelled" and outcome.finish == "exhausted":
        return "unanswered"
    return outcome.finish if outcome.kind == "made" or outcome.finish != "done" else outcome.kind


def advice(outcome: Outcome) -> str | None:
    """Return what to do next after a run that is not done."""
    if outcome.finish == "done":
        return None
    if outcome.finish == "interrupted":
        return "Run the same command again to continue."
    most = outcome.progress.reasons.most_common(3)
    named = ", ".join(f"{reason} ({count})" for reason, count in most)
    head = f"Rejected most: {named}. " if most else ""
    how = "continues, with a larger budget if you give one"
    if outcome.finish == "exhausted":
        how = f"tries those {'texts' if outcome.kind == 'labelled' else 'labels'} again"
    return f"{head}What was made is kept; the same command {how}."


def duration(seconds: float) -> str:
    """Return seconds as people say them: 4.2 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
