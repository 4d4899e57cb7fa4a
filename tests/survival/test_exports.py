"""An export that is killed or finds the disk full leaves what stood there, whole, or nothing."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time

import datasets
import pyarrow.parquet as pq
import pytest
from annotated import row
from augment_command import LONGEST_S, SOAK, digests, here, rows_in, seeds_file

PLAIN = ["jsonl", "csv", "parquet", "hf", "label-studio", "doccano"]
MARKED = ["conll", "spacy", "brat", "hf --tokens"]


def rows_of(to, count):
    rng = random.Random(0)
    for number in range(count):
        noise = f"{rng.getrandbits(800):x}"
        if to in MARKED:
            yield row(f"<person>Ada</person> left <city>Kiel</city> {noise}", id=f"r{number}")
        else:
            yield {"text": f"number {number} {noise}", "label": "alpha", "id": f"r{number}"}


@pytest.mark.parametrize("to", [*PLAIN, *MARKED])
def test_a_full_disk_leaves_the_export_that_stood_there(small_disk, tmp_path, to):
    disk, _ = small_disk
    small, large = tmp_path / "small", tmp_path / "large"
    for folder, count in ((small, 3), (large, 2_500)):
        folder.mkdir()
        seeds_file(folder, rows_of(to, count))
    how = ["--to", *to.split(), "--out", disk / "out", "--overwrite"]
    assert here("export", small / "seeds.jsonl", *how).code == 0
    (disk / "ballast").write_bytes(bytes(450 * 1024))
    before = digests(disk)
    result = here("export", large / "seeds.jsonl", *how)

    assert result.code == 1
    assert "No space left" in result.err
    assert len(result.err.splitlines()) == 1
    assert digests(disk) == before


EXPORTER = """
import sys
from pathlib import Path

from augment.formats.export import Wish, export
from augment.formats.read_corpus import read_corpus
from augment.formats.rows import Columns

source, out, to = sys.argv[1:]
corpus = read_corpus(Path(source), columns=Columns(), task=None)
while True:
    export(corpus, Wish(to=to, out=Path(out), overwrite=True))
    print("written", flush=True)
"""
READERS = {
    "jsonl": rows_in,
    "parquet": lambda path: pq.read_table(path).to_pylist(),
    "hf": lambda path: [*datasets.load_from_disk(str(path))],
    "label-studio": lambda path: json.loads(path.read_bytes()),
}


@pytest.mark.parametrize("to", [*READERS])
def test_kill_9_leaves_a_whole_export_or_none(tmp_path, to):
    out, rng, found = tmp_path / "out", random.Random(0), 0
    source = seeds_file(tmp_path, rows_of(to, 2000))
    for _ in range(30 if SOAK else 3):
        process = subprocess.Popen(
            [sys.executable, "-c", EXPORTER, source, out, to], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate(timeout=LONGEST_S)
        if out.exists():
            found += 1
            assert len(READERS[to](out)) == 2000

    assert found > 0
    assert here("export", source, "--to", to, "--out", out, "--overwrite").code == 0
    assert not list(tmp_path.glob(".*"))
