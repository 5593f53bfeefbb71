"""Archive: every row of the history waits for the commit that writes it, once, in order."""

from monitor.domain.alerts import AlertEvent, AlertState, Suppression
from monitor.domain.archive import ScoredRow, SuppressedRow, WindowRow
from monitor.domain.document import Counted, DeadLetter, DeadLetterReason
from monitor.domain.progress import Progress
from monitor.domain.streams import Message, Stream
from monitor.domain.summary import Summary
from monitor.domain.windows import Window
from monitor.operators.lifecycle import alert_id
from monitor.ports import Commit
from monitor.roles.archive import ArchiveRole
from tests.roles.scenes import HALDEN, NEWS, clock, detection, random_documents

SCORED = [ScoredRow(scored, scored.document_id, Counted.COUNTED) for scored in random_documents(1, count=3, days=1)[:3]]
WINDOW = WindowRow(HALDEN, Window(clock(), clock(hours=1)), 1, Summary(3))
FOUND = detection(HALDEN, clock(1), 4.0)
EVENT = AlertEvent(alert_id(FOUND), 1, AlertState.FIRING, clock(1), clock(1), 4.0, 3.0, FOUND, "config-1")
SUPPRESSED = SuppressedRow(HALDEN, clock(1), Suppression.NO_RISE, 4.1)
LETTER = DeadLetter(DeadLetterReason.NOT_JSON, "line 7", NEWS, 7, b"{")


def hand(role: ArchiveRole, *values: object) -> None:
    role.handle([Message(Stream.TRENDS, 0, offset, value) for offset, value in enumerate(values)])


def test_each_value_goes_to_its_own_table_in_order() -> None:
    role = ArchiveRole()
    hand(role, SCORED[0], WINDOW, FOUND, SCORED[1])
    hand(role, EVENT, SUPPRESSED, LETTER, SCORED[2])
    assert len(role) == 8
    assert role.take() == Commit(
        scored=SCORED,
        windows=[WINDOW],
        detections=[FOUND],
        alert_events=[EVENT],
        suppressed=[SUPPRESSED],
        dead_letters=[LETTER],
    )


def test_rows_are_taken_once() -> None:
    role = ArchiveRole()
    hand(role, WINDOW)
    taken = role.take()
    hand(role, LETTER)
    assert (taken.windows, taken.dead_letters) == ([WINDOW], [])
    assert role.take() == Commit(dead_letters=[LETTER])
    assert role.take() == Commit()


def test_progress_is_passed_over_and_does_not_make_a_commit_due() -> None:
    role = ArchiveRole()
    hand(role, Progress((NEWS,), (), 0))
    assert len(role) == 0
    assert role.take() == Commit()
