"""The kinds of values that stand in a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from augment.characters import fault_of_name, fault_of_text
from augment.secrets import Secrets, of_url


def dashed(name: str) -> str:
    """Return a field's name as a recipe and a command line have it."""
    return name.replace("_", "-")


def underscored(name: str) -> str:
    """Return a field's or filter's name as code, journal and files have it."""
    return name.replace("-", "_")


class Closed(BaseModel):
    """A part of the recipe: frozen, unknown keys refused, dashes or underscores in names."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=dashed,
        populate_by_name=True,
        hide_input_in_errors=True,  # it may be a key; our own messages show what may be shown
    )


def _sound(text: str) -> str:
    if fault := fault_of_text(text):
        raise ValueError(fault)
    return text


def _name(text: str) -> str:
    if text != text.strip() or not text:
        raise ValueError("must not be empty, nor begin or end with white space")
    if fault := fault_of_name(text):
        raise ValueError(fault)
    return text


def _values(values: object) -> tuple[str, ...] | dict[str, tuple[str, ...]]:
    """Check the values of an attribute, which pydantic's unions complain of in riddles."""
    if isinstance(values, Mapping):
        by_label = cast("Mapping[object, object]", values)
        found = {str(label): _texts(own) for label, own in by_label.items()}
        if found and all(found.values()):
            return {label: own for label, own in found.items() if own}
    elif own := _texts(values):
        return own
    raise ValueError("must be a list of texts, or such a list for each label")


def _texts(values: object) -> tuple[str, ...] | None:
    if not isinstance(values, list | tuple) or not values:
        return None
    items = cast("Sequence[object]", values)
    texts = [_sound(each) for each in items if isinstance(each, str)]
    whole = len(texts) == len(items) and all(text.strip() for text in texts)
    return tuple(dict.fromkeys(texts)) if whole else None


def _endpoints(value: object) -> object:
    """Take a list of one for that one; pydantic's unions complain in riddles."""
    items = cast("Sequence[object]", value) if isinstance(value, list | tuple) else [value]
    if not items or not all(isinstance(each, str) for each in items):
        raise ValueError("must be an address, or a list of addresses")
    return items[0] if len(items) == 1 else tuple(items)


def check_addresses(urls: Sequence[str], *, option: str) -> None:
    """Refuse what is no address of a server, and one that is named twice.

    Raises:
        ValueError: naming the option.
    """
    for url in urls:
        if not url.startswith(("http://", "https://")):
            shown = Secrets(of_url(url)).struck(url)
            raise ValueError(f"{option} {shown!r} must begin with http:// or https://")
    if len(set(urls)) < len(urls):
        raise ValueError(f"{option} names a server twice")


