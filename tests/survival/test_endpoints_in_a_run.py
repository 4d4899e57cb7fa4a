"""A run over several endpoints: what it leaves, and that they may change between sessions."""

from __future__ import annotations

import json

from augment_command import here, left_in, meanwhile, seeds_file


def figures(out, name):
    return json.loads((out / name).read_text("utf-8"))


def test_the_files_tell_what_each_endpoint_answered(openai_server, tmp_path):
    servers = [openai_server(latency_ms=5) for _ in range(2)]
    out = tmp_path / "out"
    urls = [word for server in servers for word in ("--endpoint", server.url)]
    assert here("run", seeds_file(tmp_path), *urls, "--out", out, "--per-label", 20).code == 0

    report = figures(out, "report.json")
    told = {each["endpoint"]: each["answers"] for each in report["endpoints"]}
    assert told.keys() == {server.url for server in servers}
    assert sum(told.values()) == report["counts"]["asks"]
    assert min(told.values()) > 10
    assert figures(out, "manifest.json")["endpoints"] == report["endpoints"]
    page = (out / "report.html").read_text("utf-8")
    assert "By endpoint" in page
    assert all(server.url in page for server in servers)
    assert left_in(out).per_label() == {"alpha": 20, "beta": 20, "gamma": 20}


def test_one_endpoint_is_not_told_apart(openai_server, tmp_path):
    out = tmp_path / "out"
    url = openai_server().url
    assert here("run", seeds_file(tmp_path), "--endpoint", url, "--out", out).code == 0

    assert figures(out, "report.json")["endpoints"] == []
    assert "By endpoint" not in (out / "report.html").read_text("utf-8")


def test_endpoints_may_change_between_sessions(openai_server, tmp_path):
    first, second, third = (openai_server() for _ in range(3))
    out = tmp_path / "out"
    command = ["run", seeds_file(tmp_path), "--out", out]
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"endpoint: [{second.url}, {third.url}]")
    assert here(*command, "--per-label", 5, "--endpoint", first.url).code == 0
    assert here(*command, "--per-label", 30, "--recipe", recipe).code == 0

    told = {each["endpoint"]: each["answers"] for each in figures(out, "report.json")["endpoints"]}
    assert told.keys() <= {second.url, third.url}
    asks = figures(out, "report.json")["counts"]["asks"]
    assert sum(told.values()) + first.stats()["requests"] == asks


def test_an_endpoint_killed_in_a_run_costs_no_row(openai_server, tmp_path):
    dying, living = openai_server(latency_ms=20), openai_server(latency_ms=20)
    out = tmp_path / "out"
    command = ["run", seeds_file(tmp_path), "--out", out, "--per-label", 60, "--concurrency", 4]
    with meanwhile(lambda: dying.stats()["requests"] > 20, dying.kill):
        ended = here(*command, "--endpoint", dying.url, "--endpoint", living.url)

    assert ended.code == 0
    assert left_in(out).per_label() == {"alpha": 60, "beta": 60, "gamma": 60}
    assert all(row["reason"] != "server_error" for row in left_in(out).rejected)


def test_keys_in_addresses_are_not_written(openai_server, tmp_path):
    servers = [openai_server() for _ in range(2)]
    out = tmp_path / "out"
    urls = [server.url.replace("://", "://me:hunter22@") for server in servers]
    words = [word for url in urls for word in ("--endpoint", url)]
    assert here("run", seeds_file(tmp_path), *words, "--out", out, "--per-label", 5).code == 0

    for file in out.iterdir():
        assert b"hunter22" not in file.read_bytes(), file.name


def test_endpoints_that_cannot_be_are_named(tmp_path):
    seeds = seeds_file(tmp_path)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("endpoint: [http://a/v1, 7]")
    url = "http://127.0.0.1:9/v1"

    twice = here("run", seeds, "--endpoint", url, "--endpoint", url)
    other = here("run", seeds, "--endpoint", url, "--endpoint", "ftp://x")
    assert (twice.code, other.code) == (2, 2)
    assert "--endpoint names a server twice" in twice.err
    assert "--endpoint 'ftp://x' must begin with http:// or https://" in other.err
    assert (
        "must be an address, or a list of addresses" in here("run", seeds, "--recipe", recipe).err
    )
