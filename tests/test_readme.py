"""What the README shows is so: its Python runs, and its tree is the tree."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from augment_command import seed_rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def executed(block: str, names: dict[str, object]) -> None:
    """Run a block where an event loop runs, as in a notebook."""

    async def cell() -> None:
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own text

    asyncio.run(cell())


@pytest.fixture
def shown(openai_server, tmp_path, monkeypatch):
    """The Python blocks, with a server and seeds in place of the reader's own."""
    server = openai_server()
    pd.DataFrame(seed_rows(each=5)).to_csv(tmp_path / "seeds.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return [
        block.replace("http://127.0.0.1:8000/v1", server.url).replace(
            '"per_label": 5', '"per_label": 5, "encoder": "ngram"'
        )
        for block in BLOCKS
    ]


def test_the_python_that_is_shown_runs_in_a_notebook(shown, capsys):
    names: dict[str, object] = {}
    for block in shown:
        executed(block, names)

    assert len(shown) == 2
    assert names["run"].finish == "done"  # type: ignore[attr-defined]
    counts = names["count"].invoke("seeds.csv")  # type: ignore[attr-defined]
    assert counts == Counter(alpha=5, beta=5, gamma=5)
    assert len(capsys.readouterr().out.splitlines()) == 15


def test_the_tree_names_every_module_and_folder():
    tree = README.partition("## The house")[2].partition("Imports point one way")[0]
    named = set(re.findall(r"^ +([\w.]+/?)  ", tree, re.MULTILINE))
    inside = {
        entry.name + "/" * entry.is_dir()
        for entry in (ROOT / "augment").iterdir()
        if not entry.name.startswith(("_", ".")) and entry.name != "py.typed"
    }

    assert inside <= named
    assert {name for name in named if name.endswith(".py")} <= inside
