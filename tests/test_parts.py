"""Real parts: what is missing is a skip that says how to get it, and what was started is stopped whatever happens."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.parts import started
from tools.kafka.artifacts import BrokerError


@contextmanager
def running(told: list[str]) -> Iterator[str]:
    told.append("begun")
    try:
        yield "part"
    finally:
        told.append("ended")


class Missing(AbstractContextManager[str]):
    """A part that cannot be started."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __enter__(self) -> str:
        raise self._error

    def __exit__(self, *told: object) -> None: ...


def test_part_is_stopped_also_where_a_test_failed() -> None:
    told: list[str] = []
    with pytest.raises(AssertionError, match="the test"), started(running(told), BrokerError) as part:
        assert part == "part"
        raise AssertionError("the test")
    assert told == ["begun", "ended"]


def test_part_that_a_machine_lacks_is_a_skip_in_its_own_words() -> None:
    with pytest.raises(pytest.skip.Exception, match="apt-get install maven"):
        started(Missing(BrokerError("no Maven here: apt-get install maven")), BrokerError).__enter__()


def test_other_failure_is_no_skip() -> None:
    with pytest.raises(ValueError, match="a bug"):
        started(Missing(ValueError("a bug")), BrokerError).__enter__()
