"""Tag: which topics a document names, where, and in the company of how many others.

The text is folded once and searched by one automaton for every pattern of every topic at once; each candidate must then
stand on word boundaries, outside links, and be written as its alias asks. Of what is left the leftmost and then longest
wins. The automaton is asked for overlapping candidates, because its own leftmost-longest search would lose "Halden"
where "Halden Bank" fails the boundary test in "Halden Banking". Exclude phrases silence the mentions that they cover,
for their own topic. Doubtful mentions (see `aliases`) count when the document proves the topic in another way, or,
unless several topics claim them, beside a cue (see `cues`). Nothing here depends on the order of the watchlist's rows.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from monitor.domain.document import Document
from monitor.domain.topics import MatchRole, Topic, TopicId, TopicKind, TopicMatch
from monitor.operators.aliases import Alias, AmbiguityReason, Case, build_aliases, pattern_of
from monitor.operators.cues import find_cue, is_ruled_out
from monitor.operators.folding import fold, fold_with_offsets, is_joined
from monitor.operators.tickers import Place, Tickers, TickerTable, find_cashtags, is_address

_LEAD_CHARS = 300
"""A newspaper's first paragraph: who and what stand in it, background comes after."""
_SHORT_LEAD_CHARS = 120
"""The same for a post without a title; what comes later in it is mostly tags."""
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？\n]")
_NO_CAPITAL_NEEDED = frozenset(("a", "an", "and", "of", "the", "for", "in", "de", "la", "und"))
_MEMO_LIMIT = 16_384
"""Matches remembered for each tagger, some megabytes; beyond the limit the memory starts anew."""
_DFA_BYTES = 50_000
"""Patterns up to which the automaton has a whole table: a third faster, at up to 1 KiB for each byte of a pattern."""
_TITLE, _LEAD, _BODY, _SYMBOL = MatchRole.TITLE, MatchRole.LEAD, MatchRole.BODY, MatchRole.SYMBOL
_MONEY = frozenset("$＄£€¥￥")
_ADDRESS_MARKS = frozenset("./@=&~%?_")


class Mention(NamedTuple):
    """A place [start, end) in a text that names a topic."""

    start: int
    end: int
    topic_id: TopicId


_Candidate: TypeAlias = tuple[int, int, int]
"""(start, -end, alias) of an alias found in a text, so that candidates sort leftmost first, then longest."""
_Silenced: TypeAlias = tuple[int, int, frozenset[int]]
"""(start, end, topics) of an exclude phrase in a text."""


