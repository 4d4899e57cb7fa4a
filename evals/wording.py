"""How figures are put into words, for the report and the card alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

from augment.records import Json

# Characters that a reader would not see, or that would change how the text around them reads:
# controls, line separators, zero-width and bidirectional formatting, lone surrogates, tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)

NOTHING = "\u2013"
"""What stands in the place of a value that there is none of."""
_NBSP = "\u00a0"

_REASONS = {
    "balance": "rows that would put groups of people out of level",
    "cannot_tell": "the seeds' labels cannot be told apart",
    "chatter": "the assistant's own voice",
    "control": "control characters",
    "copy_of_seed": "copies of seeds",
    "crossing": "mentions that cross",
    "doubled": "two types for one place",
    "duplicate": "exact duplicates",
    "echo": "echoes of the prompt",
    "empty": "empty texts",
    "json": "answers without JSON",
    "label": "wrong labels",
    "language": "rows in another language",
    "leak": "leaks of the hold-out",
    "marks": "marks that do not match",
    "mentions": "other mentions than those given",
    "missing_role": "events without a role that they must have",
    "mixed_languages": "the seeds are in too many languages",
    "near_duplicate": "near-duplicates",
    "nested": "mentions within mentions",
    "no_encoder": "no encoder was asked for",
    "no_groups": "no groups of people to be level",
    "no_holdout": "no hold-out was given",
    "no_label": "rows without a label",
    "no_other_label": "rows that bear every label",
    "not_read": "rows whose mentions stand farther on than the encoder reads",
    "no_probability": "the engine did not tell how sure it was",
    "no_score": "its model gives no number",
    "no_seeds": "there are no seeds",
    "offsets": "offsets that do not fit",
    "one_label": "there is one label",
    "other_encoder": "its model takes the vectors of another encoder",
    "pii": "rows with personal data",
    "pii_of_seed": "personal data of a seed",
    "pii_placeholder": "made-up personal data",
    "placeholder": "unfilled placeholders",
    "prompt_too_long": "prompts longer than the model takes",
    "quota": "rows beyond the quota",
    "reference": "links to mentions that there are not",
    "refusal": "refusals in words",
    "refused": "refused prompts",
    "relation_types": "relations between types that they never join",
    "repeated": "mentions marked twice",
    "role_type": "roles of the wrong type",
    "schema": "answers of the wrong shape",
    "semantic_copy": "rows that say what a seed says in other words",
    "semantic_duplicate": "rows that say what another says in other words",
    "semantic_leak": "rows that say what the hold-out says in other words",
    "server_error": "server errors",
    "shortcut": "words that give labels away",
    "too_far": "rows unlike the seeds of their label",
    "too_few_seeds": "too few seeds",
    "too_long": "texts too long",
    "too_near": "rows that say what a seed says",
    "too_short": "texts too short",
    "too_short_to_tell": "texts too short to tell",
    "toxicity": "hateful or abusive rows",
    "trigger_type": "triggers of the wrong type",
    "truncated": "answers cut off",
    "unaligned": "mentions that are not in their text",
    "unknown_event": "unknown events",
    "unknown_label": "labels that the seeds do not have",
    "unknown_language": "the encoder does not know the language",
    "unknown_relation": "unknown relations",
    "unknown_role": "unknown roles",
    "unknown_type": "unknown types",
    "unmarked": "mentions left unmarked",
    "unreadable": "unreadable responses",
    "unsure": "labels that the engine was not sure of",
    "variants": "more rows that differ in their mentions alone",
}

_SCALES = {
    "agreement": "how much better another label fits than the row's own",
    "toxicity": "probability of being hateful or abusive",
    "similarity": "cosine to the nearest seed of the row's label",
    "semantic_duplicate": "cosine to the nearest other seed of the same labels",
}

_ENDINGS = {
    "exhausted": "labels were given up",
    "budget": "the budget was spent",
    "gone": "there were no answers any more",
    "interrupted": "it was interrupted",
}


def headline(figures: Mapping[str, Json]) -> str:
    """Return the sentence that says what happened."""
    run, counts = figures["run"], figures["counts"]
    nouns = "candidates" if run["kind"] == "made" else "rows"
    accepted, wanted = counts["accepted"], counts["wanted"]
    parts = [
        f"{counted(accepted, 'row')} accepted"
        if wanted is None
        else f"{number(accepted)} of {counted(wanted, 'row')} accepted"
    ]
    parts[0] += f" in {duration(run['active_s'])}"
    if wanted is None and run["kind"] == "made":
        full = sum(cell["accepted"] >= cell["wanted"] for cell in figures["cells"])
        parts.append(f"{number(full)} of {counted(len(figures['cells']), 'quota')} full")
    if run["ending"] == "exhausted" and run["kind"] == "labelled":
        parts.append("some texts were not answered")
    elif run["ending"] in _ENDINGS:
        ending = _ENDINGS[run["ending"]]
        plain = run["task"] == "classification"
        parts.append(ending if plain else ending.replace("labels", "types"))
    if figures["rates"]["kept"] is not None:
        parts.append(f"{share(figures['rates']['kept'])} of the {nouns} were kept")
    reasons = [each["reason"] for each in figures["rejections"] if each["reason"] != "quota"]
    if reasons:
        parts.append(f"rejected most: {in_words(reasons[0])}")
    return "; ".join(parts) + "."


def in_words(reason: str) -> str:
    """Return a reason's short code as people say it."""
    return _REASONS.get(reason, reason.replace("_", " "))


def scale(name: str) -> str:
    """Return what the scores of a filter measure."""
    return _SCALES.get(name, "score")


def number(value: float) -> str:
    """Return a count with its thousands set off, or a measurement to three digits."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def counted(count: int, noun: str) -> str:
    """Return the count with its noun, `1 row`, `2 rows`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def share(ratio: float) -> str:
    """Return a ratio as a percentage; what is not all or nothing is not shown as such."""
    if 0 < ratio < 0.005:
        return f"<1{_NBSP}%"
    if 0.995 <= ratio < 1:
        return f">99{_NBSP}%"
    return f"{100 * ratio:.0f}{_NBSP}%"


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, or to two digits."""
    if seconds < 1:
        return f"{seconds:.2g}{_NBSP}s"
    if seconds < 10:
        return f"{seconds:.1f}{_NBSP}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{_NBSP}s"
    if whole < 3600:
        return f"{whole // 60}{_NBSP}min {whole % 60}{_NBSP}s"
    return f"{whole // 3600}{_NBSP}h {whole % 3600 // 60}{_NBSP}min"


def visible(text: str) -> str:
    """Return the text with every hidden character as its code point, such as [U+202E]."""
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\r\n", "\n"))
