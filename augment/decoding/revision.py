"""What tells a model from others of its name, so that no run is continued with another one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

_BLOCK = 1 << 16
_BLOCKS = 256


def revision_of(config: Any, place: str) -> str | None:
    """Return the hub's commit of a model, or a digest of a folder; None where nothing is told.

    Args:
        config: as transformers loaded it.
        place: the folder, or the name on the hub.
    """
    folder = Path(place)
    return digest_of(folder) if folder.is_dir() else getattr(config, "_commit_hash", None)


def digest_of(folder: Path) -> str:
    """Return a digest of a model's folder, its weights being sampled."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix in {".json", ".jinja", ".model", ".safetensors", ".txt"}:
            digest.update(f"{path.name} {path.stat().st_size}\0".encode())
            _sample(path, digest)
    return digest.hexdigest()


def _sample(path: Path, digest: Any) -> None:
    """Read a small file whole, and blocks all over a large one: weights differ everywhere."""
    size = path.stat().st_size
    step = max(_BLOCK, size // _BLOCKS)
    with path.open("rb") as file:
        for start in range(0, size, step):
            file.seek(start)
            digest.update(file.read(_BLOCK))
