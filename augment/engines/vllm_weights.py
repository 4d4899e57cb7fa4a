"""What memory a model's weights take, told from the files of its folder before they are loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_KINDS = ("*.safetensors", "*.bin", "*.gguf")
_WIDTHS = {"float32": 4, "float": 4}
_HALF = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What is known of a model's weights.

    Attributes:
        stored: bytes of their files; None where these are not here.
        dtype: that they are stored in; "" where the configuration does not tell.
        quantized: whether they are not plain numbers.
    """

    stored: int | None = None
    dtype: str = ""
    quantized: bool = False

    def loaded(self, *, number_bytes: int) -> int | None:
        """Return the bytes that they take once they are numbers of so many bytes."""
        if self.stored is None:
            return None
        return self.stored * number_bytes // _WIDTHS.get(self.dtype, _HALF)

    @property
    def as_float32(self) -> int | None:
        """The bytes that they take as float32; None where they cannot become that."""
        return None if self.quantized else self.loaded(number_bytes=_WIDTHS["float32"])


def weights_of(folder: Path) -> Weights:
    """Return what a model's folder tells; of one that is not there, nothing."""
    config = json_of(folder / "config.json")
    text: Mapping[str, Any] = config.get("text_config") or config
    dtypes = (each.get(name) for each in (text, config) for name in ("dtype", "torch_dtype"))
    files = [file for kind in _KINDS for file in folder.glob(kind)]
    return Weights(
        stored=sum(file.stat().st_size for file in files) or None,
        dtype=next((str(dtype) for dtype in dtypes if dtype), ""),
        quantized="quantization_config" in config,
    )


def json_of(path: Path) -> dict[str, Any]:
    """Return the object in a file; an empty one where there is none to be read."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
