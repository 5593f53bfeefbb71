"""Scorers by the names of the command line."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from models import shipped
from models.corpus.rows import DataError
from models.evaluation.answers import LabelledSet
from models.evaluation.lineup import is_encoder, keys, needs_training_rows, open_scorer
from models.neutral import NeutralScorer
from models.scorer import PairScorer


def nothing() -> Sequence[LabelledSet]:
    raise AssertionError("nobody asked for training rows")


def config(folder: Path, text: str) -> Path:
    (folder / "config.json").write_text(text, encoding="utf-8")
    return folder


def test_scorers_that_need_no_training_are_opened_by_name() -> None:
    assert open_scorer("lexicon", nothing).name.startswith("lexicon-")
    assert open_scorer("neutral", nothing).name == "neutral"


@pytest.mark.parametrize("name", ["default", "commercial", "organisation/model"])
def test_other_names_are_opened_as_when_serving(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, int | None]] = []

    def open_it(checkpoint: str, threads: int | None = None) -> PairScorer:
        opened.append((checkpoint, threads))
        return NeutralScorer()

    monkeypatch.setattr(shipped, "open_scorer", open_it)
    open_scorer(name, nothing, 0.2, 2)
    assert opened == [(name, 2)]


def test_folder_without_a_model_is_refused_as_when_serving(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds neither checkpoint.json"):
        open_scorer(str(tmp_path), nothing)


def test_encoder_without_a_head_is_told_from_a_classifier_and_a_checkpoint(tmp_path: Path) -> None:
    assert not is_encoder(tmp_path)
    assert is_encoder(config(tmp_path, json.dumps({"architectures": ["BertModel"]})))
    assert not is_encoder(config(tmp_path, json.dumps({"architectures": ["BertForSequenceClassification"]})))
    config(tmp_path, json.dumps({"architectures": ["BertModel"]}))
    (tmp_path / "checkpoint.json").touch()
    assert not is_encoder(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_damaged_config_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"config.json is no JSON object"):
        is_encoder(config(tmp_path, text))


def test_only_what_is_trained_in_place_needs_rows_that_nobody_judges(tmp_path: Path) -> None:
    assert needs_training_rows("tfidf")
    assert needs_training_rows(str(config(tmp_path, json.dumps({"architectures": ["MPNetModel"]}))))
    assert not needs_training_rows("lexicon") and not needs_training_rows("default")


def test_folders_are_called_by_their_last_part_where_it_tells_them_apart(tmp_path: Path) -> None:
    for name in ("first/en", "second/en", "first/zh"):
        (tmp_path / name).mkdir(parents=True)
    names = ["lexicon", "organisation/model", *(str(tmp_path / name) for name in ("first/en", "second/en", "first/zh"))]
    assert list(keys(names)) == ["lexicon", "organisation/model", names[2], names[3], "zh"]
    assert list(keys(names).values()) == names
