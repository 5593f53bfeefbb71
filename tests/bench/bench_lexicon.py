"""Microseconds to score a text with the lexicon; run as `python -m tests.bench.bench_lexicon`.

Texts are made from templates and invented names by a fixed seed, in the lengths of a post, a headline and an article;
with `--feed` the documents of a real feed are scored too. The last line is one of JSON. The bar: 40 microseconds for a
text of 100 characters on one core. The least of several rounds counts: what else the machine does only ever adds.
"""

import argparse
import gzip
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

from models.lexicon import LexiconScorer
from models.scorer import Pair

TEXTS = 2_000
ROUNDS = 7
BAR_MICROSECONDS = 40.0
_SEED = 20_240_601
_NAMES = ("Bramwell Foods", "Coldharbour", "Dunmore Steel", "Estuary Bank", "Fernhill Pharma", "Garrick Motors")
_NAMES_ZH = ("柏川集团", "丰岭股份", "海棠科技", "金穗银行", "青禾汽车")
_HEADLINES = (
    "{} shares fall {}% after regulator opens inquiry into delayed accounts, analysts cut price target again",
    "{} says quarterly profit rose {}% on strong demand, but it still warns of higher costs in the next year",
    "{} will hold its annual meeting of shareholders on the {}th of May in the town hall, the board said today",
    "{} recalls {} vehicles over faulty brakes; no accidents reported so far, the company told our reporters",
)
_POSTS = (
    "$ABCD $EFGH {} down {}% and breaking support here, buying puts into the close http://x.invalid/abc #stocks",
    "RT @someone: {} is up {}% this week, not selling a single share 🚀🚀 earnings are next, who else is watching?",
)
_HEADLINES_ZH = (
    "{}：前三季度净利润同比下降{}%，公司称受原材料成本上升和需求疲软影响，不存在应披露而未披露的重大信息",
    "{}今天又跌了{}个点，主力一直在砸盘，没有人接盘，明天继续看跌，大家小心不要被套，说不定后面还有反弹",
)


def made_texts(templates: Sequence[str], names: Sequence[str], repeats: int, rng: random.Random) -> list[Pair]:
    """Pairs from templates, each text of `repeats` filled templates and its first name as the target."""
    pairs = []
    for _ in range(TEXTS):
        name = rng.choice(names)
        pieces = [rng.choice(templates).format(name, rng.randint(2, 40)) for _ in range(repeats)]
        pairs.append(Pair(" ".join(pieces), name, None))
    return pairs


def feed_texts(path: Path, limit: int) -> list[Pair]:
    """The first documents of a JSON-lines feed, gzip, with their first cashtag as the target."""
    pairs = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(limit), strict=False):
            row = json.loads(line)
            symbols = row.get("symbols") or [""]
            pairs.append(Pair(row["text"], f"${symbols[0]}" if symbols[0] else "", None))
    return pairs


def microseconds(scorer: LexiconScorer, pairs: Sequence[Pair]) -> float:
    """CPU time for a pair, the least of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        scorer.score(pairs)
        best = min(best, time.process_time() - began)
    return best / len(pairs) * 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_lexicon", description="Time the lexicon scorer.")
    parser.add_argument("--feed", type=Path, help="a gzip feed of JSON lines, scored too")
    parser.add_argument("--limit", type=int, default=20_000, help="documents of the feed")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    scorer = LexiconScorer()
    load_ms = (time.perf_counter() - began) * 1e3
    rng = random.Random(_SEED)
    sets = {
        "headline": made_texts(_HEADLINES, _NAMES, 1, rng),
        "post": made_texts(_POSTS, _NAMES, 1, rng),
        "chinese": made_texts(_HEADLINES_ZH, _NAMES_ZH, 1, rng),
        "article": made_texts(_HEADLINES, _NAMES, 20, rng)[:200],
    }
    if options.feed:
        sets["feed"] = feed_texts(options.feed, options.limit)
    results = {}
    print(f"{scorer.name}, loaded in {load_ms:.0f} ms; bar {BAR_MICROSECONDS:.0f} microseconds for 100 characters")
    print(f"{'texts':<10}{'number':>8}{'characters':>12}{'us/text':>10}{'us/100 characters':>20}")
    for name, pairs in sets.items():
        cost = microseconds(scorer, pairs)
        length = sum(len(pair.text) for pair in pairs) / len(pairs)
        results[name] = {"characters": round(length, 1), "us_per_text": round(cost, 2)}
        print(f"{name:<10}{len(pairs):>8}{length:>12.0f}{cost:>10.1f}{cost / length * 100:>20.1f}")
    print(json.dumps({"bench": "lexicon", "scorer": scorer.name, "load_ms": round(load_ms), "texts": results}))


if __name__ == "__main__":
    main()
