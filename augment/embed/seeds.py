"""The seeds' vectors, and whether the encoder's can be trusted for what is to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from augment.embed.encoder import RunEncoder
from augment.embed.knowledge import Knowledge, knowledge
from augment.ngrams import NAME, ngram_vectors
from augment.protocols import Encoder, Vectors
from augment.records import Annotation, Example, labels_of, places_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedVectors:
    """The seeds as vectors, by meaning or, where there is no basis for that, by form.

    Attributes:
        vectors: one unit row per seed: the encoder's, or of character n-grams.
        mentions: of each seed, what the encoder sees of its mentions, as `Encoder.encode_places`.
        encoder: gives the rows of the run theirs; None where only n-grams are to be had. Without
            seeds it is there for those filters that need none.
        no_basis: why there is no encoder, as filters that abstain say it.
        name: what the vectors are of: an encoder's name, or `character n-grams`.
        about: the encoder, for reports; empty where none was asked for.
        notices: what a user must know of it.
    """

    vectors: Vectors
    mentions: Sequence[Sequence[Vectors]] = ()
    encoder: Encoder | None
    no_basis: Literal["no_encoder", "no_seeds", "unknown_language"]
    name: str
    about: str = ""
    notices: tuple[str, ...] = ()


def seed_vectors(seeds: Sequence[Example[Any]], encoder: RunEncoder | None) -> SeedVectors:
    """Embed the seeds and see whether the encoder knows them.

    Raises:
        InputError: the encoder cannot be loaded.
        EncoderError: its process died.
    """
    texts = [seed.whole for seed in seeds]
    if not texts:
        return SeedVectors(
            vectors=ngram_vectors(texts),
            encoder=encoder,
            no_basis="no_seeds",
            name=NAME,
            about="" if encoder is None else f"{encoder.name}, {encoder.about['dtype']}",
            notices=(
                "there are no seeds: length, language, label agreement, similarity and shortcuts "
                "were not judged, and nothing was held against an example. `augment seeds` "
                "proposes some to start from",
            ),
        )
    if encoder is None:
        return SeedVectors(
            vectors=ngram_vectors(texts), encoder=None, no_basis="no_encoder", name=NAME
        )
    vectors, mentions = _embedded(seeds, encoder)
    found = knowledge(
        texts,
        [_alike_by(seed) for seed in seeds],
        vectors,
        counts=encoder.pieces(texts),
    )
    about = f"{encoder.name}, {encoder.about['dtype']}, {_measured(found)}"
    if found.lacks is None:
        return SeedVectors(
            vectors=vectors,
            mentions=mentions,
            encoder=encoder,
            no_basis="unknown_language",
            name=encoder.name,
            about=about,
        )
    notice = (
        f"the encoder {encoder.name} does not serve for these seeds: {found.lacks}. Similarity is "
        "not judged, and labels by character n-grams; --encoder names one that knows the language"
    )
    return SeedVectors(
        vectors=ngram_vectors(texts),
        encoder=None,
        no_basis="unknown_language",
        name=NAME,
        about=about,
        notices=(notice,),
    )


def _embedded(
    seeds: Sequence[Example[Any]], encoder: RunEncoder
) -> tuple[Vectors, list[list[Vectors]]]:
    texts = [seed.whole for seed in seeds]
    places = [places_of(seed.target) for seed in seeds]
    if not any(places):
        return encoder.encode(texts), [[] for _ in seeds]
    return encoder.encode_places(texts, places)


def _alike_by(seed: Example[Any]) -> tuple[str, ...]:
    """Return the labels of a whole text; types of mentions say nothing of what a text means."""
    return () if isinstance(seed.target, Annotation) else labels_of(seed.target)


def _measured(found: Knowledge) -> str:
    told = (
        "labels not measured"
        if found.accuracy is None
        else f"nearest other seed of the same label for {found.accuracy:.0%}"
    )
    return f"{found.unknown:.1%} of tokens unknown, {found.pieces:.1f} a word, {told}"
