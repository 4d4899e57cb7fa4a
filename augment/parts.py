"""The parts of a run but for its engine, each made from its setting."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from augment.embed.encoder import RunEncoder
from augment.embed.seeds import SeedVectors
from augment.embed.store import VectorStore
from augment.embed.worker import Worker
from augment.engines.file import FileRows
from augment.filters import langid
from augment.filters.agreement import Agreement
from augment.filters.balance import Balance
from augment.filters.confidence import Confidence
from augment.filters.copy import Copy
from augment.filters.form import Form
from augment.filters.language import Language
from augment.filters.leak import Leak
from augment.filters.length import Length
from augment.filters.near_duplicate import NearDuplicate
from augment.filters.pii import Pii
from augment.filters.semantic_duplicate import SemanticDuplicate
from augment.filters.shortcuts import Shortcuts
from augment.filters.similarity import Similarity
from augment.filters.span_agreement import SpanAgreement
from augment.filters.toxicity import ToxicityFilter
from augment.filters.unmarked import Unmarked
from augment.filters.variants import Variants
from augment.jury import EngineJury, Nobody
from augment.jury.engine import Sitting
from augment.pii.replace import MASKS
from augment.plan.attributes import Attributes
from augment.plan.budget import Budget
from augment.plan.covering import Covering
from augment.plan.exemplars import Exemplars
from augment.plan.given import InOrder, given_ask
from augment.plan.nearest import nearest_seeds
from augment.plan.planner import Planner
from augment.plan.strategies import (
    Annotate,
    EntitiesFirst,
    FewShot,
    Paraphrase,
    Replacement,
    Shown,
    ZeroShot,
)
from augment.protocols import Filter, Jury, Plan, Strategy
from augment.recipe import ENCODER, NO_ENCODER, Recipe
from augment.records import COUNTERFACTUAL, Ask, Completion, Request, Sampling
from augment.rendering import Decoding, Renderer
from augment.screening import Seen
from augment.setting import ENGINELESS, Setting, counterparts_of
from augment.tasking import classification, skeletons_of, types_of
from augment.tasks.labelling import RIVALS

_STORE = "vectors.db"


@contextlib.contextmanager
def encoder_worker(setting: Setting, *, known: bool) -> Generator[Worker | None]:
    """Hold the encoder's process; it starts at once unless its vectors are `known` already.

    There is none without seeds, which rows could be held against, unless toxicity is judged by it.
    """
    recipe = setting.recipe
    judges = not recipe.scorers and "toxicity" not in recipe.filters.without
    needed = setting.used.examples or (judges and recipe.encoder == ENCODER)
    if recipe.encoder == NO_ENCODER or not needed:
        yield None
        return
    worker = Worker(recipe.encoder)
    try:
        if not known:
            worker.start(dtype=None)
        yield worker
    finally:
        worker.close()


@contextlib.contextmanager
def run_encoder(worker: Worker | None, folder: Path | None) -> Generator[RunEncoder | None]:
    """Hold the encoder of a run, its vectors kept in the folder or else in memory."""
    if worker is None:
        yield None
        return
    path = None if folder is None else folder / _STORE
    with contextlib.closing(VectorStore(path, encoder=_identity(worker.encoder))) as store:
        yield RunEncoder(worker, store)


def _identity(encoder: str) -> str:
    """Return what tells an encoder from others: of a folder, also its files' sizes and times."""
    folder = Path(encoder)
    if not folder.is_dir():
        return encoder
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    told = [(str(path), (found := path.stat()).st_size, found.st_mtime_ns) for path in files]
    return f"{encoder} {sha256(repr(told).encode()).hexdigest()}"


def has_vectors(folder: Path) -> bool:
    """Tell whether an earlier session kept vectors there."""
    return (folder / _STORE).exists()


