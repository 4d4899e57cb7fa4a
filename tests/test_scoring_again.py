"""Which filters score rows a second time, with other people in them."""

from __future__ import annotations

from types import SimpleNamespace

from augment.filters.span_agreement import SpanAgreement
from augment.outputs import scoring


class Encoder:
    def encode(self, texts):
        raise AssertionError("whose vectors would be of texts")


def test_mentions_are_not_scored_in_texts_that_were_changed_around_them():
    judged = SimpleNamespace(
        filters=[SpanAgreement(precision=0.5, encoder="minilm")],
        seeds=SimpleNamespace(encoder=Encoder()),
    )

    assert scoring(judged)([object()]) == {}
