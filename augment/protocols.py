"""What the rooms of the house expect of each other; the pipeline knows nothing else of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from augment.records import (
    Arrival,
    Ask,
    Asked,
    Calibration,
    Candidate,
    Completion,
    Decision,
    Example,
    Failure,
    Fault,
    Json,
    Need,
    Place,
    PrefixCache,
    Request,
    Verdict,
    Vote,
)

T = TypeVar("T")
PLACE_PARTS = 3
Vectors: TypeAlias = npt.NDArray[np.float32]


class Question(Protocol):
    """What can be asked of an engine: prompt variables, and the form of the answer."""

    def constants(self) -> Mapping[str, Any]:
        """Return the prompt variables that are the same for every ask of a run."""
        ...

    def variables(self, ask: Ask, exemplars: Sequence[Example[Any]]) -> Mapping[str, Any]:
        """Return the prompt variables of one ask."""
        ...

    def schema(self, ask: Ask) -> Mapping[str, Json]:
        """Return the JSON schema of the answer, with what was asked for fixed in it."""
        ...


class Task(Question, Protocol[T]):
    """What a row of this kind is: how it is asked for, read and written."""

    name: str

    def parse(self, answer: str, ask: Ask) -> Sequence[Example[T] | Fault]:
        """Read an answer: one example or fault per row of it, never none; ids are left empty."""
        ...

    def unfinished(self, ask: Ask, *, text: str, text_pair: str | None) -> Example[T]:
        """Return the row that was asked for, with what text a faulty answer gave."""
        ...

    def texts_of(self, ask: Ask) -> tuple[str, str | None]:
        """Return the text, or pair, that an ask is about: ("", None) where the answer brings it."""
        ...

    def probability(self, completion: Completion) -> float | None:
        """Return how sure the engine was of the label; None where it did not choose or tell."""
        ...

    def row_of(self, example: Example[T]) -> dict[str, Json]:
        """Return the row of an answer that an example would be."""
        ...

    def can_carry(self, example: Example[T]) -> bool:
        """Tell whether such a row would be read as that example again."""
        ...

    def fields(self, example: Example[T]) -> dict[str, Json]:
        """Return the row's own fields as DESIGN's formats name them."""
        ...

    def labels_of(self, example: Example[T]) -> tuple[str, ...]:
        """Return the labels that the example counts for."""
        ...


class Strategy(Protocol):
    """One way to ask; its name is that of its template."""

    name: str

    def propose(self, need: Need) -> Ask | None:
        """Return the ask for `need`, the same one for the same need; None where it has no way.

        Of a strategy that is used up: the same one as long as nothing was sent meanwhile.
        """
        ...


@runtime_checkable
class IsUsedUp(Protocol):
    """A strategy that has only so much to offer, and is told what was asked for."""

    def sent(self, ask: Ask) -> None:
        """Take note of an ask, whichever strategy's: a new one, or one found in the journal."""
        ...


class Plan(Protocol):
    """What is to be asked for, and how far that has come."""

    @property
    def wanted(self) -> Mapping[str, int]:
        """Accepted rows wanted of each cell."""
        ...

    @property
    def accepted(self) -> Mapping[str, int]:
        """Accepted rows of each cell."""
        ...

    @property
    def exhausted(self) -> tuple[str, ...]:
        """Cells that were given up."""
        ...

    @property
    def filled(self) -> bool:
        """Whether every quota is full."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be asked for: every quota is full or given up."""
        ...

    def has_room(self, labels: Sequence[str]) -> bool:
        """Tell whether a row with these labels is wanted."""
        ...

    def next(self) -> Ask | None:
        """Return one more ask; None while what is under way may be enough."""
        ...

    def sent(self, ask: Ask) -> None:
        """Count an ask as under way that was found in the journal."""
        ...

    def accept(self, labels: Sequence[str]) -> None:
        """Count an accepted row."""
        ...

    def judged(self, ask: Ask, accepted: int, *, answered: bool = True) -> list[str]:
        """Take an ask off what is under way; return the cells that are given up after it.

        Args:
            ask: that was under way.
            accepted: how many rows of it were.
            answered: whether the engine did answer, well or badly.
        """
        ...

    def take_heart(self) -> None:
        """Forget what was asked in vain by earlier sessions."""
        ...


