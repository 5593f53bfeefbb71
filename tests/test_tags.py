"""The tags in force: tagger, names and version change together, and a faulty watchlist changes nothing."""

import json
import logging

import pytest

from monitor.domain.document import Document, DocumentId
from monitor.domain.topics import Topic, TopicId, TopicKind
from monitor.errors import ConfigError
from monitor.tags import LiveTags
from monitor.watchlist import Watchlist

HALDEN = Topic(
    TopicId("HALD"), "Halden Bank", TopicKind.COMPANY, aliases_en=("Halden Bank",), aliases_zh=("哈尔登银行",)
)
KORVANE = Topic(TopicId("KORV"), "Korvane Chips", TopicKind.COMPANY, aliases_en=("Korvane Chips",))
RENAMED = Topic(TopicId("HALD"), "Orsund Credit", TopicKind.COMPANY, aliases_en=("Orsund Credit",))
FIRST, SECOND = Watchlist((HALDEN,), "w-1"), Watchlist((RENAMED, KORVANE), "w-2")


class Source:
    """Gives what the test puts in, one thing at each look; then nothing has changed."""

    def __init__(self, *answers: Watchlist | ConfigError | None) -> None:
        self._answers = list(answers)

    def reload(self) -> Watchlist | None:
        """The next answer."""
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, ConfigError):
            raise answer
        return answer


def document(text: str) -> Document:
    return Document(DocumentId("wire:1"), "wire", 0, None, "", text, None, None, (), None, ())


def tagged(tags: LiveTags, text: str) -> list[str]:
    return [match.topic_id for match in tags.tag(document(text))]


def test_document_is_tagged_by_the_watchlist_in_force() -> None:
    tags = LiveTags(FIRST, None)
    assert tagged(tags, "哈尔登银行宣布暂停取款") == ["HALD"]
    assert tagged(tags, "Korvane Chips opens an office") == []
    assert (tags.watchlist, tags.topics) == ("w-1", 1)


def test_tagger_names_and_version_change_together() -> None:
    tags = LiveTags(FIRST, Source(SECOND))
    assert tags.reload() is True
    assert tagged(tags, "Halden Bank and Korvane Chips") == ["KORV"]
    assert tagged(tags, "Orsund Credit and Korvane Chips") == ["HALD", "KORV"]
    assert (tags.watchlist, tags.topics, tags.name_of(TopicId("HALD"))) == ("w-2", 2, "Orsund Credit")


def test_tagger_is_built_once_for_each_watchlist() -> None:
    tags = LiveTags(FIRST, Source(SECOND))
    built = tags.prepare()
    assert tags.prepare() is built
    assert tags.reload() is True
    assert tags.prepare() is not built


def test_topic_that_left_the_watchlist_is_called_by_its_id() -> None:
    """An alert of it may still be open."""
    tags = LiveTags(FIRST, Source(Watchlist((KORVANE,), "w-3")))
    assert tags.name_of(TopicId("HALD")) == "Halden Bank"
    tags.reload()
    assert tags.name_of(TopicId("HALD")) == "HALD"


def test_unchanged_watchlist_is_no_news() -> None:
    tags = LiveTags(FIRST, Source(None))
    assert tags.reload() is None
    assert LiveTags(FIRST, None).reload() is None
    assert tags.watchlist == "w-1"


def test_faulty_watchlist_is_refused_with_its_faults_and_the_old_one_stays(caplog: pytest.LogCaptureFixture) -> None:
    tags = LiveTags(FIRST, Source(ConfigError("row 3: no name; give one", "row 9: id twice; drop one"), SECOND))
    with caplog.at_level(logging.INFO):
        assert tags.reload() is False
    assert tagged(tags, "Halden Bank opens an office") == ["HALD"]
    assert tags.watchlist == "w-1"
    (record,) = caplog.records
    assert (record.getMessage(), record.levelno) == ("watchlist_refused", logging.ERROR)
    fields = json.dumps(record.__dict__["event_fields"])
    assert "row 3: no name" in fields
    assert "row 9: id twice" in fields
    assert '"in_force": "w-1"' in fields
    assert tags.reload() is True, "a mended one is taken"
    assert tags.watchlist == "w-2"


def test_change_is_logged_with_both_versions(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LiveTags(FIRST, Source(SECOND)).reload()
    (record,) = caplog.records
    assert record.getMessage() == "watchlist_taken"
    assert record.__dict__["event_fields"] == {"version": "w-2", "before": "w-1", "topics": 2}
