"""Notify: people hear of what is new, a file keeps everything, and a replay pages nobody."""

from monitor.channels.alerts_file import AlertsFile
from monitor.clock import HOUR_MS
from monitor.domain.alerts import AlertEvent, AlertState, Suppression
from monitor.domain.archive import SuppressedRow
from monitor.domain.streams import Message, Stream
from monitor.domain.topics import TopicId
from monitor.metrics import NOTIFICATION_OUTCOMES
from monitor.operators.lifecycle import alert_id
from monitor.ports import Channel
from monitor.roles.notify import NotifyRole
from tests.roles.scenes import HALDEN, NAMES, NORTHWIND, clock, detection

MAX_AGE_MS = HOUR_MS
NOW_MS = clock(days=30)


class Sheet:
    """A channel that remembers what it was sent."""

    def __init__(self, name: str, *, tells_people: bool, kept: dict[str, str] | None = None) -> None:
        self.name = name
        self.tells_people = tells_people
        self._kept = kept or {}
        self.sent: list[tuple[AlertEvent, str]] = []

    def send(self, event: AlertEvent, topic_name: str) -> None:
        """Remember it."""
        self.sent.append((event, topic_name))

    def flush(self) -> dict[str, str]:
        """What a commit keeps of it."""
        return self._kept


def event(at_ms: int, topic: TopicId = HALDEN, state: AlertState = AlertState.FIRING) -> AlertEvent:
    found = detection(topic, at_ms, 4.0)
    return AlertEvent(alert_id(found), 1, state, at_ms, at_ms, 4.0, 3.0, found, "config-1")


def notify(*channels: Channel, max_age_ms: int | None = MAX_AGE_MS) -> NotifyRole:
    return NotifyRole(channels, lambda topic_id: NAMES.get(topic_id, topic_id), max_age_ms)


def hand(role: NotifyRole, *values: object, now_ms: int = NOW_MS) -> None:
    role.handle([Message(Stream.ALERTS, 0, offset, value) for offset, value in enumerate(values)], now_ms)


def test_every_channel_hears_every_turn_in_order_with_the_name_that_people_use() -> None:
    pager, sheet = Sheet("pager", tells_people=True), Sheet("sheet", tells_people=False)
    role = notify(pager, sheet)
    turns = [event(NOW_MS, state=state) for state in (AlertState.FIRING, AlertState.AMENDED, AlertState.RESOLVED)]
    hand(role, *turns, event(NOW_MS, NORTHWIND))
    assert [(sent.state, name) for sent, name in pager.sent] == [
        ("firing", "Halden Bank"),
        ("amended", "Halden Bank"),
        ("resolved", "Halden Bank"),
        ("firing", "Northwind Foods"),
    ]
    assert sheet.sent == pager.sent
    assert role.counts == {("pager", "sent"): 4, ("sheet", "sent"): 4}


def test_replay_pages_nobody_and_the_file_records_all() -> None:
    pager, sheet = Sheet("pager", tells_people=True), Sheet("sheet", tells_people=False)
    role = notify(pager, sheet)
    days = [event(clock(days=day)) for day in range(30)]
    hand(role, *days)
    assert pager.sent == []
    assert [sent for sent, _ in sheet.sent] == days
    assert role.counts == {("pager", "ledger_only"): 30, ("sheet", "sent"): 30}


def test_age_is_that_of_the_alert_when_it_is_sent() -> None:
    pager = Sheet("pager", tells_people=True)
    hand(notify(pager), event(NOW_MS - MAX_AGE_MS), event(NOW_MS - MAX_AGE_MS - 1))
    assert [sent.at_ms for sent, _ in pager.sent] == [NOW_MS - MAX_AGE_MS]


def test_without_a_limit_everything_is_sent() -> None:
    pager = Sheet("pager", tells_people=True)
    hand(notify(pager, max_age_ms=None), event(clock()))
    assert len(pager.sent) == 1


def test_what_was_suppressed_is_told_to_nobody() -> None:
    pager = Sheet("pager", tells_people=True)
    role = notify(pager)
    hand(role, SuppressedRow(HALDEN, NOW_MS, Suppression.COOLDOWN, 4.0))
    assert (pager.sent, role.counts) == ([], {})


class Post(Sheet):
    """A channel that delivers in its own time."""

    def __init__(self, name: str) -> None:
        super().__init__(name, tells_people=True)
        self.outcomes: dict[str, int] = {}
        self.has_news = False
        self.heard: list[str] = []

    def committed(self) -> None:
        """What it kept is durable."""
        self.heard.append("committed")

    def forget_uncommitted(self) -> None:
        """What is not comes again."""
        self.heard.append("forget")

    def take_outcomes(self) -> dict[str, int]:
        """What became of what it was sent."""
        taken, self.outcomes = self.outcomes, {}
        return taken


def test_a_channel_that_delivers_in_its_own_time_tells_itself_what_was_sent() -> None:
    post, pager = Post("post"), Sheet("pager", tells_people=True)
    role = notify(post, pager)
    hand(role, event(NOW_MS), event(clock()))
    assert len(post.sent) == 1
    assert role.take_counts() == {("post", "ledger_only"): 1, ("pager", "sent"): 1, ("pager", "ledger_only"): 1}
    post.outcomes = {"retried": 2, "sent": 1}
    assert role.take_counts() == {("post", "retried"): 2, ("post", "sent"): 1}
    assert role.take_counts() == {}


def test_a_channel_that_delivers_in_its_own_time_hears_of_commits_and_may_ask_for_one() -> None:
    post = Post("post")
    role = notify(post, Sheet("pager", tells_people=True))
    news = [role.has_news]
    post.has_news = True
    assert [*news, role.has_news] == [False, True]
    role.committed()
    role.forget_uncommitted()
    assert post.heard == ["committed", "forget"]


def test_what_channels_keep_goes_into_the_commit_together() -> None:
    sheets = (Sheet("a", tells_people=False, kept={"a_bytes": "17"}), Sheet("b", tells_people=True))
    assert notify(*sheets).flush() == {"a_bytes": "17"}


def test_outcomes_are_those_that_the_metrics_declare() -> None:
    """A label outside its closed set would be a series that no dashboard knows."""
    role = notify(Sheet("pager", tells_people=True))
    hand(role, event(NOW_MS), event(clock()))
    assert {outcome for _, outcome in role.counts} <= set(NOTIFICATION_OUTCOMES)
    assert not AlertsFile.tells_people
