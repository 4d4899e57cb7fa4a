"""What the model is trained on: our own prompts, as a run would send them, with a good answer.

An episode is an ask: seeds of a label are drawn from its group, the template shows them, and the
answer is another text of the group. They are drawn without end, so that no prompt is seen twice.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from augment.records import Ask, Example
from augment.tasks.classification import Classification, Guidance
from augment.tasks.templates import load_template
from serving.bundled.corpus import SHARES, Group

_WORD = re.compile(r"\w+")
_FEWSHOT, _PARAPHRASE, _ZEROSHOT = "fewshot", "paraphrase", "zeroshot"
_WAYS = {_FEWSHOT: 0.8, _PARAPHRASE: 0.12, _ZEROSHOT: 0.08}
_NAMELESS = 0.25
"""The share of episodes whose label has a name that says nothing: the examples must do."""
_NEAR = 0.5
"""The share of episodes whose answer shares more words with the examples than other texts do."""
_CANDIDATES = 12
_COPIES = 0.7
"""The Jaccard similarity of word sets from which a text says the same as another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A prompt (the user's turn) and the answer that the model is to give."""

    prompt: str
    answer: str


class Episodes:
    """Draws episodes from groups of texts.

    Args:
        groups: of one label each.
        seed: of every draw.
        copying: of how many episodes the answer is one of the examples, at first.
    """

    def __init__(self, groups: Sequence[Group], *, seed: int, copying: int = 0) -> None:
        self._groups = groups
        self._copying = copying
        self._rng = random.Random(seed)
        # Large groups are drawn more often, but not by as much as they are larger.
        sizes = Counter[str]()
        for group in groups:
            sizes[group.kind] += len(group.texts) ** 0.5
        self._weights = [
            SHARES[group.kind] * len(group.texts) ** 0.5 / sizes[group.kind] for group in groups
        ]
        self._templates = {name: load_template(name, folder=None) for name in _WAYS}

    def __iter__(self) -> Iterator[Episode]:
        """Yield episodes without end."""
        for number in count():
            (group,) = self._rng.choices(self._groups, self._weights)
            yield self._episode(group, copied=number < self._copying)

    def _episode(self, group: Group, *, copied: bool) -> Episode:
        rng = self._rng
        (way,) = rng.choices(list(_WAYS), list(_WAYS.values()))
        shots = {_FEWSHOT: rng.choice((2, 3, 4, 5, 5, 5, 6, 8)), _PARAPHRASE: 1, _ZEROSHOT: 0}[way]
        shots = min(shots, len(group.texts) - 1)
        drawn = rng.sample(group.texts, min(shots + _CANDIDATES, len(group.texts)))
        shown, rest = drawn[:shots], drawn[shots:]
        if copied and shown:
            answer = rng.choice(shown)
        else:
            answer = self._answer(shown, rest, near=way == _PARAPHRASE or rng.random() < _NEAR)
        label = group.label
        if way != _ZEROSHOT and rng.random() < _NAMELESS:
            label = rng.choice(("a", "b", "label", "intent", "class")) + rng.choice(
                ("", "_1", "_7")
            )
        return Episode(prompt=self._prompt(way, label, shown), answer=answered(label, answer))

    def _answer(self, shown: Sequence[str], rest: Sequence[str], *, near: bool) -> str:
        """Return one of the rest that is no copy of what is shown; the nearest if wanted."""
        seen = [_words(text) for text in shown]
        scores = [max((_jaccard(_words(text), own) for own in seen), default=0.0) for text in rest]
        fit = [at for at, score in enumerate(scores) if score < _COPIES] or [0]
        return rest[max(fit, key=scores.__getitem__) if near else fit[0]]

    def _prompt(self, way: str, label: str, shown: Sequence[str]) -> str:
        task = _task(label)
        ids = tuple(map(str, range(len(shown))))
        examples = [
            Example(id=name, text=text, target=label) for name, text in zip(ids, shown, strict=True)
        ]
        ask = Ask(number=0, strategy=way, labels=(label,), exemplars=ids)
        bound = self._templates[way].bind(dict(task.constants()))
        return dict(bound.render(dict(task.variables(ask, examples))))["user"]


def answered(label: str, text: str) -> str:
    """Return an answer as guided decoding lets it be: compact, in the schema's order."""
    row: Mapping[str, Any] = {"label": label, "text": text}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _task(label: str) -> Classification:
    return Classification((label,), several=False, pairs=False, guidance=Guidance())


@lru_cache(maxsize=1 << 18)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / max(len(a | b), 1)
