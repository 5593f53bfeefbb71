"""The rows of a history, as canonical bytes: what archive wrote on Kafka equals what a run without a broker wrote.

Left out is where a record stood, and the table of suppressions: a detection that was heard twice is judged twice, and
the second time told nobody because of the first (docs/delivery.md).
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson

from tests.faults.effects import PLACES, without_places

TABLES = ("documents", "scored", "windows", "volumes", "detections", "alert_events", "dead_letters")


def archived(path: Path) -> dict[str, list[bytes]]:
    """By table, each row as a line of JSON, sorted."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30.0)) as connection:
        return {table: _lines(connection.execute(f"SELECT * FROM {table}")) for table in TABLES}


def _lines(rows: sqlite3.Cursor) -> list[bytes]:
    names = [column[0] for column in rows.description]
    return sorted(_line(dict(zip(names, row, strict=True))) for row in rows)


def _line(row: dict[str, object]) -> bytes:
    fields = {name: _plain(name, value) for name, value in row.items() if name not in PLACES}
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def _plain(name: str, value: object) -> object:
    if name == "body" and isinstance(value, str):
        return without_places(orjson.loads(value))
    return value.hex() if isinstance(value, bytes) else value
