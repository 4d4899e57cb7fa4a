"""Which classes of a text classifier mean that a text is toxic, by what its author named them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from augment.errors import InputError

_TOXIC = frozenset(
    {
        "abuse", "abusive", "hate", "hate speech", "hateful", "identity attack", "identity hate",
        "insult", "obscene", "offensive", "offensive language", "severe toxic", "severe toxicity",
        "threat", "toxic", "toxicity", "unsafe",
    }
)  # fmt: skip
"""As models trained on the data of Jigsaw (Detoxify) or Davidson name them, and plain pairs."""
_OPTION = "--toxicity-model"
_RECIPE = "filters, toxicity-classes"


def toxic_classes(
    model: str, names: Sequence[str], *, exclusive: bool, said: Sequence[str] = ()
) -> tuple[int, ...]:
    """Return the places of the classes that mean toxic.

    Args:
        model: whose classes they are.
        names: of all of its classes.
        exclusive: whether a text is of one class alone, so that one must mean that it is none.
        said: the names of the toxic ones, where the user gives them.

    Raises:
        InputError: no name tells, or all do where one cannot be; or the model has none of `said`.
    """
    listed = ", ".join(map(repr, names))
    if strange := [name for name in said if name not in names]:
        raise InputError.one(_RECIPE, f"{strange} are none of the classes of {model}: {listed}")
    found = tuple(
        place
        for place, name in enumerate(names)
        if (name in said if said else _plain(name) in _TOXIC)
    )
    if not found:
        what = f"{model}: none of its classes is known to mean toxic: {listed}; "
        raise InputError.one(
            _OPTION, f"{what}say which does: `filters: {{toxicity-classes: [...]}}`"
        )
    if exclusive and len(found) == len(names) > 1:
        what = (
            f"{model}: all of its classes mean toxic ({listed}), and a text is always of one; if "
            "not, its config.json must say problem_type multi_label_classification"
        )
        raise InputError.one(_OPTION, what)
    return found


def _plain(name: str) -> str:
    return re.sub("[^a-z]+", " ", name.lower()).strip()
