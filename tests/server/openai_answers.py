"""What the stub model writes: sentences, schemas filled with them, and all manner of junk.

Everything is a function of the digest of the request's body: the same body, the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from math import log
from typing import Any

TOKEN = re.compile(r"[^\W\d_]{1,4}|.", re.DOTALL)
"""What the stub's tokens are: up to four letters, or any other character."""
PIECE = re.compile(r"[^\W_]+")

OUTSIDE = "a label from nowhere"

LISTS = {
    "D": "the this that our your my his her their every each another some one any which",
    "A": (
        "amber ancient bitter blue bold brave brittle broad bronze calm careful cheap clever cold "
        "crooked curious damp dark deep dusty eager early empty faded fancy faint famous fierce "
        "flat fragile fresh gentle golden grand green hasty heavy hollow humble icy jolly lazy "
        "little lonely loud mellow modest narrow noisy odd pale patient plain proud quick quiet "
        "rapid rough rusty shallow silver slender tidy wide"
    ),
    "N": (
        "anchor apple baker barrel basket bell bicycle blanket bottle bridge bucket button cabin "
        "candle canyon carpet castle chair chimney clock coat corner cousin desk doctor drawer "
        "engine farmer feather fence ferry forest garden glove guitar hammer harbour hill island "
        "jacket kettle ladder lantern lemon letter market mirror mountain needle orchard painter "
        "pencil piano pillow pocket rabbit river sailor shovel table teacher ticket tower window"
    ),
    "V": (
        "admired borrowed bought brushed carried chased cleaned copied counted covered crossed "
        "described dropped emptied filled followed found guarded handed ignored kept lifted "
        "measured mended missed moved noticed painted passed pulled pushed remembered repaired "
        "reached returned sketched sold stored studied touched traded trusted turned visited "
        "warmed washed watched weighed welcomed wrapped"
    ),
    "P": "above across against along around behind below beside beyond near opposite past "
    "through towards under without",
    "Y": "again afterwards already anyway awkwardly briefly daily elsewhere finally gladly halfway "
    "indoors instead later nearby nightly often outdoors overnight perhaps quietly rarely "
    "recently seldom slowly softly sometimes soon suddenly today together twice",
    "C": "and but while because",
}
WORDS = {kind: words.split() for kind, words in LISTS.items()}
"""Determiners, adjectives, nouns, verbs, prepositions, adverbs and conjunctions."""

PATTERNS = tuple(
    pattern.split()
    for pattern in (
        "D A N V D A N Y",
        "Y D A N V D N P D N",
        "D N P D A N V D A N",
        "D A N V D A N P D A N",
        "Y D A N V D A N P D N",
        "D A N C D N V D A N Y",
        "D A N P D N V D A N P D N",
        "Y D A N P D N V D A N P D N",
    )
)
"""8 to 14 words; the shortest has 64^4 * 50 * 32 * 16^2 fillings, about 7 * 10^12."""

PROSE = (
    "I wrote one that should suit you.",
    "Of course, this is what I came up with.",
    "Done. It took me a little thought.",
)

PAGE = b"<html><head><title>502</title></head><body>bad gateway</body></html>"
BODY_JUNK = (PAGE, b"", b'{"id": "cut", "choices": [{"mess', b"\xff\xfe\x00 not text", b"busy\n")


def sentence(digest: bytes, place: str) -> str:
    """Return the sentence for one place (`text`, `rows/1/text`) in the answer to one body."""
    first, *draws = blake2b(digest + place.encode(), digest_size=16).digest()
    pattern = PATTERNS[first % len(PATTERNS)]
    words = [WORDS[kind][draw % len(WORDS[kind])] for kind, draw in zip(pattern, draws)]  # noqa: B905 - the longest pattern fixes the digest's size
    return " ".join(words).capitalize() + "."


def likeliest(values: Sequence[str], text: str, digest: bytes) -> str:
    """Return the value that shares most words' beginnings with the text; a draw among equals."""
    said = {word[:4] for word in PIECE.findall(text.lower())}

    def likeness(value: str) -> float:
        words = {word[:4] for word in PIECE.findall(value.lower())}
        return len(words & said) / max(len(words), 1)

    most = max(map(likeness, values))
    best = [value for value in values if likeness(value) == most]
    return best[digest[2] % len(best)]


def logprobs(answer: str, others: Sequence[str], digest: bytes, top: int) -> dict[str, Any]:
    """Return the answer's tokens with log-probabilities, as raw as before guided decoding.

    Where `others`, answers that could have been given too, go another way, the token's rivals are
    theirs, and one that no schema allows.
    """
    tokens = TOKEN.findall(answer)
    ways = [way for way in map(TOKEN.findall, others) if way != tokens]
    content = []
    for at, token in enumerate(tokens):
        ways = [way for way in ways if way[:at] == tokens[:at]]
        rivals = {way[at] for way in ways if len(way) > at and way[at] != token}
        sure = 1 - (digest[at % len(digest)] + 1) / 1024 if rivals else 1 - 1e-6
        shares = {rival: (1 - sure) * 0.75 / len(rivals) for rival in sorted(rivals)}
        every = {token: sure, **shares, "<|x|>": (1 - sure) * 0.25}
        told = [{"token": name, "logprob": log(p), "bytes": None} for name, p in every.items()]
        content.append({**told[0], "top_logprobs": told[:top]})
    return {"content": content, "refusal": None}


def near_copy(text: str) -> str:
    """Return the text with its last word changed."""
    head, _, last = text.rpartition(" ")
    return f"{head} {'thimble' if last != 'thimble.' else 'acorn'}."


def fill(schema: Mapping[str, Any], write: Callable[[str], str], place: str = "") -> Any:
    """Return the value that the schema describes, its free strings written by `write(place)`.

    The first value of an `enum`, the first branch of a choice, the fewest items allowed; the
    items of an array take one value of their `enum` after the other.
    """
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        turn = place.rpartition("/")[2]
        return schema["enum"][int(turn) % len(schema["enum"]) if turn.isdecimal() else 0]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return fill(schema[choice][0], write, place)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        inside = f"{place}/" if place else ""
        return {
            name: fill(part, write, inside + name)
            for name, part in schema.get("properties", {}).items()
        }
    if kind == "array":
        parts = list(schema.get("prefixItems", ()))
        wanted = schema.get("minItems", len(parts))
        parts += [schema.get("items") or {}] * (wanted - len(parts))
        return [fill(part, write, f"{place}/{number}") for number, part in enumerate(parts)]
    if kind == "string":
        return write(place)[: schema.get("maxLength")]
    return {"boolean": True, "null": None}.get(kind, schema.get("minimum", 0))


def outside(schema: Any) -> Any:
    """Return the schema with every value that it fixes replaced by one that is not allowed."""
    if isinstance(schema, list):
        return [outside(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "const" in schema or "enum" in schema:
        several = isinstance(schema.get("const"), list)
        return {"const": [OUTSIDE] if several else OUTSIDE}
    return {name: outside(part) for name, part in schema.items()}


def fenced(answer: str, which: int) -> str:
    """Return the answer as models without guided decoding give it: prose and a fence."""
    return f"{PROSE[which % len(PROSE)]}\n\n```json\n{answer}\n```\n\nShall I write another one?"


def junk(answer: str, which: int) -> str:
    """Return something that holds no whole row: cut JSON, JSON of another shape, or no JSON."""
    half = answer[: len(answer) // 2]
    kinds = (half, PROSE[0], "", "[]", '{"verdict": 1}', f"```json\n{half}", "null", "{{{{" * 9)
    return kinds[which % len(kinds)]
