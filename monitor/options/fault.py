"""Faults of a configuration: where, what, and the remedy; and the words that every one of them uses."""

import difflib
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

_LOGIN = re.compile(r"(?<=://)[^/?#\s]*@")  # user and password in a URL
_MAX_PATH_CHARS = 200
_SHOWN_CHARS = 60  # of a wrong value: enough to find it, too few to flood a log


class Fault(NamedTuple):
    """One thing wrong: where, what, and what to do about it."""

    path: str
    problem: str
    remedy: str

    def given_in(self, origin: str) -> "Fault":
        """The same fault, saying where the value came from."""
        return self._replace(problem=f"{self.problem} ({origin})") if origin else self

    def sentence(self) -> str:
        """Path first, remedy last."""
        # A path may hold an unknown key, which may be any text at all.
        path = self.path if self.path.isprintable() and len(self.path) <= _MAX_PATH_CHARS else quote(self.path)
        return f"{path}: {self.problem}; {self.remedy}"


class Misfit(Exception):
    """A value that is not of its kind; `faults` have paths relative to it: `` or `[1].hop`."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.problem for fault in faults))
        self.faults = faults


def quote(raw: object) -> str:
    """A wrong value as a message shows it: on one line, cut, and without the passwords of URLs."""
    text = str(raw).lower() if isinstance(raw, bool) else repr(raw)
    shown = _LOGIN.sub("***@", text)
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[: _SHOWN_CHARS - 3]}..."


def type_word(raw: object) -> str:
    """What a raw YAML value is, in words."""
    words = {bool: "a truth value", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return "empty" if raw is None else words.get(type(raw), "a mapping")


def closest(key: str, known: Iterable[str]) -> str | None:
    """The known key that looks like a wrong one, if any does."""
    found = difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def nearest(key: str, known: Collection[str]) -> str:
    """The remedy for an unknown key: the known one that looks like it, or all."""
    close = closest(key, known)
    return f"did you mean {close}?" if close else f"known are {', '.join(known)}"