class Engine(Protocol):
    """Who answers.

    Attributes:
        name: `endpoint`, `seedlm`, ...
        model: the model's name, as provenance shows it.
    """

    name: str
    model: str

    @property
    def revision(self) -> str | None:
        """What tells the model from others of its name; None where nothing does."""
        ...

    def complete(
        self, requests: AsyncIterable[Request]
    ) -> AsyncGenerator[tuple[Request, Completion | Failure]]:
        """Answer every request, in completion order.

        The next request is drawn only when there is room for it, and the room that an answer held
        is free once its consumer has come back for the next one: what the consumer does before
        is done before the slot is used again.

        Raises:
            EngineGone: when nothing has answered for longer than the engine was told to wait.
        """
        ...


@runtime_checkable
class CachesPrefixes(Protocol):
    """An engine that keeps what prompts have in common, and may tell how often that served."""

    async def prefix_cache(self) -> PrefixCache | None:
        """Return the counts so far; None where they are not told."""
        ...


class Encoder(Protocol):
    """Texts to unit vectors."""

    @property
    def name(self) -> str:
        """The encoder's name, as reports show it."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length float32 vectors, one row per text."""
        ...

    def encode_places(
        self, texts: Sequence[str], places: Sequence[Sequence[Place]]
    ) -> tuple[Vectors, list[list[Vectors]]]:
        """Return the vectors of texts, and of each of their places as it is read in its text.

        A place's vector has `PLACE_PARTS` parts of one length: the place itself, what stands right
        before it and right after, each of unit length or zeros; all zeros where the encoder does
        not read so far, and none at all of an encoder that reads no word by the words around it.
        """
        ...


