"""Any causal chat model, in process: by its folder or its name on the hub."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from augment.decoding.hub import name_of
from augment.engines.in_process import InProcess, Named, opened

if TYPE_CHECKING:
    from augment.decoding.model import Loaded


def loaded(
    model: str, *, concurrency: int, dtype: str | None = None
) -> AbstractAsyncContextManager[InProcess]:
    """Load a model for the length of a run.

    Args:
        model: a folder, or a name on the hub, which is then downloaded.
        concurrency: the most requests that are answered at a time.
        dtype: `float32`, `bfloat16` or `float16`; None: what is fastest on this machine.

    Raises:
        EngineUnusable: there is no such model, or it is no causal chat model.
    """

    def load() -> Loaded:
        from augment.decoding import loading

        return loading.load(model, dtype=dtype)

    named = Named(engine="transformers", model=name_of(model))
    return opened(load, named=named, concurrency=concurrency)