def strategies_of(setting: Setting, seeds: SeedVectors) -> dict[str, Strategy]:
    """Return the ways to ask for new rows that have a template, by name."""
    recipe = setting.recipe
    exemplars: Shown = (
        Exemplars(setting.used, seeds.vectors)
        if setting.used.task == "classification"
        else Covering(setting.used, seeds.vectors, shown=setting.shown)
    )
    k = recipe.rows_per_request
    every: dict[str, Strategy] = {
        "fewshot": FewShot(exemplars, shots=recipe.shots, k=k),
        "paraphrase": Paraphrase(exemplars, k=k),
        "zeroshot": ZeroShot(k=k),
        "entities-first": EntitiesFirst(exemplars, listed=recipe.mentions, shots=recipe.shots, k=k),
        "mention-replacement": Replacement(exemplars),
    }
    if COUNTERFACTUAL in recipe.ways:
        every[COUNTERFACTUAL] = counterparts_of(setting)
    return {name: every[name] for name in (*setting.templates, *recipe.ways) if name in every}


def annotate_of(setting: Setting) -> Annotate:
    """Return the way to ask for the labels or annotations of the given texts."""
    texts = () if setting.unlabelled is None else setting.unlabelled.examples
    shown = tuple(seed for seed in setting.used.examples if seed.id in setting.shown)
    seeds = replace(setting.used, examples=shown)
    return Annotate(nearest_seeds(seeds, texts, shots=setting.recipe.shots))


def plan_of(
    setting: Setting, seeds: SeedVectors, *, first_ask: int, filters: Sequence[Filter] = ()
) -> Plan:
    """Return what decides on the next ask; `filters` may know words that it should do without."""
    recipe, rows = setting.recipe, setting.rows
    if rows is not None:
        ask = partial(given_ask, labels=rows.labels)
        return InOrder(setting.goal, ask, order=setting.order)
    if setting.unlabelled is not None:
        return InOrder(setting.goal, annotate_of(setting).ask)
    ways = strategies_of(setting, seeds)
    return Planner(
        setting.goal,
        [(way, recipe.ways.get(name, 0.0)) for name, way in ways.items()],
        random_seed=recipe.random_seed,
        attributes=Attributes(recipe.attributes),
        avoid=_avoided(filters),
        first_ask=first_ask,
    )


