"""The history: what was written is what is asked for, at the edges of intervals too, and only what is old is pruned."""

import random
import re
import sqlite3
import uuid
from contextlib import closing
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from sqlalchemy import Table

from monitor.clock import SystemClock
from monitor.domain.alerts import GROUP_TOPIC, AlertId, AlertState, Rule, Suppression
from monitor.domain.archive import ScoredRow, SuppressedRow
from monitor.domain.document import Counted, DeadLetterReason, InputPartition
from monitor.errors import ConfigError
from monitor.ports import Commit
from monitor.storage import retention, schema
from monitor.storage.history import History
from monitor.storage.postgres import Place
from monitor.storage.postgres_store import PostgresStore
from monitor.storage.sql_store import SqlStore
from monitor.storage.store import EmbeddedStore
from tests.databases import Database, run_as_admin
from tests.imports import ROOT
from tests.storage.rooms import ServerRoom
from tests.storage.samples import (
    BANK,
    CARRIER,
    FEED,
    MINUTE_MS,
    START_MS,
    alert,
    dead_letter,
    detection,
    document,
    full_commit,
    scored,
    scored_row,
    volume_row,
    window_row,
)
from tools.postgres.server import Server

PAGE = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")


@pytest.fixture
def full(store: SqlStore) -> SqlStore:
    store.commit(full_commit())
    return store


def test_alert_comes_back_to_the_last_digit(full: SqlStore) -> None:
    assert full.history.alerts() == (alert(0), alert(1, AlertState.RESOLVED, 8))


def test_alert_at_the_end_of_an_interval_belongs_to_the_next(full: SqlStore) -> None:
    at_ms = alert(0).at_ms
    assert full.history.alerts(at_ms, at_ms + 1) == (alert(0),)
    assert full.history.alerts(at_ms - 1, at_ms) == ()


def test_alerts_of_another_topic_are_left_out(full: SqlStore) -> None:
    assert full.history.alerts(topic=CARRIER) == ()
    assert len(full.history.alerts(topic=BANK)) == 2


def test_evidence_of_an_unknown_alert_is_none(full: SqlStore) -> None:
    assert full.history.evidence("norvane-bank:negative_burst:0") is None


def test_evidence_holds_life_episode_and_every_document_of_the_look_backs(store: SqlStore) -> None:
    store.commit(full_commit())
    first_ms = detection(1).at_ms - detection(1).look_back_ms
    last_ms = alert(1, at_minute=8).detection.at_ms
    edges = [first_ms - 1, first_ms, last_ms, last_ms + 1]
    store.commit(Commit(scored=[scored_row(100 + n, at_ms=at_ms) for n, at_ms in enumerate(edges)]))
    other_episode = replace(detection(6), episode_start_ms=START_MS + 1)
    store.commit(Commit(detections=[other_episode]))

    case = store.history.evidence(alert().alert_id)

    assert case is not None
    assert [event.revision for event in case.events] == [0, 1]
    assert case.detections == (detection(1), detection(5))
    assert [row.document_id for row in case.documents] == [
        "wire-a:102",
        "wire-a:2",
        "wire-a:1",
        "wire-a:0",
        "wire-a:101",
    ]
    assert case.is_complete


def test_evidence_says_when_it_stopped_at_the_limit(full: SqlStore) -> None:
    case = full.history.evidence(alert().alert_id, limit=2)
    assert case is not None
    assert len(case.documents) == 2
    assert not case.is_complete
    case = full.history.evidence(alert().alert_id, limit=3)
    assert case is not None and case.is_complete


def test_evidence_of_a_group_holds_the_documents_of_its_members(full: SqlStore) -> None:
    group = replace(detection(5), topic_id=GROUP_TOPIC, rule=Rule.GROUP_BURST, members=(BANK, CARRIER))
    event = replace(alert(), alert_id=AlertId("group"), detection=group)
    full.commit(Commit(detections=[group], alert_events=[event]))
    case = full.history.evidence("group")
    assert case is not None
    assert case.detections == (group,)
    assert [row.topic_id for row in case.documents] == [BANK, CARRIER, BANK, BANK]


