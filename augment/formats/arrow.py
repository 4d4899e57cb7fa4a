"""Rows as Arrow columns with their types: Parquet, and folders of `datasets`.

In Parquet labels are text, since it has no classes; in `datasets` they are classes
(`ClassLabel`), in order of first appearance, and mentions, relations and events lists of objects.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from augment.formats.corpus import Corpus, row_of
from augment.formats.rows import is_list, is_object
from augment.formats.tags import Scheme, tags_of
from augment.formats.tokenised import TAGS, TOKENS, Fit
from augment.formats.write import encodable
from augment.records import Json

_Class: TypeAlias = Callable[[Iterable[str]], Any]


def write_parquet(corpus: Corpus, file: BinaryIO) -> None:
    """Write every row with all that it held."""
    rows = _dataset(corpus, classes=lambda _: _of("datasets").Value("string"))
    _of("pyarrow.parquet").write_table(rows.data.table, file)


def save_dataset(corpus: Corpus, folder: Path) -> None:
    """Save every row with all that it held in a folder that `datasets.load_from_disk` loads."""
    class_label = _of("datasets").ClassLabel
    dataset = _dataset(corpus, classes=lambda names: class_label(names=list(dict.fromkeys(names))))
    _save(dataset, folder)


def save_tokens(corpus: Corpus, fits: Sequence[Fit], folder: Path, *, scheme: Scheme) -> None:
    """Save ids, tokens and tags, as token classifiers are trained on; the tag O is class 0."""
    datasets = _of("datasets")
    tags = [tags_of(fit.chunks, tokens=len(fit.tokens), scheme=scheme) for fit in fits]
    names = dict.fromkeys(["O", *sorted({tag for each in tags for tag in each} - {"O"}, key=_type)])
    string = datasets.Value("string")
    features = datasets.Features(
        {
            "id": string,
            TOKENS: datasets.List(string),
            TAGS[0]: datasets.List(datasets.ClassLabel(names=list(names))),
        }
    )
    columns = {
        "id": [each.id for each in corpus.examples],
        TOKENS: [
            [each.text[start:end] for start, end in fit.tokens]
            for each, fit in zip(corpus.examples, fits, strict=True)
        ],
        TAGS[0]: tags,
    }
    _save(datasets.Dataset.from_dict(columns, features=features), folder)


def _save(dataset: Any, folder: Path) -> None:
    """Save without the bar that `datasets` would draw."""
    bars = _of("datasets.utils")
    drawn = not bars.are_progress_bars_disabled()
    bars.disable_progress_bars()
    try:
        dataset.save_to_disk(str(folder))
    finally:
        if drawn:
            bars.enable_progress_bars()


def _type(tag: str) -> tuple[str, str]:
    mark, _, label = tag.partition("-")
    return label, mark


def _of(module: str) -> Any:
    return importlib.import_module(module)


def _dataset(corpus: Corpus, *, classes: _Class) -> Any:
    datasets = _of("datasets")
    rows = [
        row_of(corpus, example, aside)
        for example, aside in zip(corpus.examples, corpus.aside, strict=True)
    ]
    features = _features(corpus, classes)
    columns: dict[str, list[Json]] = {name: [row[name] for row in rows] for name in features}
    for name in corpus.columns_aside:
        if name not in features:
            columns[name], features[name] = _inferred([row.get(name) for row in rows])
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


def _features(corpus: Corpus, classes: _Class) -> dict[str, Any]:
    """Return what the task's own columns hold."""
    datasets = _of("datasets")
    string, whole, many = datasets.Value("string"), datasets.Value("int64"), datasets.List
    found: dict[str, Any] = {"id": string, "text": string}
    if corpus.task == "classification":
        pair = {"text_pair": string} if corpus.pairs else {}
        label = classes(corpus.labels)
        return {**found, **pair, "label": many(label) if corpus.several else label}
    mention = {"start": whole, "end": whole, "label": classes(corpus.types), "text": string}
    found["entities"] = many(mention)
    every = corpus.annotations
    if "relations" in corpus.fields:
        label = classes(one.label for each in every for one in each.relations)
        found["relations"] = many({"head": whole, "tail": whole, "label": label})
    if "events" in corpus.fields:
        events = [one for each in every for one in each.events]
        role = classes(one.role for each in events for one in each.arguments)
        arguments = many({"entity": whole, "role": role})
        kind = classes(each.type for each in events)
        found["events"] = many({"trigger": whole, "type": kind, "arguments": arguments})
    return found


def _inferred(cells: list[Json]) -> tuple[list[Json], Any]:
    """Return a column with its type; where its cells have no common one, as JSON."""
    datasets, pa = _of("datasets"), _of("pyarrow")
    try:
        kind = pa.array(cells).type
        found = datasets.Features.from_arrow_schema(pa.schema([("cells", kind)]))["cells"]
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        found = None
    if found is None or any(map(_holds_nothing, cells)):
        return [_as_text(cell) for cell in cells], datasets.Value("string")
    return cells, found


def _holds_nothing(cell: Json) -> bool:
    """Tell whether an object without keys is in it, for which Parquet has no place."""
    if is_list(cell):
        return any(map(_holds_nothing, cell))
    return is_object(cell) and (not cell or any(map(_holds_nothing, cell.values())))


def _as_text(cell: Json) -> str | None:
    if cell is None:
        return None
    return encodable(cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False))
