"""What a judge was asked, and what it took: counted apart from the asks for rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from augment.records import Completion, Json, Vote


def judge_figures(votes: Iterable[Vote]) -> dict[str, Json]:
    """Return how many votes there were on seeds and on rows, with their calls and tokens.

    `failures` were never answered; what was answered and told nothing shows in the verdicts.
    """
    found = Counter[str]()
    for vote in votes:
        outcome = vote.outcome
        found["on_seeds" if vote.on_seed else "on_rows"] += 1
        found["calls"] += outcome.calls
        found["repeated_calls"] += max(outcome.calls - 1, 0)
        if isinstance(outcome, Completion):
            found["prompt_tokens"] += outcome.prompt_tokens or 0
            found["completion_tokens"] += outcome.completion_tokens or 0
        else:
            found["failures"] += 1
    names = ("on_seeds", "on_rows", "failures", "calls", "repeated_calls", "prompt_tokens",
             "completion_tokens")  # fmt: skip
    return {name: found[name] for name in names}