def test_volumes_come_back_by_hour_then_vendor(full: SqlStore) -> None:
    other = volume_row(0, 3.0)._replace(vendor="aft-forum")
    full.commit(Commit(volumes=[other]))
    rows = (other, volume_row(0, None), volume_row(1, 11.5))
    assert full.history.volumes() == rows
    assert full.history.volumes(vendor="harbour-wire") == rows[1:]
    assert full.history.volumes(since_ms=rows[2].window.start_ms) == rows[2:]
    assert full.history.volumes(until_ms=rows[2].window.start_ms) == rows[:2]


def test_detections_and_suppressions_of_every_topic_are_given_without_one(full: SqlStore) -> None:
    other = replace(detection(3), topic_id=CARRIER)
    full.commit(Commit(detections=[other]))
    assert full.history.detections() == (detection(1), other, detection(5))
    assert [row.topic_id for row in full.history.suppressed()] == [BANK]


def test_document_comes_back_with_its_score_and_how_it_counted(full: SqlStore) -> None:
    told, written = full.history.documents(CARRIER)[0], scored(2, CARRIER)
    for name in ("document_id", "topic_id", "source", "event_time_ms", "effective_ms", "headline", "url", "lang"):
        assert getattr(told, name) == getattr(written, name), name
    for name in ("author", "role", "of_topics", "sentiment", "risk", "cues", "scorer", "watchlist"):
        assert getattr(told, name) == getattr(written, name), name
    assert (told.story, told.counted) == ("wire-a:0", Counted.COUNTED)
    attribute = "story"
    with pytest.raises(FrozenInstanceError):
        setattr(told, attribute, "another")


def test_documents_are_the_newest_first_up_to_the_limit(full: SqlStore) -> None:
    assert [row.document_id for row in full.history.documents(BANK)] == ["wire-a:2", "wire-a:1", "wire-a:0"]
    assert [row.document_id for row in full.history.documents(BANK, limit=1)] == ["wire-a:2"]


def test_documents_of_one_moment_come_in_a_fixed_order(store: SqlStore) -> None:
    store.commit(Commit(scored=[scored_row(number, at_ms=START_MS) for number in (3, 1, 2)]))
    assert [row.document_id for row in store.history.documents(BANK)] == ["wire-a:3", "wire-a:2", "wire-a:1"]


def test_interval_of_documents_is_of_their_effective_time(full: SqlStore) -> None:
    effective_ms = scored(1).effective_ms
    found = full.history.documents(BANK, effective_ms, scored(2).effective_ms)
    assert [row.effective_ms for row in found] == [effective_ms]


def test_windows_of_a_topic_and_size_come_in_order(full: SqlStore) -> None:
    assert full.history.windows(BANK, MINUTE_MS) == (window_row(0), window_row(1))
    assert full.history.windows(BANK, MINUTE_MS, START_MS, START_MS + MINUTE_MS) == (window_row(0),)
    assert full.history.windows(BANK, 60 * MINUTE_MS) == ()


def test_detections_and_suppressions_of_a_topic_come_in_order(full: SqlStore) -> None:
    assert full.history.detections(BANK) == (detection(1), detection(5))
    assert full.history.detections(BANK, detection(5).at_ms) == (detection(5),)
    assert full.history.suppressed(BANK) == (SuppressedRow(BANK, START_MS, Suppression.COOLDOWN, 1.75),)
    assert full.history.suppressed(BANK, START_MS + 1) == ()


def test_dead_letters_are_found_by_partition_and_reason(full: SqlStore) -> None:
    assert [letter.offset for letter in full.history.dead_letters()] == [4, 3]
    assert full.history.dead_letters(FEED, DeadLetterReason.NOT_JSON) == (dead_letter(4),)
    assert full.history.dead_letters(InputPartition("feeds/news.jsonl", 1)) == ()
    assert [letter.offset for letter in full.history.dead_letters(limit=1)] == [4]


def test_history_of_a_missing_store_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage\.path: there is no store at"):
        History.open(tmp_path / "monitor.db")
    assert list(tmp_path.iterdir()) == [], "looking must not create one"


def row_counts(store: SqlStore) -> dict[str, int]:
    with store._transaction() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in schema.METADATA.tables
        }


def test_pruning_far_in_the_past_takes_nothing(full: SqlStore) -> None:
    before = row_counts(full)
    assert full.prune(START_MS - 1_000) == 0
    assert row_counts(full) == before


