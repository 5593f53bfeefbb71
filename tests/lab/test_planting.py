"""Planting: who is hit by what, whatever the seed and the weekday, and how each event's documents look."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lexicon import LexiconScorer
from models.scorer import Pair
from monitor.clock import DAY_MS, HOUR_MS
from monitor.lab.story import PlantedKind, StorySettings
from monitor.lab.story.events import EventItems, write_events
from monitor.lab.story.pen import Pen
from monitor.lab.story.planting import LEARNING_DAYS, Planted, burst, draw_plan
from monitor.lab.story.sources import weekday_of
from monitor.operators.signature import signatures, similarity

START_MS = StorySettings().start_ms
TALKS = (
    PlantedKind.RECALL, PlantedKind.LIQUIDITY, PlantedKind.SECTOR_SHOCK, PlantedKind.FRAUD, PlantedKind.GOOD_NEWS,
    PlantedKind.NEUTRAL_TALK,
)  # fmt: skip


def events_of(seed: int) -> dict[PlantedKind, EventItems]:
    rng = Random(seed)
    plan = draw_plan(START_MS, 14, rng)
    return {planted.kind: (planted, items) for planted, items in write_events(plan, Pen(rng), rng)}


@pytest.fixture(scope="module")
def seeds() -> list[dict[PlantedKind, EventItems]]:
    return [events_of(seed) for seed in range(1, 21)]


@given(seed=st.integers(0, 2**32), weekday=st.integers(0, 6), days=st.integers(14, 60))
def test_no_company_is_in_two_events_and_bad_ones_lie_on_working_days_of_their_own(
    seed: int, weekday: int, days: int
) -> None:
    start_ms = START_MS + weekday * DAY_MS
    plan = draw_plan(start_ms, days, Random(seed))
    singles = [plan.recall, plan.liquidity, plan.fraud, plan.good, plan.neutral, plan.copies, plan.angry]
    companies = [company for company, _ in singles] + list(plan.shock[0])
    assert len(set(companies)) == len(companies) == 17
    bad_days = [
        (begin_ms - start_ms) // DAY_MS for _, begin_ms in (plan.recall, plan.liquidity, plan.shock, plan.fraud)
    ]
    outage_day = (plan.outage.start_ms - start_ms) // DAY_MS
    assert len({*bad_days, outage_day}) == 5
    assert all(LEARNING_DAYS <= day < days for day in bad_days)
    assert all(weekday_of(start_ms + day * DAY_MS) < 5 for day in [*bad_days, outage_day])
    assert plan.fraud[0].is_chinese
    assert {company.sector for company in plan.shock[0]} == {plan.shock[0][0].sector}


@given(seed=st.integers(0, 2**32), documents=st.integers(1, 60))
def test_burst_begins_with_one_document_ramps_within_an_hour_and_ends_within_hours(seed: int, documents: int) -> None:
    times = burst(START_MS, documents, Random(seed))
    assert len(times) == documents
    assert times == sorted(times)
    assert times[0] == START_MS
    assert times[-1] < START_MS + 8 * HOUR_MS


def test_half_of_a_burst_falls_into_its_first_hour_and_some_of_it_hours_later() -> None:
    times = burst(0, 4_000, Random(7))
    assert 0.5 < sum(time < HOUR_MS for time in times) / len(times) < 0.8
    assert times[-1] > 3 * HOUR_MS


@pytest.mark.parametrize("kind", TALKS)
def test_each_talk_has_many_voices_in_different_words(
    seeds: list[dict[PlantedKind, EventItems]], kind: PlantedKind
) -> None:
    for events in seeds:
        planted, items = events[kind]
        assert 12 <= planted.documents == len(items) <= 60
        by_company: dict[tuple[str, ...], list[str | None]] = {}
        for item in items:
            by_company.setdefault(item.about, []).append(item.author)
        for authors in by_company.values():
            named = [author for author in authors if author is not None]
            assert len(set(named)) == len(named)
            assert len(named) >= len(authors) // 2


@pytest.mark.parametrize("kind", [kind for kind in TALKS if kind is not PlantedKind.SECTOR_SHOCK])
def test_no_two_reports_of_a_talk_are_near_copies(
    seeds: list[dict[PlantedKind, EventItems]], kind: PlantedKind
) -> None:
    for events in seeds[:5]:
        texts = [f"{item.title}\n{item.text}" for item in events[kind][1] if not item.text.startswith("RT ")]
        found = signatures(texts)
        near = [
            (texts[one], texts[other])
            for one in range(len(texts))
            for other in range(one)
            if similarity(found[one], found[other]) >= 0.6
        ]
        assert near == []


@pytest.mark.parametrize("kind", TALKS)
def test_a_lexicon_reads_bad_events_as_bad_and_the_silent_ones_not(
    seeds: list[dict[PlantedKind, EventItems]], kind: PlantedKind
) -> None:
    texts = [f"{item.title}\n{item.text}" for events in seeds[:8] for item in events[kind][1]]
    judged = LexiconScorer().score([Pair(text, "", None) for text in texts])
    negative = sum(one.negative > max(one.neutral, one.positive) for one in judged) / len(judged)
    if seeds[0][kind][0].must_alert:
        assert negative >= 0.8
    else:
        assert negative < 0.08


def test_shock_hits_ten_companies_within_an_hour_in_equal_parts(seeds: list[dict[PlantedKind, EventItems]]) -> None:
    for events in seeds:
        planted, items = events[PlantedKind.SECTOR_SHOCK]
        assert len(planted.topic_ids) == 10
        for topic_id in planted.topic_ids:
            said = [item.said_ms for item in items if item.about == (topic_id,)]
            assert len(said) == 6
            assert min(said) < planted.start_ms + HOUR_MS


def test_rumour_begins_with_one_post_that_others_pass_on(seeds: list[dict[PlantedKind, EventItems]]) -> None:
    for events in seeds:
        planted, items = events[PlantedKind.LIQUIDITY]
        first, *others = sorted(items, key=lambda item: item.said_ms)
        assert first.said_ms == planted.start_ms
        shares = [item for item in others if item.text == f"RT @{first.author}: {first.text}"]
        assert len(shares) >= 6
        press = [item.said_ms for item in others if item.title]
        assert min(press) > first.said_ms + HOUR_MS // 2


def test_fraud_is_told_in_chinese_above_all(seeds: list[dict[PlantedKind, EventItems]]) -> None:
    for events in seeds:
        items = events[PlantedKind.FRAUD][1]
        assert sum(item.source.is_chinese for item in items) > 0.6 * len(items)


def test_copies_come_from_many_sources_and_authors(seeds: list[dict[PlantedKind, EventItems]]) -> None:
    for events in seeds:
        items = events[PlantedKind.COPIES][1]
        assert len(items) == 40
        assert len({item.text for item in items}) == 1
        assert len({item.source.name for item in items}) >= 3
        named = [item.author for item in items if item.author is not None]
        assert len(set(named)) == len(named)


def test_angry_author_speaks_for_hours(seeds: list[dict[PlantedKind, EventItems]]) -> None:
    for events in seeds:
        planted, items = events[PlantedKind.ANGRY_AUTHOR]
        assert len({item.author for item in items}) == 1
        assert len({item.text for item in items}) == len(items) == 12
        assert planted.end_ms - planted.start_ms > HOUR_MS


def test_event_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        Planted(PlantedKind.RECALL, (), 2, 1, True, False, "backwards")
