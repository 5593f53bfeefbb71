"""Texts that no database takes, or not every one: a NUL character, half of a surrogate pair.

Parsing leaves few of them: a NUL can stand in a feed's own id. SQLite takes a NUL, PostgreSQL does not; neither takes
half a pair. Each becomes U+FFFD, which says to a reader that something stood there, and the row is kept.
"""

import re
from collections.abc import Iterable
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def storable(rows: Iterable[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], int]:
    """The rows with texts that can be stored, and how many texts were changed for that."""
    changed = 0
    out = []
    for row in rows:
        cells = list(row)
        for number, cell in enumerate(cells):
            if isinstance(cell, str) and _UNSTORABLE.search(cell):
                cells[number] = _UNSTORABLE.sub(_REPLACEMENT, cell)
                changed += 1
        out.append(tuple(cells))
    return out, changed