def test_pruning_everything_leaves_state_positions_dead_letters_and_the_version(full: SqlStore) -> None:
    stored = full.load()
    full.prune(START_MS + 10**9)
    kept = {name: count for name, count in row_counts(full).items() if count}
    assert kept == {"meta": 2, "positions": 1, "state": 2, "dead_letters": 2}
    assert full.load() == stored


def test_document_on_the_boundary_is_kept_with_its_scores(full: SqlStore) -> None:
    full.prune(scored(1).event_time_ms)
    assert [row.document_id for row in full.history.documents(BANK)] == ["wire-a:2", "wire-a:1"]
    # wire-b:0, which no topic names, is as old as wire-a:0 and went too.
    assert row_counts(full)["documents"] == 2


def test_window_is_kept_until_the_whole_of_it_is_old(full: SqlStore) -> None:
    full.prune(START_MS + MINUTE_MS - 1)
    assert full.history.windows(BANK, MINUTE_MS) == (window_row(0), window_row(1))
    full.prune(START_MS + MINUTE_MS)
    assert full.history.windows(BANK, MINUTE_MS) == (window_row(1),)
    assert full.history.windows(CARRIER, MINUTE_MS) == ()


def test_detections_and_suppressions_are_pruned_by_their_time(full: SqlStore) -> None:
    full.prune(detection(5).at_ms)
    assert full.history.detections(BANK) == (detection(5),)
    assert full.history.suppressed(BANK) == ()


def test_alert_is_kept_whole_until_its_last_event_is_old(full: SqlStore) -> None:
    resolved = alert(1, AlertState.RESOLVED, 8)
    full.prune(resolved.at_ms)
    assert full.history.alerts() == (alert(0), resolved)
    full.prune(resolved.at_ms + 1)
    assert full.history.alerts() == ()


def test_alert_that_fired_again_after_its_end_is_kept(store: SqlStore) -> None:
    events = [alert(0), alert(1, AlertState.RESOLVED, 8), alert(2, AlertState.FIRING, 9)]
    store.commit(Commit(alert_events=events))
    store.prune(START_MS + 10**9)
    assert store.history.alerts() == tuple(events)


def test_open_alert_is_never_pruned(store: SqlStore) -> None:
    store.commit(Commit(alert_events=[alert(0), alert(1, AlertState.AMENDED, 8)]))
    store.prune(START_MS + 10**12)
    assert len(store.history.alerts()) == 2


def test_each_step_of_pruning_is_bounded(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 10)
    monkeypatch.setattr(retention, "STEP_KEYS", 3)
    numbers = range(35)
    store.commit(
        Commit(
            documents=[document(number) for number in numbers],
            scored=[scored_row(number) for number in numbers],
            windows=[window_row(number, topic=topic) for number in numbers for topic in (BANK, CARRIER)],
            detections=[detection(number) for number in numbers],
            suppressed=[SuppressedRow(BANK, START_MS + number, Suppression.NO_RISE, 2.0) for number in numbers],
            alert_events=[
                replace(alert(0, AlertState.RESOLVED), alert_id=type(alert().alert_id)(f"alert-{number}"))
                for number in numbers
            ],
        )
    )
    written = sum(count for name, count in row_counts(store).items() if name != "meta")
    deleted = list(store.prune_steps(START_MS + 10**9))
    assert sum(deleted) == written
    # A document takes its score with it: two rows.
    assert max(deleted) <= 20
    assert sum(1 for count in deleted if count) >= written / 20
    assert store.prune(START_MS + 10**9) == 0


