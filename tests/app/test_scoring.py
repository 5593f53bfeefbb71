"""The Scorer port over what models/ offers: its failures in the words of the monitor, and what each command does."""

import io
import json
import logging
import socket
import threading
import urllib.error
import urllib.request
from dataclasses import fields, replace
from pathlib import Path

import pytest

from models.checkpoint import CheckpointError
from models.neutral import NeutralScorer
from models.scorer import Judgement
from models.serving.errors import Unscorable
from models.serving.stats import FALLBACKS, ScoringStats
from monitor import metrics
from monitor.app import ReplayArguments, replay, start_run
from monitor.app.scoring import ModelScorer, device_loss_told, scoring_errors
from monitor.channels.outbox import Outbox
from monitor.cli import main
from monitor.clock import ManualClock, SystemClock
from monitor.domain.document import DeadLetterReason
from monitor.engine import Seam
from monitor.errors import ConfigError, DeviceLostError, ExitCode, UnscorableError
from monitor.ports import ScoreRequest, ScoringWork
from tests import feeds, replays
from tests.app.failing import FailingScorer, one_in, put_in_place
from tests.feeds import FeedShape


def asked(*texts: str) -> list[ScoreRequest]:
    return [ScoreRequest(text, "", None) for text in texts]


# ---- in the words of the monitor


def test_scores_are_computed_when_the_answer_is_asked_for_and_in_order() -> None:
    inner = FailingScorer()
    scorer = ModelScorer(inner)
    answer = scorer.submit(asked("record profit", "files for bankruptcy"))
    assert inner.batches == 0
    good, bad = answer()
    assert good.sentiment.positive > bad.sentiment.positive


def test_requests_are_those_of_the_moment_of_asking() -> None:
    requests = asked("record profit")
    answer = ModelScorer(FailingScorer()).submit(requests)
    requests.clear()
    assert len(answer()) == 1


def test_what_cannot_be_scored_is_told_by_its_number_and_logged_with_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scorer = ModelScorer(FailingScorer(lambda pair: "poison" in pair.text))
    with pytest.raises(UnscorableError) as caught:
        scorer.submit(asked("profit", "poison"))()
    assert (caught.value.numbers, caught.value.reason) == ((1,), "pair 1 of 2 does not fit into memory")
    (told,) = caplog.records
    assert (told.getMessage(), told.levelno) == ("not_scorable", logging.ERROR)


def test_lost_device_is_told_in_one_line_with_what_is_kept_and_how_to_go_on() -> None:
    scorer = ModelScorer(FailingScorer(lost_at=1))
    with pytest.raises(DeviceLostError) as caught, device_loss_told("all is in x.db"):
        scorer.submit(asked("profit"))()
    assert caught.value.exit_code == 5
    assert str(caught.value) == (
        "the device that scores is lost (CUDA error: device-side assert triggered Compile with `TORCH_USE_CUDA_DSA`); "
        "all is in x.db. If it is lost again, restart the machine, or score without it (scorer.device: cpu)"
    )


def test_checkpoint_that_gives_no_numbers_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"^scorer\.checkpoint: it diverged$"), scoring_errors():
        raise CheckpointError("it diverged")


def test_device_that_says_nothing_is_told_as_such() -> None:
    with pytest.raises(UnscorableError, match="it does not say why"):
        ModelScorer(_Silent()).submit(asked("a"))()


class _Silent(NeutralScorer):
    def score(self, pairs: object) -> list[Judgement]:
        raise Unscorable((0,), " \n")


def test_scorer_that_remembers_is_asked_to_forget_and_another_is_not() -> None:
    forgot: list[bool] = []

    class Remembering(NeutralScorer):
        def forget(self) -> None:
            forgot.append(True)

    ModelScorer(Remembering()).forget()
    ModelScorer(NeutralScorer()).forget()
    assert forgot == [True]


# ---- what was computed


def test_work_is_told_once_and_by_difference() -> None:
    class Counted(NeutralScorer):
        stats = ScoringStats()
        backend = "onnxruntime-int8"

    scorer = ModelScorer(Counted())
    stats = Counted.stats
    stats.batches, stats.tokens, stats.seconds, stats.cache_hits = 2, 900, 0.5, 3
    stats.fell_back("backend_unavailable")
    first = scorer.take_work()
    assert (first.batches, first.tokens, first.seconds, first.cache_hits) == (2, 900, 0.5, 3)
    assert first.fallbacks == {"backend_unavailable": 1, "backend_disagrees": 0}
    stats.tokens += 100
    second = scorer.take_work()
    assert (second.batches, second.tokens, second.fallbacks["backend_unavailable"]) == (0, 100, 0)
    assert scorer.backend == "onnxruntime-int8"


def test_every_counter_of_a_scorer_is_told() -> None:
    """A counter that is added to models/ must not be forgotten here."""
    assert [one.name for one in fields(ScoringStats)] == [one.name for one in fields(ScoringWork)]
    assert metrics.FALLBACKS == FALLBACKS


