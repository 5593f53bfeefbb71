"""What `watchlist` reads, refuses and reads again."""

import os
import re
from pathlib import Path

import pytest

from monitor.domain.topics import Topic, TopicId, TopicKind
from monitor.errors import ConfigError
from monitor.watchlist import WatchlistFile, load_watchlist

HEADER = "id,name,kind,tickers,aliases_en,aliases_zh,exclude\n"
ROW = "HRBF,Harbour Foods Inc.,company,HRBF;LSE:HBF,Harbour Foods;HF Group,海港食品；海港,Harbour Foods Cup\n"
TOPIC = Topic(
    TopicId("HRBF"),
    "Harbour Foods Inc.",
    TopicKind.COMPANY,
    ("HRBF", "LSE:HBF"),
    ("Harbour Foods", "HF Group"),
    ("海港食品", "海港"),
    ("Harbour Foods Cup",),
)
YAML = """\
- id: HRBF
  name: Harbour Foods Inc.
  kind: company
  tickers: [HRBF, "LSE:HBF"]
  aliases_en:
    - Harbour Foods
    - HF Group
  aliases_zh: 海港食品;海港
  exclude: Harbour Foods Cup
"""


def write(folder: Path, content: str | bytes, name: str = "watchlist.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_watchlist(path)
    assert all(fault.startswith(f"watchlist {path}: ") for fault in caught.value.faults)
    return [fault.removeprefix(f"watchlist {path}: ") for fault in caught.value.faults]


def test_row_becomes_a_topic(tmp_path: Path) -> None:
    assert load_watchlist(write(tmp_path, HEADER + ROW)).topics == (TOPIC,)


def test_yaml_says_the_same_as_csv(tmp_path: Path) -> None:
    from_yaml = load_watchlist(write(tmp_path, YAML, "watchlist.yaml"))
    assert from_yaml == load_watchlist(write(tmp_path, HEADER + ROW))


def test_example_in_deploy_loads() -> None:
    example = load_watchlist(Path(__file__).parents[1] / "deploy" / "watchlist.example.csv")
    assert {topic.kind for topic in example.topics} == {TopicKind.COMPANY, TopicKind.SECTOR, TopicKind.THEME}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + (HEADER + ROW).encode(),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
        f"\n{HEADER}\n , ,\n{ROW}\n\n".encode(),
        (HEADER + ROW).replace("Harbour Foods Inc.", '" Harbour\n Foods  Inc. "').encode(),
        (HEADER + ROW).replace("Harbour Foods;", "Harbour Foods; ;Harbour Foods;").encode(),
        f"{HEADER.strip()},,\n{ROW.strip()},,\n".encode(),
        (HEADER.upper() + ROW.replace("company", " Company")).encode(),
    ],
    ids=["mark", "CRLF", "blank lines", "line break in a cell", "repeated alias", "padded rows", "capital letters"],
)
def test_what_editors_add_changes_neither_topics_nor_version(tmp_path: Path, content: bytes) -> None:
    plain = load_watchlist(write(tmp_path, HEADER + ROW, "plain.csv"))
    assert load_watchlist(write(tmp_path, content)) == plain


def test_examples_of_the_manual_load_and_agree(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[1] / "docs" / "watchlist.md").read_text("utf-8")
    (as_csv,) = re.findall(r"```csv\n(.*?)```", manual, re.DOTALL)
    (as_yaml,) = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)
    assert load_watchlist(write(tmp_path, as_csv)) == load_watchlist(write(tmp_path, as_yaml, "watchlist.yaml"))


def test_only_id_and_name_are_needed(tmp_path: Path) -> None:
    path = write(tmp_path, "name,id\nVexil,VX\n")
    assert load_watchlist(path).topics == (Topic(TopicId("VX"), "Vexil", TopicKind.COMPANY),)


def test_version_is_twelve_hex_digits_of_the_content(tmp_path: Path) -> None:
    version = load_watchlist(write(tmp_path, HEADER + ROW)).version
    assert len(version) == 12 and int(version, 16) >= 0
    changed = load_watchlist(write(tmp_path, HEADER + ROW.replace("Cup", "Run"))).version
    assert changed != version


