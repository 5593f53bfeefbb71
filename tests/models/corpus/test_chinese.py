"""Each Chinese data set in the forms in which it is published, with invented texts and companies."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from models.corpus import chinese
from models.corpus.rows import DataError
from models.corpus.sample import Sample
from tests.models.corpus.sheet import write_sheet


def short(samples: list[Sample]) -> list[tuple[str, str | None, str | None, str]]:
    return [(one.text, one.label, one.entity, one.id) for one in samples]


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_repeated_posts_get_the_label_of_most_and_ties_are_left_out(tmp_path: Path) -> None:
    entries = [["海松要涨", 2], ["海松 要涨！", 2], ["海松要涨", 0], ["北榆跌了", 0], ["北榆跌了", 1], ["等等看", 1]]
    assert short(list(chinese.finfe(write(tmp_path / "train_list.json", entries)))) == [
        ("海松要涨", "positive", None, "finfe:train:0"),
        ("等等看", "neutral", None, "finfe:train:5"),
    ]


DOCUMENTS = [
    ["a1", "海松财富跑路", "{IMG:1}海松财富跑路，投资者报案", "海松财富;松财富;北榆银行", "1", "海松财富"],
    ["a2", "", "北榆银行开会??", "北榆银行", "0", ""],
    ["a3", "标题 一", "正文 二", "海松财富", "0", ""],
    ["a4", "海松财富“逾期”", "海松财富逾期 http://t.cn/x", "海松财富", "1", "海松财富"],
]


def test_documents_join_title_and_body_where_they_differ(tmp_path: Path) -> None:
    path = write(tmp_path / "train_list.json", DOCUMENTS)
    assert short(list(chinese.finnsp(path))) == [
        ("海松财富跑路，投资者报案", "negative", None, "finnsp:train:0"),
        ("北榆银行开会", "neutral", None, "finnsp:train:1"),
        ("标题 一。正文 二", "neutral", None, "finnsp:train:2"),
        ("海松财富“逾期”", "negative", None, "finnsp:train:3"),
    ]


def test_entities_are_negative_where_they_are_subjects_and_pieces_of_subjects_are_left_out(tmp_path: Path) -> None:
    found = short(list(chinese.finnsp_entity(write(tmp_path / "train_list.json", DOCUMENTS[:2]))))
    assert [one[1:] for one in found] == [
        ("negative", "海松财富", "finnsp_entity:train:0:0"),
        ("neutral", "北榆银行", "finnsp_entity:train:0:2"),
        ("neutral", "北榆银行", "finnsp_entity:train:1:0"),
    ]


def test_long_documents_are_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "train_list.json", [["a", "", "长" * 3_000, "", "0", ""]])
    assert [len(one.text) for one in chinese.finnsp(path)] == [1_000]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("column", ["text", "review"])
def test_forum_posts_come_in_either_encoding(tmp_path: Path, encoding: str, column: str) -> None:
    path = tmp_path / "label.csv"
    path.write_text(f"{column},label\n海松要涨,2\n北榆跌了,0.0\n", encoding=encoding)
    assert short(list(chinese.guba(path))) == [
        ("海松要涨", "positive", None, "guba:0"),
        ("北榆跌了", "negative", None, "guba:1"),
    ]


def test_company_news_come_as_excel_or_csv(tmp_path: Path) -> None:
    rows = [["日期", "公司", "代码", "正负面", "标题"]]
    rows += [["2018", "海松", "000", "1", "海松：预增"], ["2018", "北榆", "1", "0", "北榆：质押"]]
    wanted = [("海松：预增", "positive", "海松"), ("北榆：质押", "negative", "北榆")]
    sheet = short(list(chinese.stock_news(write_sheet(tmp_path / "news_seed.xlsx", rows))))
    assert [one[:3] for one in sheet] == wanted
    assert sheet[0][3] == "zh_stock_news:seed:0"
    path = tmp_path / "test_data.csv"
    path.write_text("\n".join(",".join([*row, "正文"]) for row in rows), encoding="utf-8")
    table = short(list(chinese.stock_news(path)))
    assert [one[:3] for one in table] == wanted
    assert table[1][3] == "zh_stock_news:test:1"


@pytest.mark.parametrize(
    ("reader", "content", "told"),
    [
        (chinese.finfe, {"a": 1}, "must be a list of lists"),
        (chinese.finfe, ["a"], "entry 1: no list"),
        (chinese.finfe, [["a"]], r"entry 1: must be \[text, label\]"),
        (chinese.finfe, [["a", 5]], "the label 5 is none of 0, 1, 2"),
        (chinese.finnsp, [["a", 1]], r"entry 1: must be \[id, title"),
        (chinese.finnsp_entity, [["a", "", "", "", "2", ""]], "the label '2' is none of 0, 1"),
    ],
)
def test_fault_is_told(tmp_path: Path, reader: Callable[[Path], Iterable[object]], content: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        list(reader(write(tmp_path / "train_list.json", content)))
