"""What an alert is about, in words."""

from dataclasses import replace

import pytest

from monitor.domain.alerts import GROUP_TOPIC, Rule, feed_topic
from monitor.domain.naming import listed, subject
from monitor.domain.topics import TopicId
from tests.roles.scenes import HALDEN, NAMES, NORTHWIND, TESSALY, clock, detection


def name_of(topic_id: TopicId) -> str:
    return NAMES.get(topic_id, topic_id)


def test_topic_goes_by_its_name() -> None:
    assert subject(detection(HALDEN, clock(), 3.0), name_of) == "Halden Bank"


def test_group_goes_by_its_first_members_and_how_many_more() -> None:
    members = (NORTHWIND, HALDEN, TESSALY, TopicId("one"), TopicId("two"))
    group = replace(detection(GROUP_TOPIC, clock(), 9.0), rule=Rule.GROUP_BURST, members=members)
    assert subject(group, name_of) == "5 topics: Northwind Foods, Halden Bank, Tessaly Motors and 2 more"


def test_feed_goes_by_its_vendor() -> None:
    feed = replace(detection(feed_topic("harbour-wire"), clock(), 3.0), rule=Rule.FEED_SILENT)
    assert subject(feed, name_of) == "feed harbour-wire"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["A"], "A"),
        (["A", "B"], "A and B"),
        (["A", "B", "C"], "A, B and C"),
        (list("ABCD"), "A, B, C and 1 more"),
    ],
)
def test_names_are_listed_as_people_do(names: list[str], words: str) -> None:
    assert listed(names) == words
