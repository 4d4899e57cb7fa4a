from __future__ import annotations

from collections import Counter

from serving.toxicity.sentences import sentences


def test_sentences_are_distinct_and_the_same_for_the_same_seed() -> None:
    drawn = sentences(300, random_seed=3)
    assert len(dict(drawn)) == len(drawn)
    assert drawn == sentences(300, random_seed=3) != sentences(300, random_seed=4)


def test_of_either_kind_there_are_as_many_and_no_blank_is_left_unfilled() -> None:
    drawn = sentences(300, random_seed=0)
    counts = Counter(hateful for _, hateful in drawn)
    assert min(counts.values()) > 240
    assert not any("{" in text or "}" in text for text, _ in drawn)
