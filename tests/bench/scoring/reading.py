"""How the texts are read: by the shipped checkpoints' tokenizers, whole as the product does, or cut as others do."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from models.checkpoint import TOKENIZER
from models.shipped import shipped
from models.text import MAX_TOKENS, TextEncoder, Window

LANGUAGES: Final = {"en": "default", "zh": "chinese"}
"""Languages and the shipped checkpoint of each."""

_FAR = 1_000_000


def folder_of(lang: str) -> Path:
    """The checkpoint that reads a language."""
    return shipped(LANGUAGES[lang])


def fresh_tokenizer(lang: str) -> Tokenizer:
    """The tokenizer of a language's checkpoint, without the padding and the cut that its file may ask for."""
    found = Tokenizer.from_file(str(folder_of(lang) / TOKENIZER))
    found.no_padding()
    found.no_truncation()
    return found


@cache
def _encoder(lang: str, max_tokens: int) -> TextEncoder:
    return TextEncoder(fresh_tokenizer(lang), max_tokens)


def cut_windows(lang: str, texts: Sequence[str]) -> list[Window]:
    """The beginning of each text as one window: what a truncation to 128 tokens leaves, read by our own code."""
    encoded = _encoder(lang, _FAR).encode_all([(text, "") for text in texts])
    every = [one.windows[0].ids for one in encoded]
    return [Window(ids if len(ids) <= MAX_TOKENS else (*ids[: MAX_TOKENS - 1], ids[-1]), ()) for ids in every]


def count_tokens(lang: str, texts: Sequence[str]) -> tuple[int, int]:
    """Tokens of some texts: of their beginnings, and in all the windows that the product reads of them."""
    cut = sum(len(window.ids) for window in cut_windows(lang, texts))
    whole = _encoder(lang, MAX_TOKENS).encode_all([(text, "") for text in texts])
    return cut, sum(len(window.ids) for one in whole for window in one.windows)