def test_scorer_that_counts_nothing_has_no_work_to_tell() -> None:
    scorer = ModelScorer(NeutralScorer())
    assert (scorer.take_work(), scorer.backend) == (ScoringWork(), "none")


# ---- poison in a replay


def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Path], Path]:
    put_in_place(monkeypatch, FailingScorer(one_in(6)))
    return feeds.write(tmp_path, 4, FeedShape(documents=300))


@pytest.mark.slow
def test_document_that_cannot_be_scored_is_a_dead_letter_and_a_replay_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, watchlist = poisoned(tmp_path, monkeypatch)
    found = replays.run(paths, watchlist, tmp_path, replays.quick_config())
    letters = [row for row in found.history["dead_letters"] if repr(DeadLetterReason.POISON.value) in row]
    put_in_place(monkeypatch, FailingScorer())
    whole = replays.run(paths, watchlist, tmp_path, replays.quick_config(), name="whole")
    assert len(letters) > 10
    assert 0 < len(found.history["scored"]) < len(whole.history["scored"])
    ids = {row.split(", ")[0] for row in found.history["scored"]}
    assert ids < {row.split(", ")[0] for row in whole.history["scored"]}


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batch_and_commit_sizes_change_nothing_where_some_cannot_be_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    paths, watchlist = poisoned(tmp_path, monkeypatch)
    usual = replays.run(paths, watchlist, tmp_path, replays.quick_config(), name="usual")
    config = replays.quick_config(scorer__batch_size=batch, storage__commit_documents=37)
    assert replays.run(paths, watchlist, tmp_path, config, name="other") == usual


@pytest.mark.slow
@pytest.mark.parametrize("seam", list(Seam))
def test_replay_that_was_cut_off_repeats_its_poison_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seam: Seam
) -> None:
    paths, watchlist = poisoned(tmp_path, monkeypatch)
    config = replays.quick_config(storage__commit_documents=40)
    whole = replays.run(paths, watchlist, tmp_path, config, name="whole")

    class Killed(Exception):
        pass

    def cut_off(after: int) -> bool:
        passed = 0

        def die(at: Seam) -> None:
            nonlocal passed
            passed += at is seam
            if passed == after:
                raise Killed

        try:
            replays.run(paths, watchlist, tmp_path, config, name="cut", on_seam=die)
        except Killed:
            return True
        return False

    assert cut_off(2)
    assert cut_off(3)
    assert not cut_off(1_000)
    assert replays.left(tmp_path, "cut") == whole


@pytest.mark.parametrize(("has_state", "is_resumable"), [(True, True), (True, False), (False, True)])
def test_answers_are_forgotten_at_commits_where_somebody_may_go_on_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_state: bool, is_resumable: bool
) -> None:
    class Forgetting(FailingScorer):
        times = 0

        def forget(self) -> None:
            self.times += 1

    scorer = Forgetting()
    put_in_place(monkeypatch, scorer)
    paths, watchlist = feeds.write(tmp_path, 4, FeedShape(documents=120))
    commits = 0

    def count(seam: Seam) -> None:
        nonlocal commits
        commits += seam is Seam.COMMITTED

    arguments = _arguments(paths, watchlist, tmp_path)
    arguments = replace(arguments, state=arguments.state if has_state else None, is_resumable=is_resumable)
    config = replays.quick_config(storage__commit_documents=20)
    assert replay(config, arguments, ManualClock(replays.AS_OF_MS), count) is ExitCode.DONE
    assert scorer.batches >= 6
    assert commits >= 6 or not has_state, "in a file there is something to commit"
    assert scorer.times >= 6 if has_state and is_resumable else scorer.times == 0


def test_input_of_nothing_but_poison_is_stopped_with_exit_code_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, FailingScorer(lambda pair: True))
    paths, watchlist = feeds.write(tmp_path, 4, FeedShape(documents=300))
    config = replays.quick_config(feeds__dead_letter_window=100)
    assert replay(config, _arguments(paths, watchlist, tmp_path), ManualClock(replays.AS_OF_MS)) == 4


# ---- a device that is lost


def _arguments(paths: list[Path], watchlist: Path, folder: Path) -> ReplayArguments:
    state = folder / "run.db"
    return ReplayArguments(
        tuple(map(str, paths)), watchlist, folder / "run.jsonl", state, None, None, replays.AS_OF_MS
    )


@pytest.mark.slow
def test_replay_that_loses_its_device_keeps_its_last_commit_and_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, watchlist = feeds.write(tmp_path, 4, FeedShape(documents=300))
    config = replays.quick_config(storage__commit_documents=40)
    whole = replays.run(paths, watchlist, tmp_path, config, name="whole")
    put_in_place(monkeypatch, FailingScorer(lost_at=5))
    commits: list[Seam] = []
    with pytest.raises(DeviceLostError, match=r"what was committed is in .*run\.db, and the same command goes on"):
        replay(config, _arguments(paths, watchlist, tmp_path), ManualClock(replays.AS_OF_MS), commits.append)
    assert commits.count(Seam.COMMITTED) == 4, "one for each batch that was scored"
    put_in_place(monkeypatch, FailingScorer())
    assert replays.run(paths, watchlist, tmp_path, config) == whole


