"""Aliases: the spellings by which a text may name a topic, and which of them a lone mention does not prove.

From each topic's name and aliases come folded patterns: "&" beside "and", initials with and without full stops, hyphens
joined, and the name without its legal suffix. A form that was only derived never takes a pattern from a topic that
declares it, and is not made at all where it would be a common word ("Total SA" does not become "Total").
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from monitor.domain.topics import Topic, TopicId, TopicKind
from monitor.operators.folding import fold, is_unspaced
from monitor.operators.tickers import is_word_ticker, read_ticker
from monitor.operators.vocabulary import COMMON_WORDS, COMMON_WORDS_ZH, LEGAL_SUFFIXES, LEGAL_SUFFIXES_ZH

_AMPERSAND = re.compile(r"(?<= )&(?= )")
_AND = re.compile(r"(?<= )and(?= )")
_INITIALS = re.compile(r"\b([a-z])\.(?=[ a-z]|$)")
_SPACES = re.compile(r"\s+")
_NAMED_BY_WORDS = (TopicKind.COMPANY, TopicKind.PERSON)
"""Kinds whose names are proper nouns: "Target" must look like one, while the theme "inflation" is the common word."""

_EXACT_UP_TO = 3
"""Letters up to which an all-capital alias must be written in capitals: "abb" and "ups" are words or typing errors."""
_SHORT = 2
"""Letters up to which an alias needs a second cue: hundreds of things are called GE or BP somewhere."""
_LEAST_DERIVED = 3
"""A derived form shorter than this names too many other things."""


class Case(IntEnum):
    """How a text must write an alias for it to count, the loosest first."""

    ANY = 0
    CAPITALISED = 1
    UPPER = 2


class AmbiguityReason(StrEnum):
    """Why a mention is no proof by itself."""

    SHARED = "shared"
    COMMON_WORD = "common_word"
    SHORT = "short"
    SHARED_TICKER = "shared_ticker"
    SHORT_TICKER = "short_ticker"
    TICKER_IS_WORD = "ticker_is_word"


_EXPLANATIONS = {
    AmbiguityReason.SHARED: "several topics claim it, so it counts only for one that the text names in another way",
    AmbiguityReason.COMMON_WORD: "it is also an ordinary word, so it counts only capitalised and beside a second cue",
    AmbiguityReason.SHORT: "it is short, so it counts only beside a second cue",
    AmbiguityReason.SHARED_TICKER: "several topics claim the ticker, so it counts for each of them",
    AmbiguityReason.SHORT_TICKER: "it is short, so it counts only as $TICKER, after an exchange, or as a symbol",
    AmbiguityReason.TICKER_IS_WORD: "it is a word too, so it counts only as $TICKER, after an exchange, or as a symbol",
}


@dataclass(frozen=True, slots=True)
class AmbiguousAlias:
    """An alias that a lone mention does not prove, the topics that use it, and why."""

    alias: str
    topic_ids: tuple[TopicId, ...]
    reasons: tuple[AmbiguityReason, ...]

    def __str__(self) -> str:
        why = "; ".join(_EXPLANATIONS[reason] for reason in self.reasons)
        return f"{self.alias!r} ({', '.join(self.topic_ids)}): {why}"


@dataclass(frozen=True, slots=True)
class Alias:
    """One folded pattern. `owners` are indices into the topics; `reasons` is empty when a mention is proof enough."""

    pattern: str
    form: str
    owners: tuple[int, ...]
    case: Case
    reasons: tuple[AmbiguityReason, ...]


def pattern_of(form: str) -> str:
    """The folded form that is searched for: white space collapsed, no full stop or comma at the end."""
    return _SPACES.sub(" ", fold(form)).strip(" .,;:")


def without_legal_suffix(name: str) -> str:
    """A company's name as the press writes it: no leading "The", no "Inc.", "& Co.", "Holdings", "股份有限公司"."""
    for suffix in LEGAL_SUFFIXES_ZH:
        if name.endswith(suffix):
            return name.removesuffix(suffix).strip()
    words = name.replace(",", " ").split()
    if len(words) > 1 and words[0].lower() == "the":
        words = words[1:]
    while len(words) > 1 and (words[-1] == "&" or fold(words[-1]).replace(".", "").replace("/", "") in LEGAL_SUFFIXES):
        words = words[:-1]
    return " ".join(words)


def _spellings(form: str) -> Iterator[str]:
    """The patterns of one declared form."""
    pattern = pattern_of(form)
    for spelling in (pattern, _AMPERSAND.sub("and", pattern), _AND.sub("&", pattern)):
        yield spelling
        undotted = _INITIALS.sub(r"\1", spelling)
        if undotted != spelling:
            yield undotted
            yield _SPACES.sub("", undotted) if " " not in spelling.strip() else undotted
    if "-" in form:
        yield pattern_of(form.replace("-", ""))
    if "'s" in pattern:
        yield pattern.replace("'s", "s")


