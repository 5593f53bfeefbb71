"""The reader: a text in, the entries of the phrase book that occur in it out.

Each token of the text (a word, a number, a Chinese character, an emoji, a mark that ends a clause) becomes one
character of a private alphabet; all words that no entry uses become the same one. One automaton over that alphabet
finds every entry of both languages, whole words only, longest first, in about a microsecond, and its positions are
token numbers. Deliberately left out: what an entry means where it stands (`evidence.py`).
"""

import re
from dataclasses import dataclass
from itertools import accumulate

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from models.phrases import SPEAKING, Entry, Role, expand, load_entries, load_irregular, load_variants

_TOKEN = re.compile(
    # Most characters begin no token; to see that at once saves a third of the time.
    r"(?=[^ \t\r_\"#&*/<=>\\^`{}~'\[\]])("
    # Articles and possessives never change the meaning of a phrase: without them `swings to a loss` needs one entry.
    r"(?<![a-z])(?!https?:|(?:the|an|its|their|his|her|our)(?![a-z'’]))[a-z][a-z'’]*[a-z]"
    r"|https?:\S+|[\u4e00-\u9fff]|@\w+"
    # A sign counts only where nothing stands before it: `-3%` is a fall, the dash of `2-3%` is not.
    r"|(?:(?<![\w%)])[+\-−–])?[$€£¥]?\d+(?:[.,]\d+)*(?: ?(?:[%％]|percent\b|per cent\b|pct\b|pc\b))?"
    r"|\$[a-z][a-z.]*"
    r"|[\n.!?;:…。！？；]|[,，、()（）|—]"
    r"|[\u2600-\u27bf\u2b00-\u2bff\U0001f300-\U0001faff])"
)

_SMALL_MOVE = re.compile(r"\D*[01](?!\d)")
"""Signed moves below 2 % are every day's noise: tickers print them by the thousand, and they are news to nobody."""

UNKNOWN, NUMBER, PERCENT, PLUS_PERCENT, MINUS_PERCENT, ENTITY, SENTENCE, CLAUSE = "\x00#%+-$.,"
PERCENTS = frozenset((PERCENT, PLUS_PERCENT, MINUS_PERCENT))
_SENTENCE_MARKS = "\n.!?;…。！？；"
_CLAUSE_MARKS = ":,，、()（）|—"
_FIRST_CODE = 0x3400  # 41,000 characters follow before the surrogates: the phrase book uses about 5,000.
_REMEMBERED = 60_000  # Some 6 MB when full.
_SLOTS = {"#": NUMBER, "%": PERCENT, "+%": PLUS_PERCENT, "-%": MINUS_PERCENT}

Hit = tuple[int, int, int]
"""Number of the entry, first token, token after the last."""


