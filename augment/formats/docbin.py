"""spaCy's DocBin, the format that `spacy train` reads, through spaCy itself, which is an extra.

Mentions are spans of its tokens: those that overlap none stand in `doc.ents`; where a text has
others, all of its mentions stand in `doc.spans["sc"]`, the key of spaCy's span categoriser.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from augment.errors import InputError
from augment.formats.rows import RawRow, Table
from augment.records import Json, Span
from augment.shown import shown

SUFFIX = ".spacy"
SPANS = "sc"


def read_docbin(path: Path) -> Table:
    """Return the documents of a file.

    Raises:
        InputError: spaCy is not installed, or the file is no DocBin.
        OSError: it cannot be read.
    """
    spacy, data = _spacy(), path.read_bytes()
    try:
        docs = spacy.tokens.DocBin().from_bytes(data).get_docs(spacy.vocab.Vocab())
        rows = [RawRow(number=number, values=_values(doc)) for number, doc in enumerate(docs, 1)]
    except Exception as error:  # on damaged bytes it raises anything
        reason = shown(f"{type(error).__name__}: {error}")
        raise InputError.one(str(path), f"damaged, or no DocBin of spaCy ({reason})") from error
    return Table(name=str(path), unit="row", columns=("text", "entities"), rows=tuple(rows))


class Binder:
    """Makes a DocBin of texts and their mentions.

    Args:
        language: whose tokenizer of spaCy cuts the texts; `xx` for many at once.

    Raises:
        InputError: spaCy is not installed, or knows no such language.
    """

    def __init__(self, language: str) -> None:
        spacy = _spacy()
        try:
            self._pipeline = spacy.blank(language)
        except (ImportError, ValueError) as error:
            what = f"{language!r} cannot be used: {shown(str(error).split(chr(10))[0])}"
            raise InputError.one("--language", what) from error
        self._filtered = spacy.util.filter_spans
        self._bin = spacy.tokens.DocBin()

    def add(self, text: str, spans: Sequence[Span]) -> Iterator[tuple[Span, str]]:
        """Add a text; yields the mentions that do not fall on its tokens, each with the reason."""
        doc = self._pipeline.make_doc(text)
        found: list[Any] = []
        for span in spans:
            own = doc.char_span(span.start, span.end, label=span.label, alignment_mode="strict")
            if own is None:
                yield span, "begins or ends within a token"
            else:
                found.append(own)
        doc.ents = self._filtered(found)
        if len(doc.ents) < len(found):
            doc.spans[SPANS] = found
        self._bin.add(doc)

    def whole(self) -> bytes:
        """Return the file."""
        return self._bin.to_bytes()


def _spacy() -> Any:
    if importlib.util.find_spec("spacy") is None:
        what = "is not installed: pip install 'augment-corpora[spacy]'"
        raise InputError.one("spaCy", what)
    importlib.import_module("spacy.tokens")
    return importlib.import_module("spacy")


def _values(doc: Any) -> dict[str, Json]:
    """Return the text and the mentions of a document, those of both places once."""
    spans = [*doc.ents, *doc.spans.get(SPANS, ())]
    places = dict.fromkeys((each.start_char, each.end_char, each.label_) for each in spans)
    entities = [{"start": start, "end": end, "label": label} for start, end, label in places]
    return {"text": doc.text, "entities": entities}
