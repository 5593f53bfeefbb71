"""Tickers: what a text writes as one, and the topics behind it.

Three ways to write one, from sure to doubtful: a cashtag ("$NWND", whole: "$EURUSD" is not "$EUR"), a code with its
exchange ("NYSE: T", "(T.N)", "600519.SH", "0700.HK"), and a bare upper-case word of three letters or more that is no
ordinary word, in a line that does not shout. A watchlist ticker without an exchange counts on any exchange; one that
names its exchange ("TSX:NWND") counts only there, and as a cashtag or a feed's symbol, which name none.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias, TypeVar

from monitor.domain.topics import Topic
from monitor.operators.folding import is_joined
from monitor.operators.vocabulary import ACRONYMS, COMMON_WORDS

_US = (
    "NYSE",
    "NASDAQ",
    "NASDAQGS",
    "NASDAQGM",
    "NASDAQCM",
    "NASD",
    "AMEX",
    "NYSEAMERICAN",
    "NYSEARCA",
    "NYSEMKT",
    "ARCA",
)
_US_OTHER = ("BATS", "CBOE", "OTC", "OTCQX", "OTCQB", "OTCMKTS", "PINK", "纽交所", "纽约证券交易所", "纳斯达克")
_MARKETS = dict.fromkeys((*_US, *_US_OTHER), "US") | {
    "LSE": "L", "LON": "L", "AIM": "L", "TSX": "TO", "TSXV": "TO", "CVE": "TO", "ASX": "AX", "ETR": "DE", "XETRA": "DE",
    "FRA": "DE", "EPA": "PA", "AMS": "AS", "BIT": "MI", "BME": "MC", "SWX": "SW", "SIX": "SW", "STO": "ST", "CPH": "CO",
    "OSL": "OL", "HEL": "HE", "TYO": "T", "TSE": "T", "KRX": "KS", "TPE": "TW", "TWSE": "TW", "SGX": "SI", "NSE": "NS",
    "BSE": "BO", "HKEX": "HK", "HKG": "HK", "SEHK": "HK", "HKSE": "HK", "HK": "HK", "港交所": "HK", "SSE": "SH",
    "SHA": "SH", "SHSE": "SH", "SH": "SH", "上交所": "SH", "SZSE": "SZ", "SHE": "SZ", "SZ": "SZ", "深交所": "SZ",
    "BJ": "BJ", "北交所": "BJ",
}  # fmt: skip
_CHINESE = {"SH": "SH", "SS": "SH", "SZ": "SZ", "BJ": "BJ", "HK": "HK"}
_BY_FIRST_DIGIT = dict.fromkeys("569", "SH") | dict.fromkeys("0123", "SZ") | dict.fromkeys("48", "BJ")

_CASHTAG_TAIL = re.compile(r"\.(?:[A-Z][a-z]|[a-z]{3}|[A-Za-z]{5})|-[a-z]{3}|-[A-Z][a-z]{2}|'")
# The exchange of a code without one behind it stands before it, and is checked afterwards: a pattern that begins with
# the exchanges takes six times as long, because `re` then tries it at every character.
_CODE = re.compile(r"[0-9]{1,6}(?:\.(?i:SH|SS|SZ|BJ|HK)|(?<=[0-9]{4}))(?![A-Za-z0-9])")
_EXCHANGE_BEFORE = re.compile(r"(?<![A-Za-z0-9])(?:SH|SZ|BJ|HK)[:.]?$", re.IGNORECASE)
# One pattern for one pass over the text: an upper-case word, a cashtag, or what follows a colon ("NYSE: T") or a
# bracket ("(T.N)"). It begins with a class, and looks behind only then, because `re` skips ahead to a class alone; most
# of what that stops at are capital letters, which one look ahead turns away ("The"). The first character tells which.
# A letter that leans on the dollar sign makes it no cashtag ("U$D", "A$AP"); a Chinese character does not lean.
_TICKER = re.compile(
    r"""[$＄:：(（A-Z](?:
        (?<=[A-Z])(?=[A-Z]{2})(?<![A-Za-z0-9_\u00c0-\u024f$＄@&=~.-].)[A-Z]{2,5}(?:[./-][A-Z]{1,2}(?![A-Za-z]))?
        (?![A-Za-z0-9_])
      | (?<=[$＄])(?<![A-Za-z0-9_\u00c0-\u024f].)[A-Za-z][A-Za-z0-9]*+(?:[./_-][A-Za-z0-9]++)*+
      | (?<=[:：(（])\s?[A-Z0-9]{1,6}(?:[./-][A-Z]{1,2}(?![A-Za-z]))?(?![A-Za-z0-9_])
    )""",
    re.VERBOSE,
)
# The pieces of it that can be found by their first character alone, at three times the speed; texts with the full-width
# signs of Chinese typing take the whole pattern.
_CASHTAG = re.compile(r"\$(?<![A-Za-z0-9_\u00c0-\u024f].)[A-Za-z][A-Za-z0-9]*+(?:[./_-][A-Za-z0-9]++)*+")
_AFTER_COLON, _AFTER_BRACKET = (
    re.compile(sign + r"\s?[A-Z0-9]{1,6}(?:[./-][A-Z]{1,2}(?![A-Za-z]))?(?![A-Za-z0-9_])") for sign in (":", r"\(")
)
_CASHTAG_SIGNS = "$＄"
_COLONS = ":："
_AMERICAN = (".N", ".O", ".OQ", ".US")
_LONGEST_MARKET = 16
_BOARDS_OF_NYSE = frozenset(("AMERICAN", "ARCA", "MKT"))
_SHORTEST_BARE = 3
_LINK_OR_TAG = re.compile(r"\S*://\S*|[$＄#@]\S+")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_FEW_WORDS = 3
"""Up to this many words, a line counts as shouting only when all of them are in capitals."""
_SHOUTING_SHARE = 0.6
_MEMO_LIMIT = 16_384
"""Spellings remembered for each table; feeds use a few thousand, and beyond the limit the memory starts anew."""
_MEMO_CHARS = 32
"""Longer tokens are read each time: no ticker is so long, and a hostile feed could fill the memory with them."""


find_cashtags: Callable[[str], list[str]] = _CASHTAG.findall
"""The cashtags of a text without full-width signs, with their dollar signs, in order."""


class Seen(NamedTuple):
    """A cashtag or declared symbol as it is understood: its canonical symbol, its topics, and what of it names them."""

    symbol: str
    owners: tuple[int, ...]
    surface: str


@lru_cache(maxsize=16_384)
def read_ticker(raw: str) -> tuple[str, str | None]:
    """A ticker in one form, whatever the spelling.

    Returns: the symbol (upper-case; classes after a full stop: "BRK-A" is "BRK.A"; Hong Kong codes without leading
        zeros), and the market it is tied to, None when it names none.
    """
    text = raw.strip().lstrip("$＄").strip().upper().replace("：", ":")
    market: str | None = None
    prefix, colon, rest = text.rpartition(":")
    if colon and rest.strip():
        market, text = _MARKETS.get(prefix.replace(" ", ""), prefix.strip()), rest.strip()
    head, dot, tail = text.partition(".")
    if dot and head.isdigit() and tail in _CHINESE:
        market, text = _CHINESE[tail], head
    elif dot and head.isalpha() and tail == "US":
        market, text = "US", head
    elif text[:2] in _CHINESE and (code := text[2:].lstrip(".")).isdigit() and len(code) >= 4:
        market, text = _CHINESE[text[:2]], code
    if text.isdigit():
        if market is None:
            market = "HK" if len(text) == 5 else _BY_FIRST_DIGIT.get(text[0]) if len(text) == 6 else None
        return (text.lstrip("0") or text) if market == "HK" else text, market
    return text.replace("-", ".").replace("/", "."), market


def is_word_ticker(symbol: str) -> bool:
    """Whether a bare upper-case symbol is more often a word or an acronym than the ticker."""
    return symbol.lower() in COMMON_WORDS or symbol in ACRONYMS


def line_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the line that holds [start, end): a title, or one paragraph."""
    line_end = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if line_end < 0 else line_end


def is_shouting(line: str) -> bool:
    """Whether a line is written in capitals, links and tags aside, so that an upper-case word says nothing."""
    words: list[str] = _LATIN_WORD.findall(_LINK_OR_TAG.sub(" ", line))
    capitals = sum(map(str.isupper, words))
    if len(words) <= _FEW_WORDS:
        return capitals == len(words)
    return capitals > _SHOUTING_SHARE * len(words)


Value = TypeVar("Value")
Place: TypeAlias = tuple[int, int, int]
"""(start, end, topic) of a mention; plain, because several are made for each text and a named tuple takes longer."""
Tickers: TypeAlias = tuple[list[tuple[int, Seen]], list[Place], list[Place]]
"""What of a text is written like a ticker: (place of the dollar sign, what it stands for) of each cashtag, watched or
not; the places of watched codes with their exchange; those of watched bare upper-case words in plain text."""


class TickerTable:
    """The tickers of a watchlist; finds them in texts and in the symbols that feeds declare. Topics are indices."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        owners: dict[str, list[tuple[str | None, int]]] = {}
        for index, topic in enumerate(topics):
            for symbol, market in dict.fromkeys(map(read_ticker, topic.tickers)):
                if symbol:
                    owners.setdefault(symbol, []).append((market, index))
        self._owners = {symbol: tuple(claims) for symbol, claims in owners.items()}
        self._bare: dict[str, tuple[int, ...]] = {}
        for symbol, claims in self._owners.items():
            letters = symbol.partition(".")[0]
            if letters.isalpha() and len(letters) >= _SHORTEST_BARE and not is_word_ticker(symbol):
                # A ticker that is tied to an exchange is one only after that: bare, it may be any other word.
                indices = tuple(dict.fromkeys(index for market, index in claims if market is None))
                if indices:
                    self._bare |= {symbol.replace(".", mark): indices for mark in ("./-" if "." in symbol else ".")}
        self.bare = frozenset(self._bare)
        """The spellings of the tickers that a bare upper-case word can name."""
        self._has_codes = any(symbol.isdigit() for symbol in self._owners)
        self.tokens: dict[str, Seen | tuple[()]] = {}
        """What a token of `_TICKER` is wherever it stands, as far as remembered: a cashtag, or nothing that is watched
        (an empty tuple). A third of tagging was reading the same tokens again."""
        self.symbols: dict[str, Seen] = {}
        """The same of the symbols that feeds declare. Both are open, because a call for each costs twice a look-up."""

    def owners(self, symbol: str, market: str | None) -> tuple[int, ...]:
        """The topics of a canonical symbol that was seen on a market, or on none that is named."""
        fits = (
            index
            for declared, index in self._owners.get(symbol, ())
            if declared is None or market is None or declared == market
        )
        return tuple(dict.fromkeys(fits))

    def symbol(self, raw: str) -> Seen:
        """What a symbol that a feed declares stands for."""
        seen = self.symbols.get(raw)
        if seen is None:
            symbol, market = read_ticker(raw)
            seen = Seen(symbol, self.owners(symbol, market), raw)
            _remember(self.symbols, raw, seen)
        return seen

    def scan(self, text: str, *, has_bare: bool = True) -> Tickers:
        """Everything in a text that is written like a ticker; `has_bare` is false where none of `bare` occurs in it."""
        known = self.tokens
        cashtags: list[tuple[int, Seen]] = []
        if not (has_bare or self.has_intricate(text)):
            for match in _CASHTAG.finditer(text):
                cashtags.append((match.start(), self.cashtag(match[0])))
            return cashtags, [], []
        codes: list[Place] = []
        words: list[Place] = []
        for match in _TICKER.finditer(text):
            token = match[0]
            seen = known.get(token)
            if seen is None:
                seen = self._read_token(token)
                if seen is None:
                    self._read_in_place(text, match.start(), token, codes, words)
            if seen:
                cashtags.append((match.start(), seen))
        if self._has_codes:
            self._add_chinese_codes(text, codes)
        return cashtags, codes, words

    def cashtag(self, token: str) -> Seen:
        """What a cashtag stands for."""
        return self.tokens.get(token) or self._read_cashtag(token)

    def has_intricate(self, text: str) -> bool:
        """Whether a text may hold a watched code with its exchange, or signs that only the whole pattern reads."""
        if not text.isascii() and ("＄" in text or "：" in text or "（" in text):
            return True
        tokens = _AFTER_COLON.findall(text)
        if "(" in text:
            tokens += _AFTER_BRACKET.findall(text)
        for token in tokens:
            if self.tokens.get(token) is None and self._read_token(token) is None:
                return True
        return self._has_codes and _CODE.search(text) is not None

    def _read_token(self, token: str) -> Seen | tuple[()] | None:
        """What a token is wherever it stands, remembered; None when that depends on its neighbours."""
        if token[0] in _CASHTAG_SIGNS:
            return self._read_cashtag(token)
        if token[0].isalpha():
            if token in self._bare:
                return None
        else:
            code = token[1:].lstrip()
            # The market shapes a symbol only in Hong Kong, which drops zeros; any other stands for the rest of them.
            symbols = {read_ticker(f"{market}:{code}")[0] for market in ("HK", "US")} | {code.partition(".")[0]}
            if code in self._bare or not symbols.isdisjoint(self._owners):
                return None
        _remember(self.tokens, token, ())
        return ()

    def _read_in_place(self, text: str, start: int, token: str, codes: list[Place], words: list[Place]) -> None:
        """Add what a token is between its neighbours: a code with its exchange, a bare ticker in plain text."""
        end, code = start + len(token), token
        if not token[0].isalpha():
            code = token[1:].lstrip()
            owners = self._introduced(text, start, end, code)
            start = end - len(code)
            if owners:
                codes += [(start, end, index) for index in owners]
                return
        named = self._bare.get(code)
        if named is not None and self._is_plain(text, start, end):
            words += [(start, end, index) for index in named]

    def _add_chinese_codes(self, text: str, codes: list[Place]) -> None:
        """Add the codes in digits that name their exchange."""
        for match in _CODE.finditer(text):
            start, end = match.span()
            if not match[0].isdigit():
                if start and (text[start - 1] == "." or is_joined(text[start - 1], "0")):
                    continue
            else:
                exchange = _EXCHANGE_BEFORE.search(text, max(0, start - 3), start)
                if exchange is None:
                    continue
                start = exchange.start()
            codes += [(start, end, index) for index in self.owners(*read_ticker(text[start:end]))]

    @staticmethod
    def _is_plain(text: str, start: int, end: int) -> bool:
        """Whether an upper-case word stands in running text: in no link, and in a line that does not shout."""
        first, last = line_around(text, start, end)
        return not is_address(text, start, end) and not is_shouting(f"{text[first:start]} {text[end:last]}")

    def _read_cashtag(self, sign_and_token: str) -> Seen:
        """What a cashtag stands for, remembered."""
        sign, token = sign_and_token[0], sign_and_token[1:]
        symbol = read_ticker(token)[0]
        owners, length = self.owners(symbol, None), len(token)
        tail = None if owners or symbol.isalnum() else _CASHTAG_TAIL.search(token)
        if tail:  # "$NWND-backed", or a sentence that begins without a space after "$NWND."
            length = tail.start()
            symbol = read_ticker(token[:length])[0]
            owners = self.owners(symbol, None)
        seen = Seen(symbol, owners, sign + token[:length])
        _remember(self.tokens, sign_and_token, seen)
        return seen

    def _introduced(self, text: str, start: int, end: int, code: str) -> tuple[int, ...]:
        """The topics of a code after a colon (at `start`) that follows an exchange, or in brackets and complete."""
        if text[start] in _COLONS:
            market = _market_before(text, start)
            return self.owners(*read_ticker(f"{market}:{code}")) if market else ()
        if text[end : end + 1] not in (")", "）"):
            return ()
        if code.isdigit():
            return self.owners(*read_ticker(code)) if len(code) >= 5 else ()
        return self.owners(code.partition(".")[0], "US") if code.endswith(_AMERICAN) else ()


def _market_before(text: str, end: int) -> str | None:
    """The exchange that the last word before `end` names, None when it names none."""
    words = text[max(0, end - _LONGEST_MARKET) : end].upper().split()[-2:]
    if not words:
        return None
    last = words[-1].rpartition("(")[2].rpartition("（")[2].lstrip("[【")
    if last in _MARKETS:
        return last
    return "NYSE" if last in _BOARDS_OF_NYSE and words[0].endswith("NYSE") else None


def _remember(memory: dict[str, Value], raw: str, seen: Value) -> None:
    if len(raw) > _MEMO_CHARS:
        return
    if len(memory) >= _MEMO_LIMIT:
        memory.clear()
    memory[raw] = seen


def is_address(text: str, start: int, end: int) -> bool:
    """Whether [start, end) is a piece of a link, a domain or an e-mail address."""
    left, right = text[max(0, start - 1) : start], text[end : end + 2]
    if left == "@" and text[max(0, start - 2) : start - 1].isalnum():
        return True
    if right[:1] == "@" or (right[:1] == "." and right[1:].isalnum() and not right[1:].isupper()):
        return True
    if left not in ("/", ".", "=", "&", "~", "%", "?", "_") and right[:1] not in ("/", "=", "&", "?"):
        return False
    token_start = text.rfind(" ", 0, start) + 1
    token = text[token_start:start]
    return "://" in token or token.startswith("www.") or (left in "/=" and "." in token) or left == "."
