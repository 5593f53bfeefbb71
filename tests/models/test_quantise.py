"""A checkpoint gets its graph of integers, or is left as it was."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="ranges are measured with torch: make setup-full")

from models import quantise as room
from models.checkpoint import INTEGER_GRAPH, Range, load_manifest
from models.corpus.rows import DataError
from models.exporting.ranges import observe
from models.exporting.weights import ExportError
from models.quantise import main, quantise_checkpoint, write_manifest, written_windows
from models.serving import onnx
from models.serving.integers import input_names
from models.shipped import shipped
from tests.models.serving.bert import LAYERS, LONGEST, make_bert
from tests.models.tiny import make_windows

WINDOWS = make_windows(60)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bert(tmp_path_factory.mktemp("quantise") / "tiny")


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "tiny")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_checkpoint_gets_a_graph_and_ranges_and_keeps_all_else(folder: Path) -> None:
    before, old = bytes_of(folder), load_manifest(folder)
    apart = quantise_checkpoint(folder, WINDOWS)
    after, new = bytes_of(folder), load_manifest(folder)
    assert set(after) == {*before, INTEGER_GRAPH}
    assert {name for name in before if before[name] != after[name]} == {"checkpoint.json"}
    assert new.files == {**old.files, INTEGER_GRAPH: hashlib.sha256(after[INTEGER_GRAPH]).hexdigest()}
    assert list(new.ranges) == input_names(LAYERS)
    assert replace(new, files=old.files, ranges={}) == old
    assert 0 < apart < room.MOST_APART
    assert onnx.int8(folder, new, 1, 7).logits(WINDOWS).shape == (60, 3)


def test_graph_holds_no_weight(folder: Path) -> None:
    quantise_checkpoint(folder, WINDOWS)
    graph = (folder / INTEGER_GRAPH).read_bytes()
    weights = (folder / "weights.safetensors").read_bytes()
    pieces = [weights[at : at + 64] for at in range(4_096, len(weights) - 64, 997)]
    assert len(pieces) > 20
    assert not any(piece in graph for piece in pieces if any(piece))
    assert len(graph) < 25_000


def test_same_checkpoint_and_texts_give_the_same_bytes_however_often(folder: Path) -> None:
    quantise_checkpoint(folder, WINDOWS)
    once = bytes_of(folder)
    quantise_checkpoint(folder, WINDOWS)
    assert bytes_of(folder) == once


def test_answers_too_far_apart_are_refused_and_nothing_is_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bytes_of(folder)
    # Steps a thousand times too coarse, as a range that one outlier has blown up would make them.
    monkeypatch.setattr(
        room,
        "observe",
        lambda *asked: {
            name: Range(one.low * 1_000, one.high * 1_000, one.kept) for name, one in observe(*asked).items()
        },
    )
    with pytest.raises(ExportError, match=r"graph-int8\.onnx: its probabilities are 0\.\d+ from .*: serve this checkp"):
        quantise_checkpoint(folder, WINDOWS)
    assert bytes_of(folder) == before


def test_too_few_texts_are_refused_and_nothing_is_changed(folder: Path) -> None:
    before = bytes_of(folder)
    with pytest.raises(ExportError, match="fewer than 200 tokens"):
        quantise_checkpoint(folder, WINDOWS[:3])
    assert bytes_of(folder) == before


def test_manifest_has_a_line_for_each_range_and_is_read_back_as_it_was() -> None:
    ranges = {"a": {"low": -1.0, "high": 2.0, "kept": [1, 2]}, "b": {"low": 0.0, "high": 1.0, "kept": []}}
    raw: dict[str, object] = {"name": "é", "files": {"x": "y"}, "ranges": ranges}
    text = write_manifest(raw)
    assert json.loads(text) == raw
    assert re.findall(r"^  \"[ab]\": \{.*\}", text, re.MULTILINE) == [
        '  "a": {"low": -1.0, "high": 2.0, "kept": [1, 2]}',
        '  "b": {"low": 0.0, "high": 1.0, "kept": []}',
    ]
    del raw["ranges"]
    assert json.loads(write_manifest(raw)) == raw
    assert write_manifest(raw).endswith("}\n")


@pytest.mark.parametrize("name", ["default", "commercial", "chinese"])
def test_shipped_manifests_are_as_they_are_written(name: str) -> None:
    text = (shipped(name) / "checkpoint.json").read_text(encoding="utf-8")
    assert write_manifest(json.loads(text)) == text


def test_texts_are_those_of_the_languages_and_always_the_same(exported: Path) -> None:
    tokenizer = exported / "tokenizer.json"
    english, chinese = (written_windows(tokenizer, languages, LONGEST) for languages in (["en-GB"], ["zh-Hans"]))
    assert english == written_windows(tokenizer, ["en"], LONGEST)
    assert english != chinese
    assert len(english) >= room.MOST_TEXTS
    assert max(len(window.ids) for window in english) <= LONGEST
    assert any(window.targets for window in english)
    with pytest.raises(DataError, match="holds no text in fr, de: name a file of such texts with --texts"):
        written_windows(tokenizer, ["fr", "de"], LONGEST)


@pytest.mark.slow
def test_command_measures_on_our_texts_or_on_those_that_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder)]) == 0
    assert re.fullmatch(rf"{re.escape(str(folder))}: probabilities differ by 0\.0\d+ on .*\n", capsys.readouterr().out)
    ours = load_manifest(folder).ranges
    texts = tmp_path / "texts.csv"
    rows = "".join(f"the loss of bank {number} after fraud,,negative,en,me\n" for number in range(60))
    texts.write_text("text,target,label,lang,source\n" + rows)
    assert main([str(folder), "--texts", str(texts)]) == 0
    assert load_manifest(folder).ranges != ours


def test_folder_or_texts_of_no_use_are_told_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([str(tmp_path / "nowhere")], [str(folder), "--texts", str(tmp_path / "nowhere.csv")]):
        assert main(arguments) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert "nowhere" in line
