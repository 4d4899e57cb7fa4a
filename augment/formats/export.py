"""Rows for other tools: which format carries what, and what of the rows it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from augment.errors import InputError, InputFault
from augment.formats import doccano, label_studio
from augment.formats.arrow import save_dataset, save_tokens, write_parquet
from augment.formats.brat_folder import write_brat
from augment.formats.conll import lines_of
from augment.formats.corpus import Corpus, row_of
from augment.formats.docbin import SUFFIX, Binder
from augment.formats.separated import csv_lines
from augment.formats.tags import Scheme
from augment.formats.tokenised import fitted
from augment.formats.write import write_json_array, write_jsonl, write_lines, write_text
from augment.records import Example, Json, Span, Target, TaskName
from augment.replacing import making_folder, replacing

To: TypeAlias = Literal[
    "hf", "csv", "parquet", "conll", "spacy", "brat", "label-studio", "doccano", "jsonl"
]
Carried: TypeAlias = Literal["every column", "plain columns", "no column"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """What a format carries.

    Attributes:
        suffix: that a file or folder of its own is given.
        aside: how much of the columns that the task does not read.
        tokenised: whether mentions must be made of tokens.
        beside: what is added to that name for a second file, where one may be written.
    """

    suffix: str
    tasks: tuple[TaskName, ...]
    aside: Carried = "every column"
    tokenised: bool = False
    beside: str = ""


_EXTRACTION: tuple[TaskName, ...] = ("ner", "relations", "events")
_EVERY: tuple[TaskName, ...] = ("classification", *_EXTRACTION)
_BUT_EVENTS: tuple[TaskName, ...] = ("classification", "ner", "relations")


def _tokenised(suffix: str) -> _Format:
    return _Format(
        suffix=suffix, tasks=("ner",), aside="no column", tokenised=True, beside=".unfit.jsonl"
    )


_FORMATS: dict[To, _Format] = {
    "jsonl": _Format(suffix=".jsonl", tasks=_EVERY),
    "csv": _Format(suffix=".csv", tasks=_EVERY),
    "parquet": _Format(suffix=".parquet", tasks=_EVERY),
    "hf": _Format(suffix=".hf", tasks=_EVERY),
    "brat": _Format(suffix=".brat", tasks=_EXTRACTION, aside="no column"),
    "label-studio": _Format(
        suffix=".label-studio.json", tasks=_BUT_EVENTS, aside="plain columns", beside=".config.xml"
    ),
    "doccano": _Format(suffix=".doccano.jsonl", tasks=_BUT_EVENTS, aside="plain columns"),
    "conll": _tokenised(".conll"),
    "spacy": _tokenised(SUFFIX),
}
_TOKENS = _tokenised(".hf")
_FOLDERS = frozenset({"hf", "brat"})
_OF = {
    "classification": "labels of whole texts",
    "ner": "mentions",
    "relations": "relations",
    "events": "events",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be written.

    Attributes:
        out: the file or folder.
        scheme: of tags.
        tokens: whether `hf` is to hold tokens and tags in place of texts and mentions.
        language: whose tokenizer `spacy` uses.
        overwrite: whether what stands at `out`, and beside it by its name, may be replaced.
    """

    to: To
    out: Path
    scheme: Scheme = "bio"
    tokens: bool = False
    language: str = "xx"
    overwrite: bool = False

    @property
    def form(self) -> _Format:
        """What this carries."""
        return _TOKENS if self.to == "hf" and self.tokens else _FORMATS[self.to]

    @property
    def beside(self) -> Path:
        """The second file, where the format has one; else `out`."""
        return self.out.with_name(f"{self.out.name}{self.form.beside}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        unfit: the mentions that are not made of whole tokens, as rows of `list_of_unfit`.
        list_of_unfit: the file that lists all of them; None where there is none.
        warnings: what else was left out.
    """

    rows: int
    unfit: Sequence[dict[str, Json]]
    list_of_unfit: Path | None
    warnings: Sequence[str]


def default_out(source: Path, to: To) -> Path:
    """Return where an export goes if nobody says: beside what it is made of."""
    stem = source.resolve().name if source.is_dir() else source.stem
    return source.resolve().parent / f"{stem}{_FORMATS[to].suffix}"


def export(corpus: Corpus, wish: Wish) -> Exported:
    """Write a corpus in a format.

    Raises:
        InputError: the format cannot carry what the rows bear, or something stands where it would
            write.
        OSError: it cannot be written; what stood there is as it was.
    """
    wish = replace(wish, out=wish.out.resolve())
    _refuse(corpus, wish)
    unfit = [
        {
            "row": number,
            "id": example.id,
            "start": span.start,
            "end": span.end,
            "label": span.label,
            "text": example.text[span.start : span.end],
            "reason": reason,
        }
        for number, example, span, reason in _written(corpus, wish)
    ]
    if unfit:
        write_jsonl(wish.beside, unfit)
    elif wish.form.tokenised:
        wish.beside.unlink(missing_ok=True)
    return Exported(
        rows=len(corpus.examples),
        unfit=unfit,
        list_of_unfit=wish.beside if unfit else None,
        warnings=(*corpus.warnings, *_left_out(corpus, wish)),
    )


def _refuse(corpus: Corpus, wish: Wish) -> None:
    form, task = wish.form, corpus.task
    if task not in form.tasks:
        able = ", ".join(to for to in get_args(To) if task in _FORMATS[to].tasks)
        rest = "; --task ner writes the mentions alone" if task in {"relations", "events"} else ""
        if task == "events" and "relations" in corpus.fields and "relations" in form.tasks:
            rest += ", --task relations their relations as well"
        what = f"carries no {_OF[task]}, which these rows bear: {able} do{rest}"
        raise InputError.one(f"--to {wish.to}{' --tokens' * wish.tokens}", what)
    if not wish.out.parent.is_dir():
        raise InputError.one(str(wish.out), "cannot be written: there is no such folder")
    if wish.out.is_dir() and Path.cwd().is_relative_to(wish.out):
        what = "is the working directory or holds it: it is not replaced"
        raise InputError.one(str(wish.out), what)
    there = [path for path in dict.fromkeys((wish.out, wish.beside)) if path.exists()]
    what = "is there already: name another --out, or --overwrite"
    if wish.overwrite:
        there = [path for path in there if not _replaceable(path, wish)]
        what = f"is there already, and no export to {wish.to}: it is not overwritten"
    if there:
        raise InputError([InputFault(where=str(path), what=what) for path in there])


def _replaceable(path: Path, wish: Wish) -> bool:
    if wish.to in _FOLDERS and path == wish.out:
        return path.is_dir() and _ours(wish)
    return not path.is_dir()


def _ours(wish: Wish) -> bool:
    """Tell whether a folder holds such an export, and so may be thrown away."""
    mark = "annotation.conf" if wish.to == "brat" else "dataset_info.json"
    return (wish.out / mark).is_file() or not any(wish.out.iterdir())


def _left_out(corpus: Corpus, wish: Wish) -> Iterator[str]:
    """Yield the columns that a format has no place for."""
    aside = corpus.columns_aside
    if wish.form.aside == "plain columns":
        meta = {name for each in corpus.examples for name in each.meta}
        aside = tuple(name for name in aside if name not in meta)
    if aside and wish.form.aside != "every column":
        yield f"columns that {wish.to} does not carry, left out: {len(aside)} ({', '.join(aside)})"


_Unfit: TypeAlias = tuple[int, Example[Target], Span, str]


def _written(corpus: Corpus, wish: Wish) -> Iterable[_Unfit]:
    """Write; returns each mention that is not made of whole tokens, with its row and the reason."""
    if wish.to == "spacy":
        return _bound(corpus, wish)
    if wish.form.tokenised:
        return _tagged(corpus, wish)
    if wish.to in _FOLDERS:
        with making_folder(wish.out, overwrite=wish.overwrite) as folder:
            (save_dataset if wish.to == "hf" else write_brat)(corpus, folder)
    elif wish.to == "parquet":
        with replacing(wish.out) as file:
            write_parquet(corpus, file)
    elif wish.to == "label-studio":
        lines = wish.out.suffix.lower() == ".jsonl"
        (write_jsonl if lines else write_json_array)(wish.out, label_studio.tasks_of(corpus))
        write_text(wish.beside, label_studio.config_of(corpus))
    elif wish.to == "doccano":
        write_jsonl(wish.out, doccano.rows_of(corpus))
    else:
        rows = [
            row_of(corpus, example, aside)
            for example, aside in zip(corpus.examples, corpus.aside, strict=True)
        ]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        if wish.to == "csv":
            write_lines(wish.out, csv_lines(columns, rows))
        else:
            write_jsonl(wish.out, ({name: row.get(name) for name in columns} for row in rows))
    return ()


def _bound(corpus: Corpus, wish: Wish) -> list[_Unfit]:
    binder = Binder(wish.language)
    unfit = [
        (number, example, span, reason)
        for number, example, spans in _numbered(corpus)
        for span, reason in binder.add(example.text, spans)
    ]
    with replacing(wish.out) as file:
        file.write(binder.whole())
    return unfit


def _tagged(corpus: Corpus, wish: Wish) -> list[_Unfit]:
    fits = [fitted(example.text, spans) for _, example, spans in _numbered(corpus)]
    if wish.to == "hf":
        with making_folder(wish.out, overwrite=wish.overwrite) as folder:
            save_tokens(corpus, fits, folder, scheme=wish.scheme)
    else:
        texts = (each.text for each in corpus.examples)
        write_lines(wish.out, lines_of(texts, fits, scheme=wish.scheme))
    return [
        (number, example, span, reason)
        for (number, example, _), fit in zip(_numbered(corpus), fits, strict=True)
        for span, reason in fit.unfit
    ]


def _numbered(corpus: Corpus) -> Iterator[tuple[int, Example[Target], Sequence[Span]]]:
    pairs = zip(corpus.examples, corpus.annotations, strict=True)
    for number, (example, annotation) in enumerate(pairs, 1):
        yield number, example, annotation.entities
