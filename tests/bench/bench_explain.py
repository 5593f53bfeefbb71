"""Whether an explanation is true, and what it costs; run as `python -m tests.bench.bench_explain --data DIR`.

For development rows of the labelled sets the three words that are named are taken out of the text together, and beside
that three random words; how far the net score moves tells whether the named ones carried it. Bars: at least twice as
far; twenty documents explained in two seconds on two cores. The last line is one of JSON.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

from models.corpus.rows import Row, find_set, fraction, read_rows
from models.corpus.split import is_development
from models.explain import WORDS, explain, without, words_of
from models.scorer import Pair, PairScorer, Remembering
from models.shipped import open_scorer
from tests.bench.machine import cpu_name

SETS = ("fpb_50agree", "fiqa", "tfns", "sentfin", "finfe", "finnsp_entity")
TEXTS = 200
DOCUMENTS = 20
BAR_RATIO = 2.0
BAR_SECONDS = 2.0
_DEVELOPMENT = 0.08
_SEED = 20_261_127


def development_rows(folder: Path, texts: int) -> list[Row]:
    """Rows that no shipped model was trained on, as many of each set, with more words than are named."""
    found: list[Row] = []
    for name in SETS:
        rows = [row for row in read_rows(find_set(folder, name)) if is_development(row.text, _DEVELOPMENT)]
        long = [row for row in rows if len(words_of(row.text, row.target)) > 2 * WORDS]
        found += sorted(long, key=lambda row: fraction(row.text, "explain"))[: -(-texts // len(SETS))]
    return found[:texts]


def nets(scorer: PairScorer, pairs: Sequence[Pair]) -> list[float]:
    return [one.positive - one.negative for one in scorer.score(pairs)]


def moved(scorer: PairScorer, pairs: Sequence[Pair]) -> tuple[float, float, float]:
    """(mean distance of the net score without the named words, without random ones, seconds of the explaining)."""
    chance = random.Random(_SEED)
    began = time.perf_counter()
    explained = explain(scorer, pairs)
    seconds = time.perf_counter() - began
    named, others = [], []
    for pair, words in zip(pairs, explained, strict=True):
        spans = words_of(pair.text, pair.target)
        drawn: list[tuple[int, int]] = []
        for span in chance.sample(spans, len(spans)):
            if len(drawn) < WORDS and all(span[1] <= start or end <= span[0] for start, end in drawn):
                drawn.append(span)
        named.append(Pair(without(pair.text, [(word.start, word.end) for word in words]), pair.target, pair.lang))
        others.append(Pair(without(pair.text, drawn), pair.target, pair.lang))
    full = nets(scorer, pairs)
    far = [
        sum(abs(one - other) for one, other in zip(full, nets(scorer, changed), strict=True)) / len(pairs)
        for changed in (named, others)
    ]
    return far[0], far[1], seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_explain", description="Judge explanations.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the labelled sets")
    parser.add_argument("--scorer", default="default", help="a checkpoint's name or folder")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"bench_explain: skipped: there is no folder {options.data}; name that of the labelled sets with --data")
        return
    scorer = open_scorer(options.scorer)
    rows = development_rows(options.data, TEXTS)
    pairs = [Pair(row.text, row.target, row.lang) for row in rows]
    explain(scorer, pairs[:2])
    named, others, seconds = moved(scorer, pairs)
    chance = random.Random(_SEED)
    times = []
    for _ in range(3):
        documents = chance.sample(pairs, DOCUMENTS)
        if isinstance(scorer, Remembering):
            scorer.forget()  # It was asked the same above.
        began = time.perf_counter()
        explain(scorer, documents)
        times.append(time.perf_counter() - began)
    ratio = named / others if others else float("inf")
    middle = sorted(times)[1]
    print(f"{scorer.name} on {cpu_name()}")
    print(f"{len(pairs)} development rows: named words move the net score by {named:.3f}, random ones by {others:.3f}")
    print(f"ratio {ratio:.1f} (bar {BAR_RATIO}); {DOCUMENTS} documents in {middle:.2f} s (bar {BAR_SECONDS} s)")
    print(json.dumps({
        "bench": "explain", "scorer": scorer.name, "cpu": cpu_name(), "texts": len(pairs), "named": round(named, 4),
        "random": round(others, 4), "ratio": round(ratio, 2), "seconds_20": round(middle, 3),
        "seconds_all": round(seconds, 2),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