def listed(urls: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the addresses as they are given: none, one or several."""
    return (urls,) if isinstance(urls, str) else urls or ()


def _filter_name(value: object) -> object:
    """Take dashes for underscores, as in the names of thresholds."""
    return underscored(value) if isinstance(value, str) else value


def _folders(value: object) -> object:
    """Take a folder for a list of one."""
    return [value] if isinstance(value, str | Path) else value


Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Positive: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0)]
Weight: TypeAlias = Annotated[float, Field(ge=0)]
Text: TypeAlias = Annotated[str, AfterValidator(_sound)]
Name: TypeAlias = Annotated[str, AfterValidator(_name)]
"""Of a label or an attribute: it stands in one line, and is itself however it is read."""
Values: TypeAlias = Annotated[
    tuple[str, ...] | Mapping[str, tuple[str, ...]], BeforeValidator(_values)
]
"""Of an attribute: for all labels, or by label."""
Endpoints: TypeAlias = Annotated[str | tuple[str, ...], BeforeValidator(_endpoints)]
"""One server's address, or several."""
Folders: TypeAlias = Annotated[tuple[Path, ...], BeforeValidator(_folders)]


class RelationKind(BaseModel):
    """What a relation joins; types left out are learnt from the seeds, or any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Text = ""
    head: tuple[Name, ...] = ()
    tail: tuple[Name, ...] = ()


class EventKind(BaseModel):
    """What an event has: types of its trigger, and roles; learnt from the seeds where left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Text = ""
    trigger: tuple[Name, ...] = ()
    required: tuple[Name, ...] = ()
    optional: tuple[Name, ...] = ()


def _kinds(values: object) -> object:
    """Take a list of names, or descriptions by name, for what could say more."""
    if isinstance(values, list | tuple):
        return {str(name): dict[str, str]() for name in cast("Sequence[object]", values)}
    if not isinstance(values, Mapping):
        return values
    own = cast("Mapping[object, object]", values)
    return {
        name: {} if kind is None else {"description": kind} if isinstance(kind, str) else kind
        for name, kind in own.items()
    }


Relations: TypeAlias = Annotated[Mapping[Name, RelationKind], BeforeValidator(_kinds)]
Events: TypeAlias = Annotated[Mapping[Name, EventKind], BeforeValidator(_kinds)]
Engine: TypeAlias = Literal["endpoint", "vllm", "transformers", "langchain", "seedlm"]
PiiAction: TypeAlias = Literal["reject", "mask", "surrogate"]
"""What becomes of rows that hold personal data."""
Way: TypeAlias = Literal[
    "fewshot", "zeroshot", "paraphrase", "entities-first", "mention-replacement", "counterfactual",
    "annotate",
]  # fmt: skip
"""A strategy."""
FormName: TypeAlias = Literal["marks", "mentions"]
"""How answers carry mentions, as `augment.tasks.forms` has it."""


class IdentityAxis(Closed):
    """Terms for groups of people: a row of `terms` has the words of each group for one thing."""

    groups: Annotated[tuple[Name, ...], Field(min_length=1)]
    terms: Annotated[tuple[tuple[Name | tuple[Name, ...] | None, ...], ...], Field(min_length=1)]
    level: tuple[Name, ...] = ()


class IdentityLists(Closed):
    """Which groups of people are looked for, and what their shares are to be.

    Attributes:
        languages: whose lists are taken; the seeds' where nothing is said.
        axes: more of them, or more terms for one that is there.
        target: share of each group, by axis.
    """

    languages: tuple[Literal["de", "en"], ...] | None = None
    axes: Mapping[Name, IdentityAxis] = Field(default_factory=dict)
    target: Mapping[Name, Mapping[Name, Weight]] = Field(default_factory=dict)


_FilterName: TypeAlias = Literal[
    "length", "form", "language", "pii", "copy", "leak", "confidence", "unmarked",
    "agreement", "similarity", "toxicity",
    "near_duplicate", "variants", "semantic_duplicate", "balance", "shortcuts",
]  # fmt: skip
FilterName: TypeAlias = Annotated[_FilterName, BeforeValidator(_filter_name)]
"""With dashes, as recipes have names, or as files have them."""
STAGES: Mapping[str, tuple[str, ...]] = {
    "their text": ("length", "form", "language", "pii", "copy", "leak", "confidence"),
    "their meaning": ("agreement", "similarity", "toxicity"),
    "the rows accepted before": (
        "unmarked",
        "near_duplicate",
        "variants",
        "semantic_duplicate",
        "balance",
        "shortcuts",
    ),
}
"""What filters judge rows by, in the order in which that is done: a row that its text rejects
need not be embedded, and only one that all others pass may be held against accepted rows.
"""


class Serving(Closed):
    """How vLLM is started for a run or by `augment serve`; what is left open is chosen."""

    device: Literal["gpu", "cpu"] | None = Field(default=None, description="gpu or cpu")
    dtype: Literal["auto", "bfloat16", "float16", "float32"] | None = Field(
        default=None, description="numbers to compute with: auto, bfloat16, float16 or float32"
    )
    max_model_len: Positive | None = Field(
        default=None, description="tokens of prompt and answer together"
    )
    kv_cache_gib: Weight | None = Field(
        default=None, gt=0, description="memory for keys and values, GiB"
    )
    gpu_memory: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="share of each GPU's memory that vLLM may take"
    )
    start_within_s: Seconds = Field(default=1800.0, description="for loading, downloads included")
    arguments: tuple[str, ...] = Field(default=(), description="more of vLLM's own, after these")
