"""What memory weights take, as far as the files of a folder tell."""

from __future__ import annotations

import json

import pytest

from augment.engines.vllm_weights import Weights, weights_of


def folder_with(folder, config, *, files=("model.safetensors",)):
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for name in files:
        (folder / name).write_bytes(bytes(1000))
    return folder


@pytest.mark.parametrize(
    ("config", "as_float32"),
    [
        ({"dtype": "float32"}, 1000),
        ({"torch_dtype": "float32"}, 1000),
        ({"dtype": "bfloat16"}, 2000),
        ({"text_config": {"dtype": "float32"}, "dtype": "bfloat16"}, 1000),
        ({"text_config": {"n": 1}, "torch_dtype": "float32"}, 1000),
        ({"text_config": {"n": 1}, "dtype": "float32"}, 1000),
        ({}, 2000),
        ("no JSON", 2000),
        ("[]", 2000),
        ({"dtype": "bfloat16", "quantization_config": {"bits": 4}}, None),
    ],
)
def test_weights_become_float32_by_what_they_are_stored_in(tmp_path, config, as_float32):
    assert weights_of(folder_with(tmp_path, config)).as_float32 == as_float32


def test_every_file_of_the_weights_counts_and_nothing_else_does(tmp_path):
    files = ("model-1.safetensors", "model-2.safetensors", "old.bin", "tokenizer.json")
    assert weights_of(folder_with(tmp_path, {}, files=files)).stored == 3000


def test_of_a_folder_without_weights_and_of_none_nothing_is_known(tmp_path):
    assert weights_of(folder_with(tmp_path, {}, files=())).loaded(number_bytes=2) is None
    assert weights_of(tmp_path / "none") == Weights()
