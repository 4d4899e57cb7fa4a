"""What is known of a model before it is loaded, from its configuration."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from augment.engines.embedded import BUNDLED, WEIGHTS
from augment.engines.vllm_weights import Weights, json_of, weights_of
from augment.errors import InputError

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+|\w[\w.-]*")
_TEMPLATES = ("chat_template.jinja", "chat_template.json", "tekken.json")
_HALF = 2
_TURN_TOKENS = 8
"""What a chat template puts around a turn, at most, in the models we looked at: role and ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that vLLM is to load.

    Attributes:
        name: as it was given, and as it is served.
        path: what vLLM is to load: a folder or a name on the hub.
        here: whether its files are on this machine.
        limit: the most tokens of prompt and answer together; None where it does not tell.
        token_bytes: of the cache, for a token, at two bytes a number; None where it does not tell.
        weights: what memory they take.
        heads: of attention, that the GPUs have to share evenly; None where it does not tell.
        chats: whether it brings a chat template, or another way to read turns.
        tokenizer: None where it has no `tokenizer.json`.
    """

    name: str
    path: str
    here: bool
    limit: int | None
    token_bytes: int | None
    weights: Weights
    heads: int | None
    chats: bool
    tokenizer: Tokenizer | None

    def tokens(self, turns: Sequence[str]) -> int:
        """Return how many tokens a prompt of these turns has at the most, as far as is known."""
        if self.tokenizer is None:  # a token is two bytes long at least, on the average
            counts = [math.ceil(len(turn.encode("utf-8", "replace")) / 2) for turn in turns]
        else:
            every = self.tokenizer.encode_batch(list(turns), add_special_tokens=False)
            counts = [len(one.ids) for one in every]
        return sum(counts) + _TURN_TOKENS * (len(turns) + 1)


def find(name: str) -> Model:
    """Return what is known of a model: a folder, a name on the hub, or `bundled`.

    Of a name on the hub, small files are fetched where they are not here yet; vLLM wants them too.

    Raises:
        InputError: there is no such model, or it cannot be fetched.
    """
    folder = WEIGHTS if name == BUNDLED else Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError.one(name, "is a folder without config.json: no model lies there")
        return _model(name, path=str(folder), folder=folder)
    if not _HUB_NAME.fullmatch(name):
        raise InputError.one(name, "is no folder, and cannot be a hub's name (owner/model)")
    folder = _fetched(name)
    return _model(name, path=name, folder=folder)


def _fetched(name: str) -> Path:
    """Return the folder that holds the small files of a model on the hub."""
    from huggingface_hub import errors, snapshot_download  # pyright: ignore[reportUnknownVariableType]

    small = ["*.json", "*.jinja"]
    try:
        return Path(snapshot_download(name, allow_patterns=small, etag_timeout=5))
    except errors.GatedRepoError:
        what = "its owner asks for an agreement: give it on the model's page, and set HF_TOKEN"
    except errors.RepositoryNotFoundError:
        what = "is neither a folder here nor a model on the hub that may be seen without HF_TOKEN"
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        what = (
            "is neither a folder nor in the hub's cache here, and the hub cannot be reached: "
            "give the path of a folder, or fetch the model where there is a network (hf download)"
        )
    except (errors.HfHubHTTPError, OSError, ValueError) as error:
        what = f"cannot be fetched from the hub: {str(error).splitlines()[0][:200]}"
    raise InputError.one(name, what)


def _model(name: str, *, path: str, folder: Path) -> Model:
    config = json_of(folder / "config.json")
    text: Mapping[str, Any] = config.get("text_config") or config
    weights = weights_of(folder)
    own_template = "chat_template" in json_of(folder / "tokenizer_config.json")
    return Model(
        name=name,
        path=path,
        here=weights.stored is not None and _whole_set(folder),
        limit=_whole(text, "max_position_embeddings", "n_positions", "max_sequence_length"),
        token_bytes=_token_bytes(text),
        weights=weights,
        heads=_whole(text, "num_attention_heads"),
        chats=own_template or any((folder / each).is_file() for each in _TEMPLATES),
        tokenizer=_tokenizer(folder),
    )


def _whole_set(folder: Path) -> bool:
    """Tell whether every file of the weights is there that their index names, if there is one."""
    index: Mapping[str, str] = json_of(folder / "model.safetensors.index.json").get(
        "weight_map", {}
    )
    return all((folder / name).is_file() for name in set(index.values()))


def _token_bytes(config: Mapping[str, Any]) -> int | None:
    """Keys and values of every layer: 2 x layers x heads x width, at two bytes a number."""
    layers, heads = (_whole(config, name) for name in ("num_hidden_layers", "num_attention_heads"))
    own = _whole(config, "num_key_value_heads") or heads
    width = _whole(config, "head_dim")
    if width is None and heads is not None:
        hidden = _whole(config, "hidden_size")
        width = None if hidden is None else hidden // heads
    if layers is None or own is None or width is None:
        return None
    return 2 * layers * own * width * _HALF


def _whole(config: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return None


def _tokenizer(folder: Path) -> Tokenizer | None:
    try:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # noqa: BLE001 - the library raises nothing more specific
        return None
