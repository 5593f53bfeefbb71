"""Explanation: the words that moved a score, found by leaving each of them out.

`effect` of a word = net score of the text - net score of the text without it, for the same target: what the word
brought. It asks nothing of a scorer but its scores, so it holds for the word lists, a checkpoint of ours and any other
model; and what it says can be checked by whoever leaves the words out (`tests/bench/bench_explain.py` does). Order of
events: texts -> of long ones the sentences that move the score most -> their words, each left out; of Chinese every
second pair of characters -> the pairs that overlap with the strongest of these -> the strongest of all.

Source: Li, Monroe and Jurafsky, Understanding Neural Networks through Representation Erasure, 2016. Attention's weights
were not taken: they need not say what an answer rests on (Jain and Wallace, Attention is not Explanation, 2019).
Deliberately left out: words that only count together. Two that say the same ("bankrupt, insolvent") hide each other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.scorer import Judgement, Pair, PairScorer
from models.text import MAX_CHARACTERS, find_mentions, sentences

WORDS = 3
"""Named for each text unless more are asked for."""
MAX_WORDS = 40
"""Words of one text that are left out in turn. Of a longer one only the sentences that move the score most are read."""
MAX_SENTENCES = 64
"""Sentences that are left out in turn. What stands behind them is not looked into; a model reads little of it."""
LOOKED_BESIDE = 6
"""Pairs of characters of one text whose overlapping neighbours are left out in turn, too: twice the words that are
named. A word that stands across two pairs breaks with either, so it is beside a strong one; to try all costs half more,
and what is named then moves the score no further (`tests/bench/bench_explain.py`)."""
LEAST_EFFECT = 0.005
"""Of a word that is named. Below it a word says nothing, and to name it would be noise."""
_AS_HEAVY = 0.95
"""Share of the greatest weight from which an overlapping pair may be the word instead."""

_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Numbers keep their signs and units, names their hyphens; an emoji is a word. Ideographs are cut further: `_words`.
_WORD = re.compile(
    rf"[{_IDEOGRAPHS}]+|[^\W{_IDEOGRAPHS}](?:[\w'’.,%&/-]*[^\W{_IDEOGRAPHS}])?%?"
    r"|[^\w\s.,;:!?'\"()\[\]…。，、；：！？“”‘’（）-]"
)
_IS_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHS}]")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Word:
    """A word that moved a score.

    Attributes:
        start, end: where it stands, in characters: text[start:end] == word.
        effect: net score with it less net score without it, in [-2, 2]; below zero it spoke against the target.
    """

    word: str
    start: int
    end: int
    effect: float


def explain(scorer: PairScorer, pairs: Sequence[Pair], count: int = WORDS) -> list[tuple[Word, ...]]:
    """At most `count` words for each pair, strongest first, all texts in three batches. Raises nothing for any text.

    Words of the target's own mentions are never left out: the question would be another.
    """
    mentions = [find_mentions(pair.text[:MAX_CHARACTERS], pair.target) for pair in pairs]
    bodies = [_words(pair.text, spans) for pair, spans in zip(pairs, mentions, strict=True)]
    parts = [
        _parts(pair.text, body) if len(body) > MAX_WORDS else [] for pair, body in zip(pairs, bodies, strict=True)
    ]
    nets, moved = _asked(scorer, pairs, parts)
    chosen = [
        _within(body, found, by) if found else body for body, found, by in zip(bodies, parts, moved, strict=True)
    ]
    first = [_apart(spans) for spans in chosen]
    _, effects = _asked(scorer, pairs, first, nets)
    looked = max(LOOKED_BESIDE, 2 * count)
    beside = [_beside(spans, ones, by, looked) for spans, ones, by in zip(chosen, first, effects, strict=True)]
    _, more = _asked(scorer, pairs, beside, nets)
    tried = [
        sorted([*zip(ones, by, strict=True), *zip(others, by_others, strict=True)])
        for ones, by, others, by_others in zip(first, effects, beside, more, strict=True)
    ]
    return [_strongest(pair.text, found, count) for pair, found in zip(pairs, tried, strict=True)]


def without(text: str, spans: Sequence[Span]) -> str:
    """A text less some ranges of characters, which do not overlap."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def words_of(text: str, target: str) -> list[Span]:
    """The words of a text that can be left out, in order; of Chinese every two neighbouring characters."""
    return _words(text, find_mentions(text[:MAX_CHARACTERS], target))


