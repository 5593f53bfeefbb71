"""Untold: what told nobody, and why: episodes that were suppressed, what did not count, what could not be read."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.channels.words import what_words
from monitor.config import Config
from monitor.domain.alerts import AlertEvent, Detection, Rule, Suppression
from monitor.domain.document import Counted, DeadLetterReason
from monitor.domain.naming import subject
from monitor.domain.topics import TopicId
from monitor.lab.report.readings import Readings
from monitor.lab.report.words import (
    DEAD_LETTERS,
    HEADLINE_CHARS,
    NAME_CHARS,
    SUPPRESSIONS,
    clean,
)

EPISODES_SHOWN = 25
UNCOUNTED_SHOWN = 10

DOCUMENTS_READ = 50_000
"""Of each topic, the latest: what did not count is told of as many."""

DEAD_LETTERS_READ = 1_000
"""Of each reason; above, "1,000 or more" says enough."""

EpisodeKey = tuple[TopicId, Rule, int]


@dataclass(frozen=True, slots=True)
class UntoldEpisode:
    """An unusual stretch of a topic that nobody was told of; `lacked` says what was missing."""

    title: str
    from_ms: int
    to_ms: int
    what: str
    reason: str
    lacked: str
    severity: float
    headline: str


@dataclass(frozen=True, slots=True)
class Uncounted:
    """What of a topic did not count: copies, mere mentions in lists, what came too late. `story`: the most copied."""

    name: str
    copies: int
    listed: int
    too_late: int
    story: str
    tellings: int


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Records that could not be used for one reason."""

    reason: str
    count: int
    is_capped: bool
    example: str


@dataclass(frozen=True, slots=True)
class Untold:
    """All of it. `of_told`: detections that belonged to an alert; `more_episodes`: of those left out here."""

    episodes: tuple[UntoldEpisode, ...]
    more_episodes: int
    of_told: int
    uncounted: tuple[Uncounted, ...]
    dead_letters: tuple[DeadLetters, ...]
    late: int
    longest_delay_ms: int
    documents_watched: int


@dataclass(frozen=True, slots=True)
class _Group:
    """A group alert as far as its members are concerned: who, and in what time it spoke for them."""

    members: frozenset[TopicId]
    from_ms: int
    to_ms: int

    @classmethod
    def of(cls, life: Sequence[AlertEvent]) -> "_Group":
        first, last = life[0].detection, life[-1].detection
        members = frozenset(topic for event in life for topic in event.detection.members)
        return cls(members, first.at_ms - first.look_back_ms, last.at_ms)

    def tells_of(self, detection: Detection) -> bool:
        return detection.topic_id in self.members and self.from_ms <= detection.at_ms <= self.to_ms


def gather(readings: Readings, name_of: Callable[[TopicId], str], config: Config) -> Untold:
    """Read what was left untold."""

    def shown(topic: TopicId) -> str:
        return clean(name_of(topic), NAME_CHARS) or topic

    episodes, of_told = _episodes(readings, shown, config)
    uncounted, late, watched = _uncounted(readings, shown)
    return Untold(
        episodes=tuple(episodes[:EPISODES_SHOWN]),
        more_episodes=max(0, len(episodes) - EPISODES_SHOWN),
        of_told=of_told,
        uncounted=tuple(uncounted[:UNCOUNTED_SHOWN]),
        dead_letters=tuple(_dead_letters(readings)),
        late=len(late),
        longest_delay_ms=max(late.values(), default=0),
        documents_watched=watched,
    )


