"""The trained model, from a recorded `sentiment.scored`: trend and alert say the same of it on Kafka as without.

    feed -> score with the model -> recorded -> another world's sentiment.scored -> trend, alert on Kafka
                                            \\-> trend of each partition, alert, by hand
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")
pytest.importorskip("onnxruntime", reason="needs the full set: make setup-full")

from kafka import KafkaProducer

from monitor.app.building import make_alert, make_trend
from monitor.app.distributed.cluster import RoleName
from monitor.clock import Laps, SystemClock
from monitor.config import Config, ScorerKind
from monitor.domain.document import ScoredDocument
from monitor.domain.streams import Message, Output, Stream
from monitor.roles.alert import AlertRoleState
from monitor.roles.trend import TrendState
from monitor.transports.kafka_codec import decode
from monitor.transports.kafka_consumer import InRecord
from monitor.transports.kafka_log import KafkaLog
from tests.faults.desk import Desk, await_that
from tests.faults.effects import Effects, Kind, differences
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import Conditions, World, make_world
from tests.feeds import NAMES, FeedShape

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.faults]

SHAPE = FeedShape(documents=600, hours=96, bursts=12, late_share=0.02)
"""Small: the model takes some milliseconds for each on one core."""

CONDITIONS = Conditions(options={"scorer__kind": ScorerKind.MODEL.value})
SCORING_SECONDS = 600.0


@pytest.fixture
def recorded(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    """A world in which score alone has read everything, with the model."""
    world = make_world(kafka_bootstrap, f"{fresh}a", tmp_path / "scored", shape=SHAPE, conditions=CONDITIONS)
    roles = Roles(world, kafka_bootstrap, f"{fresh}a")
    try:
        roles.start(RoleName.SCORE.value)
        world.feed()
        with closing(Desk(world, RoleName.SCORE)) as desk:

            def is_scored() -> bool:
                roles.check()
                return desk.committed() > 0 == desk.uncommitted(desk.ends())

            await_that(is_scored, "the last score", SCORING_SECONDS)
        roles.stop()
    finally:
        roles.kill()
    return world


@pytest.fixture
def replaying(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> Iterator[tuple[World, Roles]]:
    world = make_world(kafka_bootstrap, f"{fresh}b", tmp_path / "decided", shape=SHAPE, conditions=CONDITIONS)
    roles = Roles(world, kafka_bootstrap, f"{fresh}b")
    yield world, roles
    roles.kill()


def test_what_the_model_scored_gives_the_same_alerts_on_kafka_and_without(
    recorded: World, replaying: tuple[World, Roles]
) -> None:
    world, roles = replaying
    records = _records(recorded)
    expected = _decided(world.config, records)
    for role in (RoleName.TREND, RoleName.ALERT):
        roles.start(role.value)
    _write(world, records)
    found = world.await_effects(expected, roles.check)
    roles.stop()
    assert differences(expected, found) == []
    assert found.as_bytes() == expected.as_bytes()
    assert expected.count(Kind.ALERT) >= 4, "a feed in which little happens proves little"
    scorers = {one.scorer for one in map(_value, records) if isinstance(one, ScoredDocument)}
    assert len(scorers) == 1
    assert "lexicon" not in scorers.pop()


def _records(world: World) -> list[InRecord]:
    with closing(KafkaLog(world.cluster.access, SystemClock())) as log:
        return [record for place in world.places(Stream.SCORED) for record in log.read(place, 0, 1 << 62)]


def _value(record: InRecord) -> object:
    return decode(record.key, record.value, record.headers)


def _write(world: World, records: list[InRecord]) -> None:
    producer = KafkaProducer(**world.cluster.access.options("recorder"))
    kafka_topic = world.cluster.topic(Stream.SCORED)
    sent = [
        producer.send(
            kafka_topic, one.value, key=one.key, headers=list(one.headers), partition=one.source.partition
        )
        for one in records
    ]
    for future in sent:
        future.get(30)
    producer.close()


def _decided(config: Config, records: list[InRecord]) -> Effects:
    """What trend and alert make of them in this process, one scored partition after the other."""
    outputs: list[Output] = []
    partitions = sorted({record.source.partition for record in records})
    for partition in partitions:
        trend = make_trend(
            config, TrendState(), lambda: len(NAMES), Laps(), partition=partition, partitions=len(partitions)
        )
        mine = [record for record in records if record.source.partition == partition]
        outputs += trend.handle([Message(Stream.SCORED, partition, one.offset, _value(one)) for one in mine])
    heard = [output.value for output in outputs if output.stream is Stream.DETECTIONS]
    alert = make_alert(config, AlertRoleState())
    outputs += alert.handle([Message(Stream.DETECTIONS, 0, offset, value) for offset, value in enumerate(heard)])
    return Effects.of(one.value for one in outputs if one.stream in (Stream.TRENDS, Stream.ALERTS))
