"""Cues: whether the words around a doubtful name show that it is the company and not the word that spells it.

Two questions, each a function that a test can ask. `is_ruled_out`: the text uses the ordinary word, so nothing else can
save the mention ("target price"). `find_cue`: what speaks for the company, None when nothing does. A capital letter
counts as evidence only in the middle of a sentence that is not in title case.
"""

import re
from enum import StrEnum

from monitor.operators.folding import fold, is_unspaced
from monitor.operators.tickers import line_around
from monitor.operators.vocabulary import (
    CORPORATE_CUES,
    CORPORATE_CUES_ZH,
    CORPORATE_TITLES,
    CORPORATE_VERBS,
    LEGAL_SUFFIXES,
    NOT_THE_COMPANY,
)

_REACH = 60
"""Characters to each side in which a corporate word counts: about ten words, the length of a clause."""
_REACH_ZH = 14
"""The same in Chinese, where a character carries about a syllable."""
_WORD = re.compile(r"[^\W_]+")
_LONG_WORD = re.compile(r"[A-Za-z]{4,}")
_NEXT_WORDS = re.compile(r"[\s,]*([^\W_]+)(?:\s+([^\W_]+))?")
_POSSESSIVE = re.compile(r"['’＇][sS](?![^\W_])")
_ENDS_SENTENCE = frozenset(".!?:;…|•·—–>\n。！？：；")
_OPENING = " \t\"'([{“‘«*#"
_CUES_ZH = re.compile("|".join(CORPORATE_CUES_ZH))
_TITLE_CASE_SHARE = 0.6
"""Share of capitalised long words above which a line is a headline in title case; sentences stay far below a half."""
_FEW_WORDS = 2


class Cue(StrEnum):
    """What shows that a doubtful name is meant, the strongest first."""

    SUFFIX = "suffix"
    POSSESSIVE = "possessive"
    ADJACENT = "adjacent"
    NEARBY = "nearby"


def is_ruled_out(pattern: str, text: str, start: int, end: int) -> bool:
    """Whether the neighbours of [start, end), whose fold is `pattern`, show the ordinary word: "price target"."""
    neighbours = NOT_THE_COMPANY.get(pattern)
    if neighbours is None:
        return False
    before, after = neighbours
    if is_unspaced(text[start]):
        return text[max(0, start - 1) : start] in before or any(text.startswith(word, end) for word in after)
    following = _NEXT_WORDS.match(text, end)
    if following and fold(following[1]) in after:
        return True
    if start < 2 or text[start - 1] not in " -\u2010\u2011" or not text[start - 2].isalnum():
        return False
    return fold(_WORD.findall(text, max(0, start - 24), start)[-1]) in before


def find_cue(text: str, start: int, end: int) -> Cue | None:
    """What around [start, end) shows that a name which is also a word is the company; None when nothing does."""
    first, last = line_around(text, start, end)
    if is_unspaced(text[start]):
        window = f"{text[max(first, start - _REACH_ZH) : start]}\n{text[end : min(last, end + _REACH_ZH)]}"
        return Cue.NEARBY if _CUES_ZH.search(window) else None
    possessive = _POSSESSIVE.match(text, end)
    following = _NEXT_WORDS.match(text, possessive.end() if possessive else end, last)
    next_word = fold(following[1]) if following else ""
    if not possessive and next_word in LEGAL_SUFFIXES and following and following[1][0].isupper():
        return Cue.SUFFIX
    if possessive:
        return Cue.POSSESSIVE
    if next_word == "to" and following and (following[2] or "").isalpha():
        return Cue.ADJACENT  # "Apple to spend": a headline's way to say what a company will do
    if next_word in CORPORATE_CUES or next_word in CORPORATE_VERBS:
        return Cue.ADJACENT
    preceding = [fold(word) for word in _WORD.findall(text[max(first, start - 30) : start])][-2:]
    if preceding and (
        preceding[-1] in CORPORATE_TITLES or (preceding[-1] in ("of", "in") and preceding[0] in CORPORATE_CUES)
    ):
        return Cue.ADJACENT
    window = f"{text[max(first, start - _REACH) : start]} {text[end : min(last, end + _REACH)]}"
    if _CUES_ZH.search(window):
        return Cue.NEARBY
    if not is_capital_telling(text, start, end):
        return None
    return Cue.NEARBY if any(word in CORPORATE_CUES for word in _WORD.findall(window.lower())) else None


def is_capital_telling(text: str, start: int, end: int) -> bool:
    """Whether the capital letter at `start` says "a name": in mid-sentence, in a line that is not in title case."""
    first, last = line_around(text, start, end)
    before = text[first:start].rstrip(_OPENING)
    if not before or before[-1] in _ENDS_SENTENCE:
        return False
    words = _LONG_WORD.findall(f"{text[first:start]} {text[end:last]}")
    return len(words) > _FEW_WORDS and sum(word[0].isupper() for word in words) <= _TITLE_CASE_SHARE * len(words)
