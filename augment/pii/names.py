"""Names of people and of places: a spaCy pipeline marks them, and presidio tells what they are.

Of presidio only its recogniser over the pipeline is used: the others have their like in
`augment.pii.find`, and some of them would ask a network.
"""

from __future__ import annotations

import importlib
import json
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from augment.errors import InputError
from augment.pii.find import IN_WORDS, LONGEST, NAMED, Finding, find
from augment.pii.kinds import Standing

Name: TypeAlias = Literal["name", "place"]

PEOPLE = ("Doe", "Roe", "Bloggs", "Mustermann")
"""Family names that stand for nobody in particular."""
PLACES = ("Exampleton", "Sampleford", "Anytown", "Musterstadt")
"""Places that are nowhere."""
_NOBODY = frozenset(word.lower() for word in (*PEOPLE, *PLACES, "example"))
_ENTITIES: Mapping[Name, str] = MappingProxyType({"name": "PERSON", "place": "LOCATION"})
_MARKED: Mapping[Name, frozenset[str]] = MappingProxyType(
    {"name": frozenset({"PERSON", "PER"}), "place": frozenset({"LOCATION", "LOC", "GPE"})}
)
"""What pipelines call them."""
_MASKS = frozenset(kind.upper() for kind in (*IN_WORDS, *NAMED))
_WORD = re.compile(r"\w+")
_AT_ONCE = 64
_OPTION = "--pii-model"
_EXTRA = "needs presidio: pip install 'augment-corpora[presidio]'"


class Names:
    """A `Finder` that knows names beside what patterns find; may be asked by several threads.

    Args:
        folder: of the pipeline, which is in one language.
        kinds: what is looked for.

    Attributes:
        name: the pipeline's, as reports show it.

    Raises:
        InputError: presidio is not installed, there is no pipeline, or it marks none of the kinds.
    """

    def __init__(self, folder: Path, *, kinds: Sequence[Name] = ("name", "place")) -> None:
        self.name = folder.expanduser().resolve().name
        self._lock = threading.Lock()
        self._kinds = {_ENTITIES[kind]: kind for kind in kinds}
        self._language = _language(folder.expanduser())
        self._engine = _engine(folder.expanduser(), self._language, tuple(self._kinds))
        pipeline = self._engine.analyzer_engine.nlp_engine.get_nlp(self._language)
        marked = {label for labels in pipeline.pipe_labels.values() for label in labels}
        bare: list[Name] = [kind for kind in kinds if not marked & _MARKED[kind]]
        if bare:
            wanted = " or ".join(label for kind in bare for label in sorted(_MARKED[kind]))
            what = f"{folder}: the pipeline marks no {' and no '.join(bare)} ({wanted})"
            raise InputError.one(_OPTION, what)

    def __call__(self, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        """Return what is found in each text, by place; what a pattern finds is no name."""
        read = [text[:LONGEST].encode("utf-8", "replace").decode() for text in texts]
        with self._lock:  # a pipeline learns new words as it reads
            results = self._engine.analyze_iterator(
                read, language=self._language, batch_size=_AT_ONCE, entities=list(self._kinds)
            )
        return [self._found(text, own) for text, own in zip(texts, results, strict=True)]

    def _found(self, text: str, results: Sequence[Any]) -> tuple[Finding, ...]:
        found = list(find(text))
        for each in results:
            start, end = int(each.start), int(each.end)
            if any(start < other.end and other.start < end for other in found):
                continue
            standing = _standing(text[start:end])
            if standing is not None:
                kind = self._kinds[each.entity_type]
                found.append(Finding(start=start, end=end, kind=kind, standing=standing))
        return tuple(sorted(found, key=lambda finding: finding.start))


def _standing(written: str) -> Standing | None:
    """Return what a name is: nobody's where a word of it is; None for one of our masks."""
    words = _WORD.findall(written)
    if not words or _MASKS.issuperset(words):
        return None
    return "placeholder" if any(word.lower() in _NOBODY for word in words) else "real"


def _language(folder: Path) -> str:
    """Return the language of a pipeline's folder."""
    try:
        meta = json.loads((folder / "meta.json").read_text("utf-8"))
        return str(meta["lang"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"{folder}: no folder of a spaCy pipeline (meta.json with its language)"
        raise InputError.one(_OPTION, what) from error


def _engine(folder: Path, language: str, entities: tuple[str, ...]) -> Any:
    """Load presidio's engine, whose types are too loose to be checked, over a pipeline alone."""
    try:
        presidio: Any = importlib.import_module("presidio_analyzer")
        engines: Any = importlib.import_module("presidio_analyzer.nlp_engine")
        recognisers: Any = importlib.import_module("presidio_analyzer.predefined_recognizers")
    except ImportError as error:
        raise InputError.one(_OPTION, _EXTRA) from error
    own = recognisers.SpacyRecognizer(
        supported_language=language, supported_entities=list(entities)
    )
    registry = presidio.RecognizerRegistry(recognizers=[own], supported_languages=[language])
    model = {"lang_code": language, "model_name": str(folder)}
    try:
        analyzer = presidio.AnalyzerEngine(
            registry=registry,
            nlp_engine=engines.SpacyNlpEngine(models=[model]),
            supported_languages=[language],
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = " ".join(str(error).split())[:300]
        what = f"{folder}: no spaCy pipeline can be loaded: {first}"
        raise InputError.one(_OPTION, what) from error
    return presidio.BatchAnalyzerEngine(analyzer_engine=analyzer)
