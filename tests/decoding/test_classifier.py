"""Any text classifier may judge toxicity; what is none, or would run code, is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_classifier import tokenizer, write_classifier
from transformers import AutoModelForSequenceClassification

from augment.decoding.classifier import Classifier
from augment.errors import InputError

PAIR = ("neutral", "toxic")
JIGSAW = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate", "male")
TEXTS = ("you are awful", "where is my parcel ?", "", "you", "is my awful parcel awful ? you are")


def logits(folder: Path, text: str) -> torch.Tensor:
    """Return what the model itself says of one text, on its own."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        return model(**tokenizer()(text, return_tensors="pt")).logits[0].double()


def test_of_classes_that_exclude_each_other_the_toxic_ones_probabilities_are_added(tmp_path):
    names = ("hate_speech", "offensive_language", "neither")
    folder = write_classifier(tmp_path / "model", names)
    classifier = Classifier(str(folder))
    wanted = [float(logits(folder, text).softmax(0)[:2].sum()) for text in TEXTS]
    assert classifier.classes == names[:2]
    assert classifier.name == "model"
    assert classifier.probabilities(TEXTS) == pytest.approx(wanted, abs=1e-6)
    assert np.ptp(wanted) > 0.01
    assert len(classifier.probabilities([])) == 0


def test_of_classes_that_go_together_the_most_probable_toxic_one_counts(tmp_path):
    folder = write_classifier(tmp_path / "model", JIGSAW, problem_type="multi_label_classification")
    classifier = Classifier(str(folder))
    wanted = [float(logits(folder, text).sigmoid()[:6].max()) for text in TEXTS]
    assert classifier.classes == JIGSAW[:6]
    assert classifier.probabilities(TEXTS) == pytest.approx(wanted, abs=1e-6)


def test_one_number_is_a_logit(tmp_path):
    folder = write_classifier(tmp_path / "model", ["toxicity"])
    wanted = [float(logits(folder, text).sigmoid()[0]) for text in TEXTS]
    assert Classifier(str(folder)).probabilities(TEXTS) == pytest.approx(wanted, abs=1e-6)


def test_a_long_text_is_as_toxic_as_its_worst_window(tmp_path):
    folder = write_classifier(tmp_path / "model", PAIR)
    classifier = Classifier(str(folder))
    words = ["where is my parcel ?"] * 6 + ["you are awful"] + ["is my parcel"] * 6
    ids = " ".join(words).split()
    width, step = 16 - 2, 16 - 2 - 4  # two marks at the edges; a quarter overlaps
    windows = [" ".join(ids[n : n + width]) for n in range(0, len(ids) - 4, step)]
    scores = classifier.probabilities(windows)
    found = classifier.probabilities(["you", " ".join(words), "parcel"])
    assert found[1] == pytest.approx(scores.max(), abs=1e-6)
    assert scores.max() - scores[0] > 1e-3


def test_classes_may_be_named_where_their_own_names_do_not_tell(tmp_path):
    folder = write_classifier(tmp_path / "model", ["LABEL_0", "LABEL_1"])
    with pytest.raises(InputError, match=r"none of its classes .* 'LABEL_0', 'LABEL_1'.*say which"):
        Classifier(str(folder))
    assert Classifier(str(folder), classes=["LABEL_1"]).classes == ("LABEL_1",)
    with pytest.raises(InputError, match=r"\['toxic'\] are none of the classes of model"):
        Classifier(str(folder), classes=["toxic"])


def test_numbers_that_are_none_stay_none(tmp_path):
    folder = write_classifier(tmp_path / "model", PAIR)
    classifier = Classifier(str(folder))
    with torch.no_grad():
        classifier._network.classifier.bias.fill_(float("nan"))
    assert np.isnan(classifier.probabilities(TEXTS)).all()


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        Classifier(str(folder))
    return str(caught.value)


def changed(folder: Path, **fields: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


def test_what_is_no_classifier_is_refused(tmp_path):
    assert "no folder of a model" in refused(tmp_path / "none")
    assert "no tokenizer" in refused(tmp_path)
    folder = write_classifier(tmp_path / "regression", ["toxicity"], problem_type="regression")
    assert "problem_type regression" in refused(folder)
    folder = write_classifier(tmp_path / "both", ["toxic", "insult"])
    assert "all of its classes mean toxic" in refused(folder)


def test_a_model_without_the_head_is_refused_rather_than_given_a_random_one(tmp_path):
    folder = write_classifier(tmp_path / "model", PAIR)
    AutoModelForSequenceClassification.from_pretrained(folder).bert.save_pretrained(folder)
    changed(folder, id2label=dict(enumerate(PAIR)))
    assert "no weights for classifier" in refused(folder)


def test_pickled_weights_and_code_are_never_loaded(tmp_path):
    folder = write_classifier(tmp_path / "pickle", PAIR)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "no text classifier can be loaded" in refused(folder)
    folder = write_classifier(tmp_path / "code", PAIR)
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')")
    changed(
        folder,
        model_type="own",
        auto_map={
            "AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model",
        },
    )  # fmt: skip
    assert "code of its own, which is never run" in refused(folder)
    assert not ran.exists()


def test_a_name_that_is_not_on_this_machine_is_refused_where_the_hub_cannot_be_asked(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"--toxicity-model: nobody/nothing: no tokenizer: "):
        Classifier("nobody/nothing")
