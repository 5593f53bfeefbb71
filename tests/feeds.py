"""Small generated feeds for tests: invented companies, several sources, late, repeated, broken, far-future records."""

import json
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

START_MS = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a Monday."""

WATCHLIST = """id,name,kind,tickers,aliases_en,aliases_zh,exclude
HALD,Halden Bank,company,HALD,Halden Bank,哈尔登银行,
NWFD,Northwind Foods,company,NWFD,Northwind Foods,北风食品,
TESS,Tessaly Motors,company,TESS,Tessaly Motors,,
KORV,Korvane Chips,company,KORV,Korvane Chips,,
"""

NAMES = ("Halden Bank", "Northwind Foods", "Tessaly Motors", "Korvane Chips")

GOOD = (
    "{name} reports record profit and raises its dividend",
    "{name} wins a large order from a port operator, shares jump",
    "Analysts upgrade {name} to buy after a strong quarter",
)
NEUTRAL = (
    "{name} will publish its quarterly figures on Thursday",
    "{name} opens a new office in Lisbon",
    "What the calendar holds for {name} this week",
    "Nobody in the village has heard of it yet",
)
BAD = (
    "{name} files for bankruptcy protection after {n} weeks of losses",
    "Regulator opens fraud probe into {name}, fine of {n} million feared",
    "{name} recalls {n} thousand products after accidents",
    "{name} shares plunge {n} percent on profit warning",
    "Depositors queue outside {n} branches of {name} as liquidity worries spread",
    "{name} halts withdrawals, {n} clients say they lost money",
    "Data breach at {name} exposes {n} million customers",
    "Rating of {name} cut to junk, default risk at a {n} year high",
)


@dataclass(frozen=True)
class FeedShape:
    """How a feed is made: `documents` over `hours`, from `sources`, with a burst of bad news about one company."""

    documents: int = 400
    hours: int = 48
    sources: tuple[str, ...] = ("wire", "paper", "forum")
    late_share: float = 0.03
    repeat_share: float = 0.03
    broken_share: float = 0.01
    future_share: float = 0.005
    bursts: int = 3
    bursts_from: float = 0.4
    """The first comes not before this share of the time: until then a topic's past is learned."""
    start_ms: int = START_MS


def recent(shape: FeedShape) -> FeedShape:
    """The same, so that it ended some days ago: nobody is told of what is older than a year, or not yet said."""
    start = datetime.now(UTC) - timedelta(hours=shape.hours, days=4)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return replace(shape, start_ms=round(midnight.timestamp() * 1_000))


def records(seed: int, shape: FeedShape) -> list[tuple[int, bytes]]:
    """(arrival, line) of each record in order of arrival; `observed_at` is the arrival."""
    rng = random.Random(seed)
    span_ms = shape.hours * 3_600_000
    first_ms = shape.start_ms
    moments = [(first_ms + rng.randrange(span_ms), rng.choice(NAMES), _usual(rng)) for _ in range(shape.documents)]
    for _ in range(shape.bursts):
        begin, name = first_ms + int(span_ms * rng.uniform(shape.bursts_from, 0.95)), rng.choice(NAMES)
        moments += [(begin + rng.randrange(1_800_000), name, rng.choice(BAD)) for _ in range(rng.randrange(6, 14))]
    made: list[tuple[int, bytes]] = []
    for number, (event_ms, name, template) in enumerate(moments):
        arrival_ms = event_ms + rng.randrange(200)
        if rng.random() < shape.late_share:
            arrival_ms += rng.randrange(30_000, 40 * 3_600_000)
        said_ms = event_ms
        if rng.random() < shape.future_share:
            said_ms = event_ms + rng.choice((3 * 86_400_000, 74 * 365 * 86_400_000))
        fields = {
            "id": f"d{number}",
            "source": rng.choice(shape.sources),
            "author": f"writer{rng.randrange(60)}",
            "published_at": _iso(said_ms),
            "observed_at": _iso(arrival_ms),
            "text": template.format(name=name, n=rng.randrange(2, 90)),
        }
        line = json.dumps(fields).encode()
        if rng.random() < shape.broken_share:
            line = rng.choice((line[: len(line) // 2], b"\xff\xfe\x00 noise", b'{"text": "no time"}', b"[1, 2]"))
        made.append((arrival_ms, line))
        if rng.random() < shape.repeat_share:
            again_ms = arrival_ms + rng.randrange(1_000, 3_600_000)
            made.append((again_ms, json.dumps({**fields, "observed_at": _iso(again_ms)}).encode()))
    made.sort(key=lambda pair: pair[0])
    return made


def write(folder: Path, seed: int, shape: FeedShape, files: int = 1) -> tuple[list[Path], Path]:
    """The feed in one or several files (records dealt out by source), and the watchlist."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[list[bytes]] = [[] for _ in range(files)]
    for number, (_, line) in enumerate(records(seed, shape)):
        lines[hash_of(line, number) % files].append(line)
    paths = []
    for number, each in enumerate(lines):
        path = folder / f"feed{number}.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in each))
        paths.append(path)
    return paths, write_watchlist(folder)


def write_watchlist(folder: Path) -> Path:
    """The watchlist alone."""
    path = folder / "watchlist.csv"
    path.write_text(WATCHLIST, encoding="utf-8")
    return path


def hash_of(line: bytes, number: int) -> int:
    """A stable small number, so that a record goes to the same file in every run."""
    return sum(line[:40]) + number


def _usual(rng: random.Random) -> str:
    draw = rng.random()
    return rng.choice(BAD if draw < 0.1 else GOOD if draw < 0.3 else NEUTRAL)


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, tz=UTC).isoformat(timespec="milliseconds")
