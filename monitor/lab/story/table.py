"""The watchlist as the CSV that docs/watchlist.md describes."""

import csv
import io
from collections.abc import Iterable

from monitor.domain.topics import Topic

COLUMNS = ("id", "name", "kind", "tickers", "aliases_en", "aliases_zh", "exclude")


def watchlist_table(topics: Iterable[Topic]) -> str:
    """The topics as CSV, lists joined by semicolons; the same text on every system."""
    written = io.StringIO(newline="")
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for topic in topics:
        lists = (topic.tickers, topic.aliases_en, topic.aliases_zh, topic.exclude)
        rows.writerow((topic.id, topic.name, topic.kind.value, *(";".join(items) for items in lists)))
    return written.getvalue()
