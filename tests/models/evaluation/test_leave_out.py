"""Leaving a source out, by tf-idf and by training runs. All texts are invented."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("sklearn")

from models.corpus.rows import DataError
from models.evaluation import runs
from models.evaluation.answers import LabelledSet, labelled_set
from models.evaluation.leave_out import leave_out_network, leave_out_tfidf, without_source
from models.neutral import NeutralScorer
from tests.models.evaluation.made import MadeScorer, knowing, made_set, row

NAMES = ("Hexley", "Orvane", "Mirtal", "Quenby")


def words(name: str, bad: str, good: str) -> LabelledSet:
    rows = [row(f"{one} {bad}", "negative", source=name) for one in NAMES]
    return labelled_set(name, [*rows, *(row(f"{one} {good}", "positive", source=name) for one in NAMES)])


def test_source_with_words_of_its_own_is_read_only_by_who_saw_it() -> None:
    sets = [words("one", "falls", "rises"), words("two", "falls", "rises"), words("own", "crumbles", "glows")]
    found = {one.source: one for one in leave_out_tfidf(sets, sets)}
    assert found["two"].accuracy == found["two"].accuracy_with == 1.0
    assert found["own"].accuracy < found["own"].accuracy_with == 1.0
    assert found["own"].texts == 8


def test_source_that_is_alone_in_its_language_is_passed_over() -> None:
    chinese = labelled_set(
        "zh", [row("衡岚股价下跌", "negative", source="zh", lang="zh"), row("砚禾利润大增", "positive", lang="zh")]
    )
    sets = [words("one", "falls", "rises"), words("two", "falls", "rises"), chinese]
    assert [one.source for one in leave_out_tfidf(sets, sets)] == ["one", "two"]


def test_source_takes_no_part_in_training_nor_in_the_choice_of_weights() -> None:
    config = {"sources": {"one": {"weight": 2.0}, "two": {}}, "selection": ["two"], "epochs": 3}
    assert without_source(config, "two") == {"sources": {"one": {"weight": 2.0}}, "selection": ["one"], "epochs": 3}
    assert without_source(config, "one") == {"sources": {"two": {}}, "selection": ["two"], "epochs": 3}
    assert config["sources"] == {"one": {"weight": 2.0}, "two": {}}


def test_runs_are_trained_without_each_source_and_with_all_and_then_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(
        yaml.safe_dump({"sources": {"one": {}, "two": {}}, "development": 0.2, "soft": {"path": "x.jsonl"}}),
        encoding="utf-8",
    )
    trained: dict[str, list[str]] = {}

    def train(path: Path, folder: Path) -> int:
        assert path.parent == folder
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert "soft" not in settings  # a teacher may have seen what is left out
        trained[folder.name] = sorted(settings["sources"])
        return 0

    monkeypatch.setattr(
        runs, "RunScorer", lambda folder: MadeScorer(knowing) if folder.name == "with_all" else NeutralScorer()
    )
    judged = [made_set("one", ["negative", "neutral"]), made_set("other", ["negative"])]
    [found] = leave_out_network(config, tmp_path / "out", judged, 0.2, train)
    assert trained == {"with_all": ["one", "two"], "without_one": ["two"]}
    assert (found.source, found.accuracy, found.accuracy_with) == ("one", 0.5, 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "with_all: the training run failed"),
        ({"sources": {"one": {}}}, "names fewer than two sources"),
        ({"development": 0.1}, "development is not 0.2, so its runs would be trained on what is judged"),
    ],
)
def test_run_that_cannot_be_judged_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(
        yaml.safe_dump({"sources": {"one": {}, "two": {}}, "development": 0.2} | changes), encoding="utf-8"
    )
    with pytest.raises(DataError, match=message):
        leave_out_network(config, tmp_path / "out", [], 0.2, lambda path, folder: 2)
