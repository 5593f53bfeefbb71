"""The life of an alert: firing -> (amended)* -> resolved, with hysteresis and cooldown.

    severity   enter |------.  .--amended
                     |     fire   \\
               exit  |-------------\\---- resolved, then cooldown: no new alert of this topic unless it is worse
"""

from dataclasses import dataclass

from monitor.domain.alerts import AlertEvent, AlertId, AlertState, Detection, Suppression


@dataclass(slots=True)
class OpenAlert:
    """The last alert of a topic and rule, open or not: plain data. `entered_at`: the threshold that it crossed."""

    alert_id: AlertId
    started_ms: int
    entered_at: float
    peak_severity: float
    told_severity: float
    revision: int
    is_open: bool
    ended_ms: int = 0


@dataclass(frozen=True, slots=True)
class LifeCycleRules:
    """Hysteresis, cooldown, and the rise of severity (absolute, and as a part of the last told) worth another word."""

    exit_ratio: float
    cooldown_ms: int
    amend_step: float
    amend_ratio: float
    delay_ms: int
    """max_out_of_orderness: how long after its effective time a document can be decided at the earliest."""


def alert_id(detection: Detection) -> AlertId:
    """Topic, rule and episode start; the same in every run."""
    return AlertId(f"{detection.topic_id}|{detection.rule}|{detection.episode_start_ms}")


def live(
    last: OpenAlert | None,
    detection: Detection,
    threshold: float,
    dearness: float,
    rules: LifeCycleRules,
    config: str,
    *,
    waited_ms: int = 0,
) -> tuple[OpenAlert | None, AlertEvent | None, Suppression | None]:
    """One detection in the life of its topic's alert: the alert afterwards, what to tell, or why nothing is told.

    `dearness`: times the threshold that a new alert must reach because much was told of late.
    `waited_ms`: how long the decision was put off after the detection.
    """
    if last is not None and last.is_open:
        return _carry_on(last, detection, threshold, rules, config)
    if detection.severity < threshold or detection.severity <= 0.0:
        return last, None, Suppression.BELOW_THRESHOLD if detection.severity > 0.0 else None
    in_cooldown = last is not None and detection.at_ms - last.ended_ms < rules.cooldown_ms
    if in_cooldown and last is not None and detection.severity < last.peak_severity + rules.amend_step:
        return last, None, Suppression.COOLDOWN
    if detection.severity < threshold * dearness:
        return last, None, Suppression.OVER_BUDGET
    same = last is not None and last.alert_id == alert_id(detection)
    alert = OpenAlert(
        alert_id=alert_id(detection),
        started_ms=last.started_ms if same and last is not None else detection.at_ms,
        entered_at=threshold,
        peak_severity=max(detection.severity, last.peak_severity) if same and last is not None else detection.severity,
        told_severity=detection.severity,
        revision=last.revision + 1 if same and last is not None else 1,
        is_open=True,
    )
    return alert, _event(alert, AlertState.FIRING, detection, threshold, rules, config, waited_ms), None


def _carry_on(
    alert: OpenAlert, detection: Detection, threshold: float, rules: LifeCycleRules, config: str
) -> tuple[OpenAlert | None, AlertEvent | None, Suppression | None]:
    if detection.severity <= 0.0 or detection.severity < alert.entered_at * rules.exit_ratio:
        alert.is_open = False
        alert.ended_ms = detection.at_ms
        alert.revision += 1
        return alert, _event(alert, AlertState.RESOLVED, detection, threshold, rules, config), None
    alert.peak_severity = max(alert.peak_severity, detection.severity)
    if detection.severity >= alert.told_severity + max(rules.amend_step, rules.amend_ratio * alert.told_severity):
        alert.told_severity = detection.severity
        alert.revision += 1
        return alert, _event(alert, AlertState.AMENDED, detection, threshold, rules, config), None
    return alert, None, Suppression.NO_RISE


def _event(
    alert: OpenAlert,
    state: AlertState,
    detection: Detection,
    threshold: float,
    rules: LifeCycleRules,
    config: str,
    waited_ms: int = 0,
) -> AlertEvent:
    return AlertEvent(
        alert_id=alert.alert_id,
        revision=alert.revision,
        state=state,
        at_ms=detection.at_ms + waited_ms + rules.delay_ms,
        started_ms=alert.started_ms,
        peak_severity=alert.peak_severity,
        threshold=threshold,
        detection=detection,
        config=config,
    )
