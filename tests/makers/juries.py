"""A jury of its own for tests: what it asks is answered at once by a judge that is a function."""

from __future__ import annotations

import json

from small_runs import seed_set

from augment.filters.agreement import Agreement
from augment.jury import EngineJury
from augment.jury.engine import Sitting
from augment.records import Ask, Candidate, Completion, Example
from augment.rendering import Decoding
from augment.tasks.classification import Classification
from augment.tasks.judging import JUDGE
from augment.tasks.templates import load_template

LABELS = ("alpha", "beta", "gamma")
TEMPLATE = load_template(JUDGE, folder=None)
MADE = Ask(number=0, strategy="fewshot", labels=("alpha",))


def seeds_of(labels=LABELS, *, each=8):
    """Seeds that name their label."""
    words = ("please", "bring", "fetch", "carry", "lift", "drop", "send", "show", "hide", "paint")
    return seed_set([
        (f"{words[at % 10]} the {label} thing number {at}", label)
        for at in range(each) for label in labels
    ])  # fmt: skip


def jury_of(seeds, *, votes=3, random_seed=0, precision=0.5, labels=None, agreement=None):
    sitting = Sitting(
        seeds=seeds,
        rows=Classification(labels or seeds.labels),
        template=TEMPLATE,
        decoding=Decoding(temperature=0.0, top_p=1.0, max_tokens=64, logprobs=20),
        votes=votes,
        precision=precision,
        model="acme/judge-7b",
        random_seed=random_seed,
    )
    return EngineJury(sitting, agreement)


def agreement_of(seeds, *, precision=0.5):
    agreement = Agreement(precision=precision, decides=False)
    agreement.fit(seeds.examples, None)
    return agreement


def row(text, label, *, index=0, probability=None):
    example = Example(id=f"row-{index}", text=text, target=label, origin="generated")
    return Candidate(example=example, ask=MADE, key="k" * 64, index=index, probability=probability)


def said(label):
    return Completion(text=json.dumps({"label": label}))


def by_words(text, labels):
    """The label that the text names; the first in the alphabet where it names none."""
    return said(next((label for label in sorted(labels) if label in text), min(labels)))


def text_in(request):
    """The row that a request is about."""
    return request.messages[-1].content.rpartition("<row>\nText: ")[2].partition("\n</row>")[0]


def answered(jury, judge=by_words):
    """Answer everything that the jury asks; return the votes."""
    votes = []
    while (request := jury.next()) is not None:
        labels = request.schema["properties"]["label"]["enum"]
        votes.append(jury.take(request, judge(text_in(request), labels)))
    return votes


async def verdict_on(jury, candidate, *, judge=by_words, arrival=1, verdicts=()):
    jury.hear(candidate, arrival)
    answered(jury, judge)
    assert await jury.ready(candidate, arrival)
    (verdict,) = jury.judge(candidate, arrival, verdicts)
    return verdict
