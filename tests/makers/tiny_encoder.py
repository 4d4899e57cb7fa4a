"""A sentence-transformers model in a folder: a Bert of one layer with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "where", "is", "my", "card", "##s", "?")
WIDTH = 16


def write_tiny(folder: Path) -> Path:
    """Write the model and return its folder."""
    (folder / "1_Pooling").mkdir(parents=True)
    save_file(_weights(), folder / "model.safetensors", metadata={"format": "pt"})
    texts = {
        "vocab.txt": "\n".join(WORDS),
        "config.json": json.dumps(
            {
                "architectures": ["BertModel"],
                "model_type": "bert",
                "hidden_size": WIDTH,
                "intermediate_size": WIDTH,
                "max_position_embeddings": 32,
                "num_attention_heads": 2,
                "num_hidden_layers": 1,
                "vocab_size": len(WORDS),
            }
        ),
        "tokenizer_config.json": json.dumps(
            {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 32}
        ),
        "sentence_bert_config.json": json.dumps({"max_seq_length": 32, "do_lower_case": False}),
        "modules.json": json.dumps(
            [
                {"idx": 0, "name": "0", "path": "", "type": _TYPE.format("Transformer")},
                {"idx": 1, "name": "1", "path": "1_Pooling", "type": _TYPE.format("Pooling")},
            ]
        ),
        "1_Pooling/config.json": json.dumps(
            {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True}
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


_TYPE = "sentence_transformers.models.{}"
_LAYER = "encoder.layer.0."
_SQUARE = (
    "attention.self.query", "attention.self.key", "attention.self.value",
    "attention.output.dense", "intermediate.dense", "output.dense",
)  # fmt: skip


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": drawn(len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": drawn(32, WIDTH),
        "embeddings.token_type_embeddings.weight": drawn(2, WIDTH),
        "pooler.dense.weight": drawn(WIDTH, WIDTH),
        "pooler.dense.bias": drawn(WIDTH),
    }
    for name in _SQUARE:
        weights[f"{_LAYER}{name}.weight"] = drawn(WIDTH, WIDTH)
        weights[f"{_LAYER}{name}.bias"] = drawn(WIDTH)
    for name in ("embeddings", f"{_LAYER}attention.output", f"{_LAYER}output"):
        weights[f"{name}.LayerNorm.weight"] = np.ones(WIDTH, np.float32)
        weights[f"{name}.LayerNorm.bias"] = np.zeros(WIDTH, np.float32)
    return weights
