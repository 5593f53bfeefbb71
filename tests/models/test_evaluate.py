"""The command that judges scorers on labelled data. All texts are invented."""

import gzip
import json
from pathlib import Path

import pytest

from models import evaluate, shipped
from models.corpus.split import is_development
from models.scorer import PairScorer
from tests.models.evaluation.made import MadeScorer

FEW = ["--resamples", "20", "--no-probes"]


def write(path: Path, rows: list[tuple[str, str | None]]) -> None:
    lines = [
        json.dumps({"text": text, "label": label, "entity": None, "lang": "en", "source": "made", "id": str(number)})
        for number, (text, label) in enumerate(rows)
    ]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


def many(path: Path) -> Path:
    """A set that is large enough to be parted."""
    words = {"negative": "shares plunge", "neutral": "holds meeting", "positive": "shares soar"}
    write(path / "made.jsonl.gz", [(f"Hexley {words[label]} in {n * 17}", label) for n in range(40) for label in words])
    return path


def test_command_prints_both_scorers_and_ends_with_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "made.jsonl.gz", [("Fraud at Hexley", "negative"), ("Board meets", "neutral")])
    write(tmp_path / "unlabelled.jsonl.gz", [("Board meets", None)])
    assert evaluate.main(["--data", str(tmp_path), "--all", *FEW]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    results = json.loads(last)
    assert list(results) == ["made"]
    assert {name: found["accuracy"] for name, found in results["made"].items()} == {"lexicon": 1.0, "neutral": 0.5}
    assert [line.split()[:3] for line in table[1:3]] == [["made", "2", "lexicon"], ["made", "2", "neutral"]]


def test_answers_of_a_missing_class_are_wrong_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "sides.jsonl.gz", [("Board meets", "negative"), ("Board meets again", "positive")])
    found = []
    for more in ([], ["--unmasked"]):
        evaluate.main(["--data", str(tmp_path), "--all", "--scorer", "neutral", *more, *FEW])
        found.append(json.loads(capsys.readouterr().out.splitlines()[-1])["sides"]["neutral"]["accuracy"])
    assert found == [0.5, 0.0]


def test_rows_that_a_run_of_the_ratio_knows_are_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scorer = MadeScorer(lambda pair: (0.1, 0.8, 0.1))
    many(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "open_scorer", lambda name, threads=None: scorer)
        assert evaluate.main(["--data", str(tmp_path), "--scorer", "default", "--development", "0.2", *FEW]) == 0
    asked = {pair.text for pair in scorer.asked if not pair.target and "Hexley" in pair.text}
    assert asked and all(is_development(text, 0.2) for text in asked)
    assert '"default"' in capsys.readouterr().out


@pytest.mark.slow
def test_scorer_is_compared_with_what_was_fine_tuned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_it(name: str, threads: int | None = None) -> PairScorer:
        return MadeScorer(lambda pair: (0.8, 0.1, 0.1), name)

    monkeypatch.setattr(shipped, "open_scorer", open_it)
    path = str(many(tmp_path))
    out = tmp_path / "out"
    pytest.importorskip("matplotlib")
    arguments = ["--data", path, "--scorer", "lexicon,default", "--before", "organisation/base", "--out", str(out)]
    assert evaluate.main([*arguments, *FEW]) == 0
    kept = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert list(kept["differences"]) == ["default - lexicon", "lexicon - before", "default - before"]
    assert kept["differences"]["lexicon - before"]["made"]["accuracy"]["value"] > 0.3
    assert "lexicon - before" in capsys.readouterr().out


def test_tfidf_is_trained_on_the_other_side_and_left_out_sources_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    many(tmp_path)
    write(tmp_path / "other.jsonl.gz", [(f"Orvane shares plunge by {n * 31} or so", "negative") for n in range(40)])
    arguments = ["--data", str(tmp_path), "--scorer", "tfidf", "--development", "0.3", "--leave-one-out", *FEW]
    assert evaluate.main(arguments) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed.splitlines()[-1])["made"]["tfidf"]["accuracy"] == 1.0
    assert "Leave one source out" in printed


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--scorer", "tfidf", "--all"], "--all judges rows that tfidf is trained on"),
        (["--all", "--leave-one-out"], "--all judges rows that --leave-one-out is trained on"),
        (["--leave-one-out", "mine.yaml"], "say with --out where they go"),
        (["--sets", "fiqa"], "holds no fiqa; it has made"),
        (["--scorer", "no such thing"], "no such thing is no folder here and no hub name"),
        (["--replay", "nowhere"], "there is no such file"),
    ],
)
def test_wrong_use_is_told_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert evaluate.main(["--data", str(many(tmp_path)), *more, *FEW]) == 2
    assert message in capsys.readouterr().err


def test_ratio_that_is_no_share_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate.main(["--data", str(tmp_path), "--development", "8"])
    assert "8 is not between 0 and 1" in capsys.readouterr().err
