"""The ledger of notify: a turn is noted before it is sent and after it, and what is left between is sent once more."""

import io
from pathlib import Path

import orjson

from monitor.app.distributed.sinks import LEDGER_ALERTS, NotifySink
from monitor.channels.alerts_log import AlertsLog
from monitor.channels.console import ConsoleChannel
from monitor.domain.alerts import AlertEvent, AlertId
from monitor.domain.streams import Message, Stream
from monitor.ports import Channel
from monitor.roles.notify import NotifyRole
from tests.storage.samples import alert

NOW_MS = alert().at_ms + 1_000


def messages(*events: AlertEvent) -> list[Message]:
    return [Message(Stream.ALERTS, 0, offset, event) for offset, event in enumerate(events)]


class Desk:
    """A file and a console, and the lives of a sink over them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "alerts.jsonl"
        self.console = io.StringIO()
        self.meta: dict[str, str] = {}

    def sink(self) -> NotifySink:
        """A new life."""
        channels: list[Channel] = [AlertsLog(self._path), ConsoleChannel(self.console, color=False, width=80)]
        return NotifySink(NotifyRole(channels, str, 3_600_000), self.meta)

    def store(self, sink: NotifySink) -> None:
        """What a worker does with what is collected."""
        self.meta |= sink.collect().meta

    def told(self) -> list[tuple[int, bool]]:
        """Revision of each line of the file, and whether it may be a repeat."""
        lines = [orjson.loads(line) for line in self._path.read_bytes().splitlines()]
        return [(line["revision"], line.get("possible_repeat", False)) for line in lines]


def test_nothing_is_sent_before_the_ledger_is_written(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    sink = desk.sink()
    sink.handle(messages(alert(0)))
    desk.store(sink)
    assert desk.told() == []
    assert sink.act(NOW_MS)
    desk.store(sink)
    assert desk.told() == [(0, False)]
    assert not sink.has_news and not sink.act(NOW_MS)


def test_death_before_the_ledger_costs_nothing_for_it_is_read_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.sink().handle(messages(alert(0)))
    again = desk.sink()
    assert not again.has_news
    again.handle(messages(alert(0)))
    desk.store(again)
    again.act(NOW_MS)
    assert desk.told() == [(0, False)]


def test_death_between_ledger_and_sending_sends_it_once_as_a_possible_repeat(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    first = desk.sink()
    first.handle(messages(alert(0)))
    desk.store(first)
    again = desk.sink()
    assert again.has_news, "nobody needs to write another alert for it"
    desk.store(again)
    assert again.act(NOW_MS)
    desk.store(again)
    assert desk.told() == [(0, True)]
    assert desk.console.getvalue().startswith("(possible repeat")
    assert again.role.take_counts() == {("file", "sent_again"): 1, ("console", "sent_again"): 1}
    assert not desk.sink().has_news


def test_death_between_sending_and_ledger_repeats_it_marked(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    first = desk.sink()
    first.handle(messages(alert(0)))
    desk.store(first)
    first.act(NOW_MS)
    again = desk.sink()
    again.handle(messages(alert(0), alert(1)))
    desk.store(again)
    again.act(NOW_MS)
    desk.store(again)
    assert desk.told() == [(0, False), (0, True), (1, False)]
    assert again.repeats == 1


def test_told_twice_by_the_alert_role_it_is_sent_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    sink = desk.sink()
    sink.handle(messages(alert(0), alert(1), alert(0), alert(1)))
    sink.act(NOW_MS)
    assert (desk.told(), sink.repeats) == ([(0, False), (1, False)], 2)


def test_undecided_turn_that_is_too_old_by_now_is_recorded_and_told_to_nobody(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    first = desk.sink()
    first.handle(messages(alert(0)))
    desk.store(first)
    again = desk.sink()
    again.act(NOW_MS + 3_600_000)
    assert desk.told() == [(0, True)]
    assert desk.console.getvalue() == ""
    assert again.role.take_counts() == {("file", "sent_again"): 1, ("console", "ledger_only"): 1}


def test_ledger_forgets_what_was_told_longest_ago(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.meta["notified"] = orjson.dumps({f"alert-{number}": 0 for number in range(LEDGER_ALERTS)}).decode()
    sink = desk.sink()
    sink.handle(messages(alert(0)))
    desk.store(sink)
    kept = orjson.loads(desk.meta["notified"])
    assert len(kept) == LEDGER_ALERTS
    assert AlertId("alert-0") not in kept and alert(0).alert_id in kept


def test_ledger_of_the_release_before_is_read(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.meta["notified"] = orjson.dumps({alert(0).alert_id: 0}).decode()
    sink = desk.sink()
    sink.handle(messages(alert(0), alert(1)))
    sink.act(NOW_MS)
    assert desk.told() == [(1, False)]
