"""The tagger in force and its watchlist, exchanged together when the watchlist's file changes."""

import logging
from typing import Protocol

from monitor.domain.document import Document
from monitor.domain.topics import TopicId, TopicMatch
from monitor.errors import ConfigError
from monitor.logs import event
from monitor.operators.tag import Tagger
from monitor.watchlist import Watchlist

logger = logging.getLogger(__name__)


class WatchlistSource(Protocol):
    """Where watchlists come from; a file that may change."""

    def reload(self) -> Watchlist | None: ...


class LiveTags:
    """The Tags port over one watchlist at a time; a scored record carries the version that tagged it."""

    def __init__(self, watchlist: Watchlist, source: WatchlistSource | None) -> None:
        self._source = source
        self._tagger: Tagger | None = None
        self._use(watchlist)

    @property
    def watchlist(self) -> str:
        return self._watchlist.version

    @property
    def topics(self) -> int:
        """Topics in force."""
        return len(self._watchlist.topics)

    def tag(self, document: Document) -> tuple[TopicMatch, ...]:
        return self.prepare().tag(document)

    def prepare(self) -> Tagger:
        """The tagger in force, built when it is first wanted: a role that tags nothing starts seconds sooner."""
        if self._tagger is None:
            self._tagger = Tagger(self._watchlist.topics)
        return self._tagger

    def name_of(self, topic_id: TopicId) -> str:
        """How people call a topic; its id when the watchlist no longer holds it."""
        return self._names.get(topic_id, topic_id)

    def reload(self) -> bool | None:
        """Take a changed watchlist: True taken, False refused (the old one stays), None unchanged."""
        if self._source is None:
            return None
        try:
            changed = self._source.reload()
        except ConfigError as exc:
            event(logger, "watchlist_refused", level=logging.ERROR, faults=list(exc.faults), in_force=self.watchlist)
            return False
        if changed is None:
            return None
        before = self.watchlist
        self._use(changed)
        event(logger, "watchlist_taken", version=self.watchlist, before=before, topics=self.topics)
        return True

    def _use(self, watchlist: Watchlist) -> None:
        self._watchlist = watchlist
        self._tagger = None
        self._names = {topic.id: topic.name for topic in watchlist.topics}
