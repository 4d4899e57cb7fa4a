"""The configuration of a run, from a YAML file and the command line; closed to unknown keys.

Every option of `augment run` stands here under its own name (`per-label`, or `per_label`); what
only a file can say (label descriptions, guidelines, headers) stands here too. The command line
wins.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import Field, ValidationError, model_validator

from augment.errors import InputError
from augment.recipe_faults import fault
from augment.recipe_fields import (
    STAGES,
    Closed,
    Endpoints,
    Engine,
    Events,
    FilterName,
    Folders,
    FormName,
    IdentityLists,
    Name,
    PiiAction,
    Positive,
    Relations,
    Seconds,
    Serving,
    Share,
    Text,
    Values,
    Way,
    Weight,
    check_addresses,
    dashed,
    listed,
)
from augment.records import TaskName
from augment.secrets import without_secrets
from augment.shown import meant, shown

ENCODER = "minilm"
"""What `encoder` says of the one that comes with the package."""
FAST_ENCODER = "fast"
"""What `encoder` says of the one that is distilled from it at its first use."""
NO_ENCODER = "ngram"
"""What `encoder` says where rows are to be compared by character n-grams alone."""

_SURROGATE = re.compile(r"(?<!\\)(?:\\\\)*\\ud[89a-f]", re.IGNORECASE)
"""How `repr` shows one."""


class Sampling(Closed):
    """How the engine samples; `max_tokens` bounds one answer."""

    temperature: Annotated[float, Field(ge=0, le=5)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    max_tokens: Positive = 512


class Prices(Closed):
    """Of a million tokens, in any currency."""

    prompt: Weight = 0.0
    completion: Weight = 0.0


class Filters(Closed):
    """Which filters run, in which order, what they do, and thresholds not found from the seeds.

    Attributes:
        without: names of filters that are left out.
        order: names of filters that come first, in this order, among those of their stage.
        flag: names of filters that reject no row: report and journal tell what they would reject.
        near_duplicate: Jaccard similarity from which two rows are one.
        leak: Jaccard similarity from which a row repeats the hold-out.
        semantic_duplicate: cosine from which a row says what another of its label says, or one of
            the hold-out; or `seeds`, to take it from them. Without it meanings are not compared so.
        language: probability of another language than the seeds', were there no third, from which
            a row is rejected.
        pii_names: what `pii-model` is to look for.
        toxicity: probability of being hateful or abusive from which a row is rejected.
        toxicity_classes: of `toxicity-model`, those that mean toxic, where their names don't tell.
        agreement_precision: share of the rows rejected for their label that would be rightly so
            if one row in ten bore a wrong one.
        least_probability: of a label that the engine chose, below which a row is rejected.
    """

    without: tuple[FilterName, ...] = ()
    order: tuple[FilterName, ...] = ()
    flag: tuple[FilterName, ...] = ()
    near_duplicate: Annotated[float, Field(gt=0, le=1)] | None = None
    leak: Annotated[float, Field(gt=0, le=1)] = 0.7
    semantic_duplicate: Annotated[float, Field(gt=0, le=1)] | Literal["seeds"] | None = None
    language: Annotated[float, Field(gt=0, le=1)] = 0.97
    toxicity: Annotated[float, Field(gt=0, le=1)] = 0.6
    toxicity_classes: tuple[Name, ...] = ()
    pii_names: Annotated[tuple[Literal["name", "place"], ...], Field(min_length=1)] = (
        "name", "place",
    )  # fmt: skip
    agreement_precision: Annotated[float, Field(gt=0, lt=1)] = 0.5
    least_probability: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _must_agree(self) -> Filters:
        for name in ("order", "flag"):
            named: tuple[FilterName, ...] = getattr(self, name)
            if len(set(named)) < len(named):
                raise ValueError(f"`{name}` names a filter twice")
            if left_out := sorted(set(named) & set(self.without)):
                names = ", ".join(map(dashed, left_out))
                raise ValueError(f"`{name}` names {names}, which `without` leaves out")
        stages = [(stage, by, name) for name in self.order
                  for stage, (by, own) in enumerate(STAGES.items()) if name in own]  # fmt: skip
        for (before, by, name), (after, other_by, other) in itertools.pairwise(stages):
            if before > after:
                raise ValueError(
                    f"`order` puts {dashed(name)} before {dashed(other)}: "
                    f"rows are judged by {other_by} first, and by {by} after that"
                )
        return self


class Recipe(Closed):
    """Everything that decides how a run goes, apart from its seeds."""

    task: TaskName | None = Field(
        None, description="classification, ner, relations or events; else what the rows hold"
    )
    per_label: Positive | None = Field(
        None, description="accepted rows of each label, or mentions of each type; 50 unless --total"
    )
    total: Positive | None = Field(None, description="accepted rows altogether, shared as seeds")
    random_seed: int = Field(0, ge=0, description="of every draw")
    reserve: Share = Field(0.0, description="share of the seeds kept out of prompts and fits")

    endpoint: Endpoints | None = Field(
        None, description="OpenAI-compatible server, up to /v1; may be given for several servers"
    )
    model: str | None = Field(
        None, description="which of the engine's models; of seedlm: bundled or ngram"
    )
    engine: Engine | None = Field(
        None, description="who answers: endpoint, vllm, transformers, langchain or seedlm"
    )
    serve: str | None = Field(
        None, description="model that vLLM serves for the length of the run: folder, name, bundled"
    )
    serving: Serving = Field(default_factory=lambda: Serving.model_validate({}))
    model_options: Mapping[str, Any] = Field(
        default_factory=dict,
        description="what a LangChain model or vLLM's engine is made with; of transformers: dtype",
        repr=False,
    )
    api_key_env: str = Field("AUGMENT_API_KEY", description="variable that holds the server's key")
    headers: Mapping[str, str] = Field(
        default_factory=dict, description="sent with each call", repr=False
    )
    extra_body: Mapping[str, Any] = Field(default_factory=dict, description="put into each call")
    concurrency: Positive = Field(64, description="most requests in flight, at each endpoint")
    timeout_s: Seconds = Field(600.0, description="for one call")
    max_wait_s: Seconds = Field(600.0, description="without any answer, before giving up")

    encoder: str = Field(
        ENCODER,
        description="of sentences: minilm, fast, a folder, a hub's name, or ngram for none",
    )

    toxicity_model: str | None = Field(
        None, description="text classifier that judges toxicity: a folder or a hub's name"
    )
    guard_endpoint: Endpoints | None = Field(
        None, description="server of a guard model that judges toxicity; or several of it"
    )
    guard_model: str | None = Field(None, description="which of the models there")
    guard_api_key_env: str = Field("AUGMENT_API_KEY", description="variable that holds its key")
    pii: PiiAction = Field("reject", description="of rows with personal data: or mask, surrogate")
    pii_model: Path | None = Field(
        None, description="folder of a spaCy pipeline that finds names and places, by presidio"
    )
    pii_placeholders: Literal["keep", "reject"] = Field(
        "keep", description="rows with what is set aside for examples: or reject"
    )

    max_requests: Positive | None = Field(
        None,
        description="to the engine, votes of a judge among them but no questions to a guard; "
        "default 20 x the rows + 200",
    )
    max_tokens: Positive | None = Field(None, description="the engine's prompts and answers")
    max_minutes: Seconds | None = Field(None, description="over all sessions of the run")
    max_cost: Annotated[float, Field(gt=0)] | None = Field(None, description="needs `prices`")
    prices: Prices = Prices()

    holdout: Path | None = Field(None, description="rows that no accepted row may repeat")
    against: Folders = Field(
        (), description="folder of another run, whose rows are not to be repeated; or several"
    )
    unlabelled: Path | None = Field(None, description="texts to be given their labels")
    out: Path = Field(Path("runs/latest"), description="the run's folder")
    text_field: str | None = Field(None, description="column of the text")
    text_pair_field: str | None = Field(None, description="column of the second text")
    label_field: str | None = Field(None, description="column of the label or labels")
    lenient: bool = Field(False, description="skip faulty rows and count them")

    labels: Mapping[Name, Text | None] | None = Field(None, description="label: description")
    entities: Mapping[Name, Text | None] | None = Field(None, description="type: description")
    relations: Relations | None = Field(None, description="type: description, head and tail")
    events: Events | None = Field(None, description="type: description, trigger and roles")
    mentions: Mapping[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(
        default_factory=dict, description="type: mentions to draw from, beside those of the seeds"
    )
    answer_form: FormName = Field(
        "marks", description="how an answer carries mentions: marks or mentions"
    )
    max_variants: Positive = Field(3, description="rows that differ in their mentions alone")
    guidelines: Text | None = Field(None, description="what a row must heed, for the prompts")
    glossary: Mapping[Text, Text] = Field(default_factory=dict, description="term: meaning")
    language: Text | None = Field(None, description="of the rows, where it needs saying")
    attributes: Mapping[Name, Values] = Field(
        default_factory=dict, description="what a new row is like: name: values, or label: values"
    )
    strategies: Mapping[Way, Weight] | None = Field(
        None, description="strategy: how often it is drawn"
    )
    shots: Annotated[int, Field(ge=0, le=64)] = Field(5, description="seeds in a fewshot prompt")
    rows_per_request: Annotated[int, Field(ge=1, le=50)] = Field(1, description="rows in an answer")
    sampling: Sampling = Sampling()
    templates: Path | None = Field(None, description="folder of your own prompt templates")
    filters: Filters = Filters()
    judge: bool = Field(
        False, description="ask the engine too which label a row has, and reject by that"
    )
    judge_votes: Annotated[int, Field(ge=1, le=9)] = Field(
        3, description="how often the judge is asked about a row"
    )
    keep: Literal["first", "best"] = Field(
        "first", description="which of the checked rows that are near-duplicates: first or best"
    )
    identities: IdentityLists = Field(default_factory=lambda: IdentityLists.model_validate({}))
    balance_identities: bool = Field(
        False, description="keep groups of people level within each label, and add counterparts"
    )

    @model_validator(mode="before")
    @classmethod
    def _labels_may_be_a_list(cls, values: dict[str, Any]) -> dict[str, Any]:
        named = {
            key: dict.fromkeys(map(str, values[key]))
            for key in ("labels", "entities")
            if isinstance(values.get(key), list)
        }
        return values | named

    @model_validator(mode="after")
    def _must_agree(self) -> Recipe:
        if self.per_label is not None and self.total is not None:
            raise ValueError("--per-label and --total exclude each other")
        if self.max_cost is not None and self.prices == Prices():
            raise ValueError("--max-cost needs `prices` in the recipe")
        if self.keep == "best" and {"agreement", "similarity"} <= {*self.filters.without}:
            raise ValueError(
                "--keep best needs the filter agreement or similarity to tell the best"
            )
        if self.strategies is not None and not any(self.strategies.values()):
            raise ValueError("`strategies` must give at least one a weight above 0")
        return self

    @model_validator(mode="after")
    def _must_agree_on_personal_data(self) -> Recipe:
        if self.pii_model is not None and "pii" in self.filters.without:
            raise ValueError("--pii-model does not go with `filters: {without: [pii]}`")
        if self.pii_model is None and "pii_names" in self.filters.model_fields_set:
            raise ValueError("`filters: {pii-names: [...]}` needs --pii-model")
        if self.pii != "reject" and "pii" in self.filters.without:
            raise ValueError(f"--pii {self.pii} does not go with `filters: {{without: [pii]}}`")
        if self.pii == "surrogate" and self.pii_placeholders == "reject":
            raise ValueError(
                "--pii surrogate does not go with --pii-placeholders reject: surrogates are drawn "
                "from what is set aside for examples"
            )
        return self

    @model_validator(mode="after")
    def _must_agree_on_toxicity(self) -> Recipe:
        if self.toxicity_model is None and self.filters.toxicity_classes:
            raise ValueError("`filters: {toxicity-classes: [...]}` needs --toxicity-model")
        if self.guard_endpoint is None and self.guard_model is not None:
            raise ValueError("--guard-model needs --guard-endpoint URL")
        check_addresses(listed(self.guard_endpoint), option="--guard-endpoint")
        given = self.scorers
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other")
        if given and "toxicity" in self.filters.without:
            raise ValueError(f"{given[0]} does not go with `filters: {{without: [toxicity]}}`")
        return self

    @model_validator(mode="after")
    def _must_name_who_answers(self) -> Recipe:
        if self.endpoint is None and self.engine == "endpoint" and self.serve is None:
            raise ValueError("--engine endpoint needs --endpoint URL")
        if self.endpoint is not None and self.engine not in {None, "endpoint"}:
            raise ValueError(f"--endpoint does not go with --engine {self.engine}")
        if self.serve is not None:
            self._refuse_others()
        check_addresses(self.endpoints, option="--endpoint")
        if self.engine in {"vllm", "transformers", "langchain"} and self.model is None:
            raise ValueError(f"--engine {self.engine} needs --model")
        asked = self.endpoint is not None or self.serve is not None
        embedded = not asked and self.engine in {None, "seedlm"}
        if embedded and self.model not in {None, "bundled", "ngram"}:
            like = meant(str(self.model), ("bundled", "ngram"))
            raise ValueError(
                f"--model {self.model!r}{like} needs --engine vllm, transformers or langchain, "
                "or --endpoint URL"
            )
        return self

    @model_validator(mode="after")
    def _must_be_options_of_the_engine(self) -> Recipe:
        if not self.model_options or self.engine in {"langchain", "vllm"}:
            return self
        if self.engine != "transformers":
            raise ValueError("`model-options` goes with --engine langchain, vllm or transformers")
        if strange := sorted(self.model_options.keys() - {"dtype"}):
            raise ValueError(f"`model-options` of transformers: dtype alone, found {strange}")
        dtypes = ("float32", "bfloat16", "float16")
        if self.model_options.get("dtype", dtypes[0]) not in dtypes:
            raise ValueError(f"`model-options`, dtype: must be one of {', '.join(dtypes)}")
        return self

    def _refuse_others(self) -> None:
        """Refuse what does not go with a server of our own."""
        if self.endpoint is not None or self.engine not in {None, "endpoint"}:
            raise ValueError("--serve goes without --endpoint and --engine: it is who answers")
        if self.model not in {None, self.serve}:
            raise ValueError("--serve names the model: leave --model out")

    @model_validator(mode="after")
    def _must_make_or_label(self) -> Recipe:
        if self.unlabelled is None:
            if "annotate" in self.ways:
                raise ValueError("strategy annotate needs --unlabelled FILE")
            return self
        if self.per_label is not None or self.total is not None:
            raise ValueError(
                "--unlabelled goes without per-label and total: each of its texts is asked about "
                "once; take the quota out"
            )
        if set(self.ways) - {"annotate"}:
            raise ValueError("--unlabelled goes with the strategy annotate alone")
        return self

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The servers' addresses; none where there is none."""
        return listed(self.endpoint)

    @property
    def scorers(self) -> tuple[str, ...]:
        """The options that name who judges toxicity in place of our own model: one at most."""
        every = {"--toxicity-model": self.toxicity_model, "--guard-endpoint": self.guard_endpoint}
        return tuple(option for option, named in every.items() if named is not None)

    @property
    def ways(self) -> Mapping[str, float]:
        """The strategies that are to be drawn, each with its weight; none where none is named."""
        return {name: weight for name, weight in (self.strategies or {}).items() if weight > 0}


