"""Folding: one form for the many ways in which a name is typed, with the way back to what the text wrote.

Case, width, accents, curly apostrophes and hyphens are folded, so "ＡＢＣ", "ABC" and "abc" are one, and so are
"Sea-Glass" and "Sea Glass". The fold looks at one character at a time, never at its neighbours, which keeps offsets
exact and makes a name fold to the same thing wherever it stands. Left alone on purpose: white space is not collapsed
(parse did that), and traditional characters are not turned into simplified ones (a watchlist lists both).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

# What `str.lower` does not do and matching needs. Scanning all of Unicode would cost half a second at import.
_RANGES = (
    (0x00A0, 0x0250),  # Latin with accents
    (0x0370, 0x0400),  # Greek: the final sigma depends on its neighbours in `lower`
    (0x1E00, 0x1F00),  # Latin with more accents
    (0x2000, 0x2070),  # spaces, hyphens, quotes, zero-width characters
    (0x2F00, 0x2FE0),  # radicals typed for the characters that they look like
    (0x3000, 0x3001),  # the ideographic space
    (0xF900, 0xFB10),  # compatibility ideographs and Latin ligatures
    (0xFF01, 0xFFA0),  # full and half width
    (0x1D400, 0x1D800),  # bold and italic letters of social posts
)
_BY_HAND = {
    "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ı": "i", "İ": "i",
    "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe",
    "\u2018": "'", "\u2019": "'", "\u02bc": "'", "\uff07": "'", "\u2010": " ", "\u2011": " ", "\uff0d": " ",
    "\uff06": "&", "\uff0b": "+", "\uff0e": ".", "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "",
}  # fmt: skip


def _fold_character(character: str) -> str:
    """The folded form of one character; itself where folding would join words ("™") or is of no use to matching."""
    if character in _BY_HAND:
        return _BY_HAND[character]
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category == "Lm" or not (category.startswith("L") or category == "Nd"):
        return character
    folded = unicodedata.normalize("NFKC", character.casefold()).casefold()
    bare = "".join(piece for piece in unicodedata.normalize("NFD", folded) if not unicodedata.combining(piece))
    return bare if bare.isascii() else folded


def _build_table() -> dict[str, str]:
    """Every character whose fold is not what `str.lower` gives on its own."""
    characters = {chr(code) for first, last in _RANGES for code in range(first, last)} | _BY_HAND.keys()
    table = {character: _fold_character(character) for character in characters}
    table |= {chr(code): "" for code in range(0x0300, 0x0370)}  # accents that stand apart from their letter
    kept = {character: fold for character, fold in table.items() if fold != character.lower() or character in "Σς"}
    return kept


def _any_of(characters: Iterable[str]) -> re.Pattern[str]:
    """A class of these characters. Those beyond 16 bits go in as a range: one by one, a search is 200 times slower."""
    small = "".join(sorted(character for character in characters if ord(character) < 0x10000))
    return re.compile(f"[{re.escape(small)}\U0001d400-\U0001d7ff]")


_TABLE = _build_table()
_SPECIAL = _any_of(_TABLE)
_RESIZING = re.compile("[" + re.escape("".join(c for c, folded in _TABLE.items() if len(folded) != 1)) + "]")


def _replacement(match: re.Match[str]) -> str:
    character = match[0]
    return _TABLE.get(character, character)


def fold(text: str) -> str:
    """The form in which names are compared; its length may differ from the text's (see `fold_with_offsets`)."""
    if not text.isascii():
        text = _SPECIAL.sub(_replacement, text)
    return text.lower().replace("-", " ")


def fold_with_offsets(text: str) -> tuple[str, Sequence[int] | None]:
    """Fold a text and say where each folded character came from.

    Returns: the folded text, and for each of its characters (and its end) the index in `text`; None when they agree,
        which is nearly always.
    """
    if text.isascii() or not _SPECIAL.search(text):
        return text.lower().replace("-", " "), None
    if not _RESIZING.search(text):
        return fold(text), None
    pieces: list[str] = []
    offsets: list[int] = []
    for index, character in enumerate(text):
        piece = _TABLE.get(character)
        if piece is None:
            piece = character.lower()
        pieces.append(piece)
        offsets.extend([index] * len(piece))
    offsets.append(len(text))
    return "".join(pieces).replace("-", " "), offsets


def is_unspaced(character: str) -> bool:
    """Whether the script writes words without spaces (Han, kana, Thai ...) or glues particles to them (Hangul)."""
    code = ord(character)
    if code < 0x0E00:
        return False
    return (
        0x2E80 <= code <= 0x9FFF
        or 0xAC00 <= code <= 0xD7AF
        or 0xF900 <= code <= 0xFAFF
        or 0x0E00 <= code <= 0x109F
        or 0xFF66 <= code <= 0xFF9F
        or 0x20000 <= code <= 0x3FFFF
    )


def is_joined(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word, so that no name can begin or end between them."""
    if not (left.isalnum() or left == "_") or not (right.isalnum() or right == "_"):
        return False
    return not (is_unspaced(left) or is_unspaced(right))
