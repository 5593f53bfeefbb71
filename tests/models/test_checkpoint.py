"""Checkpoint folders: whole ones are read, all others refused with the file and the remedy."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from models.checkpoint import FILES, INTEGER_GRAPH, CheckpointError, Range, load_manifest
from models.labels import LABELS
from tests.models.tiny import make_checkpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("whole") / "tiny")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "tiny")


def change(folder: Path, key: str, value: Any) -> None:
    """Set a key of the manifest, `a.b` within another; ... takes it away."""
    path = folder / "checkpoint.json"
    manifest = json.loads(path.read_text())
    *outer, last = key.split(".")
    inner = manifest
    for one in outer:
        inner = inner[one]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    path.write_text(json.dumps(manifest))


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_manifest(folder)
    return str(caught.value)


def test_manifest_of_a_whole_folder_is_read(whole: Path) -> None:
    manifest = load_manifest(whole)
    assert (manifest.name, manifest.languages, manifest.max_tokens) == ("tiny-1", ("en", "zh"), 32)
    assert manifest.temperatures == {"target": 1.0, "text": 1.0}
    assert manifest.architecture.width == 32
    assert manifest.version == f"tiny-1@{manifest.files['weights.safetensors'][:8]}"


def test_card_beside_the_files_is_nobodys_concern(folder: Path) -> None:
    (folder / "README.md").write_text("# Tiny")
    load_manifest(folder)


def test_keys_that_a_later_version_adds_are_passed_over(folder: Path) -> None:
    change(folder, "colour", "blue")
    load_manifest(folder)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named_with_the_remedy(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder) == f"{folder / name} is missing; restore the folder from where it came, or export it again"


@pytest.mark.parametrize("name", FILES)
def test_one_changed_bit_in_a_file_is_noticed(folder: Path, name: str) -> None:
    raw = bytearray((folder / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / name).write_bytes(raw)
    assert f"{folder / name} is damaged: it has {len(raw):,} bytes with sha256" in refusal(folder)
    assert "restore the folder" in refusal(folder)


def test_file_that_was_cut_off_is_noticed(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert f"{path} is damaged" in refusal(folder)


def test_folder_in_the_place_of_a_file_is_no_file(folder: Path) -> None:
    (folder / "graph.onnx").unlink()
    (folder / "graph.onnx").mkdir()
    assert refusal(folder).startswith(f"{folder / 'graph.onnx'} cannot be read (Is a directory)")


def test_folder_without_a_manifest_is_no_checkpoint(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert refusal(folder) == (
            f"{folder / 'checkpoint.json'} is missing, so {folder} is no checkpoint folder: name another one, or make "
            "it with `python -m models.export`"
        )


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"en"', "\x00\xff", "{} {}"])
def test_manifest_that_is_no_object_is_damaged(folder: Path, text: str) -> None:
    (folder / "checkpoint.json").write_text(text, encoding="latin-1")
    assert refusal(folder).startswith(f"{folder / 'checkpoint.json'} is damaged, it ")
    assert "restore the folder" in refusal(folder)


def test_format_of_a_later_version_asks_for_an_upgrade(folder: Path) -> None:
    change(folder, "format", 2)
    assert "format 2 is newer than what is read here (1): upgrade" in refusal(folder)


@pytest.mark.parametrize(
    "labels",
    [LABELS[::-1], ("neutral", "negative", "positive"), LABELS[:2], ("bad", "neutral", "good"), (*LABELS, "mixed"), ()],
    ids=", ".join,
)
def test_labels_in_another_order_or_of_other_names_are_refused(folder: Path, labels: tuple[str, ...]) -> None:
    change(folder, "labels", list(labels))
    assert f"labels: {', '.join(labels)} are not negative, neutral, positive in this order" in refusal(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "1"),
        ("format", 0),
        ("name", ""),
        ("languages", []),
        ("languages", "en"),
        ("labels", [1, 2, 3]),
        ("architecture", []),
        ("architecture.layers", 0),
        ("architecture.width", 1.5),
        ("architecture.vocabulary", True),
        ("architecture.type", None),
        ("max_tokens", 7),
        ("max_tokens", 513),
        ("temperatures.text", 0),
        ("temperatures.target", float("nan")),
        ("temperatures.target", "1"),
        ("threshold_negative", 1),
        ("parameters", -1),
        ("files", None),
        ("files.graph.onnx", ...),
        ("trained_on", None),
        ("licence", 5),
    ],
)
def test_value_that_cannot_be_is_told_with_its_key(folder: Path, key: str, value: Any) -> None:
    if key == "files.graph.onnx":
        manifest = json.loads((folder / "checkpoint.json").read_text())
        del manifest["files"]["graph.onnx"]
        (folder / "checkpoint.json").write_text(json.dumps(manifest))
    else:
        change(folder, key, value)
    assert refusal(folder).startswith(f"{folder / 'checkpoint.json'}: {key.partition('.')[2] or key}: ")


@pytest.mark.parametrize(
    "key",
    [
        *("format", "name", "languages", "labels", "architecture", "max_tokens", "temperatures", "threshold_negative"),
        *("parameters", "files", "trained_on", "licence", "temperatures.target", "architecture.positions"),
    ],
)
def test_missing_key_is_told(folder: Path, key: str) -> None:
    change(folder, key, ...)
    assert f"{key.split('.')[-1]}: the key is missing; restore the folder" in refusal(folder)


def test_shift_of_neutral_is_none_where_none_is_told(folder: Path) -> None:
    assert load_manifest(folder).neutral_shifts == {"target": 0.0, "text": 0.0}
    change(folder, "neutral_shifts", {"target": -0.4, "text": 0})
    assert load_manifest(folder).neutral_shifts == {"target": -0.4, "text": 0.0}
    change(folder, "neutral_shifts", {"target": -0.4})
    with pytest.raises(CheckpointError, match="text: the key is missing"):
        load_manifest(folder)
    change(folder, "neutral_shifts", {"target": -0.4, "text": 5.5})
    with pytest.raises(CheckpointError, match=r"text: 5\.5 is no value"):
        load_manifest(folder)


def test_whole_numbers_will_do_for_temperatures(folder: Path) -> None:
    change(folder, "temperatures", {"target": 1, "text": 2})
    assert load_manifest(folder).temperatures == {"target": 1.0, "text": 2.0}


# ---- the graph of integers, where there is one

RANGE = {"low": -1.5, "high": 2, "kept": [0, 3, 7]}


@pytest.fixture
def integers(folder: Path) -> Path:
    """A folder with a second graph and a range, as far as a manifest tells."""
    (folder / INTEGER_GRAPH).write_bytes(b"a graph")
    path = folder / "checkpoint.json"
    manifest = json.loads(path.read_text())
    manifest["files"][INTEGER_GRAPH] = hashlib.sha256(b"a graph").hexdigest()
    manifest["ranges"] = {"layer.0.output": dict(RANGE)}
    path.write_text(json.dumps(manifest))
    return folder


def change_range(folder: Path, key: str, value: Any) -> None:
    path = folder / "checkpoint.json"
    manifest = json.loads(path.read_text())
    if value is ...:
        del manifest["ranges"]["layer.0.output"][key]
    else:
        manifest["ranges"]["layer.0.output"][key] = value
    path.write_text(json.dumps(manifest))


def test_ranges_are_read_where_there_is_a_graph_of_integers(integers: Path, whole: Path) -> None:
    assert load_manifest(integers).ranges == {"layer.0.output": Range(-1.5, 2.0, (0, 3, 7))}
    assert load_manifest(whole).ranges == {}


def test_graph_of_integers_is_checked_as_every_file_is(integers: Path) -> None:
    graph = integers / INTEGER_GRAPH
    graph.write_bytes(b"a grapH")
    assert f"{graph} is damaged: it has 7 bytes" in refusal(integers)
    graph.unlink()
    assert refusal(integers) == f"{graph} is missing; restore the folder from where it came, or export it again"


def test_graph_of_integers_that_the_manifest_does_not_name_is_nobodys_concern(folder: Path) -> None:
    (folder / INTEGER_GRAPH).write_bytes(b"left over")
    assert load_manifest(folder).ranges == {}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("low", ..., "low: the key is missing"),
        ("high", ..., "high: the key is missing"),
        ("kept", ..., "kept: the key is missing"),
        ("low", 0.1, "low: 0.1 is no value"),
        ("low", "-1", "low: '-1' is no value"),
        ("low", float("-inf"), "low: -inf is no value"),
        ("low", float("nan"), "low: nan is no value"),
        ("high", 0, "high: 0.0 is no value"),
        ("high", float("inf"), "high: inf is no value"),
        ("kept", [1, -1], "kept: [1, -1] is no value"),
        ("kept", [0.5], "kept: [0.5] is no value"),
        ("kept", "all", "kept: 'all' is no value"),
        ("kept", [3, 1], "kept: they must ascend"),
        ("kept", [3, 3], "kept: they must ascend"),
    ],
)
def test_range_that_cannot_be_is_told_with_its_key(integers: Path, key: str, value: Any, message: str) -> None:
    change_range(integers, key, value)
    assert f"{integers / 'checkpoint.json'}: {message}" in refusal(integers)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (..., "ranges: the key is missing"),
        ([], "ranges: [] is no value"),
        ({"layer.0.output": 3}, "ranges: layer.0.output: it must hold low, high and kept"),
    ],
)
def test_ranges_that_are_none_are_told(integers: Path, ranges: Any, message: str) -> None:
    change(integers, "ranges", ranges)
    assert f"{integers / 'checkpoint.json'}: {message}" in refusal(integers)