def test_version_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    other = "VX,Vexil,company,,,,\n"
    forwards = load_watchlist(write(tmp_path, HEADER + ROW + other, "a.csv"))
    backwards = load_watchlist(write(tmp_path, HEADER + other + ROW, "b.csv"))
    assert forwards.version == backwards.version
    assert forwards.topics == backwards.topics[::-1]


def test_moving_a_word_between_columns_changes_the_version(tmp_path: Path) -> None:
    alias = load_watchlist(write(tmp_path, HEADER + "VX,Vexil,company,,Vex,,\n", "a.csv"))
    exclude = load_watchlist(write(tmp_path, HEADER + "VX,Vexil,company,,,,Vex\n", "b.csv"))
    assert alias.version != exclude.version


def test_all_faults_are_told_together_by_row_and_column(tmp_path: Path) -> None:
    rows = [
        "VX,Vexil,company,,,,",
        ",No Id,company,,,,",
        "",
        "NN,,company,,,,",
        "VX,Vexil Again,company,,,,",
        "KK,Kind,planet,,,,",
        "CC,Comma, Inc.,company,,,,",
        "DD,Dash,company,,---,,",
    ]
    assert faults_of(write(tmp_path, HEADER + "\n".join(rows) + "\n")) == [
        "row 3, id: is missing; every topic needs one",
        "row 5, name: is missing; every topic needs one",
        "row 6, id: 'VX' is already the id of row 2; give each topic its own",
        "row 7, kind: unknown kind 'planet'; it is one of company, sector, theme, person, country",
        "row 8: 8 cells for 7 columns; quote a cell that holds a comma",
        "row 9, aliases_en: '---' has no letter or digit to look for; mend or remove it",
    ]


def test_row_number_counts_lines_even_inside_quoted_cells(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, HEADER + 'VX,"Vex\nil",company,,,,\n,Lost,company,,,,\n')) == [
        "row 4, id: is missing; every topic needs one"
    ]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("id,name,colour", "row 1: unknown column 'colour'; the columns are " + HEADER.strip()),
        ("id,name,name", "row 1: column 'name' is there 2 times; keep one"),
        ("id,kind", "row 1: column 'name' is missing; add it"),
    ],
)
def test_header_must_hold_the_known_columns(tmp_path: Path, header: str, fault: str) -> None:
    assert faults_of(write(tmp_path, f"{header}\nVX,Vexil,company\n")) == [fault]


@pytest.mark.parametrize("content", ["", "\n\n", HEADER, "\ufeff" + HEADER + "\n"])
def test_empty_watchlist_is_refused_with_a_remedy(tmp_path: Path, content: str) -> None:
    remedy = f"has no topic; add at least one row below the columns {HEADER.strip()}"
    assert faults_of(write(tmp_path, content)) == [remedy]


@pytest.mark.parametrize("content", ["", "[]", "# nothing yet\n"])
def test_empty_yaml_watchlist_is_refused_with_a_remedy(tmp_path: Path, content: str) -> None:
    (fault,) = faults_of(write(tmp_path, content, "watchlist.yml"))
    assert fault.startswith("has no topic; add")


def test_missing_file_is_told_with_a_remedy(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "none.csv") == ["there is no such file; give the path of a CSV or YAML file"]


def test_folder_is_no_watchlist(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path)
    assert fault.endswith("check the path and its permissions")


def test_file_that_is_not_utf8_names_the_row(tmp_path: Path) -> None:
    content = HEADER.encode() + ROW.encode() + "VX,Véxil,company,,,,\n".encode("latin-1")
    assert faults_of(write(tmp_path, content)) == ["row 3 is not UTF-8; save the file as UTF-8"]


def test_open_quotation_mark_names_the_row(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, HEADER + ROW + 'VX,"Vexil,company\n'))
    assert fault.startswith("row 3: is not CSV (") and fault.endswith("check its quotation marks")


def test_endless_faults_are_cut_and_counted(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, HEADER + ",x,,,,,\n" * 60))
    assert len(faults) == 51
    assert faults[-1] == "and 10 more faults; mend these first"


