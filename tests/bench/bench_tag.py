"""Microseconds to tag a headline with a watchlist of 50,000 invented names; run as `python -m tests.bench.bench_tag`.

The last line is one of JSON. With `--feed` and `--watchlist` it also tags the documents of a real feed, one by one and
warm, which is what the score role does. The bar: 10 microseconds a headline of about 70 characters on one core.
"""

import argparse
import csv
import gzip
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from monitor.domain.document import Document, DocumentId
from monitor.domain.topics import Topic, TopicId, TopicKind
from monitor.operators.tag import Tagger
from monitor.watchlist import load_watchlist

NAMES = 50_000
HEADLINES = 20_000
BAR_MICROSECONDS = 10.0
_SEED = 20_240_601


def _words(text: str) -> list[str]:
    return text.split()


_SYLLABLES = _words(
    "bra cor dal fen gol hes jun kar lom mer nor ost pel quin ros sel tor ulm ver wil xan yor zel bir cas dre fal gim "
    "hol ist jor kel lun mor nim or pas ril sto tam und vos wex yel zan ark bel cyr dun esk"
)
_KINDS = _words(
    "Foods Energy Bank Steel Marine Robotics Chemie Logistics Mining Pharma Capital Motors Networks Textiles"
)
_SUFFIXES = ("Inc.", "plc", "AG", "Ltd", "Corp", "", "Holdings", "SA")
_FILLERS = (
    "profit warning sends shares lower as demand cools across the region",
    "regulator opens inquiry into delayed accounts after auditor resigns",
    "markets drift as traders wait for the minutes of the central bank",
    "storm closes the main port and insurers count the cost of the damage",
    "union calls a strike over pay at three plants before the holidays",
    "oil slips on higher stocks while copper gains on supply worries",
)


def invented_topics(count: int, seed: int = _SEED) -> list[Topic]:
    """Companies that do not exist: two names each in four, a ticker in two, all drawn from syllables."""
    rng = random.Random(seed)
    topics: list[Topic] = []
    seen: set[str] = set()
    while len(topics) < count:
        stem = "".join(rng.choices(_SYLLABLES, k=rng.choice((2, 3, 3)))).capitalize()
        name = f"{stem} {rng.choice(_KINDS)} {rng.choice(_SUFFIXES)}".strip()
        if name in seen:
            continue
        seen.add(name)
        number = len(topics)
        ticker = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4)) if number % 2 else f"{600_000 + number}.SH"
        aliases_zh = ("".join(chr(rng.randrange(0x4E00, 0x9F00)) for _ in range(4)),) if number % 4 == 0 else ()
        topics.append(
            Topic(TopicId(f"t{number}"), name, TopicKind.COMPANY, (ticker,) if number % 4 < 2 else (), (), aliases_zh)
        )
    return topics


def invented_headlines(topics: Sequence[Topic], count: int, seed: int = _SEED) -> list[str]:
    """Headlines of about 70 characters, a tenth of them naming a topic."""
    rng = random.Random(seed + 1)
    return [
        f"{rng.choice(topics).name} {rng.choice(_FILLERS)[:45]}"
        if index % 10 == 0
        else f"{rng.choice(_KINDS)} {rng.choice(_FILLERS)}"
        for index in range(count)
    ]


def microseconds(function: Callable[[Any], object], items: Sequence[Any], repeats: int = 5) -> float:
    """Processor time for one item, the best of several passes: the rest is other people's load."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        for item in items:
            function(item)
        best = min(best, time.process_time() - start)
    return best / len(items) * 1e6


def document_of(text: str, symbols: Sequence[str] = ()) -> Document:
    return Document(DocumentId("bench:1"), "bench", 0, None, "", text, None, None, tuple(symbols), None, ())


def read_feed(path: Path, limit: int) -> list[Document]:
    """The first documents of a feed file in the product's own form."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for _, line in zip(range(limit), lines, strict=False)]
    return [document_of(row.get("text", ""), row.get("symbols", ())) for row in rows]


def load_seconds(topics: Sequence[Topic], folder: Path) -> float:
    """Seconds to read the same topics from a file."""
    path = folder / "watchlist.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "name", "kind", "tickers", "aliases_zh"))
        writer.writerows((t.id, t.name, t.kind, ";".join(t.tickers), ";".join(t.aliases_zh)) for t in topics)
    start = time.process_time()
    load_watchlist(path)
    return time.process_time() - start


def measure(names: int, headlines: int) -> dict[str, float]:
    """The figures of the invented watchlist."""
    topics = invented_topics(names)
    texts = invented_headlines(topics, headlines)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    tagger = Tagger(topics)
    build = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident) / 1024
    documents = [document_of(text) for text in texts]
    named = sum(bool(tagger.tag(document)) for document in documents)
    return {
        "names": names,
        "headline_chars": sum(map(len, texts)) / len(texts),
        "named_share": named / len(texts),
        "build_seconds": build,
        "build_mib": grown,
        "tag_microseconds": microseconds(tagger.tag, documents),
        "find_microseconds": microseconds(tagger.find, texts),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=NAMES)
    parser.add_argument("--headlines", type=int, default=HEADLINES)
    parser.add_argument("--feed", type=Path, help="a feed file to tag as well")
    parser.add_argument("--watchlist", type=Path, help="its watchlist")
    arguments = parser.parse_args()
    figures = measure(arguments.names, arguments.headlines)
    with tempfile.TemporaryDirectory() as folder:
        figures["load_seconds"] = load_seconds(invented_topics(arguments.names), Path(folder))
    if arguments.feed and arguments.watchlist:
        tagger = Tagger(load_watchlist(arguments.watchlist).topics)
        # A few hundred at a time, because in the product a document has just been parsed and is still in the cache.
        documents = read_feed(arguments.feed, 60_000)[::200]
        figures["feed_documents"] = len(documents)
        figures["feed_tag_microseconds"] = microseconds(tagger.tag, documents, repeats=60)
    for name, value in figures.items():
        print(f"{name:24}{value:14,.3f}")
    figures["bar_microseconds"] = BAR_MICROSECONDS
    print(json.dumps({"bench": "tag", **{name: round(value, 4) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()
