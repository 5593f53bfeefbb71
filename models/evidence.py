"""Evidence: what each phrase of a text weighs where it stands.

Order of events, token by token: a mark ends a sentence or a clause; a bender (negation, doubt, force) opens a scope of
a few tokens; a noun waits for what moves it; an opinion is weighed and kept. The cost is that of the hits, not of the
text. Deliberately left out: how weights become probabilities (`lexicon.py`).
"""

from dataclasses import dataclass

from models.phrases import Entry, Role
from models.reading import PERCENTS, Reader, Reading

# Scopes in tokens: words in English, characters in Chinese. Longer scopes catch what another clause says; shorter ones
# miss `not expected to post a loss`.
_REACH = {"en": 4, "zh": 3, "any": 3}
_NOUN_REACH = {"en": 7, "zh": 8, "any": 4}
_OBJECT_REACH = {"en": 3, "zh": 4, "any": 2}

_NEGATED_BAD = -0.15  # `no fraud` is good news, but weaker than fraud is bad.
_NEGATED_GOOD = -0.7  # `not growing` is nearly as bad as shrinking.
_AVERTED = -0.5
_DENIED = 0.3
_DENIAL_GOES_ON = 3  # `denies that it was ever told of fraud`: a denial reaches further than a `not`.
_FORCE = 1.4
_DOUBT = 0.6
_BEFORE_BUT = 0.5
_CONCEDED = 0.5
_WITH_PERCENT = 1.3
_NOTHING_MOVED = 0.6  # `cuts` or `record` with no noun near it.
_AS_SUBJECT = 0.1  # For X in `X sues Y`.
_OTHER_ENTITY = 0.35  # The cashtag nearest before the phrase is not the target's.
_FAR_TOKENS = 40
_FAR = 0.5
_TAIL_TOKENS = 120  # Headlines and leads say what a text is about; a long body repeats it and strays.
_TAIL = 0.5
_REPEATED = 0.5  # A second rocket says less than the first.

# Names of their own: to look up `Role.WORD` costs as much as the comparison ten times over (Python 3.11).
_AVERTING = Role.AVERTING
_BUT = Role.BUT
_CLAUSE = Role.CLAUSE
_CONCESSION = Role.CONCESSION
_CONTEST = Role.CONTEST
_CUT = Role.CUT
_DENIAL = Role.DENIAL
_ENTITY = Role.ENTITY
_FALL = Role.FALL
_INTENSIFIER = Role.INTENSIFIER
_NEGATION = Role.NEGATION
_NOUN = Role.NOUN
_ONTO = Role.ONTO
_RAISE = Role.RAISE
_RISE = Role.RISE
_SENTENCE = Role.SENTENCE
_STOP = Role.STOP
_THEME = Role.THEME

_PASSIVE_AFTER = frozenset(("by", "at", "to", "from", "on", "after", "over", "in", "for", "amid", "as", ",", ".", "("))
_NO_OBJECT = frozenset(("to", "by", "from", "on", "at", "after", "as", "than", ",", ".", ";"))
_PASSIVE_BEFORE = frozenset("被遭获受")


def _overlaps(ranges: list[tuple[int, int]], start: int, end: int) -> bool:
    # Not any(): it takes twice as long, and this runs for every phrase.
    found = False
    for begin, stop in ranges:
        if start < stop and begin < end:
            found = True
            break
    return found


@dataclass(slots=True)
class Evidence:
    """One phrase and what it says about the target: below 0 is bad. Tokens [start, end) hold it."""

    strength: float
    start: int
    end: int
    risk: str


@dataclass(slots=True)
class _Noun:
    polarity: float
    end: int
    risk: str
    spoken: Evidence | None