def test_yaml_keeps_tickers_as_they_are_written(tmp_path: Path) -> None:
    content = "- {id: a, name: Vexil, tickers: [0700, NO, 1e3]}\n- {id: 0123, name: On, exclude: null}\n"
    topics = load_watchlist(write(tmp_path, content, "watchlist.yaml")).topics
    assert topics[0].tickers == ("0700", "NO", "1e3")
    assert (topics[1].id, topics[1].name, topics[1].exclude) == ("0123", "On", ())


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("id: a\n", ["row 1: is no YAML list; write one entry for each topic, each beginning with '- id:'"]),
        ("- a\n", ["row 1: is no mapping; write the keys " + HEADER.strip()]),
        (
            "- id: a\n  name: Vexil\n  colour: red\n",
            ["row 1: unknown column 'colour'; the columns are " + HEADER.strip()],
        ),
        ("- id: a\n  name: Vexil\n  name: Vex\n", ["row 1: column 'name' is there twice; keep one"]),
        (
            "- id: a\n  name: [Vexil]\n",
            ["row 1, name: must be a text", "row 1, name: is missing; every topic needs one"],
        ),
        (
            "- id: a\n  name: Vexil\n  tickers: [[V]]\n",
            ["row 1, tickers: holds something that is no text; write a plain list"],
        ),
        (
            "- id: a\n  name: Vexil\n- id: a\n  name: Vex\n",
            ["row 3, id: 'a' is already the id of row 1; give each topic its own"],
        ),
        ("- id: a\n  tickers: [V\n", ["row 3: is not YAML (expected ',' or ']', but got '<stream end>')"]),
    ],
)
def test_yaml_faults_name_the_row(tmp_path: Path, content: str, faults: list[str]) -> None:
    assert faults_of(write(tmp_path, content, "watchlist.yaml")) == faults


@pytest.mark.slow
def test_yaml_of_endless_depth_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, "[" * 5_000, "watchlist.yaml"))
    assert "is not YAML" in fault


def test_unchanged_file_is_not_loaded_again(tmp_path: Path) -> None:
    file = WatchlistFile(write(tmp_path, HEADER + ROW))
    assert file.current.topics == (TOPIC,)
    assert file.reload() is None


def test_changed_file_is_loaded_again(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + ROW)
    file = WatchlistFile(path)
    write(tmp_path, HEADER + ROW + "VX,Vexil,company,,,,\n")
    reloaded = file.reload()
    assert reloaded is not None and [topic.id for topic in reloaded.topics] == ["HRBF", "VX"]
    assert file.current is reloaded
    assert file.reload() is None


def test_file_replaced_by_one_of_equal_size_and_time_is_loaded_again(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "VX,Vexil,company,,,,\n")
    file = WatchlistFile(path)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    new = write(tmp_path, HEADER + "VX,Vexol,company,,,,\n", "new.csv")
    os.utime(new, ns=times)
    new.replace(path)
    reloaded = file.reload()
    assert reloaded is not None and reloaded.topics[0].name == "Vexol"


def test_file_that_says_the_same_again_is_no_change(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + ROW)
    file = WatchlistFile(path)
    before = file.current
    write(tmp_path, HEADER + "\n" + ROW)
    assert file.reload() is None
    assert file.current is before


def test_faulty_edit_keeps_the_old_topics_and_is_told_once(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + ROW)
    file = WatchlistFile(path)
    write(tmp_path, HEADER + "VX,Vexil,planet,,,,\n")
    with pytest.raises(ConfigError, match="unknown kind 'planet'"):
        file.reload()
    assert file.current.topics == (TOPIC,)
    assert file.reload() is None
    write(tmp_path, HEADER + "VX,Vexil,company,,,,\n")
    mended = file.reload()
    assert mended is not None and mended.topics[0].id == "VX"


def test_deleted_file_keeps_the_old_topics_until_it_is_back(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + ROW)
    file = WatchlistFile(path)
    path.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        file.reload()
    assert file.reload() is None
    assert file.current.topics == (TOPIC,)
    write(tmp_path, HEADER + "VX,Vexil,company,,,,\n")
    back = file.reload()
    assert back is not None and back.topics[0].id == "VX"
    path.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        file.reload()


def test_faulty_edit_that_is_taken_back_is_no_change(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + ROW)
    file = WatchlistFile(path)
    write(tmp_path, HEADER)
    with pytest.raises(ConfigError, match="has no topic"):
        file.reload()
    write(tmp_path, HEADER + ROW)
    assert file.reload() is None
    assert file.current.topics == (TOPIC,)
