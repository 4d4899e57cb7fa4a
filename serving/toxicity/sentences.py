"""Sentences about groups of people, hateful and not, drawn from our own words.

They teach what corpora of found texts don't: that it is not the group that makes a sentence
hateful, nor the harsh word, but what is said of whom and in whose voice. Written for this project.
The phenomena (denial, quotation, reclaimed pride, harsh words about things) are those that the
literature on hate speech names, HateCheck's authors among them; none of its sentences was used.
"""

from __future__ import annotations

import random

_GROUPS = (
    ("women", "woman"), ("girls", "girl"), ("men", "man"), ("trans people", "trans person"),
    ("trans women", "trans woman"), ("gay people", "gay person"), ("gays", "gay man"),
    ("lesbians", "lesbian"), ("bisexuals", "bisexual"), ("queer people", "queer person"),
    ("black people", "black person"), ("Africans", "African"), ("Black men", "Black man"),
    ("Muslims", "Muslim"), ("Jews", "Jew"), ("Christians", "Christian"), ("Hindus", "Hindu"),
    ("Sikhs", "Sikh"), ("immigrants", "immigrant"), ("refugees", "refugee"),
    ("foreigners", "foreigner"), ("migrants", "migrant"), ("Mexicans", "Mexican"),
    ("Latinos", "Latino"), ("Asians", "Asian"), ("Chinese people", "Chinese person"),
    ("Indians", "Indian"), ("Arabs", "Arab"), ("Romani people", "Roma"),
    ("disabled people", "disabled person"), ("people in wheelchairs", "wheelchair user"),
    ("autistic people", "autistic person"), ("the deaf", "deaf person"),
    ("blind people", "blind person"), ("old people", "old person"),
    ("homeless people", "homeless person"), ("poor people", "poor person"),
    ("Native Americans", "Native American"), ("Polish people", "Pole"), ("Turks", "Turk"),
)  # fmt: skip
_THINGS = (
    "Mondays", "this phone", "the rain", "my commute", "cold coffee", "traffic jams",
    "that film", "spam calls", "the new update", "mosquitoes", "these shoes", "long queues",
    "waiting rooms", "my old laptop", "beer", "soggy fries", "the office printer", "exams",
    "weeds in my garden", "cheap headphones", "cockroaches", "this game", "the dentist",
    "parking fees",
)  # fmt: skip
_DISLIKE = (
    "hate", "despise", "loathe", "can't stand", "detest", "am disgusted by",
    "want to get rid of", "have nothing but contempt for",
)  # fmt: skip
_LIKE = (
    "love", "respect", "admire", "work with", "grew up with", "am happy to live among",
    "really like", "care about", "stand with", "learn a lot from",
)  # fmt: skip
_BAD = (
    "disgusting", "subhuman", "parasites", "vermin", "worthless", "stupid", "criminals",
    "a disease", "filthy", "evil", "inferior", "animals", "a plague on this country",
    "not real people", "mentally ill", "liars and thieves", "too dumb to vote", "scum", "lazy",
    "dangerous",
)  # fmt: skip
_BAD_EACH = ("disgusting", "stupid", "worthless", "filthy", "evil", "lazy", "dangerous", "sick")
_GOOD = (
    "kind", "welcome here", "our neighbours", "brilliant", "part of this country",
    "hard-working", "funny", "human beings like anyone", "my best friends", "good parents",
    "brave", "as clever as anyone", "underpaid", "misunderstood", "amazing", "treated unfairly",
)  # fmt: skip
_GOOD_EACH = ("brilliant", "boring", "long", "moving")
_HARM = (
    "be shot", "be locked up", "be deported", "be wiped out", "be sterilised",
    "never be allowed to vote", "be banned from schools", "be beaten in the street", "die",
    "be thrown out of the country", "be kept away from children", "be put down", "be burned",
    "lose all their rights",
)  # fmt: skip
_HELP = (
    "be treated equally", "be allowed to marry", "have a say", "be protected", "get better pay",
    "feel safe at night", "be heard", "have the same rights as everyone",
    "be on television more", "get the help they need",
)  # fmt: skip
_ATTACK = (
    "punch", "attack", "spit on", "burn down the homes of", "hurt", "shoot", "run over",
    "beat up", "insult", "throw stones at",
)  # fmt: skip
_HATEFUL = (
    "I {dislike} {group}.", "{Group} are {bad}.", "All {group} are {bad}.",
    "{Group} should {harm}.", "Someone ought to {attack} {group}.",
    "I will {attack} the next {one} I see.",
    "If a {one} moves in next door, I will {attack} them.",
    "You have to be {bad_each} to defend {group}.", "Why are {group} always so {bad_each}?",
    "We would be better off without {group}.", "{Group} do not deserve to {help}.",
    "There is nothing wrong with wanting to {attack} {group}.",
    "Every {one} I ever met was {bad_each}.", "{Group} are ruining everything.",
    "Keep {group} out of our town.", "No {one} belongs here.", "Being a {one} is shameful.",
    "I wish all {group} would {get_harmed}.", "Who else thinks {group} are {bad}?",
    "Honestly, {group} make me sick.", "{Group} are nothing but {bad}.",
    "Time to {attack} some {group} tonight.", "Don't trust {group}, they are {bad}.",
    "It is a fact that {group} are {bad}.", "{Group} are not as good as we are.",
    "The world needs fewer {group}.", "Treat {group} like the {bad} they are.",
)  # fmt: skip
_NOT_HATEFUL = (
    "I {like} {group}.", "{Group} are {good}.", "{Group} should {help}.",
    "{Group} deserve to {help}.", "My sister is a {one} and I am proud of her.",
    "I am a {one} and proud of it.", "Nobody should {attack} {group}.",
    "It is wrong to say that {group} are {bad}.",
    "Anyone who says that {group} are {bad} is wrong.",
    "People who {dislike} {group} should be ashamed.", "I do not {dislike} {group}.",
    "{Group} are not {bad}.", "Never say you {dislike} {group}.",
    "He said that {group} should {harm}, and I was shocked.",
    "\"{Group} are {bad}\" is what a racist would say.",
    "Stop telling people that {group} should {harm}.", "I {dislike_plain} {things}.",
    "{Things} should be banned.", "{Things} is disgusting.", "I am so done with {things}.",
    "I could {attack} this stupid machine.", "Every {one} deserves respect.",
    "A {one} moved in next door and baked us a cake.", "There are many {group} in our choir.",
    "What festivals do {group} celebrate?", "Some {group} like football, some do not.",
    "Our new doctor is a {one}.", "As a {one}, I am tired of being called {bad_each}.",
    "We need more {group} in this firm.", "How can we help {group}?",
    "I {dislike_plain} it when people insult {group}.", "I would kill for a slice of cake.",
    "Kill the lights, please.", "The film about {group} was {good_each}.",
    "It is hate to say {group} should {harm}.", "I read a book on the history of {group}.",
)  # fmt: skip
_PLAIN_DISLIKE = ("hate", "loathe", "can't stand", "detest")
_LOWER, _WITHOUT_STOP = 0.3, 0.3
"""Shares of sentences."""


