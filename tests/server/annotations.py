"""How the stub model answers asks for annotated texts: it imitates an example of the prompt.

The marks of the example, or its list of mentions, stay; the words around them are others. Where
the prompt shows no example it marks a word of each wanted type, and where it gives a text it marks
in it what the examples mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openai_answers import OUTSIDE

EXAMPLE = re.compile(r"<example>\n(?:Text: .*?\nAnnotated: )?(\{.*?\})\n</example>", re.DOTALL)
GIVEN = re.compile(r"<row>\nText: (.*?)\n</row>", re.DOTALL)
WANTED = re.compile(r"each of these(?: types)?:\n((?:- .*\n)+)")
DRAWN = re.compile(r"with just these mentions:\n((?:- .*\n)+)")
MARK = re.compile(r"(</?[^<>\s][^<>]*>)")
NAMED = re.compile(r"<([^<>/][^<>]*?)( \d+)?>(.*?)</\1>", re.DOTALL)


def imitation(prompt: str, write: Callable[[str], str]) -> dict[str, Any] | None:
    """Return a row as the prompt's examples are; None where it asks for no annotated row.

    Args:
        prompt: the last user message.
        write: the sentence for a place in the answer.
    """
    examples = [json.loads(found) for found in EXAMPLE.findall(prompt)]
    if examples and "text" not in examples[0]:
        return None
    if given := GIVEN.search(prompt):
        return _annotated(given[1], examples)
    wanted = _names(WANTED.search(prompt))
    if drawn := DRAWN.search(prompt):
        return _of_drawn(drawn[1], examples, write("text"))
    if not examples:
        return _bare(wanted, write("text")) if wanted else None
    best = max(examples, key=lambda row: len(wanted & _types(row)) if wanted else -len(_types(row)))
    return _reworded(best, write("text"))


def spoilt(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with its types replaced by one that there is not."""
    said = json.dumps(row)
    for name in _types(row):
        said = said.replace(f"<{name}", f"<{OUTSIDE}").replace(f"</{name}", f"</{OUTSIDE}")
        said = said.replace(f'"label": "{name}"', f'"label": "{OUTSIDE}"')
    return json.loads(said)


def _names(found: re.Match[str] | None) -> set[str]:
    lines = found[1].splitlines() if found else []
    return {line.removeprefix("- ").partition(": ")[0] for line in lines}


def _types(row: Mapping[str, Any]) -> set[str]:
    """Return every type in a row: of mentions, relations and events."""
    found = {name for name, _, _ in NAMED.findall(row["text"])}
    for key in ("entities", "relations", "events"):
        found |= {each.get("label") or each["type"] for each in row.get(key, ())}
    return found


def _reworded(row: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """Return the row with its mentions in other words, a few before and after each."""
    if mentions := row.get("entities"):
        return {**row, "text": _around([each["text"] for each in mentions], sentence)}
    depth, parts, plain = 0, [], []
    for part in MARK.split(row["text"]):
        if MARK.fullmatch(part):
            depth += -1 if part.startswith("</") else 1
            plain.append(part)
            if not depth:
                parts.append("".join(plain))
                plain = []
        elif depth:
            plain.append(part)
    return {**row, "text": _around(parts, sentence)}


def _around(mentions: Sequence[str], sentence: str) -> str:
    """Return the sentence with the mentions spread over it."""
    words = sentence.rstrip(".").split()
    step = max(1, len(words) // (len(mentions) + 1))
    parts = [
        w
        for at, mention in enumerate(mentions)
        for w in (*words[at * step : (at + 1) * step], mention)
    ]
    return " ".join([*parts, *words[len(mentions) * step :]])


def _of_drawn(lines: str, examples: Sequence[Mapping[str, Any]], sentence: str) -> dict[str, Any]:
    """Return a row of the mentions that the prompt gives, without what joins them."""
    found = [line.removeprefix("- ").rpartition(" (") for line in lines.splitlines()]
    mentions = [(words, label.removesuffix(")")) for words, _, label in found]
    listed = [{"text": words, "label": label} for words, label in mentions]
    if examples and "entities" in examples[0]:
        return {"text": _around([words for words, _ in mentions], sentence), "entities": listed}
    return {"text": _around([f"<{label}>{words}</{label}>" for words, label in mentions], sentence)}


def _bare(wanted: set[str], sentence: str) -> dict[str, Any]:
    words = sentence.rstrip(".").split()
    marks = [f"<{name}>{word}</{name}>" for name, word in zip(sorted(wanted), words, strict=False)]
    return {"text": " ".join([*marks, *words[len(marks) :]])}


def _annotated(text: str, examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the given text with what the examples mark, each where it stands first."""
    known = {words: name for row in examples for name, _, words in NAMED.findall(row["text"])}
    for words in sorted(known, key=len, reverse=True):
        text = re.sub(
            rf"(?<![\w>]){re.escape(words)}(?![\w<])",
            f"<{known[words]}>{words}</{known[words]}>",
            text,
            count=1,
        )
    return {"text": text}
