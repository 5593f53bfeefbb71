"""LexiconScorer: sentiment from our own phrase book, English and Chinese. The floor that a trained model must beat.

Order of events: cut a long text, read it, weigh what was found, map the weights to probabilities. No clock, no random
number, no memory between texts: an answer depends on the pair alone.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from math import exp, log1p

from models.evidence import Evidence, Sweep
from models.labels import NO_RISK, RISKS
from models.phrases import LANGUAGES, data_bytes
from models.reading import Reader, Reading
from models.scorer import Judgement, Pair

HEAD_CHARACTERS = 4_000
"""How much of a text is read. More finds only repetition at a cost without bound; less cuts off long leads."""
_AROUND_CHARACTERS = 600
_AROUND_MENTIONS = 2
_MENTIONS = 20  # Each phrase is compared with each mention; more of them tell nothing new.
_FIRST_UNSPACED = "\u2e80"  # From here on scripts write words without spaces.
_CUES = 5
_CUE_CHARACTERS = 60
_RULES = "1"  # Raise it whenever a rule changes an answer: the name must tell scorers apart.
_ALL = frozenset(LANGUAGES)
_UNIVERSAL = frozenset(("any",))
_READ = frozenset(("", "en", "zh", "und", "mul"))

# logit against neutral = prior + own x log(1 + evidence for it) - other x log(1 + evidence against it).
# Fitted by maximum likelihood on four fifths of eleven labelled sets in equal weight, a class masked where a set lacks
# it (`python -m models.fit_lexicon`, docs/lexicon.md).
_PRIOR_NEGATIVE, _PRIOR_POSITIVE = -1.47, -0.69
_OWN_NEGATIVE, _OTHER_NEGATIVE = 1.88, 0.17
_OWN_POSITIVE, _OTHER_POSITIVE = 1.57, 0.44
_CONSTANTS = (_PRIOR_NEGATIVE, _OWN_NEGATIVE, _OTHER_NEGATIVE, _PRIOR_POSITIVE, _OWN_POSITIVE, _OTHER_POSITIVE)


class LexiconScorer:
    """Scores pairs by the phrases that they hold. Cheap: some 20 microseconds for a headline."""

    def __init__(self) -> None:
        self._reader = Reader()
        digest = hashlib.sha256(repr((_RULES, *_CONSTANTS)).encode())
        for name in (*(f"{language}.tsv" for language in LANGUAGES), "en_forms.tsv", "zh_variants.tsv"):
            digest.update(data_bytes(name))
        self._name = f"lexicon-{digest.hexdigest()[:8]}"
        self._nothing_found = judge([], ())

    @property
    def name(self) -> str:
        """`lexicon-` and eight digits of the hash of the word lists, the constants and the revision of the rules."""
        return self._name

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement for each pair, in order. Raises nothing for any text."""
        return [self._score(pair.text, pair.target, pair.lang) for pair in pairs]

    def evidence(self, pair: Pair) -> list[Evidence]:
        """What speaks for and against the target, phrase by phrase; the probabilities follow from it alone."""
        return self._read(pair.text, pair.target, pair.lang)[0]

    def _score(self, text: str, target: str, lang: str | None) -> Judgement:
        found, phrases = self._read(text, target, lang)
        return judge(found, phrases) if found else self._nothing_found

    def _read(self, text: str, target: str, lang: str | None) -> tuple[list[Evidence], tuple[str, ...]]:
        if len(text) > HEAD_CHARACTERS:
            text = excerpt(text, target)
        reading = self._reader.read(text)
        if not self._reader.says_something(reading):
            return [], ()
        # Our word lists would misread other languages that share a script: German `die`, Japanese compounds.
        known = not lang or lang.replace("_", "-").partition("-")[0].lower() in _READ
        starts = reading.starts()
        targets = mentions(reading, starts, target.lower()) if target else []
        found = Sweep(self._reader, reading, targets).run(_ALL if known else _UNIVERSAL)
        if not found:
            return [], ()
        # A few letters change their length in lower case; then the positions hold for the lower-cased text only.
        shown = text if len(text) == len(reading.lowered) else reading.lowered
        return found, cues(found, reading, starts, shown)