@pytest.mark.parametrize(
    ("more", "kept"),
    [(("--state", "s.db"), "what was committed is in s.db"), ((), "without --state nothing of the replay is kept")],
)
def test_lost_device_ends_a_replay_with_exit_code_five_and_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    kept: str,
) -> None:
    paths, watchlist = feeds.write(tmp_path, 4, FeedShape(documents=60))
    monkeypatch.chdir(tmp_path)
    put_in_place(monkeypatch, FailingScorer(lost_at=1))
    command = ["replay", str(paths[0]), "--watchlist", str(watchlist), "--alerts", "a.jsonl", *more]
    assert main(command) == ExitCode.DEVICE_LOST
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("monitor: the device that scores is lost (CUDA error: device-side assert triggered")
    assert kept in error


@pytest.mark.slow
def test_lost_device_ends_the_demo_with_exit_code_five(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    put_in_place(monkeypatch, FailingScorer(lost_at=3))
    assert main(["demo", "--no-serve", "--report", str(tmp_path / "r.html")]) == ExitCode.DEVICE_LOST
    error = capsys.readouterr().err
    assert "a demo that was cut off keeps nothing; start it again" in error
    assert "Traceback" not in error


class _Witness(Outbox):
    """A channel that asks whether the monitor is ready as it is started and as it is closed."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.seen: list[tuple[int, dict[str, object]]] = []

    def start(self) -> None:
        self._look()

    def close(self, drain_seconds: float = 0) -> None:
        self._look()

    def _look(self) -> None:
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=5) as answer:
                self.seen.append((answer.status, json.load(answer)))
        except urllib.error.HTTPError as refused:
            self.seen.append((refused.code, json.load(refused)))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.slow
def test_lost_device_fails_readiness_while_the_process_ends_and_commits_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, watchlist = feeds.write(tmp_path, 4, FeedShape(documents=60))
    put_in_place(monkeypatch, FailingScorer(lost_at=1))
    port = _free_port()
    config = replays.quick_config(storage__path=str(tmp_path / "run.db"), server__port=port)
    threads = threading.active_count()
    run = start_run(config, [str(path) for path in paths], watchlist, io.StringIO(), SystemClock())
    witness = _Witness(port)
    run.outboxes = [witness]
    with pytest.raises(DeviceLostError, match="what was committed is kept; start the monitor again"):
        run.run()
    assert [code for code, _ in witness.seen] == [200, 503]
    conditions = witness.seen[-1][1]["conditions"]
    assert isinstance(conditions, dict)
    assert "device-side assert" in conditions["scorer"]["reason"]
    assert [name for name, told in conditions.items() if not told["ready"]] == ["scorer"]
    (tmp_path / "run.jsonl").touch()
    assert replays.left(tmp_path).history["scored"] == []
    assert threading.active_count() == threads, "nothing is left behind that would keep the process from ending"


# ---- monitor score


def test_text_that_cannot_be_scored_is_named_and_no_output_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_in_place(monkeypatch, FailingScorer(lambda pair: "poison" in pair.text))
    path, out = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    path.write_text("".join(json.dumps({"id": f"t{n}", "text": t}) + "\n" for n, t in enumerate(("a", "poison"))))
    assert main(["score", str(path), "--out", str(out)]) == ExitCode.WRONG_USE
    error = capsys.readouterr().err
    assert f"{path}, id 't1': text: cannot be scored (pair 1 of 2 does not fit into memory); shorten it" in error
    assert not out.exists()
    assert main(["score", "poison"]) == ExitCode.WRONG_USE
    assert "TEXT: text: cannot be scored" in capsys.readouterr().err


def test_text_that_cannot_be_explained_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_in_place(monkeypatch, FailingScorer(lambda pair: pair.text.strip() == "record"))
    assert main(["score", "record profit", "--explain"]) == ExitCode.WRONG_USE
    assert "TEXT: cannot be explained" in capsys.readouterr().err


@pytest.mark.parametrize("is_file", [True, False])
def test_lost_device_ends_score_with_exit_code_five(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_file: bool
) -> None:
    put_in_place(monkeypatch, FailingScorer(lost_at=1))
    path, out = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"id": 1, "text": "a"}\n')
    command = ["score", str(path), "--out", str(out)] if is_file else ["score", "a text"]
    assert main(command) == ExitCode.DEVICE_LOST
    told = f"{out} was not written" if is_file else "nothing was written"
    assert told in capsys.readouterr().err
    assert not out.exists()
