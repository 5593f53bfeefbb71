"""Telling: copies that a copy detector must join, and what becomes of documents that fall into a silent feed."""

import json
from dataclasses import replace
from random import Random

from monitor.clock import MINUTE_MS
from monitor.lab.story import StorySettings, tell
from monitor.lab.story.companies import COMPANIES
from monitor.lab.story.items import format_time
from monitor.lab.story.pen import Pen
from monitor.lab.story.planting import Outage, draw_plan
from monitor.lab.story.sources import MICROBLOG
from monitor.lab.story.telling import Draft, write_records
from monitor.operators.signature import signatures, similarity

SETTINGS = StorySettings()
MARKS = ("UPDATE 1: ", "CORRECTED: ", "快讯：", "【转载】")
START_MS = SETTINGS.start_ms


def readable() -> list[dict[str, str]]:
    story = tell(SETTINGS)
    return [json.loads(line) for index, line in enumerate(story.records) if index not in story.broken]


def test_edited_copies_differ_from_their_originals_and_are_still_near_copies() -> None:
    records = readable()
    originals: dict[str, list[str]] = {}
    for record in records:
        if "title" in record:
            originals.setdefault(record["title"], []).append(f"{record['title']}\n{record['text']}")
    edited = 0
    for record in records:
        for mark in MARKS:
            if record.get("title", "").startswith(mark):
                texts = [f"{record['title']}\n{record['text']}", *originals[record["title"].removeprefix(mark)]]
                copy, *others = signatures(texts)
                edited += 1
                assert max(similarity(copy, other) for other in others) >= 0.6
    assert edited > 40


def test_retweets_repeat_a_post_under_another_name() -> None:
    records = readable()
    said = {(record["author"], record["text"]) for record in records if "author" in record}
    retweets = [record for record in records if record["text"].startswith("RT @")]
    assert len(retweets) > 100
    for record in retweets:
        first, text = record["text"].removeprefix("RT @").split(": ", 1)
        assert (first, text) in said
        assert first != record["author"]


def test_reprints_carry_the_same_words_at_another_source() -> None:
    sources: dict[str, set[str]] = {}
    for record in readable():
        if "title" in record:
            sources.setdefault(f"{record['title']}\n{record['text']}", set()).add(record["source"])
    assert sum(len(names) > 1 for names in sources.values()) > 40


def test_repeat_that_falls_into_an_outage_is_delivered_when_it_ends() -> None:
    rng = Random(1)
    plan = draw_plan(START_MS, 14, rng)
    outage = Outage(MICROBLOG, START_MS + 10 * MINUTE_MS, START_MS + 90 * MINUTE_MS)
    item = Pen(rng).write("anyone listening to {co}?", COMPANIES[0], MICROBLOG, START_MS)
    drafts = [Draft(item, repeat_after_ms=20 * MINUTE_MS)]
    records = write_records(drafts, replace(plan, outage=outage), rng)
    assert [arrival_ms for arrival_ms, _, _ in records] == [item.seen_ms, outage.end_ms]
    assert json.loads(records[1][1])["observed_at"] == format_time(outage.end_ms)
