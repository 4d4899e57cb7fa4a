"""What a run's figures say of its filters that nobody would go and look for.

Namely which of them judged no row at all, and which let rows through that they would have rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from augment.records import Json
from evals.wording import counted, in_words

_NO_SURPRISE = frozenset({"no_holdout", "left_to_judge"})
"""No hold-out was given, or a judge decides in the filter's place."""
_OF_SEEDS = frozenset({"no_seeds", "too_few_seeds"})
_REMEDIES: Mapping[str, str] = {
    "no_encoder": "--encoder minilm is one",
    "no_probability": "one that tells log-probabilities does, such as vLLM",
    "too_few_seeds": "it judges with more",
    "unknown_language": "--encoder names one that does",
}
"""What to do about a lack, by the reason of the verdicts."""
_OF_TOXICITY: Mapping[str, str] = {
    "no_encoder": "--encoder minilm is one, or --toxicity-model does without",
    "other_encoder": "--encoder minilm gives them, or --toxicity-model does without",
    "unknown_language": "--toxicity-model names a model that does",
}


def asides(figures: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield each filter that judged nothing or only flagged, with a sentence on it, in their order.

    Nothing is said of what a run without seeds cannot judge: a notice of its own lists that.
    """
    for stage in figures["funnel"]:
        name, rows = stage["filter"], stage["abstained"]
        if rows and rows == stage["saw"]:
            reasons = [each["reason"] for each in figures["abstentions"] if each["filter"] == name]
            if _told(reasons[0], seeds=figures["seeds"]["rows"]):
                yield name, _unjudged(name, reasons, rows=rows)
        flags = [each for each in figures["flags"] if each["filter"] == name]
        if flags:
            yield name, _flagged(flags)


def _told(reason: str, *, seeds: int) -> bool:
    return reason not in _NO_SURPRISE and (seeds > 0 or reason not in _OF_SEEDS)


def _unjudged(name: str, reasons: Sequence[str], *, rows: int) -> str:
    """Say so, with all reasons, the commonest first, and what to do about that one."""
    remedies = _OF_TOXICITY if name == "toxicity" else _REMEDIES
    remedy = remedies.get(reasons[0])
    said = f"NOT judged, in any of {counted(rows, 'row')}: {', '.join(map(in_words, reasons))}"
    return f"{said}; {remedy}." if remedy else f"{said}."


def _flagged(flags: Sequence[Mapping[str, Json]]) -> str:
    rows = sum(each["rows"] for each in flags)
    reasons = ", ".join(in_words(each["reason"]) for each in flags)
    return (
        f"Let {counted(rows, 'row')} through that it would have rejected ({reasons}), "
        "as `filters: flag` wants."
    )
