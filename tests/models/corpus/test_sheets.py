from pathlib import Path

import pytest

from models.corpus.sheets import read_sheet
from tests.models.corpus.sheet import write_sheet

ROWS = [["公司", "标题", "正负面"], ["海松", "海松：利润 <翻倍> & 更多", "1"], ["", "", ""], ["北榆", "", "0"]]


@pytest.mark.parametrize("inline", [False, True])
def test_values_stand_under_their_names_though_empty_cells_are_missing(tmp_path: Path, inline: bool) -> None:
    path = write_sheet(tmp_path / "a.xlsx", ROWS, inline)
    assert list(read_sheet(path.name, path.read_bytes())) == [
        {"公司": "海松", "标题": "海松：利润 <翻倍> & 更多", "正负面": "1"},
        {"公司": "北榆", "标题": "", "正负面": "0"},
    ]
