"""Alert: from detections of every trend partition, in order of time, to the life of alerts. One at a time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.domain.alerts import AlertState, Detection, Rule, Suppression
from monitor.domain.archive import SuppressedRow
from monitor.domain.document import InputPartition
from monitor.domain.progress import Progress
from monitor.domain.streams import Message, Output, Stream
from monitor.domain.topics import TopicId
from monitor.operators.budget import AlertBudget, BudgetState
from monitor.operators.lifecycle import LifeCycleRules, OpenAlert, live
from monitor.operators.merge import MergeByTime, MergeState


@dataclass(slots=True)
class AlertRoleState:
    """Everything the alert role remembers: plain data."""

    merge: MergeState[Detection] = field(default_factory=MergeState)
    budget: BudgetState = field(default_factory=BudgetState)
    alerts: dict[tuple[TopicId, Rule], OpenAlert] = field(default_factory=dict)
    position: int = 0


class AlertRole:
    """Decides what is told of what was detected."""

    def __init__(
        self,
        merge: MergeByTime[Detection],
        budget: AlertBudget,
        rules: LifeCycleRules,
        state: AlertRoleState,
        *,
        config: str,
    ) -> None:
        self._merge = merge
        self._budget = budget
        self._rules = rules
        self._config = config
        self.state = state
        self.repeats = 0
        self.alerts_told: Counter[AlertState] = Counter()
        self.suppressed: Counter[Suppression] = Counter()

    def handle(self, messages: Sequence[Message]) -> list[Output]:
        """Take messages of `sentiment.detections`; give alert events and what was suppressed."""
        outputs: list[Output] = []
        for message in messages:
            value = message.value
            self.state.position = message.offset + 1
            if isinstance(value, Detection):
                self._take(value, message.offset)
            elif isinstance(value, Progress):
                self._merge.progress(value)
                for _, detection in self._merge.release():
                    self._decide(detection, outputs)
        return outputs

    def _take(self, detection: Detection, offset: int) -> None:
        source = InputPartition(Stream.SCORED, detection.partition)
        view = self.state.merge.sources.get(source)
        if view is not None and detection.at_ms < view.watermark_ms:
            self.repeats += 1
            return
        item_id = f"{detection.topic_id}|{detection.rule}"
        self._merge.add(detection.at_ms, item_id, source, offset, detection)

    def _decide(self, detection: Detection, outputs: list[Output]) -> None:
        state = self.state
        threshold = self._budget.threshold(state.budget, detection.topics_watched, detection.at_ms)
        if detection.severity > 0.0:
            self._budget.observe(state.budget, detection.topic_id, detection.episode_start_ms, detection.severity)
        key = (detection.topic_id, detection.rule)
        may_spend = self._budget.may_spend(state.budget, detection.topics_watched, detection.at_ms)
        last = state.alerts.get(key)
        was_open = last is not None and last.is_open
        alert, event, reason = live(last, detection, threshold, may_spend, self._rules, self._config)
        if alert is not None:
            state.alerts[key] = alert
            if alert.is_open and not was_open:
                self._budget.spend(state.budget, detection.at_ms)
        if event is not None:
            outputs.append(Output(Stream.ALERTS, event))
            self.alerts_told[event.state] += 1
        if reason is not None:
            row = SuppressedRow(detection.topic_id, detection.at_ms, reason, detection.severity)
            outputs.append(Output(Stream.ALERTS, row))
            self.suppressed[reason] += 1
