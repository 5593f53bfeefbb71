"""Tree: the options of a dataclass of sections, by path, and the way between such a dataclass and flat values."""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields, is_dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from monitor.options.option import OPTION, Option

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

C = TypeVar("C", bound="DataclassInstance")


class OptionTree(Generic[C]):
    """Options of a dataclass: those of its own fields, then those of its sections, fields with a dataclass in them.

    Attributes:
        options: every option by path, `section.key`, in the order of declaration.
        words: the docstring of each section by name.
    """

    def __init__(self, kind: type[C]) -> None:
        self._make: Callable[..., C] = kind
        self._sections: dict[str, Callable[..., object]] = {}
        self._fields: dict[str, tuple[str, str]] = {}
        self.options: dict[str, Option[object]] = {}
        self.words: dict[str, str] = {}
        for part in fields(kind):
            self._declare("", part)
        for part in fields(kind):
            section = part.default
            if is_dataclass(section) and not isinstance(section, type):
                self._sections[part.name] = type(section)
                self.words[part.name] = (section.__doc__ or "").strip()
                for inner in fields(section):
                    self._declare(part.name, inner)

    def flatten(self, config: C) -> dict[str, object]:
        """The value of every option by path."""
        return {
            path: getattr(getattr(config, section) if section else config, name)
            for path, (section, name) in self._fields.items()
        }

    def build(self, values: Mapping[str, object], **others: object) -> C:
        """The dataclass that holds these values, and `others` in fields that are no options."""
        given: dict[str, dict[str, object]] = {}
        for path, (section, name) in self._fields.items():
            given.setdefault(section, {})[name] = values[path]
        sections = {section: make(**given[section]) for section, make in self._sections.items()}
        return self._make(**given.get("", {}), **sections, **others)

    def nest(self, shown: Mapping[str, object]) -> dict[str, object]:
        """Flat values as the mapping of sections that a YAML file holds."""
        nested: dict[str, object] = {}
        sections: dict[str, dict[str, object]] = {}
        for path, value in shown.items():
            section, _, key = path.rpartition(".")
            if section:
                nested[section] = sections.setdefault(section, {})
                sections[section][key] = value
            else:
                nested[key] = value
        return nested

    def _declare(self, section: str, part: "Field[object]") -> None:
        if OPTION in part.metadata:
            # The unit at the end of a field's name is no part of the key: in YAML the value carries it.
            key = part.name.removesuffix("_ms")
            path = f"{section}.{key}" if section else key
            self.options[path] = part.metadata[OPTION]
            self._fields[path] = (section, part.name)
