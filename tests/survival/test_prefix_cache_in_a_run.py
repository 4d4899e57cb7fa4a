"""What an endpoint's prefix cache served stands in the report, where the endpoint tells."""

from __future__ import annotations

import json

import pytest
from augment_command import here, left_in, seeds_file

from augment.engines import openai


def told(out):
    return json.loads((out / "report.json").read_text("utf-8"))["prefix_cache"]


def test_the_report_tells_the_share_over_all_sessions_and_servers(openai_server, tmp_path):
    servers = [openai_server(prefix_hits=0.75), openai_server(prefix_hits=0.25)]
    out = tmp_path / "out"
    urls = [word for server in servers for word in ("--endpoint", server.url)]
    command = ["run", seeds_file(tmp_path), *urls, "--out", out]
    for rows in (5, 10):
        assert here(*command, "--per-label", rows).code == 0

    asked = [server.stats()["requests"] for server in servers]
    hits = 75 * asked[0] + 25 * asked[1]
    share = round(hits / (100 * sum(asked)), 4)
    assert told(out) == {"tokens": 100 * sum(asked), "hits": hits, "share": share}
    assert "of them there: what prompts have in common" in (out / "report.html").read_text("utf-8")


def test_what_others_asked_before_does_not_count(openai_server, tmp_path):
    server = openai_server(prefix_hits=0.5)
    seeds = seeds_file(tmp_path)
    for name in ("one", "two"):
        assert here("run", seeds, "--endpoint", server.url, "--out", tmp_path / name).code == 0

    asks = left_in(tmp_path / "two").report["counts"]["asks"]
    assert told(tmp_path / "two")["tokens"] == 100 * asks


def test_an_endpoint_without_metrics_is_not_told_of(openai_server, tmp_path):
    out = tmp_path / "out"
    assert (
        here("run", seeds_file(tmp_path), "--endpoint", openai_server().url, "--out", out).code == 0
    )

    assert told(out) is None
    assert "prefix cache" not in (out / "report.html").read_text("utf-8")


@pytest.mark.parametrize("body", [b"", b"<html>", b"vllm:prefix_cache_hits_total{ x\n", b"\xff"])
def test_metrics_of_something_else_tell_nothing(body):
    assert openai.prefix_cache(body) is None
