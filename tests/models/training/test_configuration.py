from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models.training.configuration import SettingsError, build, read_yaml, within


@dataclass(frozen=True, slots=True)
class Inner:
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Outer:
    folder: Path
    rate: float = 0.1
    count: int = 2
    layers: int | None = None
    is_kept: bool = False
    word: str = "a"
    names: tuple[str, ...] = ()
    inner: Inner = field(default_factory=Inner)


def test_values_become_what_is_declared() -> None:
    found = build(Outer, "", {"folder": "x", "rate": "8e-5", "count": 3.0, "layers": None, "names": ["a", "b"]})
    assert found == Outer(Path("x"), 8e-5, 3, None, names=("a", "b"))
    assert isinstance(found.count, int)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "folder: is missing"),
        ({"folder": "x", "rat": 1}, "rat: unknown key; known are count, folder"),
        ({"folder": 3}, "folder: 3 is no path"),
        ({"folder": "x", "rate": "fast"}, "rate: 'fast' is no number"),
        ({"folder": "x", "rate": True}, "rate: True is no number"),
        ({"folder": "x", "rate": None}, "rate: None is no number"),
        ({"folder": "x", "rate": ".nan"}, "rate: '.nan' is no number"),
        ({"folder": "x", "rate": float("nan")}, "rate: nan is no number"),
        ({"folder": "x", "count": 2.5}, "count: 2.5 is no whole number"),
        ({"folder": "x", "count": float("inf")}, "count: inf is no number"),
        ({"folder": "x", "layers": "all"}, "layers: 'all' is no number"),
        ({"folder": "x", "is_kept": "yes"}, "is_kept: 'yes' is neither true nor false"),
        ({"folder": "x", "word": 5}, "word: 5 is no text"),
        ({"folder": "x", "names": "fiqa"}, "names: must be a list of names"),
        ({"folder": "x", "names": [1]}, "names: must be a list of names"),
        ([], "must hold keys"),
    ],
)
def test_fault_names_the_key(values: object, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        build(Outer, "", values)
    assert told in str(error.value)


def test_inner_key_is_told_with_its_place() -> None:
    with pytest.raises(SettingsError, match=r"^inner\.shar: unknown key"):
        build(Inner, "inner", {"shar": 1})


def test_bounds_may_be_open_above() -> None:
    within("share", 1.0, 0, 1)
    with pytest.raises(SettingsError, match=r"dropout: 1.0 is not in \[0, 1\)"):
        within("dropout", 1.0, 0, 1, is_open=True)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"a: [", "not YAML"), (b"- a", "holds no keys"), (b"", "holds no keys"), (b"\xff", "not YAML")],
)
def test_file_without_keys_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        read_yaml(path)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_yaml(tmp_path / "c.yaml")
