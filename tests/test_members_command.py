"""`monitor members` against a real broker: who has what, and a static member of trend that is let go on scale-down."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.cli import main
from tests.faults.kafka_world import World, make_world
from tests.feeds import FeedShape
from tests.kafka_monitor import CONFIG, Monitor, write_config

pytestmark = [pytest.mark.slow, pytest.mark.real]

SESSION_SECONDS = 120
SOON_SECONDS = 15.0
"""Far below the session timeout, for which the partitions would wait without the command."""

Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    return make_world(kafka_bootstrap, fresh, tmp_path, shape=FeedShape(documents=20, hours=24, bursts=1))


@pytest.fixture
def ask(world: World, capsys: pytest.CaptureFixture[str]) -> Ask:
    config = write_config(world)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["members", *arguments, "--config", str(config)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def trend(world: World, static_id: str) -> Monitor:
    """A process of trend with a place of its own."""
    text = CONFIG.replace("session_timeout: 6s", f"session_timeout: {SESSION_SECONDS}s\n  static_id: {static_id}")
    return Monitor(write_config(world, text, static_id), "--roles", "trend", name=static_id)


def test_partition_of_a_member_that_is_removed_goes_to_another_within_seconds(world: World, ask: Ask) -> None:
    assert ask("list")[1].count(": nobody\n") == 5
    group, scored = f"{world.cluster.prefix}sentiment-trend", f"{world.cluster.prefix}sentiment.scored"
    stays, goes = trend(world, "trend-0"), trend(world, "trend-1")
    try:
        for one in (stays, goes):
            one.wait_for("its partition", partial(one.owns, 1))
        told = [line for line in ask("list")[1].splitlines() if line.startswith("trend")]
        assert sorted(line.split(" at ")[0] for line in told) == ["trend: static trend-0", "trend: static trend-1"]
        assert sorted(line.split()[-1] for line in told) == [f"{scored}/0", f"{scored}/1"]
        assert goes.stop() == 0
        # It stays in the group, and its partition with it.
        assert "static trend-1" in ask("list")[1]
        assert stays.owns(1)
        began = time.monotonic()
        code, said = ask("remove", "--role", "trend", "--static-id", "trend-1")
        assert (code, said) == (0, f"trend-1 is removed from {group}: its partitions go to the others\n")
        stays.wait_for("both partitions", partial(stays.owns, 2))
        assert time.monotonic() - began < SOON_SECONDS
        code, said = ask("remove", "--role", "trend", "--static-id", "trend-1")
        assert (code, said) == (0, f"trend-1 is not in {group}; static members there: trend-0\n")
        assert stays.stop() == 0
    finally:
        stays.kill()
        goes.kill()


def test_role_that_is_none_is_wrong_use(ask: Ask) -> None:
    code, said = ask("remove", "--role", "poet", "--static-id", "trend-1")
    assert (code, "--role: poet is no role that runs on Kafka; name one of score, trend" in said) == (2, True)
