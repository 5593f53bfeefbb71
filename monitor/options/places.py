"""Kinds of places: where documents come from, paths of files, and the secret addresses of web hooks."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from monitor.options.fault import Fault, Misfit, type_word
from monitor.options.kind import Kind
from monitor.options.scalars import Text

MASK = "********"


class Secret:
    """A text that shows itself to nobody who does not ask: every repr, dump and log has the mask in its place."""

    # No dataclass: `dataclasses.asdict` would take one apart and print what is inside.
    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one request that needs it."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class FeedPlace(Text):
    """A file, `-` or a URL that documents come from."""

    __slots__ = ()

    def check(self, value: str) -> None:
        Text.check(self, value)
        # Feed places are printed in logs, metrics and alerts, so a password in one would be everywhere.
        if re.match(r"[a-z][a-z0-9+.-]*://[^/?#]*@", value, re.IGNORECASE):
            raise Misfit(Fault("", "is a URL that carries a user or password", "give the URL without them"))


class PathNeed(StrEnum):
    """What has to be there before the monitor starts."""

    FILE = "an existing file"
    DIRECTORY = "an existing directory"
    PARENT = "a file, which may be new, in an existing directory"


@dataclass(frozen=True, slots=True)
class FilePath(Kind[Path]):
    need: PathNeed

    def takes_text(self) -> bool:
        return True

    def describe(self) -> str:
        return "path"

    def limits(self) -> str:
        return self.need.value

    def parse(self, raw: object) -> Path:
        return Path(Text().read(raw))

    def check(self, value: Path) -> None:
        try:
            is_there, is_directory = value.exists(), value.is_dir()
            has_parent = value.parent.is_dir()
        except OSError as error:
            raise Misfit(Fault("", f"{value} cannot be looked at: {error.strerror}", self.wanted())) from error
        if self.need is PathNeed.DIRECTORY and not is_directory:
            raise Misfit(Fault("", f"there is no directory {value}", self.wanted()))
        if self.need is not PathNeed.DIRECTORY and is_directory:
            raise Misfit(Fault("", f"{value} is a directory", self.wanted()))
        if self.need is PathNeed.FILE and not is_there:
            raise Misfit(Fault("", f"there is no file {value}", self.wanted()))
        if self.need is PathNeed.PARENT and not has_parent:
            raise Misfit(Fault("", f"there is no directory {value.parent}", self.wanted()))

    def show(self, value: Path) -> object:
        return str(value)

    def wanted(self) -> str:
        return f"give {self.need.value}, relative paths starting at the working directory"


@dataclass(frozen=True, slots=True)
class SecretUrl(Kind[Secret]):
    """The address of a web hook, which is itself the key to it: its faults never quote it."""

    def takes_text(self) -> bool:
        return True

    def is_secret(self) -> bool:
        return True

    def describe(self) -> str:
        return "secret URL"

    def limits(self) -> str:
        return "https (http only on this machine)"

    def parse(self, raw: object) -> Secret:
        if not isinstance(raw, str):
            raise Misfit(Fault("", "is empty" if raw is None else f"is {type_word(raw)}", self.wanted()))
        return Secret(raw)

    def check(self, value: Secret) -> None:
        text = value.reveal()
        if text == MASK:
            raise Misfit(Fault("", "is the mask of a dump, not the secret", "give the secret itself"))
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
        except ValueError:
            raise Misfit(Fault("", "is no URL", self.wanted())) from None
        is_local = parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")
        if not host or not (parts.scheme == "https" or is_local) or re.search(r"[\s\x00-\x1f\x7f]", text):
            raise Misfit(Fault("", "is no https URL", self.wanted()))

    def show(self, value: Secret) -> object:
        return value.reveal()

    def wanted(self) -> str:
        return "give an https URL, best in a file of secrets_dir"
