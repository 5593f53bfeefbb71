"""docs/delivery.md tells people what to do when state is refused: by the words that they will read."""

import re
from collections.abc import Callable

import pytest

from monitor.delivery.chunks import Snapshot, Versions, cut
from monitor.delivery.metadata import Pointer, StateCommit, decode_state, encode_state
from monitor.delivery.replay import MutedReplay
from monitor.delivery.restore import begin_anew, restore
from monitor.delivery.shape import Shape, check_shapes
from monitor.domain.streams import Message, Stream
from monitor.errors import ConfigError, StateError
from tests.delivery.things import SCORED, SHAPES, TREND
from tests.imports import ROOT

COMMIT = StateCommit(TREND, 9, (), SHAPES)
PRESENT = {shape.kafka_topic: shape for shape in SHAPES}


def with_scored(**changed: object) -> dict[str, Shape]:
    return {**PRESENT, "sentiment.scored": Shape(**{**SCORED._asdict(), **changed})}


def made_with_other_rules() -> None:
    snapshot_id, chunks = cut(Snapshot(TREND, 5, Versions(1, "old", "1m"), SHAPES, {}))
    pointer = Pointer(snapshot_id, 0, 1, 5)
    restore(COMMIT.moved(9, pointer), [(pointer, chunks)], Versions(1, "new", "1m"), PRESENT)


REFUSALS: list[Callable[[], object]] = [
    lambda: check_shapes(TREND, SHAPES, with_scored(partitions=8)),
    lambda: check_shapes(TREND, SHAPES, with_scored(kafka_id="another")),
    lambda: check_shapes(TREND, SHAPES, {}),
    made_with_other_rules,
    lambda: decode_state("", TREND, 9),
    lambda: decode_state(encode_state(COMMIT), TREND, 4),
    lambda: begin_anew(TREND, 0, has_snapshots=True),
    lambda: restore(
        COMMIT.moved(9, Pointer("5-x", 0, 1, 5)), [(Pointer("5-x", 0, 1, 5), [])], Versions(1, "", ""), PRESENT
    ),
    lambda: MutedReplay(TREND, 40, 60).split([Message(Stream.SCORED, 3, 50, "")]),
    lambda: encode_state(COMMIT, 100),
]


def phrases() -> list[str]:
    page = (ROOT / "docs" / "delivery.md").read_text("utf-8")
    table = page.partition("## When state is refused")[2]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [phrase for cell in cells for phrase in re.findall(r"`([^`]+)`", cell)]


def said_by(refuse: Callable[[], object]) -> str:
    with pytest.raises((StateError, ConfigError)) as refused:
        refuse()
    return str(refused.value)


def test_each_message_of_the_page_is_one_that_is_said_and_each_that_is_said_is_on_the_page() -> None:
    said = [said_by(refuse) for refuse in REFUSALS]
    patterns = [re.escape(phrase).replace(re.escape("..."), ".*") for phrase in phrases()]
    assert len(patterns) == len(REFUSALS)
    assert [pattern for pattern in patterns if not any(re.search(pattern, message) for message in said)] == []
    assert [message for message in said if not any(re.search(pattern, message) for pattern in patterns)] == []
