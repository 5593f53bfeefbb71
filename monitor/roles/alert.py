"""Alert: from detections of every trend partition, in order of time, to the life of alerts. One at a time.

Order of events, for one detection of a topic:
    those that waited long enough -> budget learns -> group -> told with its group? wait for one? -> its own life
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.alerts import AlertState, Detection, Rule, Suppression
from monitor.domain.archive import SuppressedRow
from monitor.domain.document import InputPartition
from monitor.domain.progress import Progress, SourceState
from monitor.domain.streams import Message, Output, Stream
from monitor.domain.topics import TopicId
from monitor.operators.budget import AlertBudget, BudgetState
from monitor.operators.grouping import Grouping, GroupState
from monitor.operators.lifecycle import LifeCycleRules, OpenAlert, live
from monitor.operators.merge import MergeByTime, MergeState

AFTER_ALL_MS = 2**62
"""Later than any wait ends."""


@dataclass(slots=True)
class Waiting:
    """A topic's alert that waits whether a group forms: until when, and the latest detection that it would tell."""

    until_ms: int
    detection: Detection


@dataclass(slots=True)
class AlertRoleState:
    """Everything the alert role remembers: plain data.

    `early` are detections that were decided before their partition had announced their time: it was idle or held out.
    """

    merge: MergeState[Detection] = field(default_factory=MergeState)
    budget: BudgetState = field(default_factory=BudgetState)
    group: GroupState = field(default_factory=GroupState)
    waiting: dict[TopicId, Waiting] = field(default_factory=dict)
    alerts: dict[tuple[TopicId, Rule], OpenAlert] = field(default_factory=dict)
    position: int = 0
    early: list[Detection] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AlertOperators:
    """The operators, built by the composition root. `rules` are of topics and groups, `feed_rules` of feeds.

    Attributes:
        feed_threshold: severity from which somebody is told of a silent feed.
        group_wait_ms: how long a topic's alert waits while a group may be forming.
    """

    merge: MergeByTime[Detection]
    budget: AlertBudget
    grouping: Grouping
    rules: LifeCycleRules
    feed_rules: LifeCycleRules
    feed_threshold: float
    group_wait_ms: int