def _episodes(readings: Readings, shown: Callable[[TopicId], str], config: Config) -> tuple[list[UntoldEpisode], int]:
    """Episodes of which nothing was told, the most unusual first, and the suppressions that belong to told ones."""
    detections: dict[tuple[TopicId, int], Detection] = {(one.topic_id, one.at_ms): one for one in readings.detections}
    told = {_key(event.detection) for life in readings.lives for event in life}
    thresholds = sorted((event.at_ms, event.threshold) for life in readings.lives for event in life)
    found: dict[EpisodeKey, list[tuple[float, int, Suppression, Detection]]] = defaultdict(list)
    groups = [_Group.of(life) for life in readings.lives if life[0].detection.rule is Rule.GROUP_BURST]

    def in_group(detection: Detection) -> bool:
        return any(group.tells_of(detection) for group in groups)

    of_told = 0
    for row in readings.history.suppressed():
        detection = detections.get((row.topic_id, row.at_ms))
        if detection is None:
            continue
        # What a group alert told was told, and what was no worse than an open alert is part of it.
        if _key(detection) in told or row.reason in (Suppression.NO_RISE, Suppression.GROUPED) or in_group(detection):
            of_told += 1
            continue
        found[_key(detection)].append((row.severity, row.at_ms, row.reason, detection))
    episodes = []
    for rows in found.values():
        severity, _, reason, worst = max(rows, key=lambda row: (row[0], -row[1]))
        episodes.append(
            UntoldEpisode(
                title=subject(worst, shown),
                from_ms=rows[0][1],
                to_ms=rows[-1][1],
                what=what_words(worst),
                reason=SUPPRESSIONS[reason],
                lacked=_lacked(reason, severity, _threshold_near(thresholds, worst.at_ms, config), config),
                severity=severity,
                headline=clean(worst.evidence[0].headline, HEADLINE_CHARS) if worst.evidence else "",
            )
        )
    return sorted(episodes, key=lambda one: (-one.severity, one.from_ms)), of_told


def _key(detection: Detection) -> EpisodeKey:
    return detection.topic_id, detection.rule, detection.episode_start_ms


def _threshold_near(thresholds: list[tuple[int, float]], at_ms: int, config: Config) -> float | None:
    """The threshold of the alert event that is nearest in time, None where none is known: they change once a day."""
    if not thresholds:
        return config.alerts.initial_threshold
    place = bisect_left(thresholds, (at_ms, 0.0))
    beside = thresholds[max(0, place - 1) : place + 1]
    _, threshold = min(beside, key=lambda one: abs(one[0] - at_ms))
    return threshold


def _lacked(reason: Suppression, severity: float, threshold: float | None, config: Config) -> str:
    match reason:
        case Suppression.COOLDOWN:
            return f"severity {severity:.1f}; had to be {config.alerts.amend_step:g} above the last alert's peak"
        case Suppression.OVER_BUDGET:
            return f"severity {severity:.1f} would have been enough"
        case _:
            needed = "" if threshold is None else f" of about {threshold:.1f}"
            return f"severity {severity:.1f}{needed}"


def _uncounted(readings: Readings, shown: Callable[[TopicId], str]) -> tuple[list[Uncounted], dict[str, int], int]:
    """Topics by what did not count of them, and how late each late document was, ms by its id."""
    found = []
    late: dict[str, int] = {}
    watched: set[str] = set()
    for topic in readings.topics:
        counts: Counter[Counted] = Counter()
        tellings: Counter[str] = Counter()
        headlines: dict[str, str] = {}
        for document in readings.history.documents(topic, limit=DOCUMENTS_READ):
            counts[document.counted] += 1
            watched.add(document.document_id)
            if document.effective_ms > document.event_time_ms:
                late[document.document_id] = document.effective_ms - document.event_time_ms
            if document.counted is Counted.COPY:
                tellings[document.story] += 1
            if document.counted is Counted.COPY or document.story == document.document_id:
                headlines[document.story] = document.headline
        if counts[Counted.COPY] + counts[Counted.LISTED] + counts[Counted.TOO_LATE] == 0:
            continue
        story, copies = max(tellings.items(), key=lambda one: (one[1], one[0]), default=("", 0))
        found.append(
            Uncounted(
                name=shown(topic),
                copies=counts[Counted.COPY],
                listed=counts[Counted.LISTED],
                too_late=counts[Counted.TOO_LATE],
                story=clean(headlines.get(story, ""), HEADLINE_CHARS) if copies > 1 else "",
                tellings=copies,
            )
        )
    # One story told forty times is what somebody asks about; chatter that was copied here and there is not.
    found.sort(key=lambda one: (-one.tellings, -(one.copies + one.listed + one.too_late), one.name))
    return found, late, len(watched)


def _dead_letters(readings: Readings) -> list[DeadLetters]:
    found = []
    for reason in DeadLetterReason:
        letters = readings.history.dead_letters(reason=reason, limit=DEAD_LETTERS_READ)
        if letters:
            found.append(
                DeadLetters(
                    reason=DEAD_LETTERS[reason],
                    count=len(letters),
                    is_capped=len(letters) == DEAD_LETTERS_READ,
                    example=clean(letters[0].detail, HEADLINE_CHARS),
                )
            )
    return sorted(found, key=lambda one: -one.count)
