"""Near-copy signatures: MinHash of character shingles, for a whole batch of texts at once.

Syndicated, retweeted and lightly edited copies share most of their shingles; two reports of the same event in other
words do not. Links, retweet marks, mentions, punctuation, case and width are no part of what is said and go first.
"""

import re
import unicodedata
from collections.abc import Sequence
from operator import eq

import numpy as np
import numpy.typing as npt

SLOTS = 32
"""Slots of a signature: the standard error of a similarity of 0.6 is 0.09; 64 bytes travel with each document."""

SHINGLE_SPACED, SHINGLE_CJK = 5, 3
"""Characters in a shingle. A Chinese character says as much as two letters; an edit must not touch every shingle."""

MIN_SHINGLES = 12
"""Below this many shingles one common phrase would join strangers, so that only equal texts count as copies."""

MAX_CHARS = 2_000
"""Copies agree in their beginning; what follows the first 2,000 characters is footers and legal text."""

# Expressions that begin with a literal: the search then skips to it, where alternatives try every place in the text.
_LINK = re.compile(r"https?://\S+")
_BARE_LINK = re.compile(r"www\.\S+")
_MENTION = re.compile(r"@\w+:?")
_NOT_WORDS = re.compile(r"[\W_]+")
_ASCII_NOT_WORDS = {code: " " for code in range(128) if not chr(code).isalnum()}
_CJK_CHARS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

_EMPTY = np.uint32(0xFFFFFFFF)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def normalise(text: str) -> str:
    """What is compared: case and width folded, links, retweet marks and mentions gone, runs of others one space."""
    # One expression for all of this costs twenty microseconds a post: most posts hold one kind of noise or none.
    head = text[:MAX_CHARS].casefold()
    if "http" in head:
        head = _LINK.sub(" ", head)
    if "www." in head:
        head = _BARE_LINK.sub(" ", head)
    if "@" in head:
        head = _MENTION.sub(" ", head)
    if head.isascii():
        clean = " ".join(head.translate(_ASCII_NOT_WORDS).split())
    else:
        clean = _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", head).casefold()).strip()
    while clean.startswith("rt "):  # what is left of "RT @somebody:"
        clean = clean[3:]
    return "" if clean == "rt" else clean


def signatures(texts: Sequence[str]) -> list[bytes]:
    """A signature of 32 unsigned 16-bit numbers (64 bytes, little-endian) for each text; empty for a text of nothing.

    A text's signature does not depend on the others in the batch.
    Source: Li, Owen, Zhang, One Permutation Hashing, NIPS 2012; the rotation that fills empty bins from
    Shrivastava and Li, Densifying One Permutation Hashing, ICML 2014.
    """
    found: list[bytes] = [b""] * len(texts)
    spaced: list[tuple[int, str]] = []
    cjk: list[tuple[int, str]] = []
    for index, text in enumerate(texts):
        clean = normalise(text)
        if not clean:
            continue
        if not clean.isascii() and len(_CJK_CHARS.findall(clean)) * 3 > len(clean):
            cjk.append((index, clean.replace(" ", "")))
        else:
            spaced.append((index, clean))
    for group, width in ((spaced, SHINGLE_SPACED), (cjk, SHINGLE_CJK)):
        if group:
            rows = _minhash([clean for _, clean in group], width)
            for (index, _), row in zip(group, rows, strict=True):
                found[index] = row.tobytes()
    return found


def _minhash(texts: list[str], width: int) -> npt.NDArray[np.uint16]:
    """Rows of SLOTS 16-bit minima, one for each text; shape (n_texts, SLOTS)."""
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    chars = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    ends = np.cumsum(lengths)
    counts = np.maximum(lengths - width + 1, 0)
    enough = counts >= MIN_SHINGLES
    table = np.full((len(texts), SLOTS), _EMPTY, dtype=np.uint32)
    if enough.any():
        hashed = _rolling(chars, width)
        owners = np.repeat(np.arange(len(texts)), np.where(enough, counts, 0))
        # A shingle belongs to the text in which it begins, and must end there too.
        firsts = np.repeat((ends - lengths)[enough], counts[enough])
        runs = np.arange(len(owners)) - np.repeat(np.cumsum(counts[enough]) - counts[enough], counts[enough])
        values = hashed[firsts + runs]
        bins = (values >> np.uint64(59)).astype(np.int64)
        np.minimum.at(
            table.reshape(-1), owners * SLOTS + bins, (values >> np.uint64(20)).astype(np.uint32) & 0x7FFFFFFF
        )
        _fill_empty_bins(table, enough)
    for index in np.flatnonzero(~enough):
        # Too short to compare by parts: every slot from one hash of the whole, so only equal texts agree.
        start = ends[index] - lengths[index]
        table[index] = _whole(chars[start : ends[index]])
    return (table ^ (table >> np.uint32(15))).astype("<u2")


def _rolling(chars: npt.NDArray[np.uint64], width: int) -> npt.NDArray[np.uint64]:
    """A well-mixed 64-bit hash of every run of `width` characters; shape (max(n_chars - width + 1, 0),)."""
    runs = len(chars) - width + 1
    hashed = np.zeros(runs, dtype=np.uint64)
    # Arrays of unsigned integers wrap around without a warning, which is what a hash wants.
    for step in range(width):
        hashed *= _BASE
        hashed += chars[step : step + runs]
    hashed ^= hashed >> np.uint64(31)
    hashed *= _MIX
    hashed ^= hashed >> np.uint64(29)
    return hashed


def _whole(chars: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    value = 1469598103934665603
    for char in chars.tolist():
        value = ((value ^ char) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    seeds = np.arange(1, SLOTS + 1, dtype=np.uint64)
    mixed = (np.uint64(value) + seeds * _BASE) * _MIX
    return (mixed >> np.uint64(33)).astype(np.uint32)


def _fill_empty_bins(table: npt.NDArray[np.uint32], rows: npt.NDArray[np.bool_]) -> None:
    """Fill each empty bin from the nearest full one to its right, marked by the distance, in place."""
    empty = (table == _EMPTY) & rows[:, None]
    if not empty.any():
        return
    original = table.copy()
    for distance in range(1, SLOTS):
        moved = np.roll(original, -distance, axis=1)
        usable = empty & (moved != _EMPTY)
        mark = np.uint32(distance * 0x9E3779B1 & 0x7FFFFFFF)
        table[usable] = (moved[usable] + mark) & np.uint32(0x7FFFFFFF)
        empty &= ~usable
        if not empty.any():
            return


def similarity(a: bytes, b: bytes) -> float:
    """Estimated Jaccard similarity of the shingle sets behind two signatures, in [0, 1]; 0 when either is empty."""
    if not a or not b:
        return 0.0
    agreeing: int = sum(map(eq, memoryview(a).cast("H"), memoryview(b).cast("H")))
    return agreeing / SLOTS
