"""The trained model is who scores unless somebody says otherwise: in a replay, a run, the demo and `monitor score`.

The checkpoints here are throwaway ones in the place of those that are shipped.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from models.neutral import NeutralScorer
from models.scorer import PairScorer
from models.serving.wanted import ANYTHING, Wanted
from monitor.app.scoring import make_scorer
from monitor.cli import main
from monitor.config import ScorerKind, load_config
from monitor.domain.sentiment import Label, ScoreMark
from monitor.errors import ConfigError, ExitCode
from monitor.lab.demo import DEMO_OPTIONS
from monitor.ports import ScoreRequest
from tests import feeds, replays
from tests.feeds import START_MS
from tests.models.tiny import make_checkpoint

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, default_scorer: None) -> Path:
    """A folder with throwaway checkpoints under the names of the shipped ones, which take their place."""
    folder = tmp_path / "checkpoints"
    for seed, (name, language) in enumerate((("default", "en"), ("commercial", "en"), ("chinese", "zh"))):
        make_checkpoint(folder / name, name=f"tiny-{name}", languages=[language], seed=seed)
    monkeypatch.setattr("models.shipped.shipped", lambda name: folder / name)
    return folder


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process; its exit code and what it said of errors."""

    def run(*arguments: object) -> tuple[int, str]:
        code = main([str(argument) for argument in arguments])
        error = capsys.readouterr().err
        assert "Traceback" not in error
        return code, error

    return run


def names(text: str) -> list[str]:
    """The checkpoints behind a scorer's name, less their hashes."""
    return [part.partition("@")[0] for part in text.split("+")]


# ---- who scores


def test_nothing_said_means_the_shipped_model_for_both_languages(shipped: Path) -> None:
    scorer = make_scorer(load_config(None, {}))
    assert names(scorer.name) == ["tiny-default", "tiny-chinese"]
    bad, good, chinese = scorer.score(
        [ScoreRequest(text, "", None) for text in ("loss and fraud", "record profit", "公司破产 违约")]
    )
    assert [score.sentiment.label for score in (bad, good, chinese)] == [Label.NEGATIVE, Label.POSITIVE, Label.NEGATIVE]


def test_one_line_chooses_the_commercial_model_or_one_of_ones_own(shipped: Path, tmp_path: Path) -> None:
    own = make_checkpoint(tmp_path / "own", name="tiny-own", languages=["en"], seed=9)
    chosen = {"commercial": ["tiny-commercial", "tiny-chinese"], str(own): ["tiny-own", "tiny-chinese"]}
    for checkpoint, expected in chosen.items():
        path = tmp_path / "monitor.yaml"
        path.write_text(f"scorer: {{checkpoint: {checkpoint}}}\n")
        assert names(make_scorer(load_config(path, {})).name) == expected


@pytest.fixture
def asked(default_scorer: None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int | None, Wanted]]:
    """What is asked for when a scorer is made: checkpoint, threads, and who is to compute."""
    found: list[tuple[str, int | None, Wanted]] = []

    def open_scorer(checkpoint: str, threads: int | None, wanted: Wanted) -> PairScorer:
        found.append((checkpoint, threads, wanted))
        return NeutralScorer()

    monkeypatch.setattr("monitor.app.scoring.open_scorer", open_scorer)
    return found


@pytest.mark.parametrize(("written", "threads"), [("0", None), ("3", 3)])
def test_threads_reach_the_model_and_none_means_all(
    asked: list[tuple[str, int | None, Wanted]], written: str, threads: int | None
) -> None:
    make_scorer(load_config(None, {"MONITOR_SCORER__THREADS": written}))
    assert asked == [("default", threads, ANYTHING)]


def test_device_precision_and_fallback_reach_the_model(asked: list[tuple[str, int | None, Wanted]]) -> None:
    options = {"scorer.device": "cuda:1", "scorer.precision": "float16", "scorer.allow_fallback": True}
    make_scorer(load_config(None, {}, options))
    assert asked == [("default", None, Wanted("cuda:1", "float16", is_fallback_allowed=True))]


