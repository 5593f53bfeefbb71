import json

import pytest

from models.corpus.rows import DataError
from models.corpus.sample import Sample, cut, mapped, scored


@pytest.mark.parametrize(
    ("score", "label"),
    [(-1, "negative"), (-0.101, "negative"), (-0.1, "neutral"), (0, "neutral"), (0.099, "neutral"), (0.1, "positive")],
)
def test_score_on_an_edge_belongs_to_what_lies_above(score: float, label: str) -> None:
    assert cut(score) == label


@pytest.mark.parametrize("value", [1, "1", " 1 ", 1.0, "1.0"])
def test_label_numbers_are_read_however_they_were_saved(value: object) -> None:
    assert mapped(value, {"1": "positive"}, "row 1") == "positive"


@pytest.mark.parametrize("value", ["nan", "", None, "1,5", 2])
def test_score_that_is_none_is_told(value: object) -> None:
    with pytest.raises(DataError, match="row 1: the score"):
        scored(value, "row 1")


def test_row_is_written_with_the_keys_of_the_schema() -> None:
    line = Sample("海松", None, None, "海松", "zh", "own", "a").line()
    assert list(json.loads(line)) == ["text", "label", "score", "entity", "lang", "source", "id"]
    assert line.endswith("\n")
    assert "海松" in line
