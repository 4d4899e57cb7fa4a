"""Texts that are no utterance at all: empty, broken, or the model talking about its task."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from augment.protocols import Vectors
from augment.records import Candidate, Example, Verdict
from augment.tokens import words

Rule: TypeAlias = Callable[[str, str], bool]
"""Whether a text breaks it, given the text and its head."""

_ECHO_WORDS = 8
_MAX_SEED_SHARE = 0.01
_ALWAYS = frozenset({"empty", "control"})
_PASSED = Verdict(filter="form", outcome="passed")

# Every pattern is bounded: it looks at the head of a text or repeats a set number of times at
# most, so that no text can make it backtrack for long. Those for heads meet lower case, NFKC
# (which makes full-width punctuation plain), straight apostrophes, and no quotes in front.
_HEAD = 300
_BEFORE_HEAD = " \t\r\n\u3000\"'*_>«»「『\u2018\u2019\u201c\u201d\u201e"

_CONTROL = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufdd0-\\ufdef"
    + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(17))
    + "]"
)


def _heads(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_SORRY = (
    r"(?:(?:i'm|i am|we're|we are)? ?(?:so |very |truly |really )?(?:sorry|afraid)"
    r"|i apologi[sz]e|(?:my )?apologies|unfortunately|regrettably)[,.;:]?(?: but)?(?: that)?,? "
)
_CANNOT = (
    r"(?:i|we) ?(?:can't|cannot|can not|won't|will not|(?:'m| am|'re| are) (?:not able|unable) to"
    r"|(?:won't|will not) be able to|must decline to) ?"
)
_REFUSAL = _heads(
    _SORRY + _CANNOT + r"(?:help|assist|fulfil|comply|provide|generate|create|produce|write"
    r"|engage|continue|respond|answer|discuss|share|support|do (?:that|this)|\.|$)",
    _CANNOT + r"(?:(?:help|assist)(?: you)? with (?:that|this|your)|comply\b"
    r"|(?:fulfill?|complete|answer|process) (?:this|that|your|the) request"
    r"|(?:generate|create|produce|write|provide|engage (?:in|with)) (?:[a-z]{1,12},? ){0,3}"
    r"(?:content|text|sentence|example|message|material|conversation))",
    rf"(?:{_SORRY})?(?:as|i'm|i am) (?:just |only )?an? (?:large )?"
    r"(?:ai\b|language model|artificial intelligence)",
    r"(?:es )?tut mir (?:sehr |wirklich )?leid[,.]? (?:aber )?"
    r"(?:ich kann|(?:das |dabei |dazu |hier )?kann ich)[^.!?\n]{0,60} (?:nicht|kein\w{0,2})"
    r"(?: \w{1,20}){0,3} (?:\w{0,6}helfen|erstellen|generieren|erfüllen|beantworten|verfassen)",
    r"(?:leider kann ich|ich kann) (?:ihnen |dir )?(?:leider )?"
    r"(?:dabei|damit|bei (?:dieser|ihrer|deiner) \w{1,20}|diese anfrage) (?:leider )?nicht "
    r"(?:\w{0,6}helfen|erfüllen|bearbeiten|beantworten)",
    r"als (?:eine? )?(?:gro(?:ß|ss)es )?(?:ki\b|künstliche intelligenz|sprachmodell)",
    r"(?:je suis )?(?:désolée?|navrée?),? (?:mais )?je ne (?:peux|suis) (?:malheureusement )?pas "
    r"(?:en mesure de )?(?:vous aider|t'aider|répondre|générer|fournir|créer|produire|rédiger)",
    r"je ne peux pas (?:vous aider|répondre à (?:cette|votre)|générer|satisfaire|donner suite)",
    r"en tant qu(?:'|e )(?:ia\b|intelligence artificielle|(?:grand )?modèle de lang"
    r"|assistant (?:ia|virtuel))",
    r"lo siento(?: mucho)?[,.]? (?:pero )?no puedo "
    r"(?:ayudar|proporcionar|generar|crear|producir|escribir|cumplir|responder|continuar)",
    r"no puedo (?:ayudarte con (?:eso|esto)|cumplir con|generar|satisfacer) ",
    r"como (?:una? )?(?:ia\b|inteligencia artificial|modelo de lenguaje)",
    r"(?:很|非常|十分|真的)?(?:抱歉|对不起|對不起)[,。! ]{0,2}(?:但是?|可是)?我?"
    r"(?:不能|无法|無法|没有?办法|沒有?辦法)(?:为[您你]|為[您你]|向您)?"
    r"(?:提供|协助|協助|帮助|幫助|满足|滿足|生成|创建|創建|回答|完成您|继续|繼續)",
    r"我?(?:无法|無法|不能)(?:提供|生成|满足|滿足)(?:这|這|此|该|該|您的|任何)",
    r"(?:作为|作為|身为|身為)(?:一[个個名款])?(?:ai|人工智[能慧]|大?型?语言模型|大?型?語言模型)",
)

_CHATTER = _heads(
    r"```|#{1,6} \S|\d{1,2}[.)] {1,3}\S",
    r"certainly!|(?:sure(?: thing)?|certainly|absolutely|of course|gladly|okay|ok)[!,.:]? "
    r"(?:here(?:'s| is| are)\b|below (?:is|are)\b|i'd be (?:happy|glad) to)",
    r"(?:here|below|the following)(?:'s| is| are)\b[^\n:]{0,80}\b"
    r"(?:example|sentence|text|message|quer(?:y|ie)|utterance|request|review|tweet|comment"
    r"|paraphrase|variation|version|rewrit\w{2,4}|question|response)s?\b[^\n:]{0,60}:",
    r"(?:label|category|intent|text|sentence|example|output|paraphrase|utterance"
    r"|rewritten [a-z]{1,12}|kategorie|satz|beispiel(?:satz)?|umformulierung|catégorie"
    r"|étiquette|phrase|exemple|categoría|etiqueta|frase|ejemplo|texto)(?: ?\d{1,3})?\W{0,3}:",
    r"(?:标签|標籤|类别|類別|文本|示例|例句|例子|句子|改写|改寫) ?\d{0,3}:",
    r"(?:gerne|natürlich|klar|sicher|selbstverständlich)[!,.:]? "
    r"(?:hier|nachfolgend|im folgenden)\b",
    r"hier (?:ist|sind|kommt|kommen|findest du|finden sie|habe ich)\b[^\n:]{0,80}"
    r"(?:beispiel|satz|sätze|text|nachricht|variante|formulierung|anfrage)[^\n:]{0,60}:",
    r"(?:bien sûr|certainement|avec plaisir|d'accord) ?[!,.:] ?voici\b",
    r"voici\b[^\n:]{0,80}\b(?:exemple|phrase|texte|message|variante|reformulation|demande)"
    r"[^\n:]{0,60}:",
    r"¡?(?:claro(?: que sí)?|por supuesto|con gusto)[!,.:]{0,2} (?:aquí|a continuación)\b",
    r"(?:aquí (?:tienes?|están?|hay|va)|a continuación)\b[^\n:]{0,80}"
    r"\b(?:ejemplo|frase|texto|mensaje|variante|oraci[oó]n)[^\n:]{0,60}:",
    r"(?:当然|當然|好的|没问题|沒問題)[,!。 ]{0,2}(?:可以)?[,!。 ]{0,2}"
    r"(?:以下|下面|这里|這裡|这是|這是)",
    r"(?:以下|下面)[是为為][^\n:]{0,30}"
    r"(?:示例|例句|例子|句子|文本|改写|改寫|样本|樣本)[^\n:]{0,20}:",
)

# Each branch begins with a plain character, so that the search need only stop at those.
_PLACEHOLDER = re.compile(
    r"\{\{? ?[^\W\d][\w .-]{0,40}\}"
    r"|\[(?:[A-Z][A-Z_ ]{1,30}|(?:[Ii]nsert|[Yy]our|[Ee]nter|[Aa]dd) [^\]\n]{1,60}"
    r"|[A-Z][a-z]{1,20}(?: [A-Z][a-z]{1,20}){0,3}"
    r"|姓名|名字|城市|日期|时间|地址|地点|公司|电话|金额|产品)\]"
    r"|【(?:姓名|名字|城市|日期|时间|地址|地点|公司|电话|金额|产品)】"
    r"|<(?!(?:br|p|b|i|u|a|em|li|ul|ol|hr|td|tr|div|img|pre|span|code|table|strong|html|body)[ >])"
    r"[a-z][a-z_ ]{1,30}>"
    r"|X(?<!\wX)XX+\b|lorem ipsum|Lorem [Ii]psum"
)


class Form:
    """Rejects what no person would have written as a row.

    `empty` has no letter, digit or symbol; `control` has control characters other than tab and
    line ends, lone surrogates or noncharacters; `echo` repeats eight words in a row of the prompt;
    `refusal` and `chatter` are the model's own voice (English, German, French, Spanish, Chinese);
    `placeholder` was never filled in. A rule that over 1 % of the seeds break, the first two
    excepted, is off: such rows are what the user wants. The verdict's detail then says so.

    Args:
        instructions: the texts of the prompt's fixed part.
        masks: what stands in the place of something that was taken out, and is no placeholder.
    """

    name = "form"
    sequential = False
    by_meaning = False
    calibration = None

    def __init__(self, *, instructions: Sequence[str] = (), masks: Sequence[str] = ()) -> None:
        self._masks = re.compile("|".join(map(re.escape, masks))) if masks else None
        self._said = frozenset(gram for text in instructions for gram in _grams(words(text)))
        self._said_words = frozenset(word for gram in self._said for word in gram)
        self._rules: tuple[tuple[str, Rule], ...] = (
            ("empty", _is_empty),
            ("control", _is_broken),
            ("echo", self._is_echo),
            ("refusal", lambda _, head: _REFUSAL.match(head) is not None),
            ("chatter", lambda _, head: _CHATTER.match(head) is not None),
            ("placeholder", self._is_placeholder),
        )
        self._off: dict[str, float] = {}

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:  # noqa: ARG002 - the Protocol's
        """Switch off the rules that the seeds themselves break."""
        broken = Counter(name for seed in seeds for name in set(self._broken(seed)))
        self._off = {
            name: count / len(seeds)
            for name, count in broken.items()
            if name not in _ALWAYS and count > len(seeds) * _MAX_SEED_SHARE
        }

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order, without a score."""
        return [self._on(row.example) for row in candidates]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing."""

    def _on(self, example: Example[Any]) -> Verdict:
        broken = self._broken(example)
        if not broken:
            return _PASSED
        for name in broken:
            if name not in self._off:
                return Verdict(filter=self.name, outcome="rejected", reason=name)
        spared = (f"{name} is off: {self._off[name]:.0%} of the seeds break it" for name in broken)
        return Verdict(filter=self.name, outcome="passed", detail="; ".join(dict.fromkeys(spared)))

    def _broken(self, example: Example[Any]) -> list[str]:
        """Return the names of the rules that either text breaks."""
        pair = () if example.text_pair is None else (example.text_pair,)
        broken: list[str] = []
        for text in (example.text, *pair):
            head = _head(text)
            broken += [name for name, breaks in self._rules if breaks(text, head)]
        return broken

    def _is_placeholder(self, text: str, _: str) -> bool:
        unmasked = text if self._masks is None else self._masks.sub("", text)
        return _PLACEHOLDER.search(unmasked) is not None

    def _is_echo(self, text: str, _: str) -> bool:
        if not self._said:
            return False
        found = words(text)
        # Eight words in a row cover one of every eight places; most texts end here.
        if self._said_words.isdisjoint(found[_ECHO_WORDS - 1 :: _ECHO_WORDS]):
            return False
        return not self._said.isdisjoint(_grams(found))


def _grams(found: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(found[start:] for start in range(_ECHO_WORDS)), strict=False)


def _head(text: str) -> str:
    head = unicodedata.normalize("NFKC", text.lstrip(_BEFORE_HEAD)[:_HEAD])
    return head.lower().replace("\u2019", "'").replace("\u2018", "'")


def _is_empty(text: str, _: str) -> bool:
    return not any(map(str.isalnum, text)) and not words(text)


def _is_broken(text: str, _: str) -> bool:
    return not text.isprintable() and _CONTROL.search(text) is not None
