"""Text for a terminal: made harmless, measured in columns, wrapped, and written in what the stream can write.

A feed must not be able to drive the terminal: a headline may hold escape sequences that would move the cursor, retitle
the window or hide the line, and bidirectional overrides that would turn it round.
"""

import contextlib
import io
import os
import unicodedata
from collections.abc import Iterator
from typing import TextIO

from rich.cells import cell_len

# Lines longer than this tire the eye, however wide the terminal; narrower than this, a line holds no word.
_MAX_WIDTH = 110
MIN_WIDTH = 24
_DEFAULT_WIDTH = 100

BOUND_SPACE = "\N{NO-BREAK SPACE}"
"""Keeps two words on one line. Ours alone: foreign text loses its own in `harmless`."""

# For streams that cannot write what we draw with; a feed's own characters become question marks there.
_ASCII = str.maketrans({"▲": "!", "△": "+", "▽": "v", "×": "x", "·": "|", "“": '"', "”": '"', "…": "~"})

# No line begins with what closes, and none ends with what opens: Chinese has no spaces to keep them with their words.
_CLOSING = frozenset("，。、；：！？）》」』】〉”’…,.;:!?)]}%")
_OPENING = frozenset("（《「『【〈“‘([{")


def harmless(text: str, max_chars: int) -> str:
    """Foreign text as one line that cannot drive a terminal.

    White space becomes one space; controls and lone surrogates the replacement character, so that an attack is seen;
    invisible formatting (bidirectional marks, joiners, tags) goes.
    """
    kept = []
    for char in " ".join(text[: 4 * max_chars].split()):
        category = unicodedata.category(char)
        if category in ("Cc", "Cs"):
            kept.append("\N{REPLACEMENT CHARACTER}")
        elif category not in ("Cf", "Zl", "Zp"):
            kept.append(char)
    line = "".join(kept).strip()
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, wide characters counted as two; broken at spaces and between wide ones.

    A BOUND_SPACE is never a break, and is given back as a space.
    """
    lines, line, used, spaces = [], "", 0, ""
    for unit in _units(text):
        if unit == " ":
            spaces = " " if line else ""
            continue
        columns = cell_len(unit)
        if line and used + len(spaces) + columns > width:
            lines.append(line)
            line, used, spaces = "", 0, ""
        line += spaces + unit
        used += len(spaces) + columns
        spaces = ""
        while used > width:
            # A word without end (an id, a URL): cut where the line is full.
            fits = _fitting(line, width)
            lines.append(line[:fits])
            line = line[fits:]
            used = cell_len(line)
    if line or not lines:
        lines.append(line)
    return [each.replace(BOUND_SPACE, " ").strip() for each in lines]


def _units(text: str) -> Iterator[str]:
    """Pieces that are not broken: spaces, runs of narrow characters, and wide ones with their punctuation."""
    unit, last_is_wide = "", False
    for char in text:
        columns = cell_len(char)
        stays = bool(unit) and (
            columns == 0 or char in _CLOSING or unit[-1] in _OPENING or (columns == 1 and not last_is_wide)
        )
        if unit and (char == " " or not stays):
            yield unit
            unit = ""
        if char == " ":
            yield " "
        else:
            unit += char
            last_is_wide = columns > 1 or (columns == 0 and last_is_wide)
    if unit:
        yield unit


def _fitting(text: str, width: int) -> int:
    """How many characters fit; at least one, so that cutting always ends."""
    used = 0
    for index, char in enumerate(text):
        used += cell_len(char)
        if used > width:
            return max(index, 1)
    return len(text)


def wants_color(stream: TextIO) -> bool:
    """Whether the stream is a terminal that shows colour and its owner has not said NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width(stream: TextIO) -> int:
    """Columns of the stream's terminal now, within what reads well; 100 where there is none."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        return min(os.get_terminal_size(stream.fileno()).columns or _DEFAULT_WIDTH, _MAX_WIDTH)
    return _DEFAULT_WIDTH


def encodable(text: str, encoding: str | None) -> str:
    """The text with what the stream cannot write replaced, so that an alert is never lost to a locale."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding or "utf-8", "replace").decode(encoding or "utf-8")
    return text