class Tagger:
    """Finds the topics of one watchlist in documents; immutable, so that a reload builds another."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        topics = sorted(topics, key=lambda topic: topic.id)  # indices then order as ids do, whatever the order of rows
        self._ids = tuple(topic.id for topic in topics)
        self._is_theme = tuple(topic.kind is TopicKind.THEME for topic in topics)
        self._tickers = TickerTable(topics)
        self._matches: dict[tuple[int, MatchRole, str, int], TopicMatch] = {}
        aliases = {alias.pattern: alias for alias in build_aliases(topics)}
        excluded: dict[str, set[int]] = {}
        for index, topic in enumerate(topics):
            for phrase in topic.exclude:
                excluded.setdefault(pattern_of(phrase), set()).add(index)
        # Bare tickers are searched for too, only to know which few texts must be scanned for upper-case words.
        bare = {fold(spelling) for spelling in self._tickers.bare}
        patterns = sorted(aliases.keys() | bare | excluded.keys() - {""})
        self._aliases = [aliases.get(pattern) for pattern in patterns]
        self._excluded = [frozenset(excluded[pattern]) if pattern in excluded else None for pattern in patterns]
        self._is_bare = [pattern in bare for pattern in patterns]
        self._is_only_bare = [pattern not in aliases and pattern not in excluded for pattern in patterns]
        implementation = Implementation.DFA if len("".join(patterns).encode()) <= _DFA_BYTES else None
        self._automaton = AhoCorasick(
            patterns, matchkind=MatchKind.Standard, store_patterns=False, implementation=implementation
        )

    def tag(self, document: Document) -> tuple[TopicMatch, ...]:
        """The topics that a document names, the most telling place first, then in order of the text."""
        text = document.reading
        symbols = document.symbols
        candidates, silenced, has_bare = self._search(text)
        if not (candidates or has_bare or self._tickers.has_intricate(text)):
            # Only cashtags and symbols can name a topic here, as in most posts and in most of what names nothing; where
            # all stand in the lead, nobody need know where. That takes a third of the time of the whole way below.
            cashtags = find_cashtags(text)
            if not cashtags and not symbols:
                return ()
            if text is document.text:
                last = text.rfind("$")
                if last <= _SHORT_LEAD_CHARS or last <= _lead_length(text, has_title=False):
                    return self._tag_plain(cashtags, symbols)

        tickers = self._tickers.scan(text, has_bare=has_bare)
        mentions = self._join(text, tickers, symbols, candidates, silenced)
        places: dict[int, tuple[MatchRole, str]] = {}
        lead_start = len(document.title)
        # Every lead is as long as this, and the last mention the furthest: most texts need not be measured.
        lead_end = lead_start + min(_SHORT_LEAD_CHARS, len(document.text))
        if mentions and mentions[-1][0] > lead_end:
            lead_end = lead_start + _lead_length(document.text, has_title=lead_start > 0)
        for start, end, topic in mentions:
            if topic not in places:
                role = _TITLE if start < lead_start else _LEAD if start <= lead_end else _BODY
                places[topic] = (role, text[start:end])
        return self._name(places, {seen[0] for _, seen in tickers[0]}, symbols)

    def _tag_plain(self, cashtags: Sequence[str], symbols: Sequence[str]) -> tuple[TopicMatch, ...]:
        """What cashtags in a lead and declared symbols say where there is nothing else."""
        tickers = self._tickers
        known = tickers.tokens
        places: dict[int, tuple[MatchRole, str]] = {}
        named: set[str] = set()
        for cashtag in cashtags:
            symbol, owners, surface = known.get(cashtag) or tickers.cashtag(cashtag)
            named.add(symbol)
            for topic in owners:
                if topic not in places:
                    places[topic] = (_LEAD, surface)
        return self._name(places, named, symbols)

    def _name(
        self, places: dict[int, tuple[MatchRole, str]], named: set[str], symbols: Sequence[str]
    ) -> tuple[TopicMatch, ...]:
        """The matches of the topics that have a place, and of those that only a declared symbol names.

        Args: named: the symbols that the text writes, watched or not. It and `places` are added to.
        """
        known_symbols = self._tickers.symbols
        for raw in symbols:
            symbol, owners, surface = known_symbols.get(raw) or self._tickers.symbol(raw)
            named.add(symbol)
            for topic in owners:
                if topic not in places:
                    places[topic] = (_SYMBOL, surface)
        if not places:
            return ()
        of_topics = len(named) if len(named) > len(places) else len(places)
        known = self._matches
        matches = []
        for topic, (role, form) in places.items():
            key = (topic, role, form, of_topics)
            matches.append(known.get(key) or self._match(key))
        return tuple(matches)

    def _match(self, key: tuple[int, MatchRole, str, int]) -> TopicMatch:
        """A match, remembered: feeds name topics in few ways, and to make one anew costs six times a look-up."""
        if len(self._matches) >= _MEMO_LIMIT:
            self._matches.clear()
        topic, role, form, of_topics = key
        target = "" if self._is_theme[topic] else form
        match = self._matches[key] = TopicMatch(self._ids[topic], role, form, of_topics, target)
        return match

    def find(self, text: str, symbols: Sequence[str] = ()) -> list[Mention]:
        """Every mention in a text, in order; declared symbols confirm doubtful ones."""
        candidates, silenced, has_bare = self._search(text)
        found = self._join(text, self._tickers.scan(text, has_bare=has_bare), symbols, candidates, silenced)
        return [Mention(start, end, self._ids[topic]) for start, end, topic in found]

    def _search(self, text: str) -> tuple[Sequence[_Candidate], Sequence[_Silenced], bool]:
        """The aliases and exclude phrases in a text, and whether it may hold a bare ticker."""
        offsets: Sequence[int] | None = None
        if text.isascii():  # the fold of such a text, without the call
            folded = text.lower().replace("-", " ")
        else:
            folded, offsets = fold_with_offsets(text)
        found = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        if offsets is None:
            for pattern, start, _ in found:
                if not self._is_only_bare[pattern] or text[start - 1 : start] != "$":
                    return self._sift(text, found)
            return (), (), False  # nothing, or only the letters of watched cashtags
        # To where the next character began, so that an accent which stands apart stays with its letter.
        found = [(pattern, offsets[start], max(offsets[end], offsets[end - 1] + 1)) for pattern, start, end in found]
        candidates, silenced, _ = self._sift(text, found)
        return candidates, silenced, True

    def _join(
        self,
        text: str,
        tickers: Tickers,
        symbols: Sequence[str],
        candidates: Sequence[_Candidate],
        silenced: Sequence[_Silenced],
    ) -> list[Place]:
        """Every (start, end, topic), in order."""
        cashtags, codes, words = tickers
        mentions = codes.copy()
        for start, (_, owners, surface) in cashtags:
            for topic in owners:
                mentions.append((start, start + len(surface), topic))
        if candidates:
            self._settle(text, symbols, candidates, silenced, mentions, words)
        else:
            mentions += words
        mentions.sort()
        return mentions

    def _sift(self, text: str, found: Sequence[tuple[int, int, int]]) -> tuple[list[_Candidate], list[_Silenced], bool]:
        """Keep what stands on word boundaries and is written as its alias asks; tell the exclude phrases apart.

        Returns: candidates, exclude phrases, and whether a bare ticker is written out somewhere.
        """
        aliases, excluded, is_bare, length = self._aliases, self._excluded, self._is_bare, len(text)
        candidates: list[_Candidate] = []
        silenced: list[_Silenced] = []
        has_bare, bare = False, self._tickers.bare
        for pattern, start, end in found:
            left = text[start - 1] if start else " "
            if is_bare[pattern] and left != "$" and text[start:end] in bare:
                has_bare = True
            alias, topics = aliases[pattern], excluded[pattern]
            if alias is None and topics is None:
                continue
            if left.isalnum() and is_joined(left, text[start]):
                continue
            if end < length:
                right = text[end]
                if right.isalnum() and is_joined(text[end - 1], right):
                    continue
            else:
                right = " "
            if topics is not None:
                silenced.append((start, end, topics))
            if alias is None or left == "_" or right == "_" or (left in _MONEY and text[start].isascii()):
                continue
            if alias.case is not Case.ANY and not _is_written_as(alias.case, text[start:end]):
                continue
            if (left in _ADDRESS_MARKS or right in _ADDRESS_MARKS) and is_address(text, start, end):
                continue
            candidates.append((start, -end, pattern))
        return candidates, silenced, has_bare

    def _settle(
        self,
        text: str,
        symbols: Sequence[str],
        candidates: Sequence[_Candidate],
        silenced: Sequence[_Silenced],
        mentions: list[Place],
        words: Sequence[Place],
    ) -> None:
        """Add to `mentions` what the candidates prove: leftmost-longest, exclude phrases, then the doubtful ones.

        `words` are bare tickers: one inside a name belongs to the name ("NWND" in "NWND Marine" is not Northwind).
        """
        if len(candidates) == 1 and not silenced and not words:  # the most frequent case by far
            start, minus_end, pattern = candidates[0]
            alias = self._aliases[pattern]
            if alias is not None and not alias.reasons:
                mentions.append((start, -minus_end, alias.owners[0]))
                return
        doubtful: list[tuple[int, int, Alias, tuple[int, ...]]] = []
        spans: list[tuple[int, int]] = []
        taken = 0
        for start, minus_end, pattern in sorted(candidates) if len(candidates) > 1 else candidates:
            if start < taken:
                continue
            taken = end = -minus_end
            spans.append((start, end))
            alias = self._aliases[pattern]
            assert alias is not None  # _sift keeps only aliases
            owners = alias.owners
            if silenced:
                mute = frozenset().union(
                    *(topics for first, last, topics in silenced if first <= start and end <= last)
                )
                owners = tuple(owner for owner in owners if owner not in mute)
            if not alias.reasons:
                mentions += [(start, end, owner) for owner in owners]
            elif owners and not is_ruled_out(alias.pattern, text, start, end):
                doubtful.append((start, end, alias, owners))
        mentions += [word for word in words if not any(start <= word[0] and word[1] <= end for start, end in spans)]
        if not doubtful:
            return
        proved = {topic for _, _, topic in mentions}
        for symbol in symbols:
            proved.update(self._tickers.symbol(symbol).owners)
        for start, end, alias, owners in doubtful:
            if AmbiguityReason.SHARED not in alias.reasons and owners[0] not in proved and find_cue(text, start, end):
                proved.add(owners[0])
        mentions += [(start, end, owner) for start, end, _, owners in doubtful for owner in owners if owner in proved]


def _is_written_as(case: Case, surface: str) -> bool:
    """Whether a mention has the capitals that its alias asks for; small words inside a name need none."""
    if case is Case.UPPER:
        return surface.upper() == surface
    return all(
        not word[:1].islower() for word in surface.replace("-", " ").split() if word.lower() not in _NO_CAPITAL_NEEDED
    )


def _lead_length(text: str, *, has_title: bool) -> int:
    """How many characters of a text are its lead: the first sentence, and a fixed number at least."""
    least = _SHORT_LEAD_CHARS if not has_title and len(text) <= _LEAD_CHARS else _LEAD_CHARS
    if len(text) <= least:
        return len(text)
    sentence = _SENTENCE_END.search(text)
    first = sentence.end() if sentence else len(text)
    return min(max(first, least), 2 * _LEAD_CHARS, len(text))
