"""Options without an effect are said."""

from __future__ import annotations

import pytest

from augment.recipe import load
from augment.unused import unused

ENDPOINT = {"endpoint": "http://127.0.0.1:1/v1"}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"task": "classification", "max-variants": 2}, {"max-variants"}),
        ({"task": "ner", "max-variants": 2, "answer-form": "marks"}, set()),
        ({"engine": "seedlm", "headers": {"a": "b"}, "timeout-s": 5}, {"headers", "timeout-s"}),
        ({"engine": "seedlm", "timeout-s": 5, "guard-endpoint": "http://127.0.0.1:1/v1"}, set()),
        ({"engine": "vllm", "model": "m", "extra-body": {"a": 1}}, {"extra-body"}),
        ({"engine": "endpoint", "extra-body": {"a": 1}, **ENDPOINT}, set()),
        ({"serving": {"dtype": "float16"}}, {"serving"}),
        ({"serving": {"dtype": "float16"}, "serve": "m"}, set()),
        ({"filters": {"without": ["pii"]}, "pii-placeholders": "reject"}, {"pii-placeholders"}),
        ({"pii-placeholders": "reject"}, set()),
        ({"judge-votes": 5}, {"judge-votes"}),
        ({"judge-votes": 5, "judge": True, **ENDPOINT}, set()),
        ({}, set()),
    ],
)
def test_what_is_given_and_does_nothing_is_named_with_the_reason(given, names):
    said = unused(load(None, options=given))

    assert {line.partition(" has no effect: ")[0] for line in said} == names
    assert all(line.partition(" has no effect: ")[2] for line in said)
