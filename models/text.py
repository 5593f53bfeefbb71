"""What a trained model reads: normalised text in windows of tokens, with the target's mentions replaced by one token.

The same code runs in training and in serving, or a model would be asked what it never learnt. Order of events:
normalise -> find the target's mentions -> cut into sentences if the text is long -> token ids.

A mention becomes the tokenizer's mask token: company names cannot be memorised, and a renamed target gives the same
ids. Deliberately left out: tensors and batches (the networks and sessions make those).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tokenizers import Tokenizer

MAX_TOKENS = 128
"""Tokens in one window, special ones included. Training texts are shorter; attention over more costs quadratically."""
MAX_WINDOWS = 8
"""Windows read of one text. More cost without bound; what lies beyond is told by `Encoded.is_whole`."""
MAX_CHARACTERS = 20_000
"""Characters looked at. More than MAX_WINDOWS can hold in any script that the models know, with room for links."""
_MAX_MENTIONS = 32
_MAX_TARGET = 200
"""Characters of a target. No name is longer, and a pattern of a megabyte takes half a minute to compile."""
_PATTERNS = 4_096
"""Compiled patterns kept, some 10 MB when full; to compile one takes as long as to score a headline."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_URL = re.compile(r"(?:https?://|www\.)\S+|pic\.twitter\.com/\S+", re.IGNORECASE)
_RETWEET = re.compile(r"^\s*RT\s+@\w+:?\s*")
_HANDLE = re.compile(r"(?<![\w@])@\w{2,}")
_SPACES = re.compile(r"\s+")
_SENTENCE = re.compile(r"(?<=[。！？!?；\n])|(?<=[.])\s+(?=[\"'A-Z0-9$#(])|\n+")
_END_MARKS = re.compile(r"\s*[.。]\s*$")
_SUFFIX = re.compile(
    r"[\s,]+(?:inc|corp|corporation|co|company|plc|ltd|limited|llc|group|holdings?|ag|sa|nv|se|ab|oyj|asa|spa|bhd)\.?$",
    re.IGNORECASE,
)
_GENERIC = frozenset(
    ("bank", "first", "general", "national", "royal", "american", "china", "united", "global", "world")
)


@dataclass(frozen=True, slots=True)
class Window:
    """One piece that a model reads at once.

    Attributes:
        ids: token ids, special tokens included, at most the encoder's `max_tokens`.
        targets: positions in `ids` that stand for the target, ascending; empty when the piece is judged as a whole.
    """

    ids: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as windows.

    Attributes:
        is_supported: whether the text names the target; True when there is none.
        is_whole: whether every sentence that counts (all, or those about the target) is in a window.
    """

    windows: tuple[Window, ...]
    is_supported: bool
    is_whole: bool


def characters_of(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair: JSON can hold one, and a tokenizer refuses it."""
    return _SURROGATE.sub("\ufffd", text)


def normalise(text: str) -> str:
    """One form for all sources, so that links, handles or a spaced full stop do not tell them apart."""
    text = unicodedata.normalize("NFKC", characters_of(text))
    text = _URL.sub(" ", _RETWEET.sub("", text))
    text = _HANDLE.sub("@user", text).replace("``", '"').replace("''", '"')
    return _END_MARKS.sub("", _SPACES.sub(" ", text)).strip()


def find_mentions(text: str, target: str) -> list[tuple[int, int]]:
    """Character ranges of `text` that name the target, ascending, without overlap; empty where it is not named.

    The whole name first, then without regard to spaces and hyphens, then without its legal form, then its first word
    if that is no common one. Case never matters; `$` and `#` before a ticker belong to the mention.
    """
    if len(target) > _MAX_TARGET:
        return []
    target = unicodedata.normalize("NFKC", target).strip().lstrip("$#").strip()
    if not target or not text:
        return []
    core = _SUFFIX.sub("", target)
    while (shorter := _SUFFIX.sub("", core)) != core:
        core = shorter
    for name in dict.fromkeys((target, core)):
        for pattern in (re.escape(name), r"[\W_]{0,2}".join(re.escape(mark) for mark in name if mark.isalnum())):
            if found := _find(pattern, text):
                return found
    first = core.split()[0] if core.split() else ""
    if len(first) >= 4 and first.lower() not in _GENERIC and first[0].isupper() and first != core:
        return _find(re.escape(first), text)
    return []


def _find(pattern: str, text: str) -> list[tuple[int, int]]:
    if not pattern:
        return []
    # Chinese has no word boundaries: only Latin letters and digits must not go on beside a mention.
    bounded = rf"(?<![A-Za-z0-9])[$#]?{pattern}(?![A-Za-z0-9])" if pattern[0].isascii() else pattern
    ranges = []
    for match in _compiled(bounded).finditer(text):
        ranges.append(match.span())
        if len(ranges) == _MAX_MENTIONS:
            break
    return ranges


@lru_cache(maxsize=_PATTERNS)
def _compiled(pattern: str) -> re.Pattern[str]:
    # The cache of `re` holds 512: with more targets in turn it would help nobody.
    return re.compile(pattern, re.IGNORECASE)


def sentences(text: str) -> list[tuple[int, int]]:
    """Character ranges of the sentences of a text, in order; together they cover all that is not white space."""
    ranges, start = [], 0
    for match in _SENTENCE.finditer(text):
        if match.start() > start:
            ranges.append((start, match.start()))
            start = match.end()
    if start < len(text):
        ranges.append((start, len(text)))
    return ranges


@dataclass(frozen=True, slots=True)
class _Read:
    """A normalised text with the places that name its target."""

    text: str
    mentions: Sequence[tuple[int, int]]
    is_supported: bool
    is_whole: bool

    def between(self) -> list[tuple[int, int]]:
        """Character ranges before, between and behind the mentions."""
        ends = [0, *(end for _, end in self.mentions)]
        starts = [*(start for start, _ in self.mentions), len(self.text)]
        return list(zip(ends, starts, strict=True))


class TextEncoder:
    """Turns text and target into windows for one tokenizer. Raises nothing for any text."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int = MAX_TOKENS) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # Or a text that writes "[SEP]" or "[MASK]" would place the token itself.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        # MPNet's vocabulary holds BERT's special tokens too, but was never trained with them.
        self._first = self._id("<s>", "[CLS]")
        self._last = self._id("</s>", "[SEP]")
        self._target = self._id("<mask>", "[MASK]")
        self.pad = self._id("<pad>", "[PAD]")

    def _id(self, *names: str) -> int:
        for name in names:
            found = self._tokenizer.token_to_id(name)
            if found is not None:
                return found
        raise ValueError(f"the tokenizer has no {' or '.join(names)} token")

    def encode(self, text: str, target: str) -> Encoded:
        """Windows of a text. An empty text has one window of the special tokens alone."""
        return self.encode_all([(text, target)])[0]

    def encode_all(self, questions: Sequence[tuple[str, str]]) -> list[Encoded]:
        """The same for many texts and their targets, tokenised beside each other on all cores."""
        read = [self._read(*question) for question in questions]
        pieces = [one.text[start:end] for one in read for start, end in one.between()]
        ids = iter(self._ids_of(pieces))
        return [self._encoded(one, [next(ids) for _ in one.between()]) for one in read]

    def _read(self, text: str, target: str) -> _Read:
        is_whole = len(text) <= MAX_CHARACTERS
        if not is_whole:
            text = _around(text, target)
        text = normalise(text)
        if len(text) > 2 * MAX_CHARACTERS:
            # Some characters stand for eighteen: a ligature for a whole phrase.
            text, is_whole = _around(text, target), False
        mentions = find_mentions(text, target) if target.strip() else []
        return _Read(text, mentions, bool(mentions) or not target.strip(), is_whole)

    def _ids_of(self, pieces: Sequence[str]) -> list[list[int]]:
        """Token ids of each piece, without special tokens."""
        if len(pieces) == 1:  # The library's threads cost more than one headline.
            return [self._tokenizer.encode(pieces[0], add_special_tokens=False).ids]
        return [one.ids for one in self._tokenizer.encode_batch_fast(list(pieces), add_special_tokens=False)]

    def _encoded(self, read: _Read, between: Sequence[list[int]]) -> Encoded:
        """between: ids of what lies before, between and behind the mentions."""
        body = list(between[0])
        marks: list[int] = []
        for ids in between[1:]:
            marks.append(len(body))
            body.append(self._target)
            body += ids
        room = self._max_tokens - 2
        if len(body) <= room:
            return Encoded((self._window(body, marks),), read.is_supported, read.is_whole)
        windows, fits = self._long(read.text, read.mentions, room)
        return Encoded(tuple(windows), read.is_supported, read.is_whole and fits)

    def _tokens(
        self, text: str, start: int, end: int, mentions: Sequence[tuple[int, int]]
    ) -> tuple[list[int], list[int]]:
        """Ids of text[start:end] without special tokens, and the positions of the target among them."""
        ids: list[int] = []
        marks: list[int] = []
        at = start
        for begin, stop in mentions:
            if begin < at or stop > end:
                continue
            ids += self._tokenizer.encode(text[at:begin], add_special_tokens=False).ids
            marks.append(len(ids))
            ids.append(self._target)
            at = stop
        if at < end:
            ids += self._tokenizer.encode(text[at:end], add_special_tokens=False).ids
        return ids, marks

    def _window(self, body: Sequence[int], marks: Sequence[int]) -> Window:
        return Window((self._first, *body, self._last), tuple(mark + 1 for mark in marks))

    def _long(self, text: str, mentions: Sequence[tuple[int, int]], room: int) -> tuple[list[Window], bool]:
        """Windows of whole sentences: those about the target, or all; and whether none was left out."""
        windows: list[Window] = []
        body: list[int] = []
        marks: list[int] = []
        is_whole = True
        for ids, found in self._pieces(text, mentions, room):
            if mentions and not found:
                is_whole = False
                continue
            if body and len(body) + len(ids) > room:
                windows.append(self._window(body, marks))
                body, marks = [], []
                if len(windows) == MAX_WINDOWS:
                    return windows, False
            marks += [len(body) + mark for mark in found]
            body += ids
        if body:
            windows.append(self._window(body, marks))
        return windows, is_whole

    def _pieces(
        self, text: str, mentions: Sequence[tuple[int, int]], room: int
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Sentences that count, in order; one that no window can hold comes in pieces, maybe without the target."""
        for start, end in _joined(sentences(text), mentions):
            inside = [span for span in mentions if start <= span[0] < end]
            if mentions and not inside:
                continue
            ids, marks = self._tokens(text, start, end, inside)
            for at in range(0, len(ids), room):
                yield ids[at : at + room], [mark - at for mark in marks if at <= mark < at + room]


def _joined(ranges: Sequence[tuple[int, int]], mentions: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sentences, those joined into one across whose border a mention runs."""
    whole: tuple[int, int] | None = None
    for start, end in ranges:
        if whole is not None and any(begin < start < stop for begin, stop in mentions):
            whole = (whole[0], end)
            continue
        if whole is not None:
            yield whole
        whole = (start, end)
    if whole is not None:
        yield whole


def _around(text: str, target: str) -> str:
    """The head of a text that is too long to look at, and what stands around the target's first mentions behind it."""
    head = text[: MAX_CHARACTERS // 2]
    pieces, position = [head], len(head)
    name = target.strip()
    while name and sum(map(len, pieces)) < MAX_CHARACTERS:
        found = text.find(name, position)
        if found < 0:
            break
        position = found + len(name) + 600
        pieces.append(text[max(found - 600, len(head)) : position])
    return "\n".join(pieces)
