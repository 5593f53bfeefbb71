"""What a document costs outside the scorer: the whole embedded replay, with a table of microseconds by stage.

    python -m tests.bench.bench_pipeline [--feed FILE --watchlist FILE] [--runs 3] [--documents N] [--scorer model]

The feed is the real replay where it is present, else the synthetic one. Stages are measured inside the run by the same
laps that feed the metrics; they sum to the loop's time, and the line "between" is what of it no stage books.
"""

import argparse
import json
import tempfile
from pathlib import Path

from monitor.app import ReplayArguments, replay
from monitor.clock import Laps, SystemClock
from monitor.config import ScorerKind, load_config
from monitor.errors import ExitCode
from monitor.lab.synthetic import synthetic, watchlist_csv
from tests.bench.machine import cpu_name
from tests.imports import ROOT

REPLAY = ROOT.parent / "shared" / "replay"
BAR_PER_SECOND = 10_000


def measured(
    feed: Path, watchlist: Path, folder: Path, scorer: str, *, with_state: bool, is_fine: bool = False
) -> dict[str, tuple[int, int]]:
    """(nanoseconds, items) by stage of one replay's loop; a fine one tells the stages of trend apart, which costs."""
    folder.mkdir()
    laps = Laps(is_fine=is_fine)
    state = folder / "state.db" if with_state else None
    arguments = ReplayArguments((str(feed),), watchlist, folder / "alerts.jsonl", state, None, None, None)
    config = load_config(None, {}, {"alerts.budget_per_topic_month": 2, "scorer.kind": scorer})
    assert replay(config, arguments, SystemClock(), laps=laps) is ExitCode.DONE
    return laps.take()


def cost(laps: dict[str, tuple[int, int]], *, scorer: bool) -> float:
    """Microseconds a document, with or without the scorer."""
    spent = sum(nanoseconds for stage, (nanoseconds, _) in laps.items() if scorer or stage != "score")
    return spent / 1e3 / laps["read"][1]


def show(laps: dict[str, tuple[int, int]], what: str) -> None:
    """The table of one run."""
    documents = laps["read"][1]
    print(f"\n{what}\n{'stage':<16}{'items':>10}{'us/document':>14}")
    for stage, (nanoseconds, items) in laps.items():
        print(f"{stage:<16}{items or '':>10}{nanoseconds / 1e3 / documents:>14.2f}")
    print(f"{'all':<16}{documents:>10}{cost(laps, scorer=True):>14.2f}")
    without = cost(laps, scorer=False)
    print(f"{'all but score':<16}{'':>10}{without:>14.2f}  = {1e6 / without:,.0f} documents a second on one core")


def main() -> None:
    """Print two tables, without and with a history, and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", type=Path, default=REPLAY / "docs.jsonl.gz")
    parser.add_argument("--watchlist", type=Path, default=REPLAY / "watchlist.csv")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--documents", type=int, default=60_000, help="of the synthetic feed, if the other is absent")
    # What is measured is all but the score, and a trained model's score takes most of the time that there is.
    parser.add_argument("--scorer", choices=tuple(ScorerKind), default="lexicon", help="default: %(default)s")
    arguments = parser.parse_args()
    scorer = arguments.scorer
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        feed, watchlist, what = arguments.feed, arguments.watchlist, "the real replay"
        if not feed.exists():
            what = "the synthetic feed (the real replay is not here)"
            feed, watchlist = folder / "feed.jsonl", folder / "watchlist.csv"
            feed.write_bytes(b"".join(synthetic(arguments.documents, 500, 1, 20_000)))
            watchlist.write_text(watchlist_csv(500, 1), encoding="utf-8")
        bare, kept = [], []
        for number in range(arguments.runs):
            # In turn, because the machine's speed drifts.
            bare.append(measured(feed, watchlist, folder / f"bare{number}", scorer, with_state=False))
            kept.append(measured(feed, watchlist, folder / f"kept{number}", scorer, with_state=True))
        fine = measured(feed, watchlist, folder / "fine", scorer, with_state=False, is_fine=True)
    without = sorted(cost(laps, scorer=False) for laps in bare)
    history = sorted(cost(laps, scorer=False) for laps in kept)
    middle = len(without) // 2
    print(f"{what}, {arguments.runs} runs of each, tables of the quickest; {cpu_name()}")
    show(min(bare, key=lambda laps: cost(laps, scorer=False)), "without a history")
    show(min(kept, key=lambda laps: cost(laps, scorer=False)), "with state and history in SQLite")
    show(fine, "without a history, with trend's `decide` told apart (one run; telling costs some microseconds)")
    print(f"\nall but score, without a history: {without[0]:.1f} to {without[-1]:.1f} us, median {without[middle]:.1f}")
    print(f"all but score, with one: {history[0]:.1f} to {history[-1]:.1f} us, median {history[middle]:.1f}")
    print(
        json.dumps(
            {
                "bench": "pipeline",
                "scorer": scorer,
                "cpu": cpu_name(),
                "documents": bare[0]["read"][1],
                "us_per_document": {"least": round(without[0], 1), "median": round(without[middle], 1)},
                "us_per_document_with_history": {"least": round(history[0], 1), "median": round(history[middle], 1)},
                "documents_per_second_median": round(1e6 / without[middle]),
                "bar_documents_per_second": BAR_PER_SECOND,
                "holds": 1e6 / without[middle] >= BAR_PER_SECOND,
            }
        )
    )


if __name__ == "__main__":
    main()
