"""The numbers of the integer graph, against a product in full precision. The graph itself is run in `test_onnx.py`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="a checkpoint to quantise is made with torch: make setup-full")

from models.checkpoint import CheckpointError, Manifest, Range, load_manifest
from models.exporting.weights import save_weights
from models.serving.integers import BITS, MATRICES, Arrays, as_json, input_names, make_numbers
from models.shipped import shipped
from models.weights import FloatArray, WeightFile, load_weights
from tests.models.serving.bert import LAYERS, make_integers

LEVELS = 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_integers(tmp_path_factory.mktemp("integers") / "tiny")


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Manifest:
    return load_manifest(folder)


def matrix_of(folder: Path, name: str) -> tuple[FloatArray, FloatArray]:
    """What an input is multiplied with in full precision, (n_in, n_out), and the bias."""
    _, number, kind = name.split(".", 2)
    file = WeightFile(folder / "weights.safetensors")
    names = [f"encoder.encoder.layer.{number}.{one}" for one in MATRICES[kind]]
    weights = [file.read(f"{one}.weight") for one in names]
    return np.concatenate(weights).T, np.concatenate([file.read(f"{one}.bias") for one in names])


def multiply(numbers: Arrays, name: str, inputs: FloatArray) -> FloatArray:
    """inputs (n, n_in) -> (n, n_out): what the graph computes, in exact integers."""
    step, zero, matrix, steps, bias = (numbers[f"{name}.{one}"] for one in ("step", "zero", "matrix", "steps", "bias"))
    integers = np.clip(np.rint(inputs / step) + int(zero), 0, LEVELS).astype(np.int64) - int(zero)
    found: FloatArray = (integers @ matrix.astype(np.int64)) * step * steps + bias
    if f"{name}.kept" in numbers:
        found += inputs[:, numbers[f"{name}.kept"]] @ numbers[f"{name}.rest"]
    return found


@pytest.mark.parametrize("bits", BITS)
def test_products_are_those_of_full_precision_within_their_steps(folder: Path, manifest: Manifest, bits: int) -> None:
    numbers = make_numbers(folder, manifest, bits)
    chance = np.random.default_rng(1)
    assert input_names(LAYERS) == list(manifest.ranges)
    for name, given_range in manifest.ranges.items():
        matrix, bias = matrix_of(folder, name)
        inputs = chance.uniform(given_range.low, given_range.high, (50, len(matrix))).astype(np.float32)
        inputs[:, given_range.kept] *= 40  # Far outside the range: they must not be cut.
        off = np.abs(multiply(numbers, name, inputs) - (inputs @ matrix + bias))
        step = float(numbers[f"{name}.step"])
        # Each addend is off by half a step of its activation, and by half a step of its weight.
        others = np.abs(np.delete(inputs, given_range.kept, axis=1))
        most = 0.5 * step * np.abs(matrix).sum(axis=0) + (others + step).sum(axis=1, keepdims=True) * 0.5 * numbers[
            f"{name}.steps"
        ]
        assert (off <= most + 1e-3).all()


@pytest.mark.parametrize("bits", BITS)
def test_integers_fit_into_their_bits_and_use_them(folder: Path, manifest: Manifest, bits: int) -> None:
    numbers = make_numbers(folder, manifest, bits)
    most = 2 ** (bits - 1) - 1
    for name in manifest.ranges:
        matrix = numbers[f"{name}.matrix"]
        assert matrix.dtype == np.int8
        assert np.abs(matrix.astype(int)).max(axis=0).tolist() == [most] * matrix.shape[1]
    assert 2 * LEVELS * most < 2**15 or bits == 8


@pytest.mark.parametrize("bits", BITS)
def test_kept_channels_are_exact_and_zero_among_the_integers(folder: Path, manifest: Manifest, bits: int) -> None:
    numbers = make_numbers(folder, manifest, bits)
    for name, given_range in manifest.ranges.items():
        kept = list(given_range.kept)
        assert bool(kept) == (f"{name}.kept" in numbers)
        if kept:
            assert numbers[f"{name}.kept"].tolist() == kept
            assert not numbers[f"{name}.matrix"][kept].any()
            assert np.array_equal(numbers[f"{name}.rest"], matrix_of(folder, name)[0][kept])


def test_matrix_that_is_stored_in_8_bits_is_not_rounded_again(folder: Path, manifest: Manifest, tmp_path: Path) -> None:
    save_weights(load_weights(folder / "weights.safetensors"), tmp_path / "weights.safetensors", 8)
    file = WeightFile(tmp_path / "weights.safetensors")
    numbers = make_numbers(tmp_path, manifest, 8)
    for number in range(LAYERS):
        name = f"layer.{number}.attention.output"  # No channel of these is kept.
        stored = file.read_integers(f"encoder.encoder.{name}.dense.weight")
        assert stored is not None
        assert np.array_equal(numbers[f"{name}.matrix"].T, stored[0])
        assert np.array_equal(numbers[f"{name}.steps"], stored[1])
        name = f"layer.{number}.output"
        stored = file.read_integers(f"encoder.encoder.{name}.dense.weight")
        assert stored is not None
        others = np.setdiff1d(np.arange(stored[0].shape[1]), manifest.ranges[name].kept)
        assert np.array_equal(numbers[f"{name}.matrix"].T[:, others], stored[0][:, others])


def test_seven_bits_of_a_matrix_that_is_stored_in_eight_are_within_half_a_step(
    folder: Path, manifest: Manifest, tmp_path: Path
) -> None:
    save_weights(load_weights(folder / "weights.safetensors"), tmp_path / "weights.safetensors", 8)
    numbers = make_numbers(tmp_path, manifest, 7)
    name = "layer.1.attention.output"
    found = numbers[f"{name}.matrix"] * numbers[f"{name}.steps"]
    assert (np.abs(found - matrix_of(tmp_path, name)[0]) <= numbers[f"{name}.steps"] * 0.5001).all()


def test_neuron_whose_weights_are_all_zero_stays_so(folder: Path, manifest: Manifest, tmp_path: Path) -> None:
    weights = load_weights(folder / "weights.safetensors")
    weights["encoder.encoder.layer.0.intermediate.dense.weight"][3] = 0.0
    save_weights(weights, tmp_path / "weights.safetensors", 16)
    for bits in BITS:
        numbers = make_numbers(tmp_path, manifest, bits)
        assert not numbers["layer.0.intermediate.matrix"][:, 3].any()
        assert np.isfinite(numbers["layer.0.intermediate.steps"]).all()


@settings(max_examples=30)
@given(st.floats(-50, 0, width=32), st.floats(2**-19, 50, width=32))
def test_nothing_is_always_nothing(manifest: Manifest, folder: Path, low: float, high: float) -> None:
    """What is zero in full precision must be so among the integers, wherever the range lies."""
    name = "layer.0.attention.output"
    ranges = {**manifest.ranges, name: Range(low, high, ())}
    numbers = make_numbers(folder, replace(manifest, ranges=ranges), 8)
    bias = numbers[f"{name}.bias"]
    assert np.array_equal(multiply(numbers, name, np.zeros((1, len(bias)), np.float32))[0], bias)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda ranges: ranges.pop("layer.1.output"), r"ranges: layer\.1\.output is missing; run `python -m models\.q"),
        (
            lambda ranges: ranges.update({"layer.0.intermediate": Range(-1.0, 1.0, (3, 32))}),
            r"ranges: layer\.0\.intermediate: kept: there are 32 channels, none of number 32; run",
        ),
    ],
)
def test_ranges_that_do_not_fit_the_network_are_named(
    folder: Path, manifest: Manifest, spoil: Callable[[dict[str, Range]], object], message: str
) -> None:
    ranges = dict(manifest.ranges)
    spoil(ranges)
    with pytest.raises(CheckpointError, match=message):
        make_numbers(folder, replace(manifest, ranges=ranges), 8)


def test_ranges_come_back_from_the_manifest_as_they_were_written(manifest: Manifest) -> None:
    assert {name: Range(**{**one, "kept": tuple(one["kept"])}) for name, one in as_json(manifest.ranges).items()} == (
        manifest.ranges
    )


@pytest.mark.parametrize("name", ["default", "commercial", "chinese"])
def test_shipped_checkpoints_have_a_range_for_every_product(name: str) -> None:
    manifest = load_manifest(shipped(name))
    assert list(manifest.ranges) == input_names(manifest.architecture.layers)