class AlertRole:
    """Decides what is told of what was detected."""

    def __init__(self, operators: AlertOperators, state: AlertRoleState, *, config: str) -> None:
        self._op = operators
        self._config = config
        self.state = state
        self._outputs: list[Output] = []
        self.repeats = 0
        self.alerts_told: Counter[AlertState] = Counter()
        self.suppressed: Counter[Suppression] = Counter()

    def handle(self, messages: Sequence[Message]) -> list[Output]:
        """Take messages of `sentiment.detections`; give alert events and what was suppressed."""
        merge = self._op.merge
        for message in messages:
            value = message.value
            self.state.position = message.offset + 1
            if isinstance(value, Detection):
                self._take(value, message.offset)
            elif isinstance(value, Progress):
                merge.progress(value)
                self.state.early = [one for one in self.state.early if not self._is_announced(one)]
                for _, detection in merge.release():
                    if not self._is_announced(detection):
                        self.state.early.append(detection)
                    self._end_waits(detection.at_ms)
                    self._decide(detection)
                if all(view.state is not SourceState.ACTIVE for view in merge.state.sources.values()):
                    # Event time stands still: no group can form, and nobody would end the wait.
                    self._end_waits(AFTER_ALL_MS)
                else:
                    # At the watermark itself more may come, and what comes decides after the waits that end there.
                    self._end_waits(merge.watermark_ms - 1)
        outputs, self._outputs = self._outputs, []
        return outputs

    def _take(self, detection: Detection, offset: int) -> None:
        # A trend role that died says again, at another offset, what it had said since its last commit.
        is_waiting = any(waiting[5] == detection for waiting in self.state.merge.undecided)
        if self._is_announced(detection) or is_waiting or detection in self.state.early:
            self.repeats += 1
            return
        source = InputPartition(Stream.SCORED, detection.partition)
        item_id = f"{detection.topic_id}|{detection.rule}"
        self._op.merge.add(detection.at_ms, item_id, source, offset, detection)

    def _is_announced(self, detection: Detection) -> bool:
        """Whether its partition has said that it has decided everything of its time."""
        view = self.state.merge.sources.get(InputPartition(Stream.SCORED, detection.partition))
        return view is not None and detection.at_ms < view.watermark_ms

    def _decide(self, detection: Detection) -> None:
        if detection.rule is Rule.FEED_SILENT:
            self._live(detection, self._op.feed_threshold, 1.0, self._op.feed_rules)
            return
        op, state = self._op, self.state
        threshold = op.budget.threshold(state.budget, detection.topics_watched, detection.at_ms)
        if detection.severity > 0.0:
            op.budget.observe(state.budget, detection.topic_id, detection.episode_start_ms, detection.severity)
        group = op.grouping.take(state.group, detection)
        if group is not None:
            self._outputs.append(Output(Stream.ALERTS, group))
            self._live(group, op.grouping.threshold, 1.0, op.rules)
            for topic_id in sorted(set(state.waiting).intersection(state.group.members)):
                self._suppress(state.waiting.pop(topic_id).detection, Suppression.GROUPED)
        self._decide_alone(detection, threshold)

    def _decide_alone(self, detection: Detection, threshold: float) -> None:
        op, state, topic_id = self._op, self.state, detection.topic_id
        last = state.alerts.get((topic_id, detection.rule))
        would_fire = detection.severity >= threshold and (last is None or not last.is_open)
        if would_fire and op.grouping.holds(state.group, detection):
            self._suppress(detection, Suppression.GROUPED)
            return
        waiting = state.waiting.get(topic_id)
        if would_fire and waiting is not None:
            waiting.detection = detection
            return
        if would_fire and op.group_wait_ms and op.grouping.is_forming(state.group, detection.at_ms):
            state.waiting[topic_id] = Waiting(detection.at_ms + op.group_wait_ms, detection)
            return
        if waiting is not None:
            # What was unusual enough has passed before anybody was told.
            del state.waiting[topic_id]
        self._spend_and_live(detection, threshold, 0)

    def _end_waits(self, until_ms: int) -> None:
        """No group came in time: what waited by `until_ms` is told alone, the longest waiting first."""
        if not self.state.waiting:
            return
        over = sorted((one.until_ms, topic) for topic, one in self.state.waiting.items() if one.until_ms <= until_ms)
        for ended_ms, topic_id in over:
            detection = self.state.waiting.pop(topic_id).detection
            threshold = self._op.budget.threshold(self.state.budget, detection.topics_watched, detection.at_ms)
            self._spend_and_live(detection, threshold, ended_ms - detection.at_ms)

    def _spend_and_live(self, detection: Detection, threshold: float, waited_ms: int) -> None:
        dearness = self._op.budget.dearness(self.state.budget, detection.topics_watched, detection.at_ms)
        self._live(detection, threshold, dearness, self._op.rules, waited_ms)

    def _live(
        self, detection: Detection, threshold: float, dearness: float, rules: LifeCycleRules, waited_ms: int = 0
    ) -> None:
        state = self.state
        key = (detection.topic_id, detection.rule)
        last = state.alerts.get(key)
        was_open = last is not None and last.is_open
        alert, event, reason = live(last, detection, threshold, dearness, rules, self._config, waited_ms=waited_ms)
        if alert is not None:
            state.alerts[key] = alert
            if alert.is_open and not was_open and detection.rule is not Rule.FEED_SILENT:
                self._op.budget.spend(state.budget, detection.at_ms)
        if event is not None:
            self._outputs.append(Output(Stream.ALERTS, event))
            self.alerts_told[event.state] += 1
        if reason is not None:
            self._suppress(detection, reason)

    def _suppress(self, detection: Detection, reason: Suppression) -> None:
        row = SuppressedRow(detection.topic_id, detection.at_ms, reason, detection.severity)
        self._outputs.append(Output(Stream.ALERTS, row))
        self.suppressed[reason] += 1
