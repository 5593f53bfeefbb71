"""Texts to be scored: sentences of our invented companies, as long as real posts and real news are.

Only the lengths are real: shares of texts with up to so many tokens, measured once. A supply never gives a text twice,
so that nobody can answer from memory, and its texts mean the same before and after `normalise`: whoever reads them as
they stand, as other people's tools do, reads the same tokens as we do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Final

import numpy as np
from tokenizers import Encoding

from models.text import normalise
from monitor.lab.story import everyday_chinese, everyday_english
from monitor.lab.story.companies import COMPANIES
from monitor.lab.story.events import FRAUD, GOOD, LIQUIDITY, NEUTRAL, RECALL
from monitor.lab.story.pen import Pen
from monitor.lab.story.sources import COURIER, FORUM, MICROBLOG, NEWSWIRE_ZH
from tests.bench.scoring.reading import LANGUAGES, fresh_tokenizer

_SHARES: Final = (*(number / 20 for number in range(20)), 0.99, 1.0)
POSTS: Final = (4, 12, 15, 17, 19, 20, 21, 22, 23, 24, 26, 27, 29, 30, 32, 34, 36, 38, 41, 46, 62, 233)
"""Tokens, special ones included, by the shares above: the 62,408 posts of the real replay as the English model reads
them. Half have 20 to 34, the mean is 27."""
NEWS: Final = (53, 71, 80, 91, 99, 107, 115, 123, 131, 138, 147, 154, 164, 173, 184, 195, 206, 218, 240, 275, 365, 478)
"""The same for news with a body, as the Chinese model reads it: 3,588 unlabelled ones of `finna_news`. The English
unlabelled sets hold headlines alone, so English news is written to these lengths too; the mean is 157."""

_TRIES = 40
_SHORT = 16
"""Tokens up to which a text begins inside a sentence: of whole beginnings there would be too few."""


@dataclass(frozen=True, slots=True)
class TextSet:
    """Texts of one kind in one language. `tokens`: of a text, by `_SHARES`."""

    name: str
    lang: str
    tokens: tuple[int, ...]


SETS: Final = tuple(
    TextSet(f"{kind}-{lang}", lang, tokens) for kind, tokens in (("posts", POSTS), ("news", NEWS)) for lang in LANGUAGES
)


def draw_lengths(tokens: Sequence[int], count: int, rng: Random) -> list[int]:
    """So many lengths of the distribution, spread evenly over it and shuffled: two draws hardly differ in sum."""
    found = [round(float(np.interp((number + rng.random()) / count, _SHARES, tokens))) for number in range(count)]
    rng.shuffle(found)
    return found


_tokenizer = cache(fresh_tokenizer)


class Supply:
    """Texts of one set, the same for the same seed, none of them twice."""

    def __init__(self, of: TextSet, seed: int) -> None:
        self.of = of
        self._rng = Random(f"{of.name} {seed}")
        self._pen = Pen(self._rng)
        self._given: set[str] = set()

    def draw(self, count: int) -> list[str]:
        """The next so many texts."""
        return [self._text(tokens) for tokens in draw_lengths(self.of.tokens, count, self._rng)]

    def _text(self, tokens: int) -> str:
        for tried in range(_TRIES):
            # Where nothing new is found, a little more of a text is.
            found = self._piece(tokens + tried // 4, is_whole=tried == 0 and tokens > _SHORT)
            if found and found not in self._given:
                self._given.add(found)
                return found
        raise RuntimeError(f"{self.of.name}: no new text of {tokens} tokens was found: write more wordings")

    def _piece(self, tokens: int, *, is_whole: bool) -> str:
        """About so many tokens out of a stream of sentences, cut between words."""
        room = tokens - 2
        sentences: list[str] = []
        count = 0
        while count < room + _SHORT:
            sentences.append(self._sentence())
            count += len(_encode(self.of.lang, sentences[-1]).ids)
        stream = ("" if self.of.lang == "zh" else " ").join(sentences)
        encoded = _encode(self.of.lang, stream)
        words = encoded.word_ids
        first = 0 if is_whole else self._rng.randrange(len(words) - room)
        while first > 0 and words[first] == words[first - 1]:
            first -= 1
        last = first + room
        while last < len(words) and words[last] == words[last - 1]:
            last += 1
        return _settled(stream[encoded.offsets[first][0] : encoded.offsets[last - 1][1]])

    def _sentence(self) -> str:
        rng, is_chinese, is_news = self._rng, self.of.lang == "zh", self.of.tokens is NEWS
        source = (NEWSWIRE_ZH if is_news else FORUM) if is_chinese else (COURIER if is_news else MICROBLOG)
        line = rng.choice(_lines(is_chinese, is_news))
        item = self._pen.write(line, rng.choice(COMPANIES), source, 0, rng.choice(COMPANIES))
        mark = "。" if is_chinese else "."
        return _settled(f"{item.title}{mark} {item.text}" if item.title else item.text) + mark


def _encode(lang: str, text: str) -> Encoding:
    return _tokenizer(lang).encode(text, add_special_tokens=False)


def _settled(text: str) -> str:
    """The text in the form that normalising leaves as it is."""
    while (found := normalise(text)) != text:
        text = found
    return text


@cache
def _lines(is_chinese: bool, is_news: bool) -> tuple[str, ...]:
    """Wordings of every mood: of news, or of posts."""
    everyday = everyday_chinese if is_chinese else everyday_english
    moods = ("NEUTRAL", "GOOD", "BAD")
    lines = [line for mood in moods for line in getattr(everyday, f"{'NEWS' if is_news else 'POST'}_{mood}")]
    for voices in (RECALL, LIQUIDITY, FRAUD, GOOD, NEUTRAL):
        if is_chinese:
            lines += voices.news_zh if is_news else voices.posts_zh
        else:
            lines += voices.news if is_news else voices.posts
    return tuple(lines)
