import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the full set")

import torch

from models import train
from models.corpus.rows import read_rows
from models.training.prepare import read_soft
from tests.imports import ROOT
from tests.models.training import tiny


def run(config: Path, out: Path, *more: str) -> int:
    return train.main(["--config", str(config), "--out", str(out), "--threads", str(torch.get_num_threads()), *more])


def test_a_user_trains_from_csv_and_gets_the_files_that_an_export_reads(tmp_path: Path) -> None:
    config = tiny.write_config(tmp_path, sources={"own": {}}, epochs=1)
    lines = ["text,label,entity"]
    lines += [f"{row['text']},{row['label']},{row['entity'] or ''}" for row in tiny.texts(60)]
    (tmp_path / "data" / "own.csv").write_text("\n".join(lines), encoding="utf-8")
    assert run(config, tmp_path / "run") == 0
    found = {path.name for path in (tmp_path / "run").iterdir()}
    assert found == {"best.pt", "state.pt", "history.json", "config.yaml", "log.txt"}
    history = json.loads((tmp_path / "run" / "history.json").read_text(encoding="utf-8"))
    assert set(history[0]) == {"epoch", "figure", "own_f1", "own_accuracy"}


@pytest.mark.slow
def test_plain_words_are_learnt(tmp_path: Path) -> None:
    augment = {"drop": 0, "rename": 0}
    config = tiny.write_config(tmp_path, epochs=8, rate=1e-2, average=0.5, sources={"made": {}}, augment=augment)
    assert run(config, tmp_path / "run") == 0
    history = json.loads((tmp_path / "run" / "history.json").read_text(encoding="utf-8"))
    assert history[-1]["figure"] > 0.7  # a guess has a third


def test_seed_of_the_command_is_the_runs(tmp_path: Path) -> None:
    config = tiny.write_config(tmp_path, epochs=1)
    assert run(config, tmp_path / "run", "--seed", "5") == 0
    assert "seed: 5" in (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")
    assert run(config, tmp_path / "run") == 2


@pytest.mark.slow
def test_teacher_answers_rows_and_a_student_reads_the_answers(tmp_path: Path) -> None:
    config = tiny.write_config(tmp_path, epochs=1)
    assert run(config, tmp_path / "teacher") == 0
    texts = tiny.write_rows(tmp_path / "texts.jsonl", [row | {"label": None} for row in tiny.texts(30, seed=4)])
    soft = tmp_path / "soft.jsonl"
    assert run(config, tmp_path / "teacher", "--label", str(texts), "--label-out", str(soft)) == 0
    answers = read_soft(soft)
    assert [(row.text, row.target) for row, _ in answers] == [(row.text, row.target) for row in read_rows(texts)]
    assert len({logits for _, logits in answers}) > 20
    student = tiny.write_config(tmp_path, epochs=1, soft={"path": str(soft), "temperature": 2})
    assert run(student, tmp_path / "student") == 0


@pytest.mark.slow
def test_second_run_begins_with_the_first_ones_weights(tmp_path: Path) -> None:
    assert run(tiny.write_config(tmp_path, epochs=1), tmp_path / "first") == 0
    # At these rates nothing is learnt: what the second run ends with is what it began with.
    still = tiny.write_config(tmp_path, epochs=1, start=str(tmp_path / "first"), rate=0, head_rate=0)
    assert run(still, tmp_path / "second", "--seed", "9") == 0
    files = (torch.load(tmp_path / name / "best.pt", weights_only=True) for name in ("first", "second"))
    assert differences(*files) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"epochs": 0}, "epochs: 0 is not in"),
        ({"sources": {"nobody": {}}}, "holds no nobody.jsonl.gz"),
        ({"backbone": "nowhere"}, "backbone: nowhere holds no config.json"),
        ({"layers": 9}, "layers: 9 of an encoder with 3"),
        ({"start": "nowhere"}, "start: nowhere holds no best.pt"),
    ],
)
def test_wrong_use_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], told: str
) -> None:
    assert run(tiny.write_config(tmp_path, **changes), tmp_path / "run") == 2
    assert told in capsys.readouterr().err.splitlines()[-1]


def test_teacher_that_was_not_trained_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tiny.write_config(tmp_path)
    texts = str(tiny.write_rows(tmp_path / "texts.jsonl", tiny.texts(3)))
    assert run(config, tmp_path / "run", "--label", texts, "--label-out", str(tmp_path / "soft.jsonl")) == 2
    assert "best.pt: there is no such file; train first" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(config, tmp_path / "run", "--label", texts)


@pytest.mark.slow
def test_run_that_is_killed_while_it_writes_its_state_ends_in_the_same_weights_to_the_bit(tmp_path: Path) -> None:
    config = tiny.write_config(tmp_path, hidden_dropout=0.1)
    command = [sys.executable, "-m", "tests.models.training.killable", str(config)]

    def start(out: str, *kill_at: str) -> int:
        done = subprocess.run([*command, str(tmp_path / out), *kill_at], cwd=ROOT, capture_output=True, check=False)
        return done.returncode

    assert start("whole") == 0
    step = torch.load(tmp_path / "whole" / "state.pt", weights_only=True)["progress"]["step"]
    kill_at = random.randint(2, step)
    assert start("killed", str(kill_at)) == -signal.SIGKILL
    assert start("killed") == 0
    for name in ("best.pt", "state.pt"):
        files = (torch.load(tmp_path / run / name, weights_only=True) for run in ("whole", "killed"))
        assert differences(*files) == [], f"{name} after a kill at save {kill_at}"


def differences(one: object, other: object, where: str = "") -> list[str]:
    """Where two trees of tensors and plain values are not equal to the bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return [where]
        return [found for key in one for found in differences(one[key], other[key], f"{where}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [found for place, pair in pairs for found in differences(*pair, f"{where}/{place}")]
    is_equal = one.equal(other) if isinstance(one, torch.Tensor) else one == other
    return [] if is_equal else [where]
