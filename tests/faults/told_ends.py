"""The ends of the flow after a fault: what people were told, and the rows of the history."""

from collections import Counter

from monitor.tags import LiveTags
from monitor.watchlist import WatchlistFile
from tests.channels.slack_server import SlackServer
from tests.faults import notified, rows
from tests.faults.desk import await_that
from tests.faults.embedded import Undisturbed
from tests.faults.kafka_world import World

OPTIONS = {"notify__max_age": "365d"}
"""Of the configuration: people hear of whatever was decided within a year."""


def environment(slack: SlackServer) -> dict[str, str]:
    """That names the web hook."""
    return {"MONITOR_NOTIFY__SLACK_WEBHOOK_URL": slack.url}


class Ends:
    """The ends of a world, and what they should be."""

    def __init__(self, world: World, slack: SlackServer, expected: Undisturbed) -> None:
        name_of = LiveTags(WatchlistFile(world.watchlist).current, None).name_of
        self._history = world.folder / "history.db"
        self._slack = slack
        self._words: Counter[bytes] = notified.expected(expected.alerts, name_of)
        self.rows = rows.archived(expected.history)

    def await_all(self, patience_seconds: float) -> None:
        """Until everything was told and archived. Raises: AssertionError: it never was."""
        await_that(self._all_told, "the last notification", patience_seconds, look_seconds=1.0)
        await_that(self._all_archived, "the last row", patience_seconds, look_seconds=1.0)

    def faults(self) -> list[str]:
        """Rows that differ, turns that were told twice without a mark or never, messages that Slack would refuse."""
        found = rows.archived(self._history)
        other = [f"rows of {table} differ" for table, lines in self.rows.items() if found[table] != lines]
        return [*other, *self._slack.faults, *notified.faults(self._words, self.told)]

    @property
    def told(self) -> notified.Told:
        """What was told so far."""
        return notified.Told.of(list(self._slack.posts))

    def _all_told(self) -> bool:
        return not notified.missing(self._words, self.told)

    def _all_archived(self) -> bool:
        found = rows.archived(self._history)
        return all(len(found[table]) >= len(lines) for table, lines in self.rows.items())
