"""Where a model of transformers is loaded from: a folder, or the hub; never with its own code."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from augment.errors import EngineUnusable

_log = logging.getLogger(__name__)

T = TypeVar("T")


def library() -> Any:
    """Return transformers, whose types are too loose to be checked."""
    # A model without safetensors is otherwise sent to a converter of the hub's, by its name.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    import transformers
    from transformers.utils import logging as its_logging

    its_logging.disable_progress_bar()
    return transformers


def placed(model: str) -> tuple[str, dict[str, Any]]:
    """Return the folder or name from which a model is loaded, and what every load is told.

    Raises:
        EngineUnusable: there is no such folder, or no such model on the hub.
    """
    source = Path(model).expanduser()
    if not source.is_dir() and (source.exists() or source.is_absolute() or model[:1] in "./~"):
        raise EngineUnusable(f"{model}: no folder of a model")
    local = source.is_dir()
    common = {"trust_remote_code": False, "local_files_only": local or not _on_hub(model)}
    return (str(source) if local else model), common


def name_of(model: str) -> str:
    """Return what reports call a model: its folder's name, or its name on the hub."""
    folder = Path(model).expanduser()
    return folder.resolve().name if folder.is_dir() else model


def _on_hub(model: str) -> bool:
    """Tell whether the hub has the model; False where the hub cannot be reached.

    Asked once and briefly, for the library's own attempts go on for half a minute: what was
    downloaded before is then used as it is.
    """
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    api: Any = huggingface_hub.HfApi()
    try:
        api.model_info(model, timeout=4.0)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise EngineUnusable(
            f"{model}: no folder, and no model on the hub that one may download"
        ) from error
    except Exception as error:  # noqa: BLE001 - the HTTP library's, which the hub's may change
        _log.info("the hub cannot be asked for %s: %s", model, error)
        return False
    return True


def tried(model: str, what: str, attempt: Callable[[], T]) -> T:
    """Return what an attempt to load gives.

    Raises:
        EngineUnusable: it fails; `what` says what there is none of.
    """
    try:
        return attempt()
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, AttributeError) as error:
        if "trust_remote_code" in str(error):
            what = f"{model}: it comes with code of its own, which is never run"
            raise EngineUnusable(what) from error
        first = " ".join(str(error).split())[:300]
        raise EngineUnusable(f"{model}: {what}: {first}") from error
