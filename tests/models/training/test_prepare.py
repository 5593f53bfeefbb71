import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.corpus.rows import DataError
from models.corpus.split import is_development
from models.training.prepare import prepare, read_soft
from models.training.settings import TrainSettings, load_settings
from tests.models.training import tiny


def settings(folder: Path) -> TrainSettings:
    return load_settings(tiny.write_config(folder))


def test_rows_are_split_and_each_set_says_what_it_can_answer(tmp_path: Path) -> None:
    found = prepare(settings(tmp_path))
    assert found.possible == {"made": (True, True, True), "sides": (True, False, True)}
    assert {row.source for row in found.training} == {"made", "sides"}
    assert found.development
    assert not {row.text for row in found.training} & {row.text for row in found.development}
    assert found.soft == []


def test_rows_without_a_label_are_not_read(tmp_path: Path) -> None:
    one = settings(tmp_path)
    rows = tiny.texts(90)
    tiny.write_rows(one.data / "made.jsonl", [*rows[:45], *(row | {"label": None} for row in rows[45:])])
    found = prepare(one)
    assert len([row for row in [*found.training, *found.development] if row.source == "made"]) <= 45


def test_set_may_lie_elsewhere_and_is_known_by_the_name_in_the_configuration(tmp_path: Path) -> None:
    config = tiny.write_config(tmp_path, sources={"made": {}, "ours": {"path": str(tmp_path / "elsewhere.csv")}})
    (tmp_path / "elsewhere.csv").write_text("text,label,entity\nHexley cannot pay,negative,Hexley\n", encoding="utf-8")
    found = prepare(load_settings(config))
    ours = [row for row in [*found.training, *found.development] if row.source == "ours"]
    assert [(row.text, row.target) for row in ours] == [("Hexley cannot pay", "Hexley")]
    assert found.possible["ours"] == (True, False, False)


def test_merged_set_may_answer_anything(tmp_path: Path) -> None:
    found = prepare(load_settings(tiny.write_config(tmp_path, sources={"made": {}, "sides": {"absent": "merged"}})))
    assert found.possible["sides"] == (True, True, True)


def test_teacher_is_not_heard_on_development_texts(tmp_path: Path) -> None:
    one = settings(tmp_path)
    path = tmp_path / "soft.jsonl"
    texts = [row["text"] for row in tiny.texts(60, seed=7)]
    tiny.write_rows(path, [{"text": text, "target": "", "lang": "en", "logits": [0, 1, 2]} for text in texts])
    found = prepare(replace(one, soft=replace(one.soft, path=path)))
    assert [row.text for row, _ in found.soft] == [text for text in texts if not is_development(text, one.development)]
    assert found.soft[0][1] == (0.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2: no row of"),
        ('{"text": "a"}', "line 2: no row of"),
        (json.dumps({"text": "a", "target": "", "lang": "en", "logits": [1, 2]}), "must be 3 finite numbers"),
        ('{"text": "a", "target": "", "lang": "en", "logits": [1, NaN, 2]}', "must be 3 finite numbers"),
        ('{"text": "a", "target": "", "lang": "en", "logits": 1}', "line 2: no row of"),
    ],
)
def test_fault_in_a_teachers_file_is_told(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "soft.jsonl"
    good = json.dumps({"text": "a", "target": "", "lang": "en", "logits": [1, 2, 3]})
    path.write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=told):
        read_soft(path)


def test_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"soft\.path: .* cannot be read"):
        read_soft(tmp_path / "soft.jsonl")
    one = settings(tmp_path)
    (one.data / "sides.jsonl").unlink()
    with pytest.raises(DataError, match=r"holds no sides\.jsonl\.gz"):
        prepare(one)


def test_set_without_labels_and_too_few_texts_are_told(tmp_path: Path) -> None:
    one = settings(tmp_path)
    tiny.write_rows(one.data / "sides.jsonl", [{"text": "a"}])
    with pytest.raises(DataError, match="holds no row with a label"):
        prepare(one)
    for name in ("made", "sides"):
        tiny.write_rows(one.data / f"{name}.jsonl", [{"text": "one text", "label": "neutral"}])
    with pytest.raises(DataError, match="too few texts, none is left for"):
        prepare(one)
