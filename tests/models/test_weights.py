"""The weight file, read without its library. What writes it is tested in `test_export.py`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from models.weights import SCALE, WeightFile, load_weights, locate, restore

Array = npt.NDArray[Any]
KINDS = {np.dtype(np.float16): "F16", np.dtype(np.int8): "I8"}


def write(path: Path, tensors: dict[str, Array], **more: Any) -> Path:
    """A file in the form of safetensors."""
    header: dict[str, Any] = dict(more)
    body = b""
    for name, one in tensors.items():
        offsets = [len(body), len(body) + one.nbytes]
        header[name] = {"dtype": KINDS[one.dtype], "shape": list(one.shape), "data_offsets": offsets}
        body += one.tobytes()
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + body)
    return path


@pytest.fixture
def tensors() -> dict[str, Array]:
    return {
        "bias": np.array([0.5, -2.0, 65504.0], np.float16),
        "table": np.arange(12, dtype=np.float16).reshape(3, 4),
        "matrix": np.array([[127, -127, 0, 3], [1, 2, 3, 4]], np.int8),
        f"matrix{SCALE}": np.array([0.25, 2.0], np.float16),
        "empty": np.zeros((0, 4), np.float16),
    }


@pytest.fixture
def path(tmp_path: Path, tensors: dict[str, Array]) -> Path:
    return write(tmp_path / "weights.safetensors", tensors, __metadata__={"format": "pt"})


def test_each_tensor_lies_where_it_is_said_to(path: Path, tensors: dict[str, Array]) -> None:
    raw, places = path.read_bytes(), locate(path)
    assert list(places) == list(tensors)
    for name, place in places.items():
        assert raw[place.start : place.start + place.length] == tensors[name].tobytes()
        assert (place.kind, place.shape) == (KINDS[tensors[name].dtype], tensors[name].shape)


def test_tensors_are_read_one_by_one_in_single_precision(path: Path, tensors: dict[str, Array]) -> None:
    file = WeightFile(path)
    for name in ("bias", "table", "empty"):
        found = file.read(name)
        assert found.dtype == np.float32
        assert np.array_equal(found, tensors[name])
        assert file.shape(name) == tensors[name].shape
        assert file.read_integers(name) is None


def test_matrix_of_8_bits_is_read_as_it_is_stored_or_with_its_scales(path: Path, tensors: dict[str, Array]) -> None:
    file = WeightFile(path)
    stored = file.read_integers("matrix")
    assert stored is not None
    integers, scales = stored
    assert (integers.dtype.name, scales.dtype.name) == ("int8", "float32")
    assert np.array_equal(integers, tensors["matrix"])
    assert file.read("matrix").tolist() == [[31.75, -31.75, 0.0, 0.75], [2.0, 4.0, 6.0, 8.0]]
    assert np.array_equal(file.read("matrix"), restore(integers, scales))


def test_what_was_read_may_be_changed_without_changing_the_file(path: Path) -> None:
    before = path.read_bytes()
    file = WeightFile(path)
    for name in ("bias", "matrix"):
        file.read(name)[:] = 7.0
        assert (file.read(name) != 7.0).all()
    assert path.read_bytes() == before


def test_all_of_a_file_is_every_tensor_without_the_scales(path: Path) -> None:
    found = load_weights(path)
    assert list(found) == ["bias", "table", "matrix", "empty"]
    assert {one.dtype for one in found.values()} == {np.dtype(np.float32)}


def test_unknown_name_is_a_key_error(path: Path) -> None:
    file = WeightFile(path)
    for ask in (file.read, file.shape):
        with pytest.raises(KeyError):
            ask("head.9.weight")