def excerpt(text: str, target: str) -> str:
    """The head of a long text, and what stands around the first mentions of the target behind it."""
    pieces = [text[:HEAD_CHARACTERS]]
    position = HEAD_CHARACTERS
    while target and len(pieces) <= _AROUND_MENTIONS:
        found = text.find(target, position)
        if found < 0:
            break
        position = found + len(target) + _AROUND_CHARACTERS
        pieces.append(text[max(found - _AROUND_CHARACTERS, HEAD_CHARACTERS) : position])
    return "\n".join(pieces)


def mentions(reading: Reading, starts: list[int], name: str) -> list[tuple[int, int]]:
    """Token ranges in which a text has a lower-case name as a whole word (Chinese has no word boundaries)."""
    lowered, tokens = reading.lowered, reading.tokens
    ranges: list[tuple[int, int]] = []
    if not name.strip():
        return ranges
    at = lowered.find(name)
    while at >= 0 and len(ranges) < _MENTIONS:
        stop = at + len(name)
        joined_left = at > 0 and _joins(lowered[at - 1], name[0])
        joined_right = stop < len(lowered) and _joins(name[-1], lowered[stop])
        if not joined_left and not joined_right:
            first = bisect_left(starts, at)
            if first and starts[first - 1] + len(tokens[first - 1]) > at:
                first -= 1  # `$XYZ` is one token, and the target may be only `XYZ`.
            ranges.append((first, max(bisect_left(starts, stop), first + 1)))
        at = lowered.find(name, stop)
    return ranges


def _joins(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum() and max(left, right) < _FIRST_UNSPACED


def cues(found: list[Evidence], reading: Reading, starts: list[int], text: str) -> tuple[str, ...]:
    """The phrases that weigh most, as the text writes them, strongest first, each once."""
    phrases: dict[str, str] = {}
    for evidence in sorted(found, key=_by_strength):
        last = evidence.end - 1
        stop = starts[last] + len(reading.tokens[last])
        phrase = " ".join(text[starts[evidence.start] : stop][:_CUE_CHARACTERS].split())
        phrases.setdefault(phrase.lower(), phrase)
        if len(phrases) == _CUES:
            break
    return tuple(phrases.values())


def _by_strength(evidence: Evidence) -> float:
    return -abs(evidence.strength)


def totals(found: list[Evidence]) -> tuple[float, float]:
    """Sums of what speaks against the target and of what speaks for it, both at least 0."""
    negative = positive = 0.0
    for evidence in found:
        if evidence.strength > 0:
            positive += evidence.strength
        else:
            negative -= evidence.strength
    return negative, positive


def judge(found: list[Evidence], phrases: tuple[str, ...]) -> Judgement:
    """Map evidence to probabilities: more of one side never makes that side less likely, nor the other more."""
    negative, positive = totals(found)
    bad, good = log1p(negative), log1p(positive)
    odds_negative = exp(_PRIOR_NEGATIVE + _OWN_NEGATIVE * bad - _OTHER_NEGATIVE * good)
    odds_positive = exp(_PRIOR_POSITIVE + _OWN_POSITIVE * good - _OTHER_POSITIVE * bad)
    total = 1.0 + odds_negative + odds_positive
    risk = leading_risk(found) if negative else NO_RISK
    return Judgement(odds_negative / total, 1.0 / total, odds_positive / total, risk, phrases)


def leading_risk(found: list[Evidence]) -> str:
    """The kind of risk with the most weight among what is bad; of equals the first in `labels.RISKS`."""
    weights: dict[str, float] = {}
    for evidence in found:
        if evidence.strength < 0:
            weights[evidence.risk] = weights.get(evidence.risk, 0.0) - evidence.strength
    if len(weights) > 1:
        weights.pop(NO_RISK, None)  # A phrase of no kind, however heavy, tells less than a named one.
    if len(weights) > 1:
        return max(weights, key=lambda kind: (weights[kind], -RISKS.index(kind)))
    return next(iter(weights), NO_RISK)
