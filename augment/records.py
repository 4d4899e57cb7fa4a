"""The values that pass through a run, all frozen.

    Ask ─render─> Request ─engine─> Completion | Failure ─journal─> Arrival
    Arrival ─parse─> Candidate | Fault ─filters─> Verdicts ─> Decision

Nothing here computes; what happens to the values is the business of the rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)

Scalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = Any
"""A value that `json.dumps` takes."""
TaskName: TypeAlias = Literal["classification", "ner", "relations", "events"]
"""What a row is; the last three are the extraction tasks."""
Aligned: TypeAlias = Literal["exact", "normalised", "fuzzy"]
"""How a mention was found in its text: letter by letter, but for form, or but for some words."""

COUNTERFACTUAL: Final = "counterfactual"
"""The strategy whose rows are seeds with the people in them exchanged."""

EMPTY: Mapping[str, Any] = MappingProxyType({})


Place: TypeAlias = tuple[int, int]
"""A stretch of a text: its start and end, Python string indices, half open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A mention: `text[start:end]`, Python string indices, half open.

    Attributes:
        aligned: how it was found in the text; of no matter to what it is.
    """

    start: int
    end: int
    label: str
    aligned: Aligned = field(default="exact", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A directed relation between two mentions, given by their places in `Annotation.entities`."""

    head: int
    tail: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A mention's role in an event."""

    entity: int
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event: its trigger is a mention too."""

    trigger: int
    type: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """The target of the extraction tasks; relations and events point into `entities`."""

    entities: tuple[Span, ...]
    relations: tuple[Relation, ...] = ()
    events: tuple[Event, ...] = ()


Target: TypeAlias = str | tuple[str, ...] | Annotation
"""One label, several labels (none is legal), or an annotation."""


def labels_of(target: Target) -> tuple[str, ...]:
    """Return the labels that a target bears: one, several or none; of an annotation, its types."""
    if isinstance(target, str):
        return (target,)
    if isinstance(target, tuple):
        return target
    return tuple(dict.fromkeys(entity.label for entity in target.entities))


def places_of(target: Target) -> list[Place]:
    """Return where the mentions of an annotation stand; of labels, nowhere."""
    entities = target.entities if isinstance(target, Annotation) else ()
    return [(entity.start, entity.end) for entity in entities]


Origin: TypeAlias = Literal["seed", "generated", "given"]

Kind: TypeAlias = Literal["made", "labelled", "checked"]
"""What a run does: makes rows, gives texts their labels, or checks rows that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Generic[T_co]):
    """A labelled text (or pair of texts), whoever made it.

    Attributes:
        id: unique in its file or run.
        target: what a model is to learn from it; its type is the task's.
        meta: input columns that no task understands, open to prompt templates.
        group: ties rows that were made together or must not be split.
        origin: `seed` came from the user, `generated` from an engine, `given` is a text that
            awaits its label.
    """

    id: str
    text: str
    text_pair: str | None = None
    target: T_co
    meta: Mapping[str, Scalar] = field(default_factory=lambda: EMPTY)
    group: str | None = None
    origin: Origin = "seed"

    @property
    def whole(self) -> str:
        """Both texts of a pair on two lines, or the only one: what filters compare."""
        return self.text if self.text_pair is None else f"{self.text}\n{self.text_pair}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is wanted from one request.

    Attributes:
        number: 0, 1, 2, ... in the order of planning; with the run's seed it fixes every draw
            of this ask.
        labels: the label (one), the label set (any number), or the entity types wanted.
        exemplars: ids of the seeds shown in the prompt, in the order shown.
        shortened: whether exemplars were left out, since the prompt with them was too long.
        avoid: words that too many rows of these labels hold already.
        k: how many rows the answer is to hold.
    """

    number: int
    strategy: str
    labels: tuple[str, ...]
    exemplars: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    instructions: str | None = None
    avoid: tuple[str, ...] = ()
    k: int = 1
    shortened: bool = False


def place_of(number: int, *, rows: int) -> int:
    """Return which of so many given rows the ask with a number is about, from 0.

    What no engine answered is asked about again: n rows by the numbers 0 to n - 1, then by n to
    2n - 1, and so on.
    """
    return number % rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the engine is to sample; `max_tokens` bounds one answer, `seed` is drawn per ask."""

    temperature: float
    top_p: float
    max_tokens: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An ask, rendered.

    Attributes:
        key: SHA-256 (hex) of messages, schema and sampling.
        schema: the JSON schema that the answer must satisfy, or None for free text.
        logprobs: how many rivals of each token of the answer are wanted with their
            log-probabilities; None: no log-probabilities are.
    """

    key: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Json] | None
    sampling: Sampling
    ask: Ask
    logprobs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """A token of the answer with its log-probability and those of its rivals."""

    token: str
    logprob: float
    top: Mapping[str, float] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """An answer.

    Attributes:
        text: the answer without its reasoning; may be empty, and may hold anything at all.
        finish: why the engine stopped; `length` means that the text is cut off.
        reasoning: what the model thought aloud, stripped from `text`.
        calls: how many calls it took, retries included; 0 for engines in this process.
        server: which of several servers answered; None where there is one, or none.
    """

    text: str
    finish: Literal["stop", "length", "content_filter", "other"] = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    calls: int = 0
    server: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a model that lives elsewhere was asked about texts, over all sessions of a run.

    Attributes:
        questions: about one text each; `failures` of them were told nothing.
        calls: how many that took, retries included.
        median_s: from a question to its answer; None where no time is known.
    """

    questions: int
    failures: int
    calls: int
    repeated_calls: int
    prompt_tokens: int
    completion_tokens: int
    median_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixCache:
    """How many prompt tokens an engine looked for in its cache of prefixes, and found there.

    They are counted from its start, and over all who use it.
    """

    tokens: int
    hits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that will never be answered: a value in the answer's place.

    Attributes:
        code: `refused` (the engine does not take this prompt), `prompt_too_long` (for the model,
            with the answer that it is to leave room for), `server_error` (it failed on this
            prompt again and again), `unreadable` (what came back is no answer), `unanswered`
            (given up when the run ended).
    """

    code: Literal["refused", "prompt_too_long", "server_error", "unreadable", "unanswered"]
    detail: str
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An answer or failure as the journal numbered it: 1, 2, 3, ... in order of arrival.

    Attributes:
        at: seconds since the Unix epoch.
    """

    number: int
    ask: Ask
    key: str
    outcome: Completion | Failure
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What an engine answered when it was asked for the label of a row, or its failure to.

    Attributes:
        arrival: number of the arrival that the row came in; 0 for a seed.
        index: the row's place in that answer; of a seed, among the seeds.
        number: of the votes on this row, from 0.
    """

    arrival: int
    index: int
    number: int
    outcome: Completion | Failure

    @property
    def on_seed(self) -> bool:
        """Whether it is about a seed."""
        return self.arrival == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why an answer, or one row of it, is no example: rejected before any filter sees it.

    Attributes:
        filter: who found it: `engine` or `schema`.
        reason: a short code.
        text: what text there was; "" where the answer gave none.
    """

    filter: str
    reason: str
    detail: str
    text: str = ""
    text_pair: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An example that awaits the filters' judgement.

    Attributes:
        probability: of its label, where an engine chose it and told how sure it was; else None.
    """

    example: Example[Target]
    ask: Ask
    key: str
    index: int
    probability: float | None = None

    @property
    def counterpart_of(self) -> str | None:
        """The seed that the row is meant to repeat but for its people, where it is."""
        return self.ask.exemplars[0] if self.ask.strategy == COUNTERFACTUAL else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one filter says of one candidate.

    Attributes:
        outcome: `abstained` means that the filter had no basis: neither rejected nor passed;
            `flagged` that it would have rejected the row, and was told to let rows through.
        score: what was measured, or None where nothing could be.
        threshold: what the score was held against.
        reason: a short code where rejected or flagged, the lack of basis where abstained.
        band: the least and the greatest score that pass, where both ends are held against;
            `threshold` is then the end that rejected the row, or the nearer one.
    """

    filter: str
    outcome: Literal["passed", "rejected", "abstained", "flagged"]
    score: float | None = None
    threshold: float | None = None
    reason: str | None = None
    detail: str | None = None
    band: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a filter learnt from the seeds, for people to hold its verdicts against.

    Attributes:
        basis: what it compares rows by: an encoder's name, or `character n-grams`.
        statement: in words, how it judges and how it fares on the seeds.
        scores: the score of each seed that could be scored, left out of what it is compared with.
        thresholds: what scores are held against, ascending.
        confusions: of seeds that read like another label than their own: the label, the other,
            and how many; the commonest first.
    """

    filter: str
    basis: str
    statement: str
    scores: tuple[float, ...]
    thresholds: tuple[float, ...]
    confusions: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The end of one row: its verdicts in the order given, the rejecting one last.

    Attributes:
        arrival: number of the arrival it came in.
        index: its place in the answer.
    """

    arrival: int
    index: int
    accepted: bool
    verdicts: tuple[Verdict, ...]

    @property
    def rejection(self) -> Verdict:
        """The verdict that rejected the row; only for a row that was rejected."""
        return self.verdicts[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a strategy is asked to make an ask for.

    Attributes:
        number: the ask's number.
        labels: the label, label set or types that are still missing.
        draw_seed: seeds every random draw for this ask.
        attributes: what a new row is to be like: a value of each.
    """

    number: int
    labels: tuple[str, ...]
    draw_seed: int
    attributes: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSet:
    """The seeds of a run and what is known of them.

    Attributes:
        examples: in file order.
        labels: every label, in order of first appearance or as the recipe lists them; of the
            extraction tasks, every type that quotas count: of entities, relations or events.
        several: whether a row may carry several labels.
        pairs: whether rows have a second text.
        digest: SHA-256 (hex) of the seeds' content.
        warnings: what was noticed and let through, each with its count.
    """

    examples: tuple[Example[Any], ...]
    labels: tuple[str, ...]
    several: bool
    pairs: bool
    digest: str
    warnings: tuple[str, ...] = ()
    task: TaskName = "classification"
    by_id: Mapping[str, Example[Any]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {example.id: example for example in self.examples})
