"""Label Studio's tasks: JSON, or one a line.

    {"data": {"text": "Ada lives in Bonn"},
     "predictions": [{"result": [
        {"id": "0", "type": "labels", "from_name": "label", "to_name": "text",
         "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["person"]}},
        {"type": "relation", "from_id": "0", "to_id": "1", "direction": "right", "labels": ["in"]},
        {"type": "choices", ..., "value": {"choices": ["news"]}}]}]}

Since 2022 its editor counts code points, as Python does (label-studio-frontend, pull request 308);
before, it counted UTF-16 units. Where the mentions' own texts say so, such offsets are converted.
Rows are written as predictions: a person who opens them is to accept or correct them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

from augment.formats.corpus import Corpus
from augment.formats.rows import RawRow, RowFault, Table, is_list, is_object
from augment.records import Annotation, Example, Json, Target
from augment.shown import shown

_RESULTS = ("annotations", "completions", "predictions")
_LINES = re.compile("[\n\r]")
_CONVERTED = "tasks whose offsets count UTF-16 units, converted"
_SEVERAL = "tasks annotated more than once, the first taken"
_OTHER = "results that are neither labels, relations nor choices, left out"

# Reading ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    text: str | None
    faults: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])


def from_label_studio(table: Table) -> Table | None:
    """Return a table of tasks with our own columns; None where it is none."""
    if not any(_is_task(row.values) for row in table.rows):
        return None
    rows: list[RawRow] = []
    faults: list[RowFault] = []
    counts: Counter[str] = Counter()
    several = False
    for row in table.rows:
        if not _is_task(row.values):
            faults.append(RowFault(number=row.number, what="is no task: it has no 'data'"))
            continue
        data: dict[str, Any] = row.values["data"]
        reading = _Reading(text=_text(data))
        values = _content(_result(row.values, reading), reading)
        faults += [RowFault(number=row.number, what=what) for what in reading.faults]
        counts += reading.counts
        if not reading.faults:
            id = {} if "id" in data else {"id": row.values.get("id")}
            rows.append(RawRow(number=row.number, values={**id, **data, **values}))
            several = several or len(values.get("label", "x")) != 1
    # One choice a row is a label; where some row has several, or none, all are lists.
    rows = rows if several else [_alone(row) for row in rows]
    return table.with_rows(
        rows,
        columns=[name for row in rows for name in row.values],
        faults=faults,
        warnings=[f"{what}: {number}" for what, number in counts.items()],
    )


def _is_task(values: Mapping[str, Any]) -> bool:
    return is_object(values.get("data")) and any(name in values for name in _RESULTS)


def _alone(row: RawRow) -> RawRow:
    label = row.values.get("label")
    if not is_list(label) or len(label) != 1:
        return row
    return RawRow(number=row.number, values={**row.values, "label": label[0]})


def _text(data: Mapping[str, Any]) -> str | None:
    """Return the text that offsets are of: the one called so, or else the only one."""
    texts = [value for value in data.values() if isinstance(value, str)]
    own = data.get("text", texts[0] if len(texts) == 1 else None)
    return own if isinstance(own, str) else None


def _result(task: Mapping[str, Any], reading: _Reading) -> list[Any] | None:
    """Return what the first annotator said that did not give up, or else the first prediction."""
    for name in _RESULTS:
        listed = task.get(name)
        objects = filter(is_object, listed) if is_list(listed) else ()
        said = [
            each["result"]
            for each in objects
            if is_list(each.get("result")) and not each.get("was_cancelled")
        ]
        if said:
            reading.counts[_SEVERAL] += len(said) > 1
            return said[0]
    return None


def _content(result: list[Any] | None, reading: _Reading) -> dict[str, Json]:
    if result is None:
        return {}
    regions: list[tuple[str, Mapping[str, Any]]] = []
    links: list[Mapping[str, Any]] = []
    chosen: list[Any] | None = None
    for at, each in enumerate(result):
        kind = each.get("type") if is_object(each) else None
        if kind == "relation":
            links.append(each)
        elif kind in ("labels", "hypertextlabels") and is_object(each.get("value")):
            regions += _regions(each, at, reading)
        elif kind == "choices" and is_object(each.get("value")):
            own = each["value"].get("choices")
            chosen = [*(chosen or []), *(own if is_list(own) else [own])]
        else:
            reading.counts[_OTHER] += 1
    entities = _placed([value for _, value in regions], reading)
    if chosen is not None and not regions:
        return {"label": chosen}
    places = {id: at for at, (id, _) in reversed(list(enumerate(regions)))}
    relations = [one for each in links for one in _relations(each, places, reading)]
    own = {} if chosen is None else {"label": chosen}
    return {**own, "entities": entities, "relations": relations}


def _regions(
    each: Mapping[str, Any], at: int, reading: _Reading
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    value: dict[str, Any] = each["value"]
    labels = value.get(each["type"])
    if not is_list(labels) or not labels:
        reading.faults.append(f"result[{at}] has no label")
        return
    if not (isinstance(value.get("start"), int) and isinstance(value.get("end"), int)):
        ends = f"{shown(value.get('start'))} to {shown(value.get('end'))}"
        reading.faults.append(f"result[{at}] is not of a plain text: it goes from {ends}")
        return
    for label in labels:
        yield str(each.get("id")), {**value, "label": label}


def _relations(
    link: Mapping[str, Any], places: Mapping[str, int], reading: _Reading
) -> Iterator[dict[str, Json]]:
    ends = [places.get(str(link.get(name))) for name in ("from_id", "to_id")]
    labels = link.get("labels")
    if None in ends or not is_list(labels) or not labels:
        joins = f"{shown(link.get('from_id'))} to {shown(link.get('to_id'))}"
        lacks = "an end that is no region" if None in ends else "no label"
        reading.faults.append(f"the relation from {joins} has {lacks}")
        return
    for label in labels:
        if link.get("direction") != "left":
            yield {"head": ends[0], "tail": ends[1], "label": label}
        if link.get("direction") in {"left", "bi"}:
            yield {"head": ends[1], "tail": ends[0], "label": label}


def _placed(values: Sequence[Mapping[str, Any]], reading: _Reading) -> list[dict[str, Json]]:
    """Return mentions whose offsets count code points, with their texts where these are wrong."""
    text = reading.text
    spans = [(each.get("start"), each.get("end")) for each in values]
    if text is not None and any(not _is(text, *one) for one in zip(spans, values, strict=True)):
        units = _units(text)
        moved = [(units.get(start), units.get(end)) for start, end in spans]
        if all(_is(text, *one) for one in zip(moved, values, strict=True)):
            spans = moved
            reading.counts[_CONVERTED] += 1
    return [
        {"start": span[0], "end": span[1], "label": each["label"]}
        | ({} if text is None or _is(text, span, each) else {"text": each.get("text")})
        for span, each in zip(spans, values, strict=True)
    ]


def _is(text: str, span: tuple[Any, Any], value: Mapping[str, Any]) -> bool:
    r"""Tell whether a mention stands there; a line break in it is told as `\n` in two letters."""
    start, end = span
    if not (isinstance(start, int) and isinstance(end, int)):
        return False
    told, found = value.get("text"), text[start:end]
    return told is None or told in (found, found.strip(), _LINES.sub(r"\\n", found))


def _units(text: str) -> dict[Any, int]:
    """Return the place of each character by the UTF-16 units before it."""
    places: dict[Any, int] = {}
    units = 0
    for at, character in enumerate(text):
        places[units] = at
        units += 1 + (ord(character) > 0xFFFF)
    places[units] = len(text)
    return places


# Writing ----------------------------------------------------------------------------------------


def tasks_of(corpus: Corpus) -> Iterator[dict[str, Json]]:
    """Yield the tasks of a corpus without events; the ids of regions are those of the row's."""
    for example in corpus.examples:
        pair = {} if example.text_pair is None else {"text_pair": example.text_pair}
        data = {**example.meta, "id": example.id, "text": example.text, **pair}
        yield {
            "data": data,
            "predictions": [{"model_version": "augment", "result": list(_results(example))}],
        }


