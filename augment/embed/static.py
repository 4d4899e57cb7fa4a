"""A sentence encoder of word pieces alone, distilled from a transformer: far faster.

A text's vector is the mean of its pieces' vectors. A piece's is what the transformer makes of it
where it stands alone, centred, cut to the directions in which the vocabulary varies most (PCA), and
weighted by how rare it is (smooth inverse frequency, Arora et al. 2017: a / (a + p)). How often a
piece occurs, p, is read off its place in the vocabulary, which stands in the order of frequency
(Zipf's law). The method is that of model2vec (Tulkens and van Dongen 2024); nothing is trained, and
no text is needed. Word order is lost, and with it negation's reach and who does what to whom.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.replacing import replacing

_WIDTH = 256
_SMOOTH = 1e-4
_AT_ONCE = 1024
_VERSION = 1
"""Of the method: what another one made is not taken up."""

_log = logging.getLogger(__name__)


def place_of(digest: str) -> Path:
    """Return where the piece vectors of the encoder with this digest are kept.

    Raises:
        RuntimeError: the user has no home folder.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    cache = named if named.is_absolute() else Path.home() / ".cache"  # as XDG has it
    return cache / "augment" / f"static-{_VERSION}-{digest[:32]}.safetensors"


def kept(path: Path, make: Callable[[], npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Return the piece vectors kept in a file; where it is missing or damaged it is made anew.

    Whoever reads meanwhile finds the old file or the new one, never a part.

    Raises:
        OSError: the file cannot be written.
    """
    found = _read(path)
    if found is not None:
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:  # where it cannot be written is told before half a minute's work
        made = make().astype(np.float16)
        file.write(_sealed(made))
    return made.astype(np.float32)


def distilled(model: Any) -> npt.NDArray[np.float32]:
    """Return a vector for each piece of a transformer's vocabulary: shape (pieces, 256 at most).

    Pieces that are no text ([PAD], [UNK], ...) have zeros.

    Args:
        model: a sentence-transformers model that begins with a transformer.
    """
    pieces = model.tokenizer.convert_ids_to_tokens(list(range(len(model.tokenizer))))
    are_text = np.array([not (p.startswith("[") and p.endswith("]")) for p in pieces])
    centred = _alone(model)
    centred -= centred[are_text].mean(axis=0)
    _, directions = np.linalg.eigh(centred[are_text].T @ centred[are_text])
    widest = directions[:, ::-1][:, :_WIDTH]
    furthest = np.abs(widest).argmax(axis=0)
    widest = widest * np.sign(widest[furthest, np.arange(widest.shape[1])])  # else left to chance
    often = np.where(are_text, 1 / (1 + np.cumsum(are_text)), 0)
    often /= often.sum()
    weights = np.where(are_text, _SMOOTH / (_SMOOTH + often), 0)
    return ((centred @ widest) * weights[:, None]).astype(np.float32)


def _alone(model: Any) -> npt.NDArray[np.float64]:
    """Return the last hidden state of each piece between the marks of beginning and end."""
    import torch

    tokenizer, states = model.tokenizer, list[npt.NDArray[np.float32]]()
    for start in range(0, len(tokenizer), _AT_ONCE):
        ids = torch.arange(start, min(start + _AT_ONCE, len(tokenizer)))
        begin = torch.full_like(ids, tokenizer.cls_token_id)
        end = torch.full_like(ids, tokenizer.sep_token_id)
        rows = torch.stack([begin, ids, end], dim=1)
        with torch.inference_mode():
            made = model[0]({"input_ids": rows, "attention_mask": torch.ones_like(rows)})
        states.append(made["token_embeddings"][:, 1].numpy())
    return np.concatenate(states).astype(np.float64)


def _sealed(vectors: npt.NDArray[np.float16]) -> bytes:
    from safetensors.numpy import save

    return save({"pieces": vectors}, metadata={"sha256": _digest(vectors)})


def _read(path: Path) -> npt.NDArray[np.float32] | None:
    """Return what a file holds; None where there is none, or it is not what was written."""
    import safetensors

    opened: Any = safetensors.safe_open
    try:
        with opened(str(path), framework="numpy") as file:
            found: npt.NDArray[np.float16] = file.get_tensor("pieces")
            told: Mapping[str, str] = file.metadata() or {}
    except FileNotFoundError:
        return None
    except (OSError, safetensors.SafetensorError) as error:
        _log.warning("%s cannot be read and is made anew: %s", path, error)
        return None
    if found.dtype != np.float16 or _digest(found) != told.get("sha256"):
        _log.warning("%s was damaged and is made anew", path)
        return None
    return found.astype(np.float32)


def _digest(vectors: npt.NDArray[np.float16]) -> str:
    return hashlib.sha256(vectors.tobytes()).hexdigest()
