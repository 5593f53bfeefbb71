"""Texts for a teacher to answer: `python -m models.training.transfer --data DIR --out FILE --sample N`.

Reads unlabelled sets, leaves out what a student will be judged on (development texts of every labelled set of the
folder, and their near copies), takes as much of each source as of any other while it lasts, and names the company
that a text seems to be about as its target in half of the rows where there is one. The same arguments give the same
file. What comes next: `python -m models.train --label FILE`, then `soft.path` of the student.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.corpus.rows import (
    NO_LABEL,
    SUFFIXES,
    DataError,
    find_set,
    fraction,
    read_records,
    read_rows,
    set_name,
    text_key,
)
from models.corpus.split import is_development, near_copies
from models.text import find_mentions, normalise
from models.training.names import guess

LEAST_WORDS = 3
"""A teacher's answer to less is noise; Chinese counts characters instead."""
RESERVE = 1.05
"""Texts looked at for each one wanted, so that leaving out near copies does not leave too few: in 6,000 headlines and
tweets there was not one, so a little is enough."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An unlabelled text and where it came from."""

    text: str
    lang: str
    source: str


def candidates(paths: Sequence[Path], ratio: float) -> Iterator[Candidate]:
    """Each text once, none of the development side. Raises: DataError."""
    seen: set[str] = set()
    for path in paths:
        for number, record in enumerate(read_records(path), 1):
            text = record.get("text")
            if not isinstance(text, str):
                raise DataError(f"{path}, row {number}: the key `text` is missing or no string")
            plain = normalise(text)
            key = text_key(plain)
            lang = str(record.get("lang") or "")
            if key in seen or len(key if lang == "zh" else plain.split()) < LEAST_WORDS:
                continue
            seen.add(key)
            # Links and handles come and go between copies, so both forms have to be on the training side.
            if not (is_development(text, ratio) or is_development(plain, ratio)):
                yield Candidate(text, lang, str(record.get("source") or set_name(path)))


def shares(counts: Mapping[str, int], wanted: int) -> dict[str, int]:
    """How many to take of each source: equal parts, what a small source lacks spread over the others."""
    found: dict[str, int] = {}
    left = wanted
    for place, (name, count) in enumerate(sorted(counts.items(), key=lambda pair: (pair[1], pair[0]))):
        found[name] = min(count, left // (len(counts) - place))
        left -= found[name]
    return found


def draw(found: Iterable[Candidate], development: Sequence[str], wanted: int, seed: int) -> list[Candidate]:
    """`wanted` texts (fewer if there are no more) in a mixed order, near copies of `development` left out."""
    by_source: dict[str, list[Candidate]] = {}
    for one in sorted(found, key=lambda one: fraction(one.text, f"{seed}/draw")):
        by_source.setdefault(one.source, []).append(one)
    looked = shares({name: len(ones) for name, ones in by_source.items()}, int(wanted * RESERVE) + 1)
    chosen = [one for name, ones in by_source.items() for one in ones[: looked[name]]]
    copies = near_copies([one.text for one in chosen], development)
    clean: dict[str, list[Candidate]] = {}
    for one, is_copy in zip(chosen, copies, strict=True):
        if not is_copy:
            clean.setdefault(one.source, []).append(one)
    taken = shares({name: len(ones) for name, ones in clean.items()}, wanted)
    return sorted(
        (one for name, ones in clean.items() for one in ones[: taken[name]]),
        key=lambda one: fraction(one.text, f"{seed}/order"),
    )


def with_target(one: Candidate, seed: int) -> dict[str, str]:
    """The row for the teacher; a target in half of those that name somebody."""
    name = guess(one.text, one.lang == "zh") or ""
    is_named = bool(name) and bool(find_mentions(normalise(one.text), name))
    target = name if is_named and fraction(one.text, f"{seed}/target") < 0.5 else ""
    return {"text": one.text, "target": target, "lang": one.lang, "source": one.source}


def development_texts(folder: Path, langs: set[str], ratio: float) -> list[str]:
    """The development texts of every labelled set of a folder in some languages, each once. Raises: DataError."""
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))
    return list(
        dict.fromkeys(
            row.text
            for path in paths
            for row in read_rows(path)
            if row.label != NO_LABEL and row.lang in langs and is_development(row.text, ratio)
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for data that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m models.training.transfer", description="Draw texts for a teacher.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines: text, target, lang, source")
    parser.add_argument("--sets", nargs="+", default=["unlabelled_en"], metavar="NAME", help="unlabelled sets")
    parser.add_argument("--sample", type=int, default=40_000, metavar="N", help="texts to draw")
    parser.add_argument("--development", type=float, default=0.08, help="share of texts kept for development")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        found = list(candidates([find_set(options.data, name) for name in options.sets], options.development))
        development = development_texts(options.data, {one.lang for one in found}, options.development)
        rows = [with_target(one, options.seed) for one in draw(found, development, options.sample, options.seed)]
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    with options.out.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    named = sum(bool(row["target"]) for row in rows)
    print(f"{options.out}: {len(rows):,} of {len(found):,} texts, {named:,} with a target")
    return 0


if __name__ == "__main__":
    sys.exit(main())