OPERATIONAL = frozenset(
    {
        "endpoint", "serve", "serving", "model_options", "api_key_env", "headers", "concurrency",
        "timeout_s", "max_wait_s", "prices", "out", "lenient", "holdout", "unlabelled", "templates",
        "text_field", "text_pair_field", "label_field", "guard_endpoint", "guard_api_key_env",
    }
)  # fmt: skip
"""Fields that may change between the sessions of a run: what they say is not in the rows, or is
held against the old run by its content (seeds, hold-out, texts, templates).
"""

MAY_GROW = frozenset(
    {"per_label", "total", "max_requests", "max_tokens", "max_minutes", "max_cost"}
)
"""Fields that may be larger in a later session (None is the largest budget, not quota)."""


def load(path: Path | None, *, options: Mapping[str, Any], said: str = "command line") -> Recipe:
    """Return the recipe in the file with options over it, which `said` names in messages.

    Raises:
        InputError: every unknown key and value that is not allowed.
    """
    values = dict(_read(path)) if path is not None else {}
    origin = {dashed(key): str(path) for key in values}
    given = {dashed(str(name)): value for name, value in options.items()}
    values |= given
    origin |= dict.fromkeys(given, said)
    if _SURROGATE.search(repr(values)):
        raise InputError.one(str(path or said), "holds a lone surrogate, which is no character")
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        faults = [fault(detail, origin, of=Recipe) for detail in error.errors()]
        raise InputError(faults) from None  # pydantic's own words may hold a key


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError.one(str(path), f"cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise InputError.one(str(path), f"cannot be read as YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError.one(str(path), "must hold a mapping of option names to values")
    return {dashed(str(key)): value for key, value in cast("dict[Any, Any]", values).items()}


def differences(before: Mapping[str, Any], now: Recipe) -> list[str]:
    """Say in which ways `now` may not continue a run that was begun with the recipe `before`.

    What `before` does not know of, since an earlier version wrote it, was as it is by default;
    and a recipe without a task was one of classification.
    """
    found: list[str] = []
    by_default = comparable(Recipe.model_validate({"task": "classification"}))
    for name, value in comparable(now).items():
        old = _completed(before.get(name, by_default[name]), name)
        if old == value or (name in MAY_GROW and _grown(name, old, value)):
            continue
        if isinstance(getattr(now, name), Closed) and isinstance(old, Mapping):
            found += _parts_that_differ(name, cast("Mapping[str, Any]", old), value)
        else:
            found.append(f"{dashed(name)}: was {shown(old)}, now {shown(value)}")
    return found


def _parts_that_differ(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for part in dict.fromkeys((*old, *new)):
        if old.get(part) != new.get(part):
            was, now = shown(old.get(part)), shown(new.get(part))
            yield f"{dashed(name)}, {dashed(part)}: was {was}, now {now}"


def _completed(old: Any, name: str) -> Any:
    """Return a recipe's value with the parts that were not there when it was written."""
    part = getattr(Recipe.model_validate({}), name)
    if isinstance(part, Closed) and isinstance(old, Mapping):
        return part.model_dump(mode="json") | {**cast("Mapping[str, Any]", old)}
    return old


def _grown(name: str, old: Any, new: Any) -> bool:
    if name in {"per_label", "total"}:
        return old is not None and new is not None and new > old
    return new is None or (old is not None and new > old)


def comparable(recipe: Recipe) -> dict[str, Any]:
    """Return what the rows depend on, as plain JSON values, without the keys in `extra-body`."""
    values = recipe.model_dump(mode="json", exclude=set(OPERATIONAL))
    return values | {"extra_body": without_secrets(values["extra_body"])}
