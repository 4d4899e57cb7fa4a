"""What the model in the box keeps of the texts that it was trained on: to know slips and echoes.

Three files beside the weights, none of which holds a text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from augment.tokens import words

WORDS, NEVER_LAST, RUNS = "words.txt", "never_last.txt", "runs.npy"
FILES = WORDS, NEVER_LAST, RUNS
RUN = 8
"""So many words in a row that stand in a training text are an echo of it."""
_OFTEN, _RARELY = 100, 0.005
"""A word is never last if, of so many times or more, not one in two hundred ends a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTexts:
    """What is known of them.

    Attributes:
        known: words that come more than once.
        never_last: words after which a text breaks off.
        runs: digests of every run of eight words, sorted; one in 2,800 other runs has a digest
            that is among the 1.5 million of the bundled model.
    """

    known: frozenset[str]
    never_last: frozenset[str]
    runs: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, texts: Iterable[str]) -> TrainingTexts:
        """Gather what is kept of some texts."""
        counts, last, runs = Counter[str](), Counter[str](), set[int]()
        for text in texts:
            found = words(text)
            counts.update(found)
            last.update(found[-1:])
            runs.update(_digests(found))
        return cls(
            known=frozenset(word for word, n in counts.items() if n > 1 and word.isalpha()),
            never_last=frozenset(
                word
                for word, n in counts.items()
                if n >= _OFTEN and last[word] < _RARELY * n and word.isalpha()
            ),
            runs=np.array(sorted(runs), dtype=np.uint32),
        )

    @classmethod
    def read(cls, folder: Path) -> TrainingTexts:
        """Read what `write` wrote; raise OSError where it is not there, ValueError if damaged."""
        try:
            runs = np.load(folder / RUNS, mmap_mode="r", allow_pickle=False)
        except (EOFError, ValueError) as error:
            raise ValueError(f"{folder / RUNS}: {error}") from error
        return cls(
            known=frozenset((folder / WORDS).read_text("utf-8").split()),
            never_last=frozenset((folder / NEVER_LAST).read_text("utf-8").split()),
            runs=runs,
        )

    def write(self, folder: Path) -> None:
        """Write `FILES`."""
        for name, every in ((WORDS, self.known), (NEVER_LAST, self.never_last)):
            (folder / name).write_text("\n".join(sorted(every)) + "\n", "utf-8")
        np.save(folder / RUNS, self.runs, allow_pickle=False)

    def recited(self, text: Sequence[str]) -> set[int]:
        """Return the digests of a text's runs of eight words that are in a training text.

        Args:
            text: its words.
        """
        runs = np.fromiter(_digests(text), dtype=np.uint32)
        places = np.minimum(np.searchsorted(self.runs, runs), max(len(self.runs) - 1, 0))
        return set(runs[self.runs[places] == runs].tolist()) if len(self.runs) else set()


def _digests(text: Sequence[str]) -> Iterator[int]:
    for at in range(len(text) - RUN + 1):
        run = "\0".join(text[at : at + RUN]).encode()
        yield int.from_bytes(hashlib.blake2b(run, digest_size=4).digest(), "little")
