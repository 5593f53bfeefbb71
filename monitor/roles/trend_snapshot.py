"""Snapshots of the trend role: its state to bytes and back, topic by topic, so that a commit writes what changed."""

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import orjson

from monitor.domain.document import DocumentId, InputPartition, ScoredDocument
from monitor.domain.progress import SourceState
from monitor.domain.sentiment import RiskKind
from monitor.domain.summary import Summary
from monitor.domain.topics import TopicId
from monitor.operators.aggregate import OpenWindow, TopicWindows
from monitor.operators.baseline import HistoryState
from monitor.operators.copies import Story, StoryState, index
from monitor.operators.coverage import CoverageState, Rhythm
from monitor.operators.episode import EpisodeState
from monitor.operators.lookback import Carrier, LookBackState
from monitor.operators.merge import MergeState, SourceView
from monitor.operators.volume import Stretch, VendorVolume, VolumeState, VolumeTable
from monitor.roles.trend import TopicState, TrendState
from monitor.wire import decode_scored, encode_scored

COMMON = "common"
"""The key of what belongs to no topic; no topic's key can be equal, they begin with `topic:`."""


def snapshot(state: TrendState, dirty: set[TopicId]) -> dict[str, bytes | None]:
    """What changed since the last snapshot, by key; None for a topic that is forgotten."""
    found: dict[str, bytes | None] = {COMMON: orjson.dumps(_common(state))}
    for topic_id in dirty:
        topic, windows = state.topics.get(topic_id), state.windows.get(topic_id)
        value = None if topic is None else orjson.dumps([_topic(topic), _windows(windows or {})])
        found[f"topic:{topic_id}"] = value
    return found


def restore(stored: Mapping[str, bytes]) -> TrendState:
    """The state that was stored; the empty state when nothing was."""
    state = TrendState()
    for key, value in stored.items():
        if key == COMMON:
            _restore_common(state, orjson.loads(value))
            continue
        topic_id = TopicId(key.removeprefix("topic:"))
        topic, windows = orjson.loads(value)
        state.topics[topic_id] = _restored_topic(topic)
        if windows:
            state.windows[topic_id] = _restored_windows(windows)
    return state


def merge_views(merge: MergeState[Any]) -> list[Any]:
    """The sources of a merge, without its undecided items."""
    return [
        merge.watermark_ms,
        merge.latest_written_ms,
        [[s.kafka_topic, s.partition, first] for s, first in merge.first_known_ms.items()],
        [
            [
                s.kafka_topic,
                s.partition,
                v.position,
                v.watermark_ms,
                v.greatest_effective_ms,
                v.state,
                v.heard_ms,
                v.is_held_out,
            ]
            for s, v in merge.sources.items()
        ],
    ]


def restore_merge_views(merge: MergeState[Any], stored: list[Any]) -> None:
    """The other way round, into an empty merge state."""
    merge.watermark_ms, merge.latest_written_ms, first_known, sources = stored
    for kafka_topic, partition, first_ms in first_known:
        merge.first_known_ms[InputPartition(kafka_topic, partition)] = first_ms
    for kafka_topic, partition, position, watermark_ms, greatest_ms, told, heard_ms, is_held_out in sources:
        merge.sources[InputPartition(kafka_topic, partition)] = SourceView(
            position, watermark_ms, greatest_ms, SourceState(told), heard_ms, is_held_out
        )


def _common(state: TrendState) -> list[Any]:
    volume, coverage = state.volume, state.coverage
    return [
        state.watchlist,
        state.watched_since_day,
        state.position,
        merge_views(state.merge),
        [[entry[0], encode_scored(entry[5]).decode()] for entry in state.merge.undecided],
        [
            volume.final_minute,
            [
                [name, v.minutes, v.totals, v.total, v.day, v.day_count, v.days, v.sums]
                for name, v in volume.vendors.items()
            ],
            [[minute, list(counts.items())] for minute, counts in volume.open_minutes.items()],
            [
                [
                    s.kafka_topic,
                    s.partition,
                    told.from_position,
                    told.to_position,
                    _volumes(told.counted),
                    [[end, _volumes(table)] for end, table in told.ends.items()],
                ]
                for s, told in volume.stretches.items()
            ],
        ],
        [coverage.next_ms, [[vendor, *astuple(rhythm)] for vendor, rhythm in coverage.vendors.items()]],
    ]


