"""The public corpora are read without faults: none needs `lenient`."""

from __future__ import annotations

from pathlib import Path

import pytest

from augment.formats.check import Columns, read_holdout, read_seeds

# folder/file: examples kept, labels, several labels a row, rows left out
CORPORA = {
    "banking77/train": (9_999, 77, False, 4),
    "banking77_fewshot/train_5shot": (385, 77, False, 0),
    "banking77_fewshot/train_10shot": (770, 77, False, 0),
    "germeval2018_de/train": (5_009, 2, False, 0),
    "goemotions/train": (43_226, 28, True, 184),
    "hate_offensive_davidson/train": (22_304, 3, False, 0),
    "hwu64/train": (8_951, 64, False, 3),
    "sms_spam/train": (4_176, 2, False, 283),
    "snips_intent/train": (12_859, 7, False, 225),
}


@pytest.mark.parametrize("name", CORPORA)
def test_a_public_corpus_is_read_and_every_row_accounted_for(name: str, corpora: Path) -> None:
    path = corpora / "classification" / f"{name}.jsonl"
    kept, labels, several, left_out = CORPORA[name]
    seeds = read_seeds(path, columns=Columns(), labels=None, lenient=False)
    assert (len(seeds.examples), len(seeds.labels), seeds.several) == (kept, labels, several)
    assert len(read_holdout(path, columns=Columns())) == kept + left_out