class Scorer(Protocol):
    """How toxic texts are, by a model that is not ours; may be asked by several threads.

    Attributes:
        name: as reports show it.
        classes: those of its classes that mean toxic, by their names.
        recalled: texts of this session that an earlier one had asked about.
    """

    name: str
    classes: tuple[str, ...]
    recalled: int

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return how probably each text is toxic; not a number where that cannot be told.

        Raises:
            EngineGone: it lives elsewhere, and does not answer any more or was stopped.
        """
        ...

    def remembering(self, folder: Path) -> AbstractContextManager[None]:
        """Keep in a run's folder what would be dear to ask twice, and know what is kept there.

        Raises:
            JournalError: it cannot be written or read.
        """
        ...

    def asked(self) -> Asked | None:
        """Return what it was asked over all sessions that it remembers; None in this process."""
        ...

    def stop(self) -> None:
        """Score nothing more; who waits for scores is told."""
        ...


class Filter(Protocol):
    """One idea of what an acceptable row is.

    A filter that raises stops the run with an error (by `EngineGone`: whom it asks is gone, as if
    the engine were); one that has no basis abstains.

    Attributes:
        sequential: whether a verdict depends on the rows accepted so far. Such filters come last
            and are given one candidate at a time, so that they never compare with a row that
            another filter rejects.
        by_meaning: whether it is to be given vectors. The others come first, since a row that
            they reject need not be embedded.
    """

    name: str
    sequential: bool
    by_meaning: bool

    @property
    def calibration(self) -> Calibration | None:
        """What it learnt from the seeds, once fitted, where that is fit to be shown."""
        ...

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Learn from the seeds; called once, before anything else.

        `vectors` are the encoder's, one row per seed, for filters by meaning; None for the others,
        and where the encoder does not know the seeds' language or there is none.
        """
        ...

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:
        """Return one verdict each, in order; `vectors` as for `fit`, one row per candidate."""
        ...

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Take note of rows that passed every filter, in order of acceptance."""
        ...


@runtime_checkable
class Slow(Protocol):
    """A filter that judges in a thread where it takes long, so that nothing waits for it.

    Several batches may then be judged at once.
    """

    @property
    def slow(self) -> bool:
        """Whether it does."""
        ...


class Jury(Protocol):
    """Who is asked, beside the filters, whether rows that they let through bear the right label.

    A row is heard, its requests are handed out and their answers taken; once it is `ready` there
    is a verdict on it. A vote that is lost, or never asked for, is no reason to lose the row.

    Attributes:
        speaks_for: the filter that it completes: where that one only flags, so does the jury.
    """

    speaks_for: str

    @property
    def idle(self) -> bool:
        """Whether it never asks anything, and has no verdicts."""
        ...

    @property
    def in_flight(self) -> int:
        """How many of its requests are with the engine."""
        ...

    @property
    def calibration(self) -> Calibration | None:
        """What it learnt from its votes on seeds."""
        ...

    def restore(self, vote: Vote) -> None:
        """Take up a vote of an earlier session; before anything else."""
        ...

    def hear(self, row: Candidate, arrival: int) -> None:
        """Take up a row of an arrival that no filter has rejected."""
        ...

    def next(self) -> Request | None:
        """Return the next request; None while there is none."""
        ...

    def take(self, request: Request, outcome: Completion | Failure) -> Vote | None:
        """Take the answer to a request, and return it as a vote; None: it is not of this jury."""
        ...

    async def ready(self, row: Candidate, arrival: int) -> bool:
        """Wait for a row's votes; False: they will come in another session, if at all."""
        ...

    def judge(self, row: Candidate, arrival: int, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdict on a row that is ready, given those of the filters; or none."""
        ...

    def stop(self) -> None:
        """Ask nothing more; what is in flight may still come."""
        ...

    def end(self, *, gone: bool) -> None:
        """Wait for nothing more; `gone`: since the engine is, so that rows had better wait."""
        ...


@runtime_checkable
class Foresees(Protocol):
    """A sequential filter that is faster by far where it knows what it will be asked about."""

    def foresee(self, candidates: Sequence[Candidate]) -> None:
        """Take note of rows that may be judged next, in this order: verdicts stay the same."""
        ...


@runtime_checkable
class Settles(Protocol):
    """A filter that judges by the batch, and goes by the rows accepted before at a row's turn.

    What `judge` says of a row depends on no other; it leaves open what it would reject.
    """

    name: str

    def settle(self, candidate: Candidate, verdict: Verdict) -> Verdict:
        """Return what becomes of its verdict once every row before this one has been decided."""
        ...


@runtime_checkable
class ForGood(Protocol):
    """A sequential filter whose no stays a no, whatever else is accepted."""

    for_good: Literal[True]


@runtime_checkable
class OfMentions(Protocol):
    """A filter by meaning whose vectors are of the mentions of its rows, not of their texts.

    Its `fit` and `judge` are given one row per mention, in order, as `encode_places` gives them.
    """

    of_mentions: Literal[True]


class Journal(Protocol):
    """The memory of a run: what is committed here survives the process."""

    def plan(self, asks: Sequence[tuple[Ask, str]]) -> None:
        """Record asks with their request keys."""
        ...

    def arrive(self, ask: Ask, key: str, outcome: Completion | Failure) -> Arrival:
        """Number and record an answer or failure."""
        ...

    def vote(self, vote: Vote) -> None:
        """Record what was said of a row's label."""
        ...

    def votes(self) -> Iterator[Vote]:
        """Yield every vote in order."""
        ...

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Record the end of rows."""
        ...

    def note(self, kind: str, detail: str) -> None:
        """Record a decision of the plan or the engine, such as a label given up."""
        ...

    def commit(self) -> None:
        """Make everything recorded so far outlive the process.

        Raises:
            JournalError: the disk is full or the file cannot be written.
        """
        ...

    def replay(self) -> Iterator[tuple[Arrival, tuple[Decision, ...]]]:
        """Yield every arrival in order with its decisions (none where it was not judged yet)."""
        ...

    def unanswered(self) -> Sequence[tuple[Ask, str]]:
        """Return the asks that have no arrival yet, in order, with their keys."""
        ...
