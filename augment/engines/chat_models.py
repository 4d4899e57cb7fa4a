"""Getting a LangChain chat model: by words, and without retries of its own."""

from __future__ import annotations

import functools
import inspect
import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pydantic
from langchain_core.language_models import BaseChatModel

from augment.errors import EngineUnusable

_OURS = ("model", "model_provider", "configurable_fields", "config_prefix")
_ONE_ATTEMPT = {"langchain_google_genai": 1}
"""What `max_retries` must be for one call only, by package, where that is not 0."""

_log = logging.getLogger(__name__)


def chat_model(name: str, options: Mapping[str, Any]) -> BaseChatModel:
    """Make a chat model by its name, `provider:model`, as LangChain's `init_chat_model` does.

    Args:
        name: such as `openai:gpt-5` or `ollama:llama3.1:8b`.
        options: the arguments of the provider's class, such as `base_url` or `api_key`.

    Raises:
        EngineUnusable: LangChain or the provider's package is missing, or the provider or an
            option is unknown or wrong; the text says which and what to do.
    """
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise EngineUnusable(f"langchain: {name!r} is not PROVIDER:MODEL, such as openai:gpt-5")
    if wrong := [option for option in options if option in _OURS]:
        raise EngineUnusable(f"langchain {name}: not an option: {', '.join(wrong)}")
    try:
        from langchain import chat_models
    except ImportError as error:
        raise EngineUnusable(
            f"langchain {name}: LangChain is not installed ({error}): "
            "pip install 'augment-corpora[langchain]'"
        ) from error
    make = functools.partial(chat_models.init_chat_model, model, model_provider=provider)
    once = {"max_retries": _one_attempt(f"langchain_{provider}"), **options}
    try:
        try:
            made = _made(make, once)
        except (TypeError, ValueError) as error:
            if "max_retries" in options or "max_retries" not in str(error):
                raise
            made = _made(make, options)
    except ImportError as error:
        raise EngineUnusable(f"langchain {name}: {error}") from error
    except Exception as error:  # noqa: BLE001 - each provider's class raises what it likes
        # Without its cause: what a provider's class says of its options may show a key.
        raise EngineUnusable(f"langchain {name}: {_said(error)}") from None
    if unknown := _unknown(made, options):
        raise EngineUnusable(
            f"langchain {name}: {type(made).__name__} has no option {', '.join(unknown)}; "
            f"it has {', '.join(_known(made))}"
        )
    return made


def without_retries(model: BaseChatModel) -> BaseChatModel:
    """Return a copy that calls once where this one would try again; itself if it does not.

    Where no such copy can be made, the model itself is returned and a warning logged.
    """
    if "max_retries" not in type(model).model_fields:
        return model
    once = _one_attempt(type(model).__module__)
    if getattr(model, "max_retries", None) == once:
        return model
    copy = model.model_copy(update={"max_retries": once})
    held = vars(copy)
    made_late = [
        name
        for name in dir(type(copy))
        if "client" in name
        and isinstance(inspect.getattr_static(type(copy), name), functools.cached_property)
    ]
    for name in made_late:  # clients that are built from the fields at their first use
        held.pop(name, None)
    replaced = {name: client for name in held if (client := _calling_once(held[name]))}
    held.update(replaced)
    if replaced or made_late or once:
        return copy
    _log.warning(
        "%s: its own retries cannot be switched off here and come on top of ours; "
        "make it with max_retries=0",
        type(model).__name__,
    )
    return model


def _made(make: Callable[..., BaseChatModel], options: Mapping[str, Any]) -> BaseChatModel:
    with warnings.catch_warnings():
        # ChatOpenAI takes an unknown option for a field of each call, and only warns.
        warnings.filterwarnings("error", message=r"(?s).*not default parameter")
        return make(**options)


def _calling_once(value: Any) -> Any:
    """Return a client as OpenAI's, Anthropic's or Groq's package makes them, without retries.

    A model holds the client, or a part of it (`client.chat.completions`); None for anything else.
    """
    if hasattr(value, "with_options") and hasattr(value, "max_retries"):
        return value.with_options(max_retries=0)
    owner = getattr(value, "_client", None)
    if hasattr(owner, "with_options") and hasattr(owner, "max_retries"):
        return type(value)(_calling_once(owner))
    return None


def _one_attempt(module: str) -> int:
    return _ONE_ATTEMPT.get(module.partition(".")[0], 0)


def _known(model: BaseChatModel) -> list[str]:
    fields = type(model).model_fields
    return sorted({*fields, *(field.alias for field in fields.values() if field.alias)})


def _unknown(model: BaseChatModel, options: Mapping[str, Any]) -> list[str]:
    """Return the options that pydantic dropped; a class with its own constructor knows others."""
    if type(model).__init__ is not BaseChatModel.__init__:
        return []
    if type(model).model_config.get("extra") == "allow":
        return []
    return sorted(set(options) - set(_known(model)))


def _said(error: Exception) -> str:
    """Return an error's text; pydantic's without the input, which may hold a key."""
    if isinstance(error, pydantic.ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ")
            for each in error.errors(include_input=False, include_url=False)
        )
    return " ".join(str(error).split())
