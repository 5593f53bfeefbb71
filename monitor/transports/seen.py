"""SeenEntries: which entries of a feed were told, at which offset; and the position that says so after a restart.

A position at an offset holds the keys told below it, and the server's validators only if all that came with them lies
below it too: with newer ones the server would answer "unchanged" about entries that nobody has.
"""

from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Sequence

import orjson

from monitor.errors import StateError
from monitor.transports.entries import KEY_BYTES
from monitor.transports.fetch import Validators

REMEMBERED_GONE = 512
"""Entries that are remembered after they left the document: caches of one server differ by a few, and some feeds move
an edited entry back in. Each costs 11 bytes in every commit."""

_RESTORED = -1
_REMEMBERED_FETCHES = 64
_FORM = 1


class SeenEntries:
    """Bounded by the largest document so far and REMEMBERED_GONE; what was not seen for longest is forgotten first."""

    def __init__(self) -> None:
        self.end = 0
        """The offset of the next new entry."""
        self._told: dict[bytes, int] = {}
        self._largest = 0
        self._fetches: deque[tuple[int, Validators]] = deque([(0, Validators())], maxlen=_REMEMBERED_FETCHES)

    @property
    def validators(self) -> Validators:
        """Of the latest document."""
        return self._fetches[-1][1]

    def admit(self, keys: Sequence[bytes], validators: Validators) -> list[int | None]:
        """A document came: for each entry its new offset, or None where it is known."""
        offsets: list[int | None] = []
        for key in keys:
            told = self._told.pop(key, None)
            offsets.append(self.end if told is None else None)
            self._told[key] = self.end if told is None else told
            self.end += told is None
        self._largest = max(self._largest, len(keys))
        for key in list(self._told)[: max(len(self._told) - self._largest - REMEMBERED_GONE, 0)]:
            del self._told[key]
        self._fetches.append((self.end, validators))
        return offsets

    def position(self, offset: int) -> str:
        """The position at which the entry at `offset` comes next."""
        validators = next((given for end, given in reversed(self._fetches) if end <= offset), Validators())
        keys = b"".join(key for key, told in self._told.items() if told < offset)
        fields = {"v": _FORM, "at": offset, "etag": validators.etag, "modified": validators.last_modified}
        return orjson.dumps({**fields, "most": self._largest, "seen": b64encode(keys).decode()}).decode()

    @staticmethod
    def restore(text: str) -> "SeenEntries":
        """Raises: StateError: the text is no position."""
        try:
            fields = orjson.loads(text)
            offset, largest, etag, modified = (fields[name] for name in ("at", "most", "etag", "modified"))
            keys = b64decode(fields["seen"], validate=True)
            if fields["v"] != _FORM or len(keys) % KEY_BYTES:
                raise ValueError("it has another form")
            if not all(type(number) is int and number >= 0 for number in (offset, largest)):
                raise ValueError("a number is missing or negative")
            if not isinstance(etag, str) or not isinstance(modified, str):
                raise ValueError("a validator is no text")
        except (ValueError, KeyError, TypeError) as exc:
            raise StateError(
                f"the stored feed position {text[:200]!r} is none ({exc}): give a new --state, or restore the old one"
            ) from exc
        seen = SeenEntries()
        seen.end = offset
        starts = range(0, len(keys), KEY_BYTES)
        seen._told = {keys[start : start + KEY_BYTES]: _RESTORED for start in starts}
        seen._largest = largest
        seen._fetches[0] = (offset, Validators(etag, modified))
        return seen