class Sweep:
    """One pass over the hits of one text; made for a text, used once."""

    __slots__ = (
        "_averted_until",
        "_but_from",
        "_conceded",
        "_denied_until",
        "_doubted_until",
        "_forced_until",
        "_last_entity",
        "_negated_until",
        "_negator",
        "_noun",
        "_owned",
        "_pending",
        "_reader",
        "_reading",
        "_seen",
        "_sentence_start",
        "_targets",
        "found",
    )

    def __init__(self, reader: Reader, reading: Reading, targets: list[tuple[int, int]]) -> None:
        self.found: list[Evidence] = []
        self._reading = reading
        self._targets = targets
        self._reader = reader
        self._owned = True
        self._last_entity = -9
        self._seen: dict[int, int] = {}
        self._start_sentence(0)

    def _start_sentence(self, token: int) -> None:
        self._negated_until = self._denied_until = self._averted_until = -1
        self._forced_until = self._doubted_until = -1
        self._negator: Evidence | None = None
        self._noun: _Noun | None = None
        self._pending: tuple[Evidence, float, int] | None = None
        self._conceded = False
        self._but_from = len(self.found)
        self._sentence_start = token

    def run(self, languages: frozenset[str]) -> list[Evidence]:
        """Weigh every hit of these languages, in order; what came to nothing is left out."""
        targets = self._targets
        entries, first_bender = self._reader.entries, self._reader.first_bender
        for number, start, end in self._reading.hits:
            entry = entries[number]
            if entry.role is _STOP or entry.language not in languages:
                continue
            if number >= first_bender:
                self._bend(entry, start, end)
            # A word of the target's own name says nothing about it: `Best Example Corp`.
            elif not targets or not _overlaps(targets, start, end):
                self._weigh(entry, number, start, end)
        if targets and len(self._reading.tokens) > _FAR_TOKENS:
            self._weigh_by_distance()
        return [evidence for evidence in self.found if evidence.strength]

    def _bend(self, entry: Entry, start: int, end: int) -> None:
        """Open the scope of a bender, or close what a mark closes."""
        role = entry.role
        if role is _SENTENCE:
            self._start_sentence(end)
        elif role is _CLAUSE:
            self._negated_until = self._denied_until = self._averted_until = -1
            self._conceded = False
        elif role is _ENTITY:
            self._meet_entity(start)
        elif role is _BUT:
            for evidence in self.found[self._but_from :]:
                evidence.strength *= _BEFORE_BUT
            self._but_from = len(self.found)
            self._negated_until = -1
            self._conceded = False
        elif role is _CONCESSION:
            self._conceded = True
        else:
            until = end + _REACH[entry.language]
            if role is _NEGATION:
                self._negated_until = until
                self._negator = None
                if entry.strength:  # `fails to` is bad news until what it fails to do is known.
                    self._negated_until += 1
                    self._negator = self._keep(entry.strength, start, end, entry.risk)
            elif role is _DENIAL:
                self._denied_until = until + _DENIAL_GOES_ON
            elif role is _AVERTING:
                self._averted_until = until
            elif role is _INTENSIFIER:
                self._forced_until = end + 2
                if self.found and start - self.found[-1].end <= 1 and entry.language == "en":
                    self.found[-1].strength *= _FORCE  # `fell sharply`
            else:
                self._doubted_until = until

    def _meet_entity(self, token: int) -> None:
        """A cashtag: from here on the text speaks of it, or of the list of cashtags that it stands in."""
        if not self._targets:
            return
        is_target = any(begin <= token < stop for begin, stop in self._targets)
        in_list = token - self._last_entity <= 2
        self._owned = is_target or (in_list and self._owned)
        self._last_entity = token

    def _weigh(self, entry: Entry, number: int, start: int, end: int) -> None:
        role = entry.role
        strength, risk = entry.strength, entry.risk
        if role is _NOUN or role is _THEME:
            pending = self._pending
            if pending is not None and start <= pending[2]:
                moved, direction, _ = pending
                owned = 1.0 if self._owned else _OTHER_ENTITY
                moved.strength = direction * owned * (max(strength, 2.0) if strength > 0 else min(strength, -2.0))
                moved.end, moved.risk = end, risk
                self._pending = None
                return
            spoken = None
            if role is _THEME:
                spoken = self._keep(self._bent(strength, number, entry, start), start, end, risk)
            self._noun = _Noun(strength, end, risk, spoken)
            return
        if role is _FALL or role is _RISE or role is _CUT or role is _RAISE:
            self._move(entry, number, start, end)
            return
        if role is _ONTO or role is _CONTEST:
            strength = self._for_target(entry, start, end)
        self._keep(self._bent(strength, number, entry, start), start, end, risk)

    def _move(self, entry: Entry, number: int, start: int, end: int) -> None:
        """A direction: pair it with the noun that it moves, before it or after it."""
        direction = 1.0 if entry.strength > 0 else -1.0
        codes = self._reading.codes
        force = self._bent(direction, number, entry, start)
        shown = end
        if not PERCENTS.isdisjoint(codes[end : end + 2]):
            force *= _WITH_PERCENT
            shown += 1 if codes[end] in PERCENTS else 2  # The cue shows how far: `falls 5%`.
        noun = self._noun
        gap = _NOUN_REACH[entry.language] + 1 if noun is None else start - noun.end
        # `guidance cut`, `earnings in 2020 decreased to 3`: what stands before it is what moved, no object can follow.
        moved_before = gap == 0 or end == len(codes) or self._reading.tokens[end] in _NO_OBJECT
        takes_object = not moved_before and (entry.role is _CUT or entry.role is _RAISE)
        takes_object = takes_object or codes[end : end + 1] in self._reader.of_codes
        if noun is not None and gap <= _NOUN_REACH[entry.language] and not takes_object:
            if noun.spoken is not None:
                noun.spoken.strength = 0.0
            self._keep(force * noun.polarity, start, shown, noun.risk)
            self._noun = None
            return
        weight = abs(entry.strength)
        if takes_object:
            weight *= _NOTHING_MOVED
        evidence = self._keep(force * weight, start, shown, entry.risk)
        if takes_object:
            self._pending = (evidence, force, end + _OBJECT_REACH[entry.language])

    def _bent(self, strength: float, number: int, entry: Entry, start: int) -> float:
        """What is left of a strength under the scopes that are open at this token."""
        repeats = self._seen.get(number, 0)
        self._seen[number] = repeats + 1
        if repeats:
            strength *= _REPEATED**repeats
        if entry.language == "any":
            pass  # `don't miss it 🚀`: nobody negates an emoji.
        elif start < self._negated_until:
            strength *= _NEGATED_BAD if strength < 0 else _NEGATED_GOOD
            if self._negator is not None:
                self._negator.strength = 0.0
        elif start < self._averted_until:
            if strength < 0:
                strength *= _AVERTED
        elif start < self._denied_until:
            strength *= _DENIED
        if start < self._forced_until:
            strength *= _FORCE
        if start < self._doubted_until:
            strength *= _DOUBT
        if self._conceded:
            strength *= _CONCEDED
        if start > _TAIL_TOKENS:
            strength *= _TAIL
        return strength

    def _for_target(self, entry: Entry, start: int, end: int) -> float:
        """`X sues Y`: bad for Y, nothing to X; `X overtakes Y`: good for X, bad for Y; a passive turns it round."""
        if not self._targets:
            return entry.strength if entry.role is _ONTO else 0.0
        tokens = self._reading.tokens
        is_subject = any(self._sentence_start <= begin < start for begin, _ in self._targets)
        is_object = any(end <= begin <= end + _OBJECT_REACH[entry.language] for begin, _ in self._targets)
        if entry.language == "zh":
            passive = start > 0 and tokens[start - 1] in _PASSIVE_BEFORE
        else:
            passive = tokens[end - 1].endswith("ed") and (end == len(tokens) or tokens[end] in _PASSIVE_AFTER)
            passive = passive or (end < len(tokens) and tokens[end] == "by")
        acts = (is_subject and not passive and not is_object) or (is_object and passive)
        if entry.role is _CONTEST:
            suffers = is_object or (is_subject and passive)
            return entry.strength if acts else -entry.strength if suffers else 0.0
        return entry.strength * _AS_SUBJECT if acts else entry.strength

    def _keep(self, strength: float, start: int, end: int, risk: str) -> Evidence:
        if not self._owned:
            strength *= _OTHER_ENTITY
        evidence = Evidence(strength, start, end, risk)
        self.found.append(evidence)
        return evidence

    def _weigh_by_distance(self) -> None:
        """Phrases far from every mention of the target count less."""
        for evidence in self.found:
            gap = min(max(begin - evidence.end, evidence.start - stop, 0) for begin, stop in self._targets)
            if gap > _FAR_TOKENS:
                evidence.strength *= _FAR