def _is_common(pattern: str) -> bool:
    """Whether the whole pattern is one ordinary word, or only digits."""
    return pattern in COMMON_WORDS or pattern in COMMON_WORDS_ZH or pattern.isdigit()


def _case_of(form: str, pattern: str, topic: Topic, is_declared: bool) -> Case:
    """How the text must write this form of this topic."""
    letters = sum(character.isalpha() for character in form)
    is_common = all(word in COMMON_WORDS for word in pattern.split())
    if form.isupper() and (letters <= _EXACT_UP_TO or is_common or (not is_declared and " " not in form)):
        return Case.UPPER
    if topic.kind in _NAMED_BY_WORDS:
        is_short = letters <= _SHORT and pattern.isascii()
        return Case.CAPITALISED if is_common or is_short else Case.ANY
    return Case.CAPITALISED if topic.kind is TopicKind.COUNTRY and is_common else Case.ANY


def _reasons_of(pattern: str, owners: Sequence[Topic]) -> tuple[AmbiguityReason, ...]:
    """Why a mention of the pattern is no proof; empty when it is."""
    reasons: list[AmbiguityReason] = []
    if len(owners) > 1:
        reasons.append(AmbiguityReason.SHARED)
    if any(topic.kind in _NAMED_BY_WORDS for topic in owners):
        if _is_common(pattern):
            reasons.append(AmbiguityReason.COMMON_WORD)
        characters = pattern.replace(" ", "").replace(".", "")  # "J&J" has three: the sign makes it telling
        if len(characters) <= (1 if is_unspaced(pattern[0]) else _SHORT):
            reasons.append(AmbiguityReason.SHORT)
    return tuple(reasons)


def build_aliases(topics: Sequence[Topic]) -> list[Alias]:
    """Every pattern of the topics, each once, with who claims it and what a mention must look like."""
    claims: dict[str, dict[int, tuple[str, Case]]] = {}
    for index, topic in enumerate(topics):
        for form in (topic.name, *topic.aliases_en, *topic.aliases_zh):
            for pattern in _spellings(form):
                if pattern and index not in claims.setdefault(pattern, {}):
                    claims[pattern][index] = (form, _case_of(form, pattern, topic, is_declared=True))
    declared = {pattern: frozenset(owners) for pattern, owners in claims.items()}
    for index, topic in enumerate(topics):
        form = without_legal_suffix(topic.name)
        if form == topic.name or topic.kind is not TopicKind.COMPANY or len(form) < _LEAST_DERIVED:
            continue
        for pattern in _spellings(form):
            if not pattern or _is_common(pattern) or declared.get(pattern):
                continue
            claims.setdefault(pattern, {})[index] = (form, _case_of(form, pattern, topic, is_declared=False))
    return [_alias(pattern, owners, topics) for pattern, owners in claims.items()]


def _alias(pattern: str, claims: dict[int, tuple[str, Case]], topics: Sequence[Topic]) -> Alias:
    forms = list(claims.values())
    reasons = _reasons_of(pattern, [topics[index] for index in claims])
    return Alias(pattern, forms[0][0], tuple(claims), max(case for _, case in forms), reasons)


def _ambiguous_tickers(topics: Iterable[Topic]) -> Iterator[AmbiguousAlias]:
    owners: dict[str, list[TopicId]] = {}
    for topic in topics:
        for symbol in dict.fromkeys(read_ticker(ticker)[0] for ticker in topic.tickers):
            owners.setdefault(symbol, []).append(topic.id)
    for symbol, ids in owners.items():
        reasons = [AmbiguityReason.SHARED_TICKER] if len(ids) > 1 else []
        if symbol.isalpha() and len(symbol) < 3:
            reasons.append(AmbiguityReason.SHORT_TICKER)
        elif is_word_ticker(symbol):
            reasons.append(AmbiguityReason.TICKER_IS_WORD)
        if reasons:
            yield AmbiguousAlias(symbol, tuple(ids), tuple(reasons))


def ambiguity_report(topics: Sequence[Topic]) -> list[AmbiguousAlias]:
    """Every alias and ticker that a lone mention does not prove, by alias; for `check-config` and the log at load."""
    found = {
        (alias.form, alias.owners): AmbiguousAlias(
            alias.form, tuple(topics[index].id for index in alias.owners), alias.reasons
        )
        for alias in build_aliases(topics)
        if alias.reasons
    }
    return sorted([*found.values(), *_ambiguous_tickers(topics)], key=lambda entry: (entry.alias, entry.topic_ids))