def _avoided(filters: Sequence[Filter]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    by = next((one for one in filters if isinstance(one, Shortcuts)), None)
    return (lambda _: ()) if by is None else by.to_avoid


def budget_of(recipe: Recipe) -> Budget:
    """Return how much may be spent."""
    return Budget(
        max_requests=recipe.max_requests or 0,
        max_tokens=recipe.max_tokens,
        max_minutes=recipe.max_minutes,
        max_cost=recipe.max_cost,
        prompt_price=recipe.prices.prompt,
        completion_price=recipe.prices.completion,
    )


def load_ahead(recipe: Recipe) -> None:
    """Load what the filters need and what takes long, to be done beside the start of the engine."""
    if Language.name not in recipe.filters.without:
        langid.load()


def filters_of(
    setting: Setting, seeds: SeedVectors, *, instructions: Sequence[str]
) -> list[Filter]:
    """Return the filters that the recipe leaves on, fitted, the cheap ones first."""
    recipe, chosen = setting.recipe, setting.recipe.filters
    masks = tuple(MASKS.values()) if recipe.pii == "mask" else ()
    plain = setting.seeds.task == "classification"
    every: list[Filter] = [
        Length(),
        Form(instructions=instructions, masks=masks),
        Language(threshold=chosen.language),
        Pii(
            placeholders=recipe.pii_placeholders,
            changed=recipe.pii != "reject",
            finder=setting.finder,
        ),
        *([Copy()] if plain else []),
        Leak(setting.holdout, threshold=chosen.leak),
        *([Confidence(least=chosen.least_probability)] if setting.kind == "labelled" else []),
        Agreement(
            precision=chosen.agreement_precision,
            encoder=seeds.name,
            decides=setting.judge is None,
            rows_by=seeds.encoder if _are_learnt(setting) else None,
        )
        if plain
        else SpanAgreement(precision=chosen.agreement_precision, encoder=seeds.name),
        Similarity(encoder=seeds.name, no_basis=seeds.no_basis),
        ToxicityFilter(
            encoder="" if seeds.encoder is None else seeds.encoder.name,
            no_basis=seeds.no_basis if setting.used.examples else "no_encoder",
            threshold=chosen.toxicity,
            scorer=setting.scorer,
        ),
        *([] if plain else [Unmarked(repeated=types_of(setting.used, recipe).repeated)]),
        NearDuplicate(threshold=chosen.near_duplicate, against=setting.against)
        if plain
        else Variants(
            most=setting.recipe.max_variants,
            threshold=chosen.near_duplicate,
            against=setting.against,
        ),
        *([] if chosen.semantic_duplicate is None else [_semantic_duplicate(setting, seeds)]),
        *(
            [Balance(setting.identities, target=recipe.identities.target)]
            if recipe.balance_identities
            else []
        ),
        *([Shortcuts()] if plain and setting.kind != "labelled" else []),
    ]
    place = {name: at for at, name in enumerate(chosen.order)}
    every.sort(key=lambda one: place.get(one.name, len(place)))
    filters = [one for one in every if one.name not in chosen.without]
    examples = setting.used.examples
    seen = Seen(texts=seeds.vectors, mentions=seeds.mentions)
    for one in filters:
        meant = one.by_meaning and seeds.encoder is not None and len(examples) > 0
        one.fit(examples, seen.by(one, range(len(examples))) if meant else None)
    return filters


def _are_learnt(setting: Setting) -> bool:
    """Tell whether accepted rows may have a say on labels.

    Not where the seeds' own classifier is to stand beside the engine's label of a given text, where
    rows are accepted whose label it doubts, nor where rows that it leaves open cost a question. The
    engine in the box makes rows of the seeds' own words: they tell nothing that seeds do not.
    """
    flagged = Agreement.name in setting.recipe.filters.flag
    of_seeds = setting.rows is None and setting.recipe.engine == "seedlm"
    return setting.kind != "labelled" and not (flagged or of_seeds) and setting.scorer is None


def jury_of(setting: Setting, filters: Sequence[Filter], *, model: str) -> Jury:
    """Return who has a say on labels beside the filters, which are fitted; nobody unless asked for.

    The judge is asked for the likeliest label: at temperature 0.
    """
    recipe = setting.recipe
    if setting.judge is None:
        return Nobody()
    sitting = Sitting(
        seeds=setting.used,
        rows=classification(setting.seeds, recipe),
        template=setting.judge,
        decoding=Decoding(
            temperature=0.0, top_p=1.0, max_tokens=recipe.sampling.max_tokens, logprobs=RIVALS
        ),
        votes=recipe.judge_votes,
        precision=recipe.filters.agreement_precision,
        model=model,
        random_seed=recipe.random_seed,
    )
    return EngineJury(sitting, next((f for f in filters if isinstance(f, Agreement)), None))


def _semantic_duplicate(setting: Setting, seeds: SeedVectors) -> SemanticDuplicate:
    asked = setting.recipe.filters.semantic_duplicate
    return SemanticDuplicate(
        encoder=seeds.encoder,
        no_basis=seeds.no_basis,
        threshold=None if asked == "seeds" else asked,
        holdout=setting.holdout,
        against=setting.against,
    )


def renders(setting: Setting, renderer: Renderer) -> Callable[[Ask], Request]:
    """Return what turns asks into requests, also those that no engine is to answer."""
    return lambda ask: (renderer.request if ask.strategy in setting.templates else _bare)(ask)


def at_once(setting: Setting) -> Callable[[Ask], Completion | None]:
    """Return what answers the asks that need no engine.

    Those for seeds with other mentions or people; and for the rows of a file, whose engine is the
    judge's.
    """
    if setting.rows is not None and setting.recipe.judge:
        rows = FileRows(setting.rows.answers, model=setting.rows.name)
        return rows.answer
    if ENGINELESS.isdisjoint(setting.recipe.ways):
        return lambda _: None
    task, plain = setting.task, setting.used.task == "classification"
    known = counterparts_of(setting) if plain else skeletons_of(setting.used, setting.recipe)

    def answer(ask: Ask) -> Completion | None:
        row = known.of(ask) if ask.strategy in ENGINELESS else None
        if row is None:
            return None
        said = json.dumps(task.row_of(row), ensure_ascii=False)
        return Completion(text=said, prompt_tokens=0, completion_tokens=0)

    return answer


def _bare(ask: Ask) -> Request:
    """Return a request in which nothing is said, and nothing sampled."""
    return Request(
        key=sha256(f"{ask.strategy} row {ask.number}".encode()).hexdigest(),
        messages=(),
        schema=None,
        sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=1, seed=0),
        ask=ask,
    )