@pytest.mark.parametrize(
    ("began_with", "wanted"),
    [
        ("", ANYTHING),
        ("lexicon-2026.11", ANYTHING),
        ("en-2@187974cd+zh-1@00ff00ff", Wanted("cpu", "float32")),
        ("en-2@187974cd/int8+zh-1@00ff00ff/int8", Wanted("cpu", "int8")),
        ("en-2@187974cd/bfloat16-cpu+zh-1@00ff00ff/bfloat16-cpu", Wanted("cpu", "bfloat16")),
        ("a+b@home/int8@187974cd", Wanted("cpu", "float32")),
        ("en-2@187974cd/float16-cuda+zh-1@00ff00ff/float16-cuda", ANYTHING),
    ],
)
def test_run_goes_on_in_the_precision_that_it_began_with(
    asked: list[tuple[str, int | None, Wanted]], began_with: str, wanted: Wanted
) -> None:
    make_scorer(load_config(None, {}), began_with)
    assert [one[2] for one in asked] == [wanted]


def test_precision_that_is_demanded_holds_whatever_a_run_began_with(
    asked: list[tuple[str, int | None, Wanted]],
) -> None:
    for options in ({"scorer.precision": "float32"}, {"scorer.device": "cuda"}):
        make_scorer(load_config(None, {}, dict(options)), "en-2@187974cd/int8")
    assert [one[2] for one in asked] == [Wanted("auto", "float32"), Wanted("cuda")]


def test_demo_has_the_default_scorer() -> None:
    assert load_config(None, {}, DEMO_OPTIONS).scorer.kind is ScorerKind.MODEL


def test_what_limits_an_answer_reaches_the_monitor(shipped: Path) -> None:
    asked = {
        ("the loss of Halden", "Halden", None): (),
        ("the loss of Halden", "Tessaly", None): (ScoreMark.UNSUPPORTED_TARGET,),
        ("убыток банка", "", None): (ScoreMark.UNTRAINED_LANGUAGE,),
        ("a loss. " * 2_000, "", "en"): (ScoreMark.CUT,),
    }
    scores = make_scorer(load_config(None, {})).score([ScoreRequest(*each) for each in asked])
    assert [score.marks for score in scores] == list(asked.values())


# ---- the commands


def test_replay_stores_who_scored_each_document(shipped: Path, tmp_path: Path, command: Command) -> None:
    (feed,), watchlist = feeds.write(tmp_path, 1, feeds.FeedShape(documents=60))
    state = tmp_path / "state.db"
    replay = ("replay", feed, "--watchlist", watchlist, "--alerts", tmp_path / "a.jsonl", "--state", state)
    assert command(*replay) == (0, "")
    connection = sqlite3.connect(state)
    try:
        scorers = [row[0] for row in connection.execute("SELECT DISTINCT scorer FROM scored")]
    finally:
        connection.close()
    assert [names(scorer) for scorer in scorers] == [["tiny-default", "tiny-chinese"]]


