"""Names are asked for, then values of each; whatever an engine answers becomes harmless text."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from augment_command import here, seed_rows, seeds_file
from hypothesis import example, given
from hypothesis import strategies as st

from augment import recipe
from augment.errors import EngineUnusable
from augment.proposals import propose_attributes
from augment.setting import Inputs


class Teller(ThreadingHTTPServer):
    """A chat server that answers as `tell(what, attribute, turn)` says: text, or an HTTP status.

    `what` is `attributes` or `values`, and `turn` how often the same was asked before.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.hear(named)

    def hear(self, tell):
        self.tell, self.asked, self.bodies = tell, Counter(), []

    def answer(self, body):
        self.bodies.append(body)
        (what,) = body["response_format"]["json_schema"]["schema"]["properties"]
        attribute = re.search(r'of the attribute "(.*?)"', body["messages"][-1]["content"])
        asked = what, attribute and attribute[1]
        turn = self.asked[asked]
        self.asked[asked] += 1
        told = self.tell(*asked, turn)
        return told if isinstance(told, str | int) else json.dumps({what: told})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._send(200, {"data": [{"id": "stub"}]})

    def do_POST(self):
        told = self.server.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        if isinstance(told, int):
            return self._send(told, {"error": {"message": "not by our policy"}})
        choice = {"index": 0, "message": {"role": "assistant", "content": told}}
        return self._send(200, {"choices": [{**choice, "finish_reason": "stop"}]})

    def _send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def named(what, attribute, turn):
    return ["tone", "length"] if what == "attributes" else [f"{attribute} {n}" for n in (1, 2)]


@pytest.fixture(scope="module")
def running():
    server = Teller()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def teller(running):
    running.hear(named)
    return running


@pytest.fixture
def propose(teller, tmp_path):
    """Ask the teller for attributes of these seeds."""

    async def ask(rows=None, attributes=2, values=2, **options):
        chosen = recipe.load(None, options={"endpoint": teller.url, "encoder": "ngram", **options})
        seeds = Inputs(seeds=seeds_file(tmp_path, rows))
        return await propose_attributes(seeds, chosen, attributes=attributes, values=values)

    return ask


async def test_each_name_has_its_own_values_in_the_order_of_the_names(propose, teller):
    names = [f"name {n}" for n in range(12)]
    teller.hear(lambda what, name, _: names if what == "attributes" else [f"{name}!", "else"])
    found = await propose(attributes=12)

    assert list(found.attributes) == names
    assert all(found.attributes[name] == [f"{name}!", "else"] for name in names)
    assert (found.model, found.seeds) == ("stub", 15)


def bounds(body, what):
    shape = body["response_format"]["json_schema"]["schema"]["properties"][what]
    return shape["minItems"], shape["maxItems"]


async def test_as_many_as_wanted_are_asked_for_in_words_and_by_the_schema(propose, teller):
    teller.hear(lambda what, *_: list("abcdefg" if what == "attributes" else "123456789"))
    await propose(attributes=7, values=9)
    first, *others = teller.bodies
    assert len(others) == 7
    assert "Name the 7 attributes" in first["messages"][-1]["content"]
    assert all("Name 9 values" in body["messages"][-1]["content"] for body in others)
    assert bounds(first, "attributes") == (7, 7)
    assert {bounds(body, "values") for body in others} == {(9, 9)}


async def test_seeds_of_every_label_are_shown_and_24_at_most(propose, teller):
    rows = seed_rows(("alpha", "beta", "gamma"), each=10) + seed_rows(("delta",), each=1)
    rows[-1]["text"] = "only this one says delta"
    await propose(rows)

    for body in teller.bodies:
        said = body["messages"][-1]["content"]
        shown = [row["label"] for row in rows if f"Text: {row['text']}\n" in said]
        counts = Counter(shown)
        assert len(shown) == 24
        assert counts.pop("delta") == 1
        assert min(counts.values()) >= 7


async def test_only_what_could_not_be_used_is_asked_again_and_by_another_draw(propose, teller):
    teller.hear(
        lambda what, name, turn: (
            "no list" if name == "length" and turn < 2 else named(what, name, 0)
        )
    )
    found = await propose()
    again = [body for body in teller.bodies if '"length"' in body["messages"][-1]["content"]]

    assert found.attributes == {"tone": ["tone 1", "tone 2"], "length": ["length 1", "length 2"]}
    assert teller.asked == {("attributes", None): 1, ("values", "tone"): 1, ("values", "length"): 3}
    assert len({body["seed"] for body in again}) == 3


UNUSABLE = {
    "no JSON": ("I would say tone.", "the answer holds no list"),
    "cut JSON": ('{"attributes": ["to', "the answer holds no list"),
    "a text for a list": ('{"attributes": "tone", "values": "dry"}', "the answer holds no list"),
    "an empty list": ([], "holds no short text"),
    "a list of lists": ([["tone"], 7, None], "holds no short text"),
    "blanks and controls": (
        ["", " \n", "\x1b[2J", "a\u202eb", "\ud800", "x" * 121],
        "no short text",
    ),
    "a refusal": (400, "refused, "),
}


