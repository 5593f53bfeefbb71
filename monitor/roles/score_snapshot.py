"""What score keeps with each commit: for each input where it stands and its watermark. Everything else is a cache."""

from collections.abc import Mapping

import orjson

from monitor.domain.document import InputPartition
from monitor.domain.progress import SourceState
from monitor.operators.intake import Run
from monitor.operators.watermark import PartitionState


def snapshot(states: Mapping[InputPartition, PartitionState]) -> dict[str, bytes | None]:
    """One value for each partition; taken with a commit, so the committed position is the position, with no volumes."""
    return {
        str(source): orjson.dumps(
            [
                source.kafka_topic,
                source.partition,
                state.position,
                state.greatest_ms,
                state.greatest_effective_ms,
                state.believed_ms,
                state.state,
                [state.run.records, state.run.unusable, state.run.is_stopped],
            ]
        )
        for source, state in states.items()
    }


def restore(stored: Mapping[str, bytes]) -> dict[InputPartition, PartitionState]:
    """The partitions that were stored, ready to read on from their positions."""
    found = {}
    for value in stored.values():
        kafka_topic, partition, position, greatest_ms, greatest_effective_ms, believed_ms, told, run = orjson.loads(
            value
        )
        found[InputPartition(kafka_topic, partition)] = PartitionState(
            committed_position=position,
            position=position,
            read_position=position,
            greatest_ms=greatest_ms,
            greatest_effective_ms=greatest_effective_ms,
            believed_ms=believed_ms,
            state=SourceState(told),
            run=Run(*run),
        )
    return found