def test_commits_between_the_steps_of_pruning_are_kept(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    store.commit(Commit(scored=[scored_row(number) for number in range(9)]))
    for number, _ in enumerate(store.prune_steps(scored(5).event_time_ms)):
        store.commit(Commit(scored=[scored_row(100 + number)]))
    left = {row.document_id for row in store.history.documents(BANK)}
    assert {f"wire-a:{number}" for number in range(9)} & left == {f"wire-a:{number}" for number in range(5, 9)}
    assert len(left) >= 6


def test_newest_dead_letters_of_each_partition_are_kept(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "DEAD_LETTERS_KEPT", 3)
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    quiet = InputPartition("feeds/quiet.jsonl", 0)
    store.commit(
        Commit(dead_letters=[dead_letter(n) for n in range(10)] + [dead_letter(1, quiet), dead_letter(7, quiet)])
    )
    store.prune(0)
    assert [letter.offset for letter in store.history.dead_letters(FEED)] == [9, 8, 7]
    assert [letter.offset for letter in store.history.dead_letters(quiet)] == [7, 1]


def test_score_without_a_decision_of_its_own_day_goes_with_its_document(store: SqlStore) -> None:
    """Said long ago, delivered today: retention goes by when it was said, whatever it was scored for."""
    late = scored(1)._replace(event_time_ms=START_MS - 10**9)
    store.commit(Commit(scored=[ScoredRow(late, late.document_id, Counted.TOO_LATE)]))
    store.prune(START_MS)
    assert store.history.documents(BANK) == ()


def sql_examples(dialect: str = "sql") -> list[str]:
    return [block.split("```")[0] for block in PAGE.split(f"```{dialect}\n")[1:]]


def sql_examples_of_postgresql() -> list[str]:
    """Its own questions, and those that are not SQLite's alone."""
    plain = [one for one in sql_examples() if "json_" not in one and "datetime(" not in one]
    return [*plain, *(one for one in sql_examples("pgsql") if one.startswith("SELECT"))]


@pytest.mark.parametrize("statement", sql_examples())
def test_example_in_the_documentation_runs_and_finds_something(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "monitor.db"
    with EmbeddedStore.open(path) as store:
        store.commit(full_commit())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(statement).fetchall() != []


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("statement", sql_examples_of_postgresql())
def test_example_in_the_documentation_runs_on_postgresql_too(database: Database, statement: str) -> None:
    with ServerRoom(database).open() as store:
        store.commit(full_commit())
    assert database.admin(statement) != []


@pytest.mark.slow
@pytest.mark.real
def test_rights_in_the_documentation_are_enough_to_write_and_to_read(postgres: Server) -> None:
    """As an administrator reads them, but for the names: those are this test's own."""
    word = uuid.uuid4().hex[:8]
    names = {"monitor": f"writer_{word}", "history": f"history_{word}", "readers": f"readers_{word}"}

    def renamed(statement: str) -> str:
        return re.sub(r"\b(monitor|history|readers)\b", lambda found: names[found[1]], statement)

    rights = [renamed(block) for block in sql_examples("pgsql") if "ROLE" in block]
    made = Database(postgres, names["history"], "its own")
    place = Place(f"postgresql://{names['monitor']}@{postgres.address}/{names['history']}", "its own")
    try:
        for number, block in enumerate(rights):
            for statement in block.strip().rstrip(";").split(";"):
                run_as_admin(postgres, names["history"] if number else "postgres", statement)
        with PostgresStore.open(place, SystemClock(), 30.0, random.Random()) as store:
            store.commit(full_commit())
        reader = f"reader_{word}"
        made.admin(f"CREATE ROLE {reader} LOGIN PASSWORD 'hush' IN ROLE {names['readers']}")
        with closing(History.connect(Place(place.url.replace(names["monitor"], reader), "hush"))) as history:
            assert history.alerts()[0] == alert(0)
    finally:
        run_as_admin(postgres, "postgres", f"DROP DATABASE IF EXISTS {names['history']} WITH (FORCE)")
        for role in (names["monitor"], f"reader_{word}", names["readers"]):
            run_as_admin(postgres, "postgres", f"DROP ROLE IF EXISTS {role}")


def test_documentation_has_examples() -> None:
    assert len(sql_examples()) >= 5 and len(sql_examples_of_postgresql()) >= 8


@pytest.mark.parametrize("table", schema.METADATA.sorted_tables, ids=lambda table: str(table))
def test_documentation_names_every_column_of_a_table_in_order(table: Table) -> None:
    section = PAGE.split(f"### `{table.name}`\n")[1].split("\n### ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"`{column.name}`" for column in table.columns]


def test_documentation_names_no_table_that_is_not_there() -> None:
    named = {line.removeprefix("### `").removesuffix("`") for line in PAGE.splitlines() if line.startswith("### `")}
    assert named == set(schema.METADATA.tables)
