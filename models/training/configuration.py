"""YAML files into declared settings: unknown keys refused, values of the wrong kind named with their key."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

Kind = TypeVar("Kind")


class SettingsError(ValueError):
    """A training configuration that cannot be used; the message names the key and the remedy."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The keys of a YAML file. Raises: SettingsError."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--config {path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"--config {path}: not YAML ({error})") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"--config {path}: holds no keys; see models/training/configs for examples")
    return raw


def build(kind: type[Kind], where: str, values: object) -> Kind:
    """A settings object of some keys. where: the key that holds them, empty at the top. Raises: SettingsError."""
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where}: must hold keys, for example {{}}; it is {values!r}")
    # Every kind is a dataclass, which no bound of a type variable can say.
    known = {one.name: one for one in fields(cast(Any, kind))}
    dot = f"{where}." if where else ""
    for key in values:
        if key not in known:
            raise SettingsError(f"{dot}{key}: unknown key; known are {', '.join(sorted(known))}")
    for name, one in known.items():
        if one.default is MISSING and one.default_factory is MISSING and name not in values:
            raise SettingsError(f"{dot}{name}: is missing")
    return kind(**{key: _cast(known[key].type, f"{dot}{key}", value) for key, value in values.items()})


def within(where: str, value: float, low: float, high: float, is_open: bool = False) -> None:
    """Raises: SettingsError: the value is not in [low, high], or in [low, high) where it is open."""
    if not (low <= value < high if is_open else low <= value <= high):
        raise SettingsError(f"{where}: {value} is not in [{low:g}, {high:g}{')' if is_open else ']'}")


def _cast(kind: Any, where: str, value: Any) -> Any:
    """The value as the declared type; types that hold other settings were built before."""
    if value is None and kind in (Path | None, int | None):
        return None
    if kind in (Path, Path | None):
        if not isinstance(value, str | Path):
            raise SettingsError(f"{where}: {value!r} is no path")
        return Path(value)
    if kind in (float, int, int | None):
        return _number(kind is not float, where, value)
    if kind is bool and not isinstance(value, bool):
        raise SettingsError(f"{where}: {value!r} is neither true nor false")
    if kind is str and not isinstance(value, str):
        raise SettingsError(f"{where}: {value!r} is no text")
    if kind == tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise SettingsError(f"{where}: must be a list of names, for example [fiqa, tfns]")
        return tuple(value)
    return value


def _number(is_whole: bool, where: str, value: Any) -> float | int:
    try:
        # YAML reads `8e-5` as text: it wants `8.0e-5`.
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None or not math.isfinite(number):
        raise SettingsError(f"{where}: {value!r} is no number")
    if is_whole and number != int(number):
        raise SettingsError(f"{where}: {value!r} is no whole number")
    return int(number) if is_whole else number
