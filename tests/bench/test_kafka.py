"""The bench of Kafka compares what can be compared: loads, marks, rates; and a whole quick run on a real broker."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.building import make_alert, make_trend
from monitor.app.distributed.cluster import RoleName
from monitor.clock import Laps
from monitor.config import load_config
from monitor.domain.alerts import AlertEvent
from monitor.domain.archive import ScoredRow
from monitor.domain.document import ScoredDocument
from monitor.domain.progress import Progress
from monitor.domain.streams import Stream
from monitor.roles.alert import AlertRoleState
from monitor.roles.trend import TrendState
from tests.bench.bench_kafka import WRONG_USE, main
from tests.bench.kafka import cost
from tests.bench.kafka.ground import row, save, saved
from tests.bench.kafka.job import Child, Failed, Job, Mark, cpu_between, rate_between
from tests.bench.kafka.latency import OPTIONS
from tests.bench.kafka.load import OUT_OF_ORDER_MS, Steady, messages, planted, pool, steady
from tests.bench.kafka.measuring import PARTS
from tests.bench.kafka.pacework import ticks_of
from tests.bench.kafka.rates import together
from tests.imports import ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[ScoredDocument]:
    return pool(1_500, tmp_path_factory.mktemp("pool"))


def test_load_is_even_and_progress_announces_what_was_said_before_it(made: list[ScoredDocument]) -> None:
    shape = Steady(topics=60, documents=1_000, per_second=500, tick=50, partitions=2)
    loads: list[list[ScoredDocument | Progress]] = [[], []]
    for partition, value in steady(made, shape):
        loads[partition].append(value)
    documents = [value for load in loads for value in load if isinstance(value, ScoredDocument)]
    # One in each partition is of long ago.
    assert len(documents) == 1_002 and len({one.document_id for one in documents}) == 1_002
    live = sorted(one.event_time_ms for one in documents)[2:]
    assert live[-1] - live[0] == 1_998
    for load in loads:
        assert sum(isinstance(value, Progress) for value in load) == 21
        latest = 0
        for value in load:
            if isinstance(value, ScoredDocument):
                latest = value.effective_ms
            else:
                assert value.sources[0].watermark_ms >= latest - OUT_OF_ORDER_MS
    topics = Counter(one.topic_id for one in documents)
    assert len(topics) == 60 and max(topics.values()) < 40


def test_every_plant_fires_and_nothing_else_about_a_topic(made: list[ScoredDocument]) -> None:
    shape = Steady(topics=60, documents=4_000, per_second=500, tick=50, one_voice=True, plants=8)
    config = load_config(None, {}, dict(OPTIONS))
    trend, alert = make_trend(config, TrendState(), lambda: 60, Laps()), make_alert(config, AlertRoleState())
    said = trend.handle(messages([value for _, value in steady(made, shape)], Stream.SCORED))
    told = alert.handle(messages([one.value for one in said if one.stream is Stream.DETECTIONS], Stream.DETECTIONS))
    assert {one.value.detection.topic_id for one in told if isinstance(one.value, AlertEvent)} == planted(shape)
    assert sum(isinstance(one.value, ScoredRow) for one in said) == 3_000


def test_each_role_has_a_scene_in_which_it_has_work(made: list[ScoredDocument], tmp_path: Path) -> None:
    scenes = {scene.role: scene for scene in cost.scenes(made, 2_000, tmp_path)}
    assert list(scenes) == list(RoleName)
    assert all(scene.inputs for scene in scenes.values())
    assert len(scenes[RoleName.TREND].outputs) > 1.5 * len(scenes[RoleName.TREND].inputs)
    assert scenes[RoleName.ALERT].outputs and not scenes[RoleName.ARCHIVE].outputs


def test_rows_go_to_a_file_and_back(made: list[ScoredDocument], tmp_path: Path) -> None:
    rows = [row(Stream.SCORED, 0, value) for value in made[:20]]
    assert saved(save(rows, tmp_path / "rows")) == rows


def test_ticks_end_with_their_progress(made: list[ScoredDocument]) -> None:
    shape = Steady(topics=60, documents=100, per_second=500, tick=20)
    ticks = ticks_of([row(Stream.SCORED, 0, value) for _, value in steady(made, shape)])
    assert [len(documents) for documents, _ in ticks] == [1, 20, 20, 20, 20, 20]


def test_figures_are_taken_behind_the_warm_beginning() -> None:
    marks = [Mark(0, 1.0, 10.0), Mark(100, 3.0, 11.0), Mark(300, 3.4, 13.0)]
    assert cpu_between(marks, 50) == pytest.approx(0.002)
    assert rate_between(marks, 50) == pytest.approx(100.0)
    assert cpu_between(marks, 300) == pytest.approx(0.008)
    with pytest.raises(ValueError, match="tell nothing"):
        cpu_between(marks[:1], 0)


def test_rate_of_several_processes_ends_where_the_first_has_nothing_left() -> None:
    quick = [Mark(100 * number, 0.0, float(number)) for number in range(11)]
    slow = [Mark(100 * number, 0.0, 2.0 * number) for number in range(11)]
    assert together([quick], 1_000) == pytest.approx(100.0)
    assert together([quick, slow], 2_000) == pytest.approx(150.0, rel=0.1)


@pytest.mark.slow
def test_process_that_fails_tells_why(tmp_path: Path) -> None:
    job = Job("embeddedwork", inputs=str(tmp_path / "nowhere"), role="trend")
    with Child(job, tmp_path / "child") as child, pytest.raises(Failed, match="nowhere"):
        child.result(60.0)


def test_part_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "abacus"]) == WRONG_USE
    told = capsys.readouterr().err
    assert "abacus" in told and all(part in told for part in PARTS)


@pytest.mark.slow
@pytest.mark.real
def test_quick_run_measures_everything_and_tells_it_in_its_last_line(kafka_bootstrap: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tests.bench.bench_kafka", "--quick", "--out", str(out)]
    environment = {**os.environ, "KAFKA_BOOTSTRAP": kafka_bootstrap}
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told == json.loads((out / "kafka.json").read_text("utf-8"))
    assert (told["bench"], told["quick"]) == ("kafka", True)
    assert list(told["costs"]) == [role.value for role in RoleName]
    for one in told["costs"].values():
        assert all(one[way]["median"] > 0 for way in cost.WAYS) and one["ratio"]["median"] > 0
    assert told["one_core"]["per_second"]["median"] > 0
    assert [one["processes"] for one in told["scaled"]] == [2]
    assert all(one["score"] > 0 < one["trend"] for one in told["scaled"])
    assert told["latency"]["counted"] == told["latency"]["plants"] > 0
    assert 0 < told["latency"]["milliseconds"]["p50"] <= told["latency"]["milliseconds"]["most"]
    (restored,) = told["restored"]
    assert restored["seconds"]["median"] > 0 and restored["replayed"] > 0
    assert set(restored["steps"]) == {"load", "unpack", "decode", "build"}
    bars = {"cost of trend", "trend, scored documents a second", "alert after the watermark, p99 ms"}
    assert bars <= set(told["bars"])
