"""The phrase book: entries of the lexicon files, and the word forms that each of them stands for.

A file is TSV with the columns phrase, role, polarity, weight, risk. In a phrase `word~` stands for every form of a verb
or noun (fall, falls, fell, fallen, falling), `#` for a number and `%` for a percentage. This module knows no texts.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from importlib import resources
from itertools import product

from models.labels import RISKS


class Role(IntEnum):
    """What an entry does in a sentence; the files use the names in lower case."""

    WORD = 0
    """Good or bad by itself: `fraud`, `beats estimates`."""
    THEME = 1
    """A noun that speaks by itself, and whose direction matters more: `loss` (bad), `loss narrows` (good)."""
    NOUN = 2
    """Silent until something moves it; its polarity says whether more of it is good: profit +1, costs -1."""
    FALL = 3
    """Down; moves the noun before it, else the price: `profit falls`, `shares fall`."""
    RISE = 4
    CUT = 5
    """Down; moves the noun after it: `cuts costs`, `lower sales`."""
    RAISE = 6
    ONTO = 7
    """Falls upon its object: bad for Y in `X sues Y`, nearly nothing for X."""
    CONTEST = 8
    """Good for the subject, bad for the object: `X overtakes Y`."""
    NEGATION = 9
    DENIAL = 10
    """Takes the force out of what follows without turning it round: `denies fraud`."""
    AVERTING = 11
    """Turns what is bad into something good, and leaves the good alone: `avoids default`."""
    INTENSIFIER = 12
    DIMINISHER = 13
    """Doubt or smallness: `may`, `slightly`, `if`."""
    BUT = 14
    CONCESSION = 15
    """Its clause counts less: `although sales fell, ...`."""
    STOP = 16
    """Means nothing here, and keeps shorter entries inside it from being heard: `stock market`, `bull and bear`."""
    SENTENCE = 17
    CLAUSE = 18
    ENTITY = 19


SPEAKING = frozenset(
    (Role.WORD, Role.THEME, Role.NOUN, Role.FALL, Role.RISE, Role.CUT, Role.RAISE, Role.ONTO, Role.CONTEST)
)
"""Roles that can be evidence; the others bend what these say."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a lexicon file. `strength` is polarity x weight, from -3 to 3."""

    phrase: str
    role: Role
    strength: float
    risk: str
    language: str


LANGUAGES = ("any", "en", "zh")
_COLUMNS = ["phrase", "role", "polarity", "weight", "risk"]
_SINGLE_CLOSED_SYLLABLE = re.compile(r"[^aeiou]*[aeiou][^aeiouwxy]")


def data_bytes(name: str) -> bytes:
    """The bytes of one data file of the lexicon."""
    return resources.files("models").joinpath("lexicon", name).read_bytes()


def load_entries() -> list[Entry]:
    """Every entry of every language. Raises: ValueError: a line names an unknown role, risk or weight."""
    tables = {language: data_bytes(f"{language}.tsv").decode() for language in LANGUAGES}
    return [entry for language, table in tables.items() for entry in parse_entries(table, language)]


def parse_entries(table: str, language: str) -> Iterator[Entry]:
    """The entries of one file's text. Raises: ValueError: as `load_entries`."""
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    if rows.fieldnames != _COLUMNS:
        raise ValueError(f"{language}.tsv: the columns must be {', '.join(_COLUMNS)}, found {rows.fieldnames}")
    for row in rows:
        where = f"{language}.tsv line {rows.line_num}"
        polarity, weight = row["polarity"], row["weight"]
        if row["role"].upper() not in Role.__members__:
            raise ValueError(f"{where}: unknown role {row['role']!r}")
        if polarity not in {"-1", "0", "1"} or weight not in {"1", "2", "3"}:
            raise ValueError(f"{where}: polarity is -1, 0 or 1 and weight 1 to 3, found {polarity!r}, {weight!r}")
        if row["risk"] not in RISKS:
            raise ValueError(f"{where}: unknown risk {row['risk']!r}")
        role, strength = Role[row["role"].upper()], float(int(polarity) * int(weight))
        if role in SPEAKING and not strength:
            raise ValueError(f"{where}: a {row['role']} speaks, so its polarity is -1 or 1")
        yield Entry(row["phrase"], role, strength, row["risk"], language)


def load_irregular() -> dict[str, tuple[str, ...]]:
    """Forms of English words that the rules of `inflect` get wrong, by base form."""
    lines = data_bytes("en_forms.tsv").decode().splitlines()[1:]
    return {base: tuple(forms.split()) for base, forms in (line.split("\t") for line in lines)}


def load_variants() -> dict[str, str]:
    """Traditional characters and the simplified ones that the Chinese file is written in."""
    lines = data_bytes("zh_variants.tsv").decode().splitlines()[1:]
    return dict(line.split("\t") for line in lines)


def inflect(base: str, irregular: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Every form of an English verb or noun, the base form first."""
    if base in irregular:
        return (base, *irregular[base])
    if base.endswith("e"):
        return (base, base + "s", base + "d", base[:-1] + "ing")
    if base.endswith("y") and base[-2] not in "aeiou":
        return (base, base[:-1] + "ies", base[:-1] + "ied", base + "ing")
    if base.endswith(("s", "x", "z", "ch", "sh")):
        return (base, base + "es", base + "ed", base + "ing")
    stem = base + base[-1] if _SINGLE_CLOSED_SYLLABLE.fullmatch(base) else base
    return (base, base + "s", stem + "ed", stem + "ing")


def expand(phrase: str, irregular: dict[str, tuple[str, ...]]) -> list[str]:
    """Every way in which a phrase can be written; one without a mark is written as it stands."""
    if "~" not in phrase:
        return [phrase]
    choices = [inflect(word[:-1], irregular) if word.endswith("~") else (word,) for word in phrase.split(" ")]
    return [" ".join(words) for words in product(*choices)]