def test_state_of_another_checkpoint_is_refused(
    shipped: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (feed,), watchlist = feeds.write(tmp_path, 1, feeds.FeedShape(documents=60))
    replay = ("replay", feed, "--watchlist", watchlist, "--alerts", tmp_path / "a.jsonl", "--state", tmp_path / "s.db")
    assert command(*replay) == (0, "")
    monkeypatch.setenv("MONITOR_SCORER__CHECKPOINT", "commercial")
    code, error = command(*replay)
    assert code == ExitCode.WRONG_USE
    assert "another config, scorer" in error


def test_batches_commits_and_threads_change_no_alert_and_no_score(shipped: Path, tmp_path: Path) -> None:
    paths, watchlist = feeds.write(tmp_path, 1, feeds.FeedShape(documents=80))
    sizes: list[dict[str, object]] = [
        {"scorer__batch_size": 1, "scorer__threads": 1},
        {"scorer__batch_size": 64, "scorer__threads": 2, "storage__commit_documents": 7},
    ]
    found = [
        replays.run(paths, watchlist, tmp_path, replays.quick_config(scorer__kind="model", **more), name=f"run{number}")
        for number, more in enumerate(sizes)
    ]
    assert found[0] == found[1]
    assert found[0].history["scored"]


def test_theme_is_judged_by_the_words_that_name_it(shipped: Path, tmp_path: Path, command: Command) -> None:
    """`fraud` is all that is bad in this text; as a target it would be hidden from the model."""
    watchlist, feed, state = tmp_path / "w.csv", tmp_path / "f.jsonl", tmp_path / "s.db"
    watchlist.write_text(
        "id,name,kind,tickers,aliases_en,aliases_zh,exclude\nFRAUD,Fraud,theme,,fraud,,\nHALD,Fraud Ltd,company,,,,\n"
    )
    feed.write_text(json.dumps({"id": "1", "source": "w", "published_at": START_MS, "text": "today fraud said"}) + "\n")
    replay = ("replay", feed, "--watchlist", watchlist, "--alerts", tmp_path / "a.jsonl", "--state", state)
    assert command(*replay) == (0, "")
    connection = sqlite3.connect(state)
    try:
        rows = connection.execute("SELECT topic_id, negative > 5000 FROM scored").fetchall()
    finally:
        connection.close()
    assert rows == [("FRAUD", 1)]


def test_score_names_the_model_and_what_limits_its_answer(shipped: Path, tmp_path: Path, command: Command) -> None:
    lines = [
        {"id": 1, "text": "the loss of Halden", "target": "Halden"},
        {"id": 2, "text": "the loss of Halden", "target": "Tessaly"},
        {"id": 3, "text": "银行 破产"},
        {"id": 4, "text": "a loss. " * 2_000},
        {"id": 5, "text": ""},
        {"id": 6, "text": "a half emoji \ud83d, loss"},
        {"id": 7, "text": "x" * 1_000_000, "target": "y" * 1_000},
        {"id": 8, "text": "\U0001f4c9" * 10_000},
    ]
    asked, out = tmp_path / "asked.jsonl", tmp_path / "out.jsonl"
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert command("score", asked, "--out", out) == (0, "")
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert [answer["id"] for answer in answers] == [line["id"] for line in lines]
    assert {tuple(names(answer["model"])) for answer in answers} == {("tiny-default", "tiny-chinese")}
    assert [answer["label"] for answer in answers[:4]] == ["negative"] * 4
    marks = [answer.get("marks") for answer in answers[:4]]
    assert marks == [None, ["unsupported_target"], None, ["cut"]]


# ---- what cannot be used


@pytest.mark.parametrize("name", ["weights.safetensors", "graph.onnx", "tokenizer.json", "checkpoint.json"])
@pytest.mark.parametrize("is_missing", [True, False])
def test_damaged_checkpoint_stops_every_command_before_anything_is_read(
    shipped: Path, tmp_path: Path, command: Command, name: str, is_missing: bool
) -> None:
    path = shipped / "chinese" / name
    if is_missing:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9])
    (feed,), watchlist = feeds.write(tmp_path, 1, feeds.FeedShape(documents=60))
    alerts, state = tmp_path / "alerts.jsonl", tmp_path / "state.db"
    for arguments in (
        ("replay", feed, "--watchlist", watchlist, "--alerts", alerts, "--state", state),
        ("run", feed, "--watchlist", watchlist),
        ("score", "the loss of Halden"),
        ("score", feed, "--out", alerts),
    ):
        code, error = command(*arguments)
        assert code == ExitCode.WRONG_USE
        assert error.count("scorer.checkpoint: ") == 1
        assert str(path) in error
    assert not alerts.exists()
    assert not state.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scorer.precision": "int8"}, r"^scorer\.precision: int8 is demanded, and .* has no graph-int8\.onnx: make"),
        pytest.param({"scorer.device": "gpu"}, r"^scorer\.device: ", marks=pytest.mark.slow),  # It loads torch.
        ({"scorer.device": "cuda", "scorer.precision": "int8"}, r"^scorer\.precision: int8 is for processors"),
    ],
)
def test_what_is_demanded_and_not_to_be_had_is_told_by_its_key(
    shipped: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_scorer(load_config(None, {}, options))


def test_another_serves_only_where_that_is_allowed(shipped: Path) -> None:
    options = {"scorer.precision": "int8", "scorer.allow_fallback": True}
    scorer = make_scorer(load_config(None, {}, options))
    # Counted once: the second checkpoint is asked for what serves the first.
    assert (scorer.backend, scorer.take_work().fallbacks["backend_unavailable"]) == ("onnxruntime-float32", 1)


def test_checkpoint_whose_labels_are_the_wrong_way_round_is_refused(shipped: Path) -> None:
    make_checkpoint(shipped / "default", languages=["en"], sign=-1.0)
    with pytest.raises(ConfigError, match=r"scorer\.checkpoint: .*labels stand in the wrong order"):
        make_scorer(load_config(None, {}))
