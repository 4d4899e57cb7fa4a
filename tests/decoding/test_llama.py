"""Our Llama: what transformers makes of the same weights, and nothing of transformers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.decoding.key_values import KeyValues
from augment.decoding.loading import load
from augment.decoding.small import load_small
from augment.engines.embedded import WEIGHTS
from augment.records import Message


@pytest.fixture(scope="module")
def both():
    return load_small(WEIGHTS), load(str(WEIGHTS), dtype="float32")


@settings(max_examples=25, deadline=None)
@given(
    tail=st.integers(0, 4),
    rows=st.integers(1, 4),
    first=st.lists(st.integers(1, 40), min_size=4, max_size=4),
    seed=st.integers(0, 999),
)
def test_its_logits_are_those_of_transformers(both, tail, rows, first, seed):
    draw = torch.Generator().manual_seed(seed)
    every = [
        torch.randint(3, both[0].width, (n + tail,), generator=draw).tolist() for n in first[:rows]
    ]
    # Rows of several lengths: the shorter ones stand at the right, behind what is masked
    passes = []
    for model in both:
        cache, lengths = KeyValues(model.layers), [len(row) - tail for row in every]
        new = max(lengths)
        cache.reserve(rows=rows, used=0, longest=new, new=0)
        cache.show(row=0, longest=new, new=new)
        reading = [[0] * (new - n) + row[:n] for row, n in zip(every, lengths, strict=True)]
        found = [model.network(torch.tensor(reading), torch.tensor(lengths), cache)]
        for _ in range(tail):
            cache.reserve(rows=rows, used=max(lengths), longest=max(lengths), new=1)
            cache.end += 1
            cache.show(row=0, longest=max(lengths) + 1, new=1)
            reading = [[row[n]] for row, n in zip(every, lengths, strict=True)]
            lengths = [n + 1 for n in lengths]
            found.append(model.network(torch.tensor(reading), torch.tensor(lengths), cache))
        passes.append(torch.stack(found))

    assert torch.allclose(*passes, atol=1e-4)


def test_its_prompts_and_what_tells_it_from_others_are_those_of_transformers(both):
    small, large = both
    chat = [Message(role="system", content="S"), Message(role="user", content=" Zwei\n<b>  ")]

    assert small.tokens.prompt(chat) == large.tokens.prompt(chat)
    for name in ("layers", "context", "width", "ends", "revision"):
        assert getattr(small, name) == getattr(large, name), name


@pytest.mark.parametrize("change", [{"model_type": "gpt2"}, {"tie_word_embeddings": False}])
def test_another_kind_of_model_is_refused(change, tmp_path):
    config = json.loads((WEIGHTS / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(config | change), "utf-8")

    with pytest.raises(ValueError, match="no Llama with tied embeddings"):
        load_small(tmp_path)


def test_it_is_loaded_without_transformers():
    script = (
        "import sys; from augment.engines.bundled import load_bundled; load_bundled(); "
        "sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
