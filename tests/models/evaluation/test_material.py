"""Which rows are judged and which are left to train on."""

import json
from pathlib import Path

import pytest

from models.corpus.rows import DataError
from models.corpus.split import is_development
from models.evaluation.material import Material


def folder(tmp_path: Path, **sets: list[tuple[str, str]]) -> Path:
    for name, rows in sets.items():
        lines = [json.dumps({"text": text, "label": label, "lang": "en"}) for text, label in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def headlines(count: int, label: str = "neutral") -> list[tuple[str, str]]:
    return [(f"Hexley holds meeting number {number} in room {number * 7}", label) for number in range(count)]


def test_development_rows_of_the_ratio_are_judged(tmp_path: Path) -> None:
    [made] = Material(folder(tmp_path, made=headlines(400)), ratio=0.1).judged()
    assert 20 < len(made.rows) < 60
    assert all(is_development(row.text, 0.1) for row in made.rows)


def test_no_row_is_both_judged_and_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    material = Material(folder(tmp_path, made=headlines(60), other=headlines(60, "negative")), ratio=0.3)
    judged = {row.text for one in material.judged() for row in one.rows}
    trained = {row.text for one in material.training() for row in one.rows}
    assert judged and not judged & trained


def test_every_row_is_judged_without_a_ratio_and_none_is_left(tmp_path: Path) -> None:
    material = Material(folder(tmp_path, made=headlines(30)), ratio=None)
    assert len(material.judged()[0].rows) == 30
    with pytest.raises(DataError, match="use --development instead of --all"):
        material.training()


def test_labels_of_a_set_are_those_of_all_its_rows(tmp_path: Path) -> None:
    rows = [*headlines(300), ("Hexley falls", "negative")]
    [made] = Material(folder(tmp_path, made=rows), ratio=0.05).judged()
    assert made.possible == (True, True, False)


def test_sample_keeps_about_so_many_rows_and_equal_texts_together(tmp_path: Path) -> None:
    rows = [pair for pair in headlines(100) for _ in range(2)]
    [made] = Material(folder(tmp_path, made=rows), ratio=None, sample=20).judged()
    assert 20 <= len(made.rows) <= 22
    assert len(made.rows) == 2 * len({row.text for row in made.rows})


def test_merged_sets_are_known_by_name_or_named(tmp_path: Path) -> None:
    path = folder(tmp_path, finnsp=headlines(5), mine=headlines(5))
    assert [one.is_merged for one in Material(path, ratio=None).judged()] == [True, False]
    assert [one.is_merged for one in Material(path, merged=["mine"], ratio=None).judged()] == [True, True]
    assert [one.is_merged for one in Material(path, is_masked=False, ratio=None).judged()] == [False, False]


def test_unlabelled_set_is_passed_over(tmp_path: Path) -> None:
    path = folder(tmp_path, made=headlines(5))
    (path / "unlabelled.jsonl").write_text('{"text": "Hexley", "label": null}\n', encoding="utf-8")
    assert [one.name for one in Material(path, ratio=None).judged()] == ["made"]


def test_unknown_set_no_label_and_no_row_are_told_apart(tmp_path: Path) -> None:
    path = folder(tmp_path, made=headlines(1))
    with pytest.raises(DataError, match=r"--sets: .* holds no fiqa; it has made"):
        Material(path, ["fiqa"])
    with pytest.raises(DataError, match="no row is left to judge; raise it, or use --all"):
        Material(path, ratio=0.001).judged()
    (path / "made.jsonl").write_text('{"text": "Hexley", "label": null}\n', encoding="utf-8")
    with pytest.raises(DataError, match="no row of made has a label"):
        Material(path)
