"""Drafts that break off, loop or echo are unfit, unless the seeds do the same."""

from __future__ import annotations

import pytest

from augment.engines.fitness import Fitness
from augment.engines.training_texts import TrainingTexts

OFTEN = ["where is the card of my friend"] * 100
ECHO = "please tell the driver to leave it at the back door"
TRAINING = TrainingTexts.of([*OFTEN, ECHO, ECHO])
SEEDS = [
    "where is my card, friend?",
    "the driver is at the door",
    "please leave it at the back",
    "it is the friend",
]


def fitness(*more: str) -> Fitness[str]:
    texts = [*SEEDS, *more]
    return Fitness(texts, ["a"] * len(texts), training=TRAINING)


DRAFTS = {
    "whole": "tell my friend where the card is at the door",
    "no words": "?!",
    "a slip": "tell my friend the carrd is at the door",
    "broken off": "tell my friend where the card of",
    "a loop": "tell my friend at the back door at the back",
    "an echo": "my friend where is it, please tell the driver to leave it at my door",
    "a near copy": "where is my card friend",
}


@pytest.mark.parametrize("kind", DRAFTS)
def test_a_draft_is_unfit_for_one_fault(kind):
    one = fitness()
    fit = one.faultless(DRAFTS[kind]) and not one.repeats(DRAFTS[kind])
    assert fit == (kind == "whole")


def test_a_seed_s_last_words_end_a_draft_only_together():
    assert not fitness("what is it made of").faultless(DRAFTS["broken off"])


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        ("a slip", "where is the carrd"),
        ("broken off", "do you know the card of"),
        ("a loop", "the card is the card is the card is"),
        ("an echo", "a card please tell the driver to leave it at my back"),
    ],
)
def test_what_a_seed_does_a_draft_may_do(kind, seed):
    assert fitness(seed).faultless(DRAFTS[kind])
