"""How well detection does on stories by a second hand; run as `python -m tests.bench.bench_stories`.

    python -m tests.bench.bench_stories [--seeds 1-5] [--budget 0.25] [--scorer lexicon] [--misses] [--keep FOLDER]

Each seed's story is replayed with the defaults but for the budget and, if so asked, the scorer. What counts:

- *found*: the company's alert fires between an incident's first document and six hours after its last;
- *false*: an alert on a company that fires outside every incident and shock of its own and the twelve hours after; one
  on a decoy's company is false too. The rate is per topic-month of the five weeks in which anything can fire;
- a *decoy* fired: one of its companies alerts from its first document to six hours after its last, and has no
  incident there. Of an outage: one of the ten companies that the silent feed carries most, while it is silent. Other
  companies' alerts in that time are false ones as at any other time, so an outage is not blamed for them;
- a *group* alert is told apart from companies' alerts; its members count for the shock. An alert on a feed is right in
  that feed's outage and the twelve hours after, else wrong.

`--misses` prints the documents of each missed incident and of each false alert with their score, and a cause: *scorer*
(documents not called negative), *tagger* (name not matched), *copies* (counted as copies of each other), *amended* (an
alert from before was open, and rose), *budget* (unusual enough, but the desk's alerts were spent), else *detector*.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tqdm import tqdm

from monitor.app import ReplayArguments, replay
from monitor.clock import DAY_MS, ManualClock
from monitor.config import ScorerKind, load_config
from monitor.errors import ExitCode
from tests.bench.machine import cpu_name
from tests.bench.stories.firms import FIRMS, watchlist_csv
from tests.bench.stories.judging import Verdict, judge, read_alerts
from tests.bench.stories.kinds import Decoy
from tests.bench.stories.reasons import Reasons
from tests.bench.stories.story import CHATTER, DAYS, SIZES, START_MS, Story, tell

MONTH_DAYS = 30.44
LEARNING_DAYS = 7
"""Of the story's days these cannot alert, because nobody knows yet what is usual: they are no part of the rate."""
TOPIC_MONTHS = len(FIRMS) * (DAYS - LEARNING_DAYS) / MONTH_DAYS
BARS = {"found": 11, "false_per_topic_month": 0.3, "decoys": 3}


def run(story: Story, budget: float, scorer: str, folder: Path) -> tuple[Path, Path]:
    """Replay a story; gives the alerts file and the history."""
    feed, watchlist = folder / "feed.jsonl", folder / "watchlist.csv"
    feed.write_bytes(b"".join(record + b"\n" for record in story.records))
    watchlist.write_text(watchlist_csv(), encoding="utf-8")
    alerts, history = folder / "alerts.jsonl", folder / "history.db"
    as_of_ms = START_MS + (DAYS + 30) * DAY_MS
    config = load_config(None, {}, {"alerts.budget_per_topic_month": budget, "scorer.kind": scorer})
    arguments = ReplayArguments((str(feed),), watchlist, alerts, history, None, None, as_of_ms)
    assert replay(config, arguments, ManualClock(as_of_ms)) is ExitCode.DONE
    return alerts, history


def row(seed: int, verdict: Verdict) -> dict[str, object]:
    """A seed's figures."""
    found = {size: sum(f is not None for p, f in verdict.incidents if p.documents == size) for size in SIZES}
    delays = [f.at_ms - p.start_ms for p, f in verdict.incidents if f is not None]
    fired = [planted.kind for planted in verdict.decoys_fired]
    return {
        "seed": seed,
        "found": sum(found.values()),
        **{f"found_{size}": count for size, count in found.items()},
        "delay_minutes": round(median(delays) / 60_000) if delays else None,
        "decoys": len(fired),
        "decoys_by_kind": {kind.value: fired.count(kind) for kind in Decoy if kind in fired},
        "false": len(verdict.false),
        "false_per_topic_month": round(len(verdict.false) / TOPIC_MONTHS, 3),
        "in_outages": verdict.in_outages,
        "shock_alerted": len(verdict.shock_alerted),
        "shock_grouped": len(verdict.shock_grouped),
        "groups_wrong": verdict.groups_wrong,
        "feeds_right": verdict.feeds_right,
        "feeds_wrong": verdict.feeds_wrong,
        "alerts": verdict.total,
    }


def seeds_of(text: str) -> list[int]:
    """The seeds of `3`, `1-5` or `1,4,7-9`."""
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} names no seeds; write 1-5 or 1,4,7")
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each seed, the means, and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("1-5"), help="1-5 or 1,4,7")
    parser.add_argument("--budget", type=float, default=0.25, help="alerts per topic-month")
    parser.add_argument("--scorer", choices=tuple(ScorerKind), default="model", help="default: %(default)s")
    parser.add_argument("--documents", type=int, default=CHATTER, help="of chatter")
    parser.add_argument("--misses", action="store_true", help="say why incidents were missed and alerts were false")
    parser.add_argument("--keep", type=Path, help="a folder to keep feeds, alerts and histories in")
    options = parser.parse_args(arguments)
    columns = (
        *("seed", "found", *(f"found_{size}" for size in SIZES), "delay_minutes", "decoys", "false"),
        *(
            "false_per_topic_month",
            "in_outages",
            "shock_alerted",
            "shock_grouped",
            "feeds_right",
            "feeds_wrong",
            "alerts",
        ),
    )
    rows, causes, pages = [], [], []
    with tempfile.TemporaryDirectory() as name:
        for seed in tqdm(options.seeds, unit=" stories", disable=None, leave=False):
            folder = (options.keep or Path(name)) / f"story{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("history.db*"):
                old.unlink()
            story = tell(seed, options.documents)
            alerts, history = run(story, options.budget, options.scorer, folder)
            verdict = judge(story.truth, read_alerts(alerts))
            rows.append(row(seed, verdict))
            with Reasons(history, story) as reasons:
                causes += [reasons.cause(planted) for planted, firing in verdict.incidents if firing is None]
                if options.misses:
                    pages.append(reasons.page(seed, verdict))
    print(f"{len(FIRMS)} companies, {DAYS} days, budget {options.budget:g} alerts per topic-month; {cpu_name()}")
    print(f"scored by: {options.scorer}")
    for column in columns:
        print(f"{column:<24}" + "".join(f"{row[column]!s:>9}" for row in rows))
    print("decoys that fired:", "; ".join(f"seed {row['seed']}: {row['decoys_by_kind']}" for row in rows))
    for page in pages:
        print(page)
    print(
        json.dumps(
            {
                "bench": "stories",
                "scorer": options.scorer,
                "budget": options.budget,
                "bars": BARS,
                "seeds": rows,
                "missed_by_cause": {cause: causes.count(cause) for cause in sorted(set(causes))},
            }
        )
    )


if __name__ == "__main__":
    main()
