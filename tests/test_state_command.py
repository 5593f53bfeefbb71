"""`monitor state` against a real broker: says where each role stands, and begins one again on demand."""

import re
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.cli import main
from tests.faults.effects import Kind, differences
from tests.faults.embedded import embedded_effects
from tests.faults.kafka_roles import Roles
from tests.faults.kafka_world import World, make_world, quick_config
from tests.feeds import FeedShape

pytestmark = [pytest.mark.slow, pytest.mark.real]

SHAPE = FeedShape(documents=300, hours=96, bursts=12)
DECIDING = "score,trend,alert"


@pytest.fixture
def world(kafka_bootstrap: str, fresh: str, tmp_path: Path) -> World:
    return make_world(kafka_bootstrap, fresh, tmp_path, shape=SHAPE)


@pytest.fixture
def config(world: World) -> Path:
    path = world.folder / "monitor.yaml"
    cluster = world.cluster
    path.write_text(f"kafka:\n  bootstrap: [{cluster.access.bootstrap[0]}]\n  prefix: {cluster.prefix}\n")
    return path


def state(capsys: pytest.CaptureFixture[str], config: Path, *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["state", *arguments, "--config", str(config)])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_state_is_shown_refused_while_it_is_used_and_given_up_on_demand(
    world: World, config: Path, kafka_bootstrap: str, fresh: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = world.cluster.prefix
    scored, expected = f"{prefix}sentiment.scored/0", embedded_effects(tmp_path / "e", quick_config(), shape=SHAPE)
    assert state(capsys, config, "show")[1].count("nothing is committed") == 3
    roles = Roles(world, kafka_bootstrap, fresh)
    try:
        roles.start(DECIDING)
        world.feed()
        world.await_effects(expected, roles.check)
        code, said = state(capsys, config, "reset", "--role", "trend", "--partition", scored)
        assert (code, "has members: stop every process" in said) == (2, True)
        roles.stop()
        _, shown = state(capsys, config, "show")
        assert re.search(rf"^score {prefix}feeds\.news/1: at \d+, 0 behind; 0 runs begun here$", shown, re.M), shown
        assert re.search(rf"^trend {scored}: at [1-9][\d,]*, .* behind; snapshots \d+-[0-9a-f]+ at", shown, re.M), shown
        code, said = state(capsys, config, "reset", "--role", "trend", "--partition", scored)
        assert code == 0, said
        assert re.search(rf"^trend {scored}: at 0, .* no snapshot yet$", state(capsys, config, "show")[1], re.M)
        roles.start(DECIDING)
        before = world.said().repeats[Kind.PAIR]
        while world.said().repeats[Kind.PAIR] < before + 50:  # it says again what it had said, in its own time
            roles.check()
        roles.stop()
    finally:
        roles.kill()
    assert differences(expected, world.said()) == []


@pytest.mark.parametrize(
    ("role", "partition", "said"),
    [
        ("notify", "sentiment.alerts/0", "--role: notify keeps no state on Kafka; name one of score, trend, alert"),
        ("trend", "sentiment.scored", "--partition: 'sentiment.scored' names no partition"),
        ("trend", "{prefix}sentiment.scored/9", "there is no"),
        ("alert", "{prefix}sentiment.scored/0", "alert reads"),
    ],
)
def test_what_cannot_be_reset_is_named(
    world: World, config: Path, capsys: pytest.CaptureFixture[str], role: str, partition: str, said: str
) -> None:
    partition = partition.format(prefix=world.cluster.prefix)
    code, told = state(capsys, config, "reset", "--role", role, "--partition", partition)
    assert code == 2
    assert said in told
