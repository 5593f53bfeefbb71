"""Shapes: state that was made with other Kafka topics is refused, with the remedy."""

import pytest

from monitor.delivery.shape import Shape, check_shapes
from monitor.errors import StateError
from tests.delivery.things import SCORED, SHAPES, STATE, TREND

PRESENT = {shape.kafka_topic: shape for shape in SHAPES}


def refusal(*present: Shape) -> str:
    with pytest.raises(StateError) as refused:
        check_shapes(TREND, SHAPES, {shape.kafka_topic: shape for shape in present})
    return str(refused.value)


def test_state_fits_the_topics_that_it_was_made_with() -> None:
    check_shapes(TREND, SHAPES, PRESENT)


def test_topics_that_state_does_not_rest_on_may_come_and_go() -> None:
    check_shapes(TREND, SHAPES, {**PRESENT, "feeds.more": Shape("feeds.more", "x", 1)})


def test_another_partition_count_is_refused_with_both_counts_and_the_remedy() -> None:
    said = refusal(SCORED._replace(partitions=8), STATE)
    assert "sentiment.scored had 4 partitions, and has 8" in said
    assert "monitor state reset --role trend --partition sentiment.scored/3" in said


def test_topic_that_was_made_again_is_refused_though_it_looks_the_same() -> None:
    assert "sentiment.state was deleted and made again" in refusal(SCORED, STATE._replace(kafka_id="another"))


def test_topic_that_is_gone_is_refused_with_the_command_that_makes_it() -> None:
    assert "sentiment.scored is gone (make it with: monitor topics --create)" in refusal(STATE)


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    said = refusal(SCORED._replace(partitions=8))
    assert "had 4 partitions, and has 8; sentiment.state is gone" in said