@pytest.mark.parametrize("fault", UNUSABLE)
@pytest.mark.parametrize("where", ["attributes", "values"])
async def test_after_three_tries_one_error_says_what_was_wrong(propose, teller, where, fault):
    answer, reason = UNUSABLE[fault]
    teller.hear(lambda what, name, _: answer if what == where else named(what, name, 0))
    with pytest.raises(EngineUnusable) as error:
        await propose()

    assert str(error.value).startswith(f"stub gave no {where} that can be used: ")
    assert reason in str(error.value)
    assert {count for (what, _), count in teller.asked.items() if what == where} == {3}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (["Tone", "tone", "TONE ", "length"], ["Tone", "length"]),
        (["  two\n words\t"], ["two words"]),
        (["ok", 3, None, ["x"], {"y": 1}, True], ["ok"]),
        (["y" * 120, "z" * 121], ["y" * 120]),
        (["ok", "zero\u200bwidth", "nul\x00", "bell\x07", "bidi\u202e", "half\ud83d"], ["ok"]),
        (['```json\n{"values": ["in a fence",]}\n```'], ["in a fence"]),
    ],
)
async def test_of_an_answer_what_is_short_text_is_kept_once(propose, teller, told, kept):
    answer = told[0] if told[0].startswith("```") else told
    teller.hear(lambda what, *_: ["tone"] if what == "attributes" else answer)

    assert (await propose()).attributes == {"tone": kept}


async def test_no_more_are_taken_than_were_asked_for(propose, teller):
    teller.hear(lambda *_: [f"one of many {n}" for n in range(500)])
    found = await propose(attributes=2, values=3)

    assert [len(values) for values in found.attributes.values()] == [3, 3]
    assert len(teller.bodies) == 3


async def test_a_server_that_fails_now_and_then_is_asked_until_it_answers(propose, teller):
    teller.hear(lambda what, name, turn: 500 if turn == 0 else named(what, name, 0))

    assert list((await propose()).attributes) == ["tone", "length"]


YAML = (
    "yes", "null", "~", "1.5", "0x1F", "2024-01-01", "<<", "=", "on", "- item", "key: value", "#no",
    "a # b", "{a: b}", "[a]", "&anchor", "*alias", "!!python/object:os.system", "!tag", "'quote",
    '"double', "---", "...", "%YAML 1.1", "@at", "`tick`", "|", ">", "?", ":", ",", "back\\slash",
    "attributes", "endpoint: http://evil", "[bold]rich[/bold]", "<script>", "日本語 🎉", "'" * 120,
)  # fmt: skip
OLD = "# mine\nencoder: ngram\n"


def written(running, folder, *, names, values):
    """Have these answers written to a recipe; return how the command ended, and the recipe."""
    running.hear(lambda what, *_: names if what == "attributes" else values)
    path = folder / "recipe.yaml"
    path.write_text(OLD, "utf-8")
    ended = here(
        "attributes", seeds_file(folder), "--recipe", path, "--endpoint", running.url,
        "--names", len(names), "--values", max(len(values), 2),
    )  # fmt: skip
    return ended, path


def test_what_means_something_in_yaml_is_written_as_the_text_it_is(running, tmp_path):
    ended, path = written(running, tmp_path, names=list(YAML), values=list(YAML))

    assert ended.code == 0, ended.err
    found = recipe.load(path, options={}).attributes
    assert list(found.items()) == [(name, YAML) for name in YAML]
    assert yaml.safe_load(path.read_text("utf-8")).keys() == {"encoder", "attributes"}


TEXTS = st.lists(st.text(max_size=130) | st.sampled_from(YAML), min_size=1, max_size=4)


@given(names=TEXTS, values=TEXTS)
@example(names=["\x1b]0;owned\x07", "a\r\nshots: 64", "x\u2028y"], values=["\x9b2J", "\u202e", "o"])
def test_any_answer_leaves_a_recipe_of_its_texts_or_the_recipe_as_it_was(
    running, tmp_path_factory, names, values
):
    ended, path = written(running, tmp_path_factory.mktemp("any"), names=names, values=values)
    new = path.read_text("utf-8")

    assert all(character.isprintable() for character in (ended.out + ended.err).replace("\n", ""))
    if ended.code == 2:
        assert "that can be used" in ended.err
        assert new == OLD
        return
    found = recipe.load(path, options={}).attributes
    assert new.startswith(OLD)
    assert {*found} <= {" ".join(name.split()) for name in names}
    assert {*found.values()} == {tuple(found[min(found)])}
    assert {*found[min(found)]} <= {" ".join(value.split()) for value in values}