def config_of(corpus: Corpus) -> str:
    """Return the labelling interface for these tasks, to be pasted into the project's settings."""
    show = '<Text name="text" value="$text"/>'
    if corpus.task == "classification":
        several = "multiple" if corpus.several else "single"
        tags = [
            f'<Choices name="label" toName="text" choice="{several}">',
            *(f"<Choice value={quoteattr(label)}/>" for label in corpus.labels),
            "</Choices>",
        ]
        pair = ['<Text name="text_pair" value="$text_pair"/>'] if corpus.pairs else []
        return "\n".join(["<View>", show, *pair, *tags, "</View>", ""])
    links = dict.fromkeys(one.label for each in corpus.annotations for one in each.relations)
    tags = [
        '<Labels name="label" toName="text">',
        *(f"<Label value={quoteattr(label)}/>" for label in corpus.types),
        "</Labels>",
        "<Relations>",
        *(f"<Relation value={quoteattr(label)}/>" for label in links),
        "</Relations>",
    ]
    style = "<Style>.lsf-richtext__line { white-space: pre-wrap; }</Style>"
    return "\n".join(["<View>", style, *tags, show, "</View>", ""])


def _results(example: Example[Target]) -> Iterator[dict[str, Json]]:
    target = example.target
    names = {"from_name": "label", "to_name": "text"}
    if not isinstance(target, Annotation):
        choices = [target] if isinstance(target, str) else list(target)
        yield {"id": "0", "type": "choices", **names, "value": {"choices": choices}}
        return
    for at, each in enumerate(target.entities):
        told = _LINES.sub(r"\\n", example.text[each.start : each.end])
        value = {"start": each.start, "end": each.end, "text": told, "labels": [each.label]}
        yield {"id": str(at), "type": "labels", **names, "value": value}
    for each in target.relations:
        yield {
            "type": "relation",
            "from_id": str(each.head),
            "to_id": str(each.tail),
            "direction": "right",
            "labels": [each.label],
        }
