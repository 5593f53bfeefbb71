"""RoutedScorer: one scorer in front of several, each for a language; the script of a text decides who answers.

A `lang` tag is only believed where the script leaves the question open: feeds tag by publisher, not by text. What
nobody was trained on is scored by the default all the same, and marked. It loads nothing itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from models.labels import UNTRAINED_LANGUAGE
from models.pooling import ordered
from models.scorer import Computing, Judgement, Pair, PairScorer, Remembering
from models.serving.errors import Unscorable
from models.serving.stats import ScoringStats

ENGLISH, CHINESE, OTHER = "en", "zh", "other"

_IDEOGRAPHS = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA_HANGUL = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]")
_LETTERS = re.compile(r"[^\W\d_]")
_READ_CHARACTERS = 4_000
"""Of a text, to tell its script. A feed that changes it later than that is a list of headlines."""
_LEAST_CHINESE = 0.2
"""Share of ideographs among the letters. An ideograph says as much as several Latin letters, so a Chinese headline
full of product names has a fourth; an English one that names a company in Chinese has a tenth."""
_LEAST_KANA = 0.05
"""Share among ideographs, kana and hangul. Dense Japanese headlines have a tenth; Chinese ones borrow a `の`."""
_TELLS_NOTHING = frozenset(("", "und", "mul", "zxx", ENGLISH, CHINESE))
"""Tags, and those of the two languages that the script tells apart better."""
_OTHER_IDEOGRAPHS = frozenset(("ja", "ko", "vi"))


def language_of(text: str, lang: str | None) -> str:
    """`zh`, `en` (Latin script, or no letters at all), another language if `lang` tells which, or `other`."""
    text = text[:_READ_CHARACTERS]
    tag = (lang or "").replace("_", "-").partition("-")[0].lower()
    another = tag if tag not in _TELLS_NOTHING else OTHER
    letters = len(_LETTERS.findall(text))
    ideographs, syllables = len(_IDEOGRAPHS.findall(text)), len(_KANA_HANGUL.findall(text))
    if ideographs + syllables > _LEAST_CHINESE * letters:
        is_chinese = syllables < _LEAST_KANA * (ideographs + syllables) and tag not in _OTHER_IDEOGRAPHS
        return CHINESE if is_chinese else another
    if len(_LATIN.findall(text)) < letters / 2:
        return another
    return another if another != OTHER and letters else ENGLISH


class RoutedScorer:
    """Hands each pair to the scorer of its language and puts the answers together again.

    Attributes:
        stats: what they have computed together.
    """

    def __init__(self, by_language: Mapping[str, PairScorer], default: str, stats: ScoringStats | None = None) -> None:
        """by_language: scorers by primary language tag; tags may share one. default: the tag of who takes the rest.

        stats: that all of them count in.
        """
        self.stats = stats or ScoringStats()
        self._scorers = dict(by_language)
        self._default = default
        if default not in self._scorers:
            raise ValueError(f"the default {default!r} is none of {', '.join(sorted(self._scorers))}")

    @property
    def name(self) -> str:
        """The names of the scorers, the default first, joined with `+`."""
        scorers = [self._scorers[self._default], *self._scorers.values()]
        return "+".join(dict.fromkeys(scorer.name for scorer in scorers))

    @property
    def backend(self) -> str:
        """What runs their networks, joined with `+` where they differ."""
        return "+".join(dict.fromkeys(one.backend for one in self._scorers.values() if isinstance(one, Computing)))

    def forget(self) -> None:
        """None of them remembers an answer from here on."""
        for one in self._scorers.values():
            if isinstance(one, Remembering):
                one.forget()

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order. Raises: Unscorable, and what else a scorer raises."""
        languages = [language_of(pair.text, pair.lang) for pair in pairs]
        groups: dict[str, list[int]] = {}
        for number, language in enumerate(languages):
            groups.setdefault(language if language in self._scorers else self._default, []).append(number)
        found: dict[int, Judgement] = {}
        spoilt: list[int] = []
        reason = ""
        for language, numbers in groups.items():
            try:
                answers = self._scorers[language].score([pairs[number] for number in numbers])
            except Unscorable as error:
                spoilt += [numbers[one] for one in error.numbers]
                reason = reason or error.reason
            else:
                found.update(zip(numbers, answers, strict=True))
        if spoilt:
            raise Unscorable(tuple(sorted(spoilt)), reason)
        return [
            found[number] if language in self._scorers else _marked(found[number])
            for number, language in enumerate(languages)
        ]


def _marked(answer: Judgement) -> Judgement:
    return replace(answer, marks=ordered(frozenset((*answer.marks, UNTRAINED_LANGUAGE))))
