"""A process that has just begun: what a start, a single text and both languages in memory cost.

    python -m tests.bench.scoring.fresh THREADS < QUESTIONS

It imports nothing that the product does not, and answers in lines of JSON, the first as soon as one text is scored.
QUESTIONS is JSON: `first` a text, `warm` lists of texts by language, `singles` texts that are asked one by one.
"""

import json
import os
import sys
import time

from models.scorer import Pair
from models.shipped import DEFAULT, open_scorer
from tests.bench.machine import resident_kib

_BATCH = 64


def main() -> None:
    """Answer the questions on standard input."""
    threads = int(sys.argv[1])
    asked = json.loads(sys.stdin.read())
    scorer = open_scorer(DEFAULT, threads)
    scorer.score([Pair(asked["first"], "", None)])
    print(json.dumps({"scorer": scorer.name}), flush=True)
    for texts in asked["warm"].values():
        for start in range(0, len(texts), _BATCH):
            scorer.score([Pair(text, "", None) for text in texts[start : start + _BATCH]])
    resident = resident_kib(os.getpid())
    seconds = []
    for text in asked["singles"]:
        began = time.perf_counter()
        scorer.score([Pair(text, "", None)])
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"resident_kib": resident, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