def _restore_common(state: TrendState, stored: list[Any]) -> None:
    state.watchlist, state.watched_since_day, state.position, views, undecided, volume, *later = stored
    restore_merge_views(state.merge, views)
    for acts_ms, encoded in undecided:
        state.merge.undecided.append(_entry(acts_ms, decode_scored(encoded.encode())))
    state.volume = VolumeState(final_minute=volume[0])
    for name, minutes, totals, total, day, day_count, days, sums in volume[1]:
        state.volume.vendors[name] = VendorVolume(minutes, totals, total, day, day_count, days, sums)
    for minute, counts in volume[2]:
        state.volume.open_minutes[minute] = dict(counts)
    for kafka_topic, partition, start, end, counted, *earlier in volume[3]:
        # The release before kept one end beside its table, and -1 for none.
        ends = earlier[0] if len(earlier) == 1 else [earlier] if earlier[0] >= 0 else []
        state.volume.stretches[InputPartition(kafka_topic, partition)] = Stretch(
            start, end, _restored_volumes(counted), {at: _restored_volumes(table) for at, table in ends}
        )
    # A store of the release before knows nothing of rhythms: they are learned from here on.
    for next_ms, vendors in later:
        state.coverage = CoverageState(next_ms, {vendor: Rhythm(*rhythm) for vendor, *rhythm in vendors})


def _volumes(table: VolumeTable) -> list[Any]:
    return [[vendor, minute, count] for (vendor, minute), count in table.items()]


def _restored_volumes(stored: list[Any]) -> VolumeTable:
    return {(vendor, minute): count for vendor, minute, count in stored}


def _entry(acts_ms: int, scored: ScoredDocument) -> tuple[int, str, str, int, int, ScoredDocument]:
    source = scored.source_partition
    item_id = f"{scored.document_id}|{scored.topic_id}"
    return acts_ms, item_id, source.kafka_topic, source.partition, scored.offset, scored


def _topic(topic: TopicState) -> list[Any]:
    history, look_back, episode = topic.history, topic.look_back, topic.episode
    return [
        [
            history.start_day,
            history.day,
            list(history.today.items()),
            history.folded_day,
            list(history.by_vendor.items()),
            history.days_square_sum,
        ],
        list(topic.seen.items()),
        [
            [s.first_id, s.first_ms, b2a_base64(s.signature, newline=False).decode("ascii"), s.copies]
            for s in topic.stories.stories.values()
        ],
        look_back.documents_ms,
        look_back.positive_ms,
        [
            [c.document_id, c.effective_ms, c.origin, c.source, c.headline, c.url, c.net, c.risk, c.cues, c.scorer]
            for c in look_back.carriers
        ],
        None
        if episode is None
        else [episode.start_ms, episode.told_severity, episode.told_ms, episode.unusual_ms, episode.next_check_ms],
    ]


def _restored_topic(stored: list[Any]) -> TopicState:
    history, seen, stories, documents_ms, positive_ms, carriers, episode = stored
    start_day, day, today, folded_day, by_vendor, square_sum = history
    told = {
        first_id: Story(first_id, first_ms, a2b_base64(signature), copies)
        for first_id, first_ms, signature, copies in stories
    }
    carried = [
        Carrier(DocumentId(c[0]), c[1], c[2], c[3], c[4], c[5], c[6], RiskKind(c[7]), tuple(c[8]), c[9])
        for c in carriers
    ]
    return TopicState(
        HistoryState(start_day, day, dict(today), folded_day, dict(by_vendor), square_sum),
        dict(seen),
        StoryState(told, index(told)),
        LookBackState(documents_ms, positive_ms, [c.effective_ms for c in carried], carried),
        None if episode is None else EpisodeState(*episode),
    )


def _windows(windows: TopicWindows) -> list[Any]:
    return [
        [size_ms, start_ms, window.revision, window.due_ms, window.summary.as_tuple()]
        for (size_ms, start_ms), window in windows.items()
    ]


def _restored_windows(stored: list[Any]) -> TopicWindows:
    return {
        (size_ms, start_ms): OpenWindow(Summary(*summary), revision, due_ms)
        for size_ms, start_ms, revision, due_ms, summary in stored
    }
