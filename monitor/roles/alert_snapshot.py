"""Snapshots of the alert role: one value, small, because only what was detected ever comes here."""

from collections.abc import Mapping
from typing import Any

import orjson

from monitor.domain.alerts import AlertId, Detection, Rule
from monitor.domain.document import InputPartition
from monitor.domain.streams import Stream
from monitor.domain.topics import TopicId
from monitor.operators.budget import BudgetState
from monitor.operators.grouping import GroupState, Unusual
from monitor.operators.lifecycle import OpenAlert
from monitor.roles.alert import AlertRoleState, Waiting
from monitor.roles.trend_snapshot import merge_views, restore_merge_views
from monitor.wire import decode_detection, encode_detection

KEY = "alerts"


def snapshot(state: AlertRoleState) -> dict[str, bytes | None]:
    """The whole state under one key."""
    budget, group = state.budget, state.group
    stored: list[Any] = [
        state.position,
        merge_views(state.merge),
        [[entry[0], entry[4], encode_detection(entry[5]).decode()] for entry in state.merge.undecided],
        [
            budget.first_day,
            [[topic_id, start_ms, peak] for (topic_id, start_ms), peak in budget.peaks.items()],
            budget.threshold,
            budget.threshold_day,
            budget.spent,
        ],
        [
            [
                topic_id,
                rule,
                a.alert_id,
                a.started_ms,
                a.entered_at,
                a.peak_severity,
                a.told_severity,
                a.revision,
                a.is_open,
                a.ended_ms,
            ]
            for (topic_id, rule), a in state.alerts.items()
        ],
        [
            group.first_ms,
            group.onsets,
            [[one.onset_ms, encode_detection(one.detection).decode()] for one in group.unusual.values()],
            sorted(group.members),
            group.started_ms,
            group.latest_ms,
        ],
        [[one.until_ms, encode_detection(one.detection).decode()] for one in state.waiting.values()],
    ]
    if state.early:
        stored.append([encode_detection(one).decode() for one in state.early])
    return {KEY: orjson.dumps(stored)}


def restore(stored: Mapping[str, bytes]) -> AlertRoleState:
    """The state that was stored; the empty state when nothing was."""
    state = AlertRoleState()
    if KEY not in stored:
        return state
    # A store of the release before ends after the alerts: nothing was grouped and nothing waited.
    state.position, views, undecided, budget, alerts, *later = orjson.loads(stored[KEY])
    restore_merge_views(state.merge, views)
    for acts_ms, offset, encoded in undecided:
        state.merge.undecided.append(_entry(acts_ms, offset, decode_detection(encoded.encode())))
    first_day, peaks, threshold, threshold_day, spent = budget
    by_episode = {(TopicId(topic_id), start_ms): peak for topic_id, start_ms, peak in peaks}
    state.budget = BudgetState(first_day, by_episode, threshold, threshold_day, spent)
    for topic_id, rule, alert_id, *rest in alerts:
        state.alerts[TopicId(topic_id), Rule(rule)] = OpenAlert(AlertId(alert_id), *rest)
    if later:
        group, waiting, *early = later
        first_ms, onsets, unusual, members, started_ms, latest_ms = group
        held = [Unusual(onset_ms, decode_detection(encoded.encode())) for onset_ms, encoded in unusual]
        state.group = GroupState(
            first_ms,
            onsets,
            {one.detection.topic_id: one for one in held},
            {TopicId(member) for member in members},
            started_ms,
            latest_ms,
        )
        waited = [Waiting(until_ms, decode_detection(encoded.encode())) for until_ms, encoded in waiting]
        state.waiting = {one.detection.topic_id: one for one in waited}
        state.early = [decode_detection(encoded.encode()) for each in early for encoded in each]
    return state


def _entry(acts_ms: int, offset: int, detection: Detection) -> tuple[int, str, str, int, int, Detection]:
    source = InputPartition(Stream.SCORED, detection.partition)
    return acts_ms, f"{detection.topic_id}|{detection.rule}", source.kafka_topic, source.partition, offset, detection