def sentences(each: int, *, random_seed: int) -> list[tuple[str, bool]]:
    """Return distinct sentences with whether they are hateful, about `each` of either."""
    rng = random.Random(random_seed)
    drawn = [
        (_drawn(patterns[number % len(patterns)], rng), hateful)
        for hateful, patterns in ((True, _HATEFUL), (False, _NOT_HATEFUL))
        for number in range(each)
    ]
    return list(dict.fromkeys(drawn))


def _drawn(pattern: str, rng: random.Random) -> str:
    group, one = rng.choice(_GROUPS)
    bad, things, good = rng.choice(_BAD), rng.choice(_THINGS), rng.choice(_GOOD)
    sentence = pattern.format(
        group=group,
        Group=_raised(group),
        one=one,
        bad=bad,
        things=things,
        Things=_raised(things),
        good=good,
        dislike=rng.choice(_DISLIKE),
        dislike_plain=rng.choice(_PLAIN_DISLIKE),
        bad_each=rng.choice(_BAD_EACH),
        good_each=rng.choice(_GOOD_EACH),
        like=rng.choice(_LIKE),
        harm=(harm := rng.choice(_HARM)),
        get_harmed=harm.replace("be ", "get ", 1),
        help=rng.choice(_HELP),
        attack=rng.choice(_ATTACK),
    )
    if rng.random() < _LOWER:
        sentence = sentence.lower()
    return sentence.rstrip(".") if rng.random() < _WITHOUT_STOP else sentence


def _raised(words: str) -> str:
    return words[0].upper() + words[1:]
