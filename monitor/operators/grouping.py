"""Grouping: when many topics turn unusual at once, that is one piece of news and not many.

How many topics usually turn unusual within the window is measured; a group is a number of them that chance does not
explain. While one may be forming, a single topic's alert waits a little, so that a shock is told once:

    topics      a  b    c d  e   f g           a's alert waits from b and c on; at e it is a group:
    told               (a waits) group: a b c d e, then f and g join; none of them is told alone

A member that stands far out of its group is told alone all the same: it may be the cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.clock import DAY_MS
from monitor.domain.alerts import GROUP_TOPIC, Detection, Evidence, Rule
from monitor.domain.sentiment import RiskKind
from monitor.domain.topics import TopicId
from monitor.operators.detect import tail_severity

MEMORY_MS = 14 * DAY_MS
"""The past from which the usual number of onsets is taken: two weeks hold every hour of the week twice."""

LEAST_USUAL = 0.1
"""Onsets within a window that are always taken to be usual: from none at all, two would be unheard of."""

DISPERSION = 0.5
"""Over-dispersion of onsets: they come in clusters on ordinary days too."""

FORMING_TOPICS = 2
"""From this many on a group may be forming: one other topic that turned unusual just now is rare on ordinary days."""

STANDS_OUT = 2.0
"""Times the highest severity of the other members from which a member is told alone. Of their median it was not enough:
while a group builds up, whoever is a document ahead of the others looks like a cause."""

MAX_EVIDENCE = 8
"""As with a single topic: one document for each member, the most unusual members first."""


@dataclass(slots=True)
class Unusual:
    """A topic that is unusual now: since when it has been so enough to count, and its latest detection."""

    onset_ms: int
    detection: Detection


@dataclass(slots=True)
class GroupState:
    """Plain data. `onsets`: times within the memory. `members`: of the group in being, by topic; empty for none."""

    first_ms: int | None = None
    onsets: list[int] = field(default_factory=list)
    unusual: dict[TopicId, Unusual] = field(default_factory=dict)
    members: set[TopicId] = field(default_factory=set)
    started_ms: int = 0
    latest_ms: int = 0


class Grouping:
    """Finds groups. Stateless but for its settings.

    Args:
        min_topics: fewer are no group. window_ms: they turn unusual within it.
        floor: severity from which a topic counts. threshold: severity of a group.
    """

    def __init__(self, min_topics: int, window_ms: int, floor: float, threshold: float) -> None:
        self.threshold = threshold
        self._min_topics = min_topics
        self._window_ms = window_ms
        self._floor = floor

    def take(self, state: GroupState, detection: Detection) -> Detection | None:
        """Follow one topic's detection; the group's own, if that changed. Severity 0 ends the group."""
        at_ms, topic_id = detection.at_ms, detection.topic_id
        if state.first_ms is None:
            state.first_ms = at_ms
        state.onsets = [onset_ms for onset_ms in state.onsets if onset_ms > at_ms - MEMORY_MS]
        held = state.unusual.get(topic_id)
        if detection.severity < self._floor:
            if held is not None and detection.severity <= 0.0:
                del state.unusual[topic_id]
                return self._end(state, detection)
            if held is not None:
                held.detection = detection
            return None
        if held is None:
            state.unusual[topic_id] = Unusual(at_ms, detection)
            state.onsets.append(at_ms)
        else:
            held.detection = detection
        if state.members:
            return self._grow(state, detection)
        recent = {topic for topic, _ in self._recent(state, at_ms)}
        if len(recent) < self._min_topics or self._severity(state, len(recent), at_ms) < self.threshold:
            return None
        state.members, state.latest_ms = recent, at_ms
        state.started_ms = min(state.unusual[topic].onset_ms for topic in recent)
        return self._detection(state, detection)

    def is_forming(self, state: GroupState, at_ms: int) -> bool:
        """Whether so many topics turned unusual of late that a single one's alert had better wait."""
        return not state.members and len(self._recent(state, at_ms)) >= FORMING_TOPICS

    def holds(self, state: GroupState, detection: Detection) -> bool:
        """Whether a topic's detection is told with its group, and not alone."""
        if detection.topic_id not in state.members:
            return False
        others = [
            state.unusual[topic].detection.severity
            for topic in state.members
            if topic in state.unusual and topic != detection.topic_id
        ]
        return not others or detection.severity < STANDS_OUT * max(others)

    def _recent(self, state: GroupState, at_ms: int) -> list[tuple[TopicId, Unusual]]:
        since_ms = at_ms - self._window_ms
        return [(topic, held) for topic, held in state.unusual.items() if held.onset_ms > since_ms]

    def _grow(self, state: GroupState, detection: Detection) -> Detection | None:
        topic_id = detection.topic_id
        onset_ms = state.unusual[topic_id].onset_ms
        # What was unusual before the group began is another story, though it may still be told of.
        if topic_id in state.members or not state.started_ms <= onset_ms <= state.latest_ms + self._window_ms:
            return None
        state.members.add(topic_id)
        state.latest_ms = detection.at_ms
        return self._detection(state, detection)

    def _end(self, state: GroupState, detection: Detection) -> Detection | None:
        """The group is over when fewer than half of the least number are still unusual."""
        if not state.members:
            return None
        left = sum(topic in state.unusual for topic in state.members)
        if left >= (self._min_topics + 1) // 2:
            return None
        over = self._detection(state, detection, is_over=True)
        state.members = set()
        return over

    def _usual(self, state: GroupState, at_ms: int) -> float:
        """Onsets that are usual within a window, from those before it."""
        begin_ms = at_ms - self._window_ms
        first_ms = begin_ms if state.first_ms is None else max(state.first_ms, at_ms - MEMORY_MS)
        before = sum(onset_ms <= begin_ms for onset_ms in state.onsets)
        return max(LEAST_USUAL, before * self._window_ms / max(begin_ms - first_ms, DAY_MS))

    def _severity(self, state: GroupState, topics: int, at_ms: int) -> float:
        return round(tail_severity(topics, self._usual(state, at_ms), DISPERSION), 3)

    def _detection(self, state: GroupState, deciding: Detection, *, is_over: bool = False) -> Detection:
        held = [state.unusual[topic].detection for topic in state.members if topic in state.unusual]
        held.sort(key=lambda one: (-one.severity, one.topic_id))
        gone = sorted(topic for topic in state.members if topic not in state.unusual)
        return Detection(
            partition=deciding.partition,
            topic_id=GROUP_TOPIC,
            rule=Rule.GROUP_BURST,
            at_ms=deciding.at_ms,
            episode_start_ms=state.started_ms,
            severity=0.0 if is_over else self._severity(state, len(state.members), deciding.at_ms),
            look_back_ms=self._window_ms,
            observed=len(held),
            expected=round(self._usual(state, deciding.at_ms), 4),
            volume=deciding.volume,
            documents=sum(one.documents for one in held),
            origins=sum(one.origins for one in held),
            risk=_leading_risk(held),
            evidence=tuple(_heaviest(held)),
            topics_watched=deciding.topics_watched,
            scorer=deciding.scorer,
            watchlist=deciding.watchlist,
            dispersion=DISPERSION,
            coverage=min((one.coverage for one in held), default=1.0),
            members=(*(one.topic_id for one in held), *gone),
        )


def _leading_risk(detections: list[Detection]) -> RiskKind:
    named = [one.risk for one in detections if one.risk is not RiskKind.NONE]
    return min(set(named), key=lambda risk: (-named.count(risk), risk)) if named else RiskKind.NONE


def _heaviest(detections: list[Detection]) -> Iterator[Evidence]:
    """One document for each member, none twice."""
    shown: set[str] = set()
    for one in detections:
        fresh = next((each for each in one.evidence if each.document_id not in shown), None)
        if fresh is not None and len(shown) < MAX_EVIDENCE:
            shown.add(fresh.document_id)
            yield fresh
