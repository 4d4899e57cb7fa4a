"""What each token means before training: the word vectors of the bundled encoder, made narrower.

All that a sitting on a CPU reads is too little to learn that "card" and "cheque" are alike; the
encoder's word vectors (all-MiniLM-L6-v2, Apache-2.0) know it already.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from augment.embed.model import bundled_folder

_SIZE = 0.02
"""The standard deviation of the vectors, as in a model begun at random."""
_NOISE = 0.3
"""The share of it that is random: case is not in the encoder's vectors."""


def begin_with_meanings(embedding: torch.Tensor, tokenizer: Any) -> None:
    """Fill a model's embedding from the encoder's; tokens that are no word stay random.

    Args:
        embedding: tokens by width, no wider than the encoder's vectors.
        tokenizer: of the model.
    """
    transformers: Any = AutoModel
    tokenizers: Any = AutoTokenizer
    linear: Any = torch.linalg
    folder = bundled_folder()
    words = transformers.from_pretrained(folder, local_files_only=True).get_input_embeddings()
    pieces = tokenizers.from_pretrained(folder, local_files_only=True)
    known, vectors = list[int](), list[torch.Tensor]()
    for token in range(len(tokenizer)):
        text = tokenizer.decode([token])
        if any(map(str.isalpha, text)):
            known.append(token)
            ids = pieces(text.strip(), add_special_tokens=False)["input_ids"]
            vectors.append(words.weight[ids].mean(0))
    with torch.no_grad():
        found: torch.Tensor = torch.stack(vectors)
        found = found - found.mean(0)
        directions = linear.svd(found, full_matrices=False)[2]
        narrow: torch.Tensor = found @ directions[: embedding.shape[1]].T
        narrow = narrow / narrow.std() + _NOISE * torch.randn(narrow.shape)
        embedding[known] = narrow * _SIZE / narrow.std()