class Alphabet(dict[str, str]):
    """Token -> its character; tokens that no entry uses fall into a few classes."""

    def __missing__(self, token: str) -> str:
        code = self._classify(token)
        # Remembering common words halves the cost; the bound keeps a feed of noise from filling the memory.
        if len(self) < _REMEMBERED and len(token) <= 16:
            self[token] = code
        return code

    def _classify(self, token: str) -> str:
        first = token[0]
        if first.isdigit() or first in "+-−–$€£¥":
            if token[-1].isalpha() and token[1].isalpha():
                return ENTITY
            if not (token[-1] in "%％" or token[-1].isalpha()):
                return NUMBER
            if first.isdigit() or first in "$€£¥" or _SMALL_MOVE.match(token):
                return PERCENT
            return PLUS_PERCENT if first == "+" else MINUS_PERCENT
        if "’" in token:
            return self[token.replace("’", "'")]
        if token.endswith("'s"):
            return self[token[:-2]]
        return UNKNOWN


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the reader sees it: lower-cased, in tokens, and the entries found, in order.

    `pieces` are the tokens and what stands between them, in turn: gap, token, gap, ... gap.
    """

    lowered: str
    pieces: list[str]
    tokens: list[str]
    codes: str
    hits: list[Hit]

    def starts(self) -> list[int]:
        """Where each token begins in the lower-cased text."""
        return list(accumulate(map(len, self.pieces)))[0:-1:2]


class Reader:
    """The phrase book, compiled.

    Attributes:
        entries: what a hit stands for, by its number; below `first_bender` are those that are evidence themselves.
        of_codes: the characters of `in` and `of`, after which a direction moves what follows.
    """

    def __init__(self, book: list[Entry] | None = None) -> None:
        irregular = load_irregular()
        forms: dict[tuple[str, ...], Entry] = {}
        for entry in load_entries() if book is None else book:
            for text in expand(entry.phrase, irregular):
                words = tuple(_words(text))
                if not words:
                    raise ValueError(f"{entry.language}.tsv: no text can ever hold {entry.phrase!r}")
                # What is written out beats what a rule made: `cut~` gives `cuts`, which may have its own line.
                if "~" not in entry.phrase:
                    forms[words] = entry
                else:
                    forms.setdefault(words, entry)
        self._alphabet = Alphabet()
        self._alphabet.update(dict.fromkeys(_SENTENCE_MARKS, SENTENCE) | dict.fromkeys(_CLAUSE_MARKS, CLAUSE))
        ordered = sorted(forms.items(), key=_silence)
        codes = {"".join(self._code(word) for word in words): entry for words, entry in ordered}
        self.first_bender = sum(_silence(form) == 0 for form in ordered)
        self._first_silent = sum(_silence(form) <= 1 for form in ordered)
        for traditional, simplified in load_variants().items():
            self._alphabet.setdefault(traditional, self._alphabet.get(simplified, UNKNOWN))
        self.entries: list[Entry] = [
            *codes.values(),
            Entry(SENTENCE, Role.SENTENCE, 0.0, "none", "any"),
            Entry(CLAUSE, Role.CLAUSE, 0.0, "none", "any"),
            Entry(ENTITY, Role.ENTITY, 0.0, "none", "any"),
        ]
        patterns = [*codes, SENTENCE, CLAUSE, ENTITY]
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA)
        self.of_codes = frozenset((self.code("in"), self.code("of")))

    def code(self, token: str) -> str:
        """The character of one token."""
        return self._alphabet[token]

    def read(self, text: str) -> Reading:
        """Find every entry of the phrase book; the longest wins, and no two overlap."""
        lowered = text.lower()
        # Splitting keeps the gaps, and so the places of all tokens, at no more cost than finding the tokens alone.
        pieces = _TOKEN.split(lowered)
        tokens = pieces[1::2]
        codes = "".join(map(self._alphabet.__getitem__, tokens))
        return Reading(lowered, pieces, tokens, codes, self._automaton.find_matches_as_indexes(codes))

    def says_something(self, reading: Reading) -> bool:
        """Whether any hit can be an opinion; marks, benders and cashtags alone cannot."""
        return bool(reading.hits) and min(reading.hits)[0] < self._first_silent

    def _code(self, word: str) -> str:
        if word in _SLOTS:
            return _SLOTS[word]
        if word[0].isdigit():
            return NUMBER  # A code of its own would hide the number from `#`.
        return self._alphabet.setdefault(word, chr(_FIRST_CODE + len(self._alphabet)))


def _silence(form: tuple[tuple[str, ...], Entry]) -> int:
    """0 for what speaks, 1 for a bender that can speak (`fails to`), 2 for what never does."""
    entry = form[1]
    return 0 if entry.role in SPEAKING else 1 if entry.strength else 2


def _words(phrase: str) -> list[str]:
    """The tokens of a phrase as an entry writes it: slots stay, articles go as they do in a text."""
    return [token for part in phrase.split(" ") for token in ([part] if part in _SLOTS else _TOKEN.findall(part))]
