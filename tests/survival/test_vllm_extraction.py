"""Annotated rows from the real vLLM: whatever a small model says, offsets and counts are exact."""

from __future__ import annotations

import json
import re

import pytest
from augment_command import alone, rows_in, started

from augment.engines.vllm_environment import current
from augment.errors import EngineUnusable

pytestmark = [pytest.mark.vllm, pytest.mark.slow]
ASKS = 8
CORPORA = {
    "crossner_ai/train": 100, "wnut17/train": 150, "restaurant8k_slots/train_frac64": 128,
    "fewrel_val_wiki/train": 400, "phee_pharmacovigilance_events/train": 100,
}  # fmt: skip


@pytest.fixture(scope="module")
def endpoint(missing, tmp_path_factory):
    try:
        current()
    except EngineUnusable as error:
        missing(str(error))
    log = tmp_path_factory.mktemp("vllm") / "vllm.log"
    with started("serve", "bundled", "--port", 0, "--log", log) as process:
        said = ""
        while not (found := re.search(r"^endpoint +(\S+)$", said, re.MULTILINE)):
            line = process.stdout.readline()
            assert line, said + process.communicate()[1]
            said += line
        yield found[1]
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.parametrize("form", ["marks", "mentions"])
@pytest.mark.parametrize("name", CORPORA)
def test_every_ask_ends_and_every_mention_stands_where_it_says(
    endpoint, corpora, tmp_path, name, form
):
    lines = (corpora / "extraction" / f"{name}.jsonl").read_text("utf-8").split("\n")
    seeds, out = tmp_path / "seeds.jsonl", tmp_path / "out"
    seeds.write_text("\n".join(lines[: CORPORA[name]]) + "\n", "utf-8")
    ended = alone(
        "run", seeds, "--endpoint", endpoint, "--answer-form", form, "--encoder", "ngram",
        "--max-requests", ASKS, "--out", out,
    )  # fmt: skip

    assert ended.code == 3, ended.err
    accepted, rejected = rows_in(out / "accepted.jsonl"), rows_in(out / "rejected.jsonl")
    counts = json.loads((out / "report.json").read_text("utf-8"))["counts"]
    assert counts["asks"] == ASKS == len(accepted) + len(rejected)
    assert not {"refused", "unanswered", "server_error"} & {row["reason"] for row in rejected}
    for row in accepted + rejected:
        for each in row["entities"]:
            assert row["text"][each["start"] : each["end"]] == each["text"] != ""