def _words(text: str, mentions: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for match in _WORD.finditer(text[:MAX_CHARACTERS]):
        start, end = match.span()
        if _IS_IDEOGRAPH.match(text, start) and end - start > 2:
            # Nothing parts Chinese words, and most have two characters: each pair may be tried (`_apart`, `_beside`).
            found += [(at, at + 2) for at in range(start, end - 1)]
        else:
            found.append((start, end))
    return [span for span in found if not _overlaps(span, mentions)]


def _parts(text: str, words: Sequence[Span]) -> list[Span]:
    """The sentences of a long text; runs of words where it has but one, so that none costs more than its bound."""
    whole = sentences(text[:MAX_CHARACTERS])[:MAX_SENTENCES]
    if len(whole) > 1:
        return whole
    step = -(-len(words) // MAX_SENTENCES)
    return [(words[at][0], words[min(at + step, len(words)) - 1][1]) for at in range(0, len(words), step)]


def _within(words: Sequence[Span], parts: Sequence[Span], effects: Sequence[float]) -> list[Span]:
    """The words of the sentences that move the score most, as many as are left out in turn."""
    kept: list[Span] = []
    for number in sorted(range(len(parts)), key=lambda one: (-abs(effects[one]), one)):
        start, end = parts[number]
        kept += [span for span in words if start <= span[0] and span[1] <= end]
        if len(kept) >= MAX_WORDS:
            break
    return sorted(kept[:MAX_WORDS])


def _apart(spans: Sequence[Span]) -> list[Span]:
    """Those of some ordered spans that do not overlap: of pairs of Chinese characters every second one."""
    found: list[Span] = []
    for span in spans:
        if not found or found[-1][1] <= span[0]:
            found.append(span)
    return found


def _beside(spans: Sequence[Span], tried: Sequence[Span], effects: Sequence[float], count: int) -> list[Span]:
    """The spans not tried yet that overlap with one of the `count` strongest that were."""
    order = sorted(range(len(tried)), key=lambda one: (-abs(effects[one]), one))
    strong = [tried[one] for one in order[:count]]
    left = set(spans).difference(tried)
    return sorted(span for span in left if _overlaps(span, strong))


def _asked(
    scorer: PairScorer, pairs: Sequence[Pair], spans: Sequence[Sequence[Span]], known: Sequence[float] | None = None
) -> tuple[list[float], list[list[float]]]:
    """(net scores of the pairs, for each the effects of its spans), in one batch."""
    asked = [] if known is not None else list(pairs)
    for pair, ones in zip(pairs, spans, strict=True):
        asked += [Pair(without(pair.text, [span]), pair.target, pair.lang) for span in ones]
    found = [_net(judgement) for judgement in scorer.score(asked)] if asked else []
    nets = list(known) if known is not None else found[: len(pairs)]
    rest = iter(found if known is not None else found[len(pairs) :])
    return nets, [[net - next(rest) for _ in ones] for net, ones in zip(nets, spans, strict=True)]


def _strongest(text: str, tried: Sequence[tuple[Span, float]], count: int) -> tuple[Word, ...]:
    found: list[Word] = []
    left = list(tried)
    while len(found) < count:
        weights = _weights(left)
        strong = [one for one, (_, effect) in enumerate(left) if abs(effect) >= LEAST_EFFECT]
        if not strong:
            break
        first = max(strong, key=lambda one: (abs(weights[one]), -one))
        rivals = [one for one in strong if _is_rival(one, first, left, weights)]
        span, effect = left[max(rivals, key=lambda one: (_support(left, one), abs(weights[one]), -one))]
        found.append(Word(text[slice(*span)], *span, effect))
        left = [one for one in left if not _overlaps(one[0], [span])]
    return tuple(sorted(found, key=lambda word: (-abs(word.effect), word.start)))


def _weights(left: Sequence[tuple[Span, float]]) -> list[float]:
    """What spans are ordered by. A word is broken by each pair that touches it, so that three pairs have its effect: a
    character counts the mean of the pairs that hold it, a pair the mean of its characters, and the whole word wins.
    """
    holding: dict[int, list[float]] = {}
    for (start, end), effect in left:
        for at in range(start, end):
            holding.setdefault(at, []).append(effect)
    means = {at: sum(found) / len(found) for at, found in holding.items()}
    return [sum(means[at] for at in range(start, end)) / (end - start) for (start, end), _ in left]


def _is_rival(one: int, first: int, left: Sequence[tuple[Span, float]], weights: Sequence[float]) -> bool:
    """Whether a span weighs about as much as the heaviest and overlaps with it."""
    return abs(weights[one]) >= _AS_HEAVY * abs(weights[first]) and _overlaps(left[one][0], [left[first][0]])


def _support(left: Sequence[tuple[Span, float]], one: int) -> float:
    """What the spans that overlap with one move: the word in the middle breaks with those on both sides of it."""
    return abs(sum(effect for span, effect in left if span != left[one][0] and _overlaps(span, [left[one][0]])))


def _net(judgement: Judgement) -> float:
    return judgement.positive - judgement.negative


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)
