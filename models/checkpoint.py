"""Checkpoint folders: what one holds, and the proof that it is whole before any of it is used.

`python -m models.export` makes them, the scorers read them. Order of events: manifest -> its keys -> the sha256 of
every file. Nothing in a folder can run code: numbers, a graph of standard operators, a vocabulary, JSON. Deliberately
left out: what is done with the files (`serving/`, `transformer.py`).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

from models.labels import LABELS

FORMAT: Final = 1
MANIFEST: Final = "checkpoint.json"
WEIGHTS, GRAPH, TOKENIZER = "weights.safetensors", "graph.onnx", "tokenizer.json"
FILES: Final = (WEIGHTS, GRAPH, TOKENIZER)
"""Files that a folder must hold beside its manifest. A README.md, the model card, may lie there too."""
INTEGER_GRAPH: Final = "graph-int8.onnx"
"""A second graph over the same weights, for processors that multiply 8-bit integers; with it come `ranges`."""
CONDITIONS: Final = ("target", "text")
"""Of an answer: a target was given and found, or the text is judged as a whole."""
_LEAST_TOKENS = 8
"""Of a window: the special ones and a few words. With fewer, a text would be read one word at a time."""
_LEAST_TEMPERATURE, _MOST_TEMPERATURE = 0.05, 20.0
MOST_SHIFT: Final = 5.0
"""Of a logit. A larger one would decide alone."""

_T = TypeVar("_T")


class CheckpointError(ValueError):
    """A model that cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of the network.

    Attributes:
        type: of the encoder, such as `bert`. width: of a token's vector. vocabulary, positions: rows of the tables.
        intermediate, head_width: neurons.
    """

    type: str
    layers: int
    width: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    layer_norm_eps: float
    head_width: int


@dataclass(frozen=True, slots=True)
class Range:
    """What goes into a matrix product, as it was seen on texts when the checkpoint was exported.

    Attributes:
        low, high: nearly all numbers lie in between, those of `kept` left out; low is at most 0, high above it.
        kept: channels with numbers far outside, ascending; they are multiplied in full precision.
    """

    low: float
    high: float
    kept: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `checkpoint.json` says.

    Attributes:
        languages: BCP 47 tags of the languages that it was trained on. max_tokens: of a window, special ones included.
        temperatures: of the logits, `target` where a target was given and found, else `text`; above 1 softens.
        neutral_shifts: what is added to the logit of neutral before that, by the same two keys; 0 where none is told.
        threshold_negative: p(negative) from which a text counts as negative, chosen on development rows.
        parameters: numbers in the network. files: sha256 by file name. trained_on: names of the data sets.
        ranges: by the name of a product's input (`models.serving.integers`); empty where there is no INTEGER_GRAPH.
    """

    name: str
    languages: tuple[str, ...]
    architecture: Architecture
    max_tokens: int
    temperatures: Mapping[str, float]
    threshold_negative: float
    parameters: int
    files: Mapping[str, str]
    trained_on: tuple[str, ...]
    licence: str
    neutral_shifts: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CONDITIONS, 0.0))
    ranges: Mapping[str, Range] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The name and eight digits of the weights' hash: it tells apart two checkpoints that share a name."""
        return f"{self.name}@{self.files[WEIGHTS][:8]}"


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest and check every file against it.

    Raises: CheckpointError: a file is missing or damaged, the format is unknown, or the labels are not in our order.
    """
    path = folder / MANIFEST
    manifest = _Reader(path, _read(path)).manifest()
    for name, digest in manifest.files.items():
        _check(folder / name, digest)
    return manifest


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CheckpointError(
            f"{path} is missing, so {path.parent} is no checkpoint folder: name another one, or make it with "
            "`python -m models.export`"
        ) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): see to its permissions") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged, it is not JSON ({error}); {_RESTORE}") from error


_RESTORE = "restore the folder from where it came, or export it again"


def _check(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing; {_RESTORE}") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): see to its permissions") from error
    if found != expected:
        raise CheckpointError(
            f"{path} is damaged: it has {size:,} bytes with sha256 {found[:8]}..., {MANIFEST} asks for "
            f"{expected[:8]}...; {_RESTORE}"
        )


class _Reader:
    """Takes a manifest apart, key by key; the first fault is told with its key."""

    def __init__(self, path: Path, raw: Any) -> None:
        self._path = path
        if not isinstance(raw, dict):
            raise CheckpointError(f"{path} is damaged, it holds no keys; {_RESTORE}")
        self._raw: dict[str, Any] = raw

    def manifest(self) -> Manifest:
        found = self._take("format", int, lambda one: one >= 1)
        if found != FORMAT:
            raise CheckpointError(
                f"{self._path}: format {found} is newer than what is read here ({FORMAT}): upgrade, or export the "
                "checkpoint with this version"
            )
        labels = self._texts("labels")
        if labels != LABELS:
            raise CheckpointError(
                f"{self._path}: labels: {', '.join(labels)} are not {', '.join(LABELS)} in this order, so its answers "
                "would be taken for one another; export the run again"
            )
        languages = self._texts("languages")
        if not languages:
            raise self._fault("languages", "name at least one, such as en")
        architecture = self._architecture()
        max_tokens = self._take("max_tokens", int, lambda one: _LEAST_TOKENS <= one <= architecture.positions)
        return Manifest(
            name=self._take("name", str, lambda one: bool(one.strip())),
            languages=languages,
            architecture=architecture,
            max_tokens=max_tokens,
            temperatures={name: self._temperature(name) for name in CONDITIONS},
            neutral_shifts=self._shifts(),
            threshold_negative=self._take("threshold_negative", float, lambda one: 0 < one < 1),
            parameters=self._take("parameters", int, lambda one: one > 0),
            files={name: self._sum(name) for name in self._file_names()},
            trained_on=self._texts("trained_on"),
            licence=self._take("licence", str),
            ranges=self._ranges(),
        )

    def _architecture(self) -> Architecture:
        reader = _Reader(self._path, self._take("architecture", dict))
        sizes = ("layers", "width", "heads", "intermediate", "vocabulary", "positions", "head_width")
        return Architecture(
            type=reader._take("type", str),
            layer_norm_eps=reader._take("layer_norm_eps", float, lambda one: one > 0),
            **{name: reader._take(name, int, lambda one: one > 0) for name in sizes},
        )

    def _temperature(self, name: str) -> float:
        reader = _Reader(self._path, self._take("temperatures", dict))
        return reader._take(name, float, lambda one: _LEAST_TEMPERATURE <= one <= _MOST_TEMPERATURE)

    def _shifts(self) -> dict[str, float]:
        key = "neutral_shifts"
        if key not in self._raw:  # Checkpoints of before 2026-11-27 have none.
            return dict.fromkeys(CONDITIONS, 0.0)
        reader = _Reader(self._path, self._take(key, dict))
        return {name: reader._take(name, float, lambda one: abs(one) <= MOST_SHIFT) for name in CONDITIONS}

    def _file_names(self) -> tuple[str, ...]:
        return (*FILES, INTEGER_GRAPH) if INTEGER_GRAPH in self._take("files", dict) else FILES

    def _ranges(self) -> dict[str, Range]:
        if INTEGER_GRAPH not in self._file_names():
            return {}
        found = self._take("ranges", dict)
        return {name: _Reader(self._path, self._take_from(found, name))._range() for name in found}

    def _range(self) -> Range:
        kept = self._take("kept", list, lambda one: all(isinstance(each, int) and each >= 0 for each in one))
        if any(later <= former for former, later in pairwise(kept)):
            raise self._fault("kept", "they must ascend")
        return Range(
            low=self._take("low", float, lambda one: one <= 0),
            high=self._take("high", float, lambda one: one > 0),
            kept=tuple(kept),
        )

    def _take_from(self, found: Mapping[str, Any], name: str) -> dict[str, Any]:
        entry = found[name]
        if not isinstance(entry, dict):
            raise self._fault(f"ranges: {name}", "it must hold low, high and kept")
        return entry

    def _sum(self, name: str) -> str:
        reader = _Reader(self._path, self._take("files", dict))
        return reader._take(name, str, lambda one: len(one) == 64)

    def _texts(self, key: str) -> tuple[str, ...]:
        found = self._take(key, list)
        if not all(isinstance(one, str) for one in found):
            raise self._fault(key, "it must be a list of texts")
        return tuple(found)

    def _take(self, key: str, kind: type[_T], is_fit: Callable[[_T], bool] = lambda _: True) -> _T:
        if key not in self._raw:
            raise self._fault(key, "the key is missing")
        found = self._raw[key]
        if kind is float and isinstance(found, int) and not isinstance(found, bool):
            found = float(found)
        # True is an int to Python, but no size.
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool) or not is_fit(found):
            raise self._fault(key, f"{found!r} is no value that it can have")
        return found

    def _fault(self, key: str, why: str) -> CheckpointError:
        return CheckpointError(f"{self._path}: {key}: {why}; {_RESTORE}")
