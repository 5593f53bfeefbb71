"""The verdict, on events made by hand: what explains an alert, what finds an event, what must have stayed silent.

hours   0    1    2    3                 15
recall       [---------)  aftermath ......)      explained from the first document to 12 h after the last
"""

import json

import pytest

from monitor.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from monitor.domain.alerts import GROUP_TOPIC, AlertEvent, AlertState, feed_topic
from monitor.domain.topics import TopicId
from monitor.lab.story import Planted, PlantedKind
from monitor.lab.verdict import AFTERMATH_MS, Outcome, Verdict, VerdictRow, judge
from tests.lab.telling import START_MS, event, group

END_MS = START_MS + 2 * HOUR_MS
BAKERY, BANK, SHOP = TopicId("BAKE"), TopicId("BANK"), TopicId("SHOP")
CHIPS = tuple(TopicId(f"CHIP{number}") for number in range(6))


def planted(kind: PlantedKind, *topics: TopicId, start_ms: int = START_MS, end_ms: int = END_MS) -> Planted:
    bad = kind in (PlantedKind.RECALL, PlantedKind.LIQUIDITY, PlantedKind.SECTOR_SHOCK, PlantedKind.FRAUD)
    is_outage = kind is PlantedKind.OUTAGE
    return Planted(
        kind, topics, start_ms, end_ms, bad, kind is PlantedKind.SECTOR_SHOCK, "a note", "chirper" if is_outage else ""
    )


def only_row(one: Planted, *events: AlertEvent) -> VerdictRow:
    (row,) = judge([one], events).rows
    return row


# ---- bad news


def test_a_bad_event_is_found_by_the_first_alert_on_its_company_with_the_delay_from_its_first_document() -> None:
    recall = planted(PlantedKind.RECALL, BAKERY)
    row = only_row(recall, event(BAKERY, 12), event(BAKERY, 90))
    assert (row.outcome, row.delay_ms) == (Outcome.FOUND, 12 * MINUTE_MS)
    assert row.alert_id == event(BAKERY, 12).alert_id
    assert row.alerts_beside == 1


def test_a_bad_event_without_an_alert_on_its_company_is_missed() -> None:
    verdict = judge([planted(PlantedKind.RECALL, BAKERY)], [event(BANK, 12)])
    assert verdict.rows[0].outcome is Outcome.MISSED
    assert verdict.rows[0].delay_ms is None
    assert [one.detection.topic_id for one in verdict.false_alerts] == [BANK]


def test_an_alert_before_the_first_document_finds_nothing_and_is_false() -> None:
    verdict = judge([planted(PlantedKind.RECALL, BAKERY)], [event(BAKERY, -1)])
    assert verdict.count(Outcome.MISSED) == len(verdict.false_alerts) == 1


def test_an_alert_that_was_open_before_finds_the_event_by_getting_worse() -> None:
    early, worse = event(BAKERY, -30), event(BAKERY, 20, AlertState.AMENDED)
    verdict = judge([planted(PlantedKind.RECALL, BAKERY)], [early, worse])
    assert verdict.rows[0].delay_ms == 20 * MINUTE_MS
    assert verdict.false_alerts == (early,)


def test_that_an_alert_resolves_finds_nothing() -> None:
    assert (
        only_row(planted(PlantedKind.RECALL, BAKERY), event(BAKERY, 9, AlertState.RESOLVED)).outcome is Outcome.MISSED
    )


def test_an_event_explains_an_alert_until_the_end_of_its_aftermath_and_no_longer() -> None:
    recall = planted(PlantedKind.RECALL, BAKERY)
    last_minutes = (END_MS - START_MS + AFTERMATH_MS) / MINUTE_MS
    assert judge([recall], [event(BAKERY, last_minutes - 1)]).false_alerts == ()
    assert len(judge([recall], [event(BAKERY, last_minutes)]).false_alerts) == 1


def test_the_order_in_which_events_come_does_not_matter() -> None:
    recall = planted(PlantedKind.RECALL, BAKERY)
    first, second = event(BAKERY, 12), event(BAKERY, 40)
    assert judge([recall], [first, second]) == judge([recall], [second, first])


# ---- the shock


def test_a_shock_is_found_when_one_alert_names_half_of_its_companies() -> None:
    shock = planted(PlantedKind.SECTOR_SHOCK, *CHIPS)
    row = only_row(shock, group(19, *CHIPS[:3]), event(CHIPS[0], 12), event(CHIPS[5], 14))
    assert (row.outcome, row.delay_ms, row.alerts_beside) == (Outcome.FOUND, 19 * MINUTE_MS, 2)


def test_a_group_of_fewer_than_half_or_any_number_of_single_alerts_does_not_find_a_shock() -> None:
    shock = planted(PlantedKind.SECTOR_SHOCK, *CHIPS)
    singles = [event(chip, 10 + number) for number, chip in enumerate(CHIPS)]
    verdict = judge([shock], [*singles, group(19, *CHIPS[:2])])
    assert (verdict.rows[0].outcome, verdict.rows[0].alerts_beside) == (Outcome.MISSED, 7)
    assert verdict.false_alerts == ()


def test_a_group_that_grows_to_half_of_the_companies_finds_the_shock_when_it_has() -> None:
    small, grown = group(15, *CHIPS[:2]), event(GROUP_TOPIC, 30, AlertState.AMENDED, CHIPS[:4], 2)
    assert only_row(planted(PlantedKind.SECTOR_SHOCK, *CHIPS), small, grown).delay_ms == 30 * MINUTE_MS


def test_a_group_is_false_when_most_of_its_members_have_no_bad_news() -> None:
    shock = planted(PlantedKind.SECTOR_SHOCK, *CHIPS)
    assert judge([shock], [group(5, CHIPS[0], BAKERY)]).false_alerts == ()
    assert len(judge([shock], [group(5, CHIPS[0], BAKERY, SHOP)]).false_alerts) == 1


# ---- what must stay silent


@pytest.mark.parametrize(
    "kind",
    [
        PlantedKind.GOOD_NEWS,
        PlantedKind.NEUTRAL_TALK,
        PlantedKind.COPIES,
        PlantedKind.ANGRY_AUTHOR,
        PlantedKind.LISTS,
    ],
)
def test_what_must_stay_silent_is_silent_without_an_alert_and_a_false_alarm_with_one(kind: PlantedKind) -> None:
    decoy = planted(kind, SHOP)
    assert only_row(decoy, event(BANK, 12)).outcome is Outcome.SILENT
    row = only_row(decoy, event(SHOP, 12))
    assert (row.outcome, row.delay_ms) == (Outcome.FALSE_ALARM, 12 * MINUTE_MS)
    assert len(judge([decoy], [event(SHOP, 12)]).false_alerts) == 1


def test_an_alert_on_a_listed_company_that_has_bad_news_of_its_own_is_no_false_alarm_of_the_list() -> None:
    verdict = judge(
        [planted(PlantedKind.LISTS, BAKERY, SHOP), planted(PlantedKind.RECALL, BAKERY)], [event(BAKERY, 30)]
    )
    assert {row.kind: row.outcome for row in verdict.rows} == {
        PlantedKind.LISTS: Outcome.SILENT,
        PlantedKind.RECALL: Outcome.FOUND,
    }
    assert verdict.false_alerts == ()


def test_an_alert_long_after_a_decoy_is_false_but_not_the_decoys() -> None:
    verdict = judge([planted(PlantedKind.COPIES, SHOP)], [event(SHOP, 15 * 60)])
    assert verdict.rows[0].outcome is Outcome.SILENT
    assert len(verdict.false_alerts) == 1


# ---- the outage


def test_an_outage_is_found_by_the_alert_on_its_feed_while_it_lasts() -> None:
    outage = planted(PlantedKind.OUTAGE)
    assert only_row(outage, event(feed_topic("chirper"), 70)).outcome is Outcome.FOUND
    assert only_row(outage, event(feed_topic("other"), 70)).outcome is Outcome.MISSED
    assert only_row(outage, event(feed_topic("chirper"), 120)).outcome is Outcome.MISSED


def test_an_alert_on_a_feed_that_spoke_is_false() -> None:
    verdict = judge([planted(PlantedKind.OUTAGE)], [event(feed_topic("other"), 70)])
    assert [one.detection.topic_id for one in verdict.false_alerts] == ["feed:other"]


def test_a_companys_alert_that_only_the_outage_explains_spoils_it() -> None:
    outage, told = planted(PlantedKind.OUTAGE), event(feed_topic("chirper"), 70)
    assert only_row(outage, told, event(SHOP, 80)).outcome is Outcome.FALSE_ALARM
    assert only_row(outage, told, event(SHOP, 130)).outcome is Outcome.FOUND
    others = [planted(PlantedKind.RECALL, BAKERY), planted(PlantedKind.COPIES, SHOP)]
    verdict = judge([outage, *others], [told, event(SHOP, 80), event(BAKERY, 85)])
    assert {row.kind: row.outcome for row in verdict.rows}[PlantedKind.OUTAGE] is Outcome.FOUND


# ---- the whole


def whole() -> Verdict:
    story = [
        planted(PlantedKind.RECALL, BAKERY),
        planted(PlantedKind.LIQUIDITY, BANK, start_ms=START_MS + HOUR_MS),
        planted(PlantedKind.COPIES, SHOP),
    ]
    return judge(story, [event(BAKERY, 10), event(BANK, 80), event(TopicId("WHO"), 5)])


def test_rows_come_in_order_of_time_and_the_delay_is_the_median_of_what_was_found() -> None:
    verdict = whole()
    assert [row.kind for row in verdict.rows] == [PlantedKind.COPIES, PlantedKind.RECALL, PlantedKind.LIQUIDITY]
    assert verdict.median_delay_ms == 15 * MINUTE_MS
    assert judge([], []).median_delay_ms is None


def test_the_json_has_the_keys_that_scripts_read() -> None:
    told = json.loads(json.dumps(whole().to_json()))
    assert {key: told[key] for key in ("found", "missed", "silent", "false_alarms", "false", "alerts")} == {
        "found": 2,
        "missed": 0,
        "silent": 1,
        "false_alarms": 0,
        "false": 1,
        "alerts": 3,
    }
    assert told["median_delay_seconds"] == 15 * MINUTE_MS / SECOND_MS
    assert told["false_alerts"] == [
        {"alert_id": f"WHO@{START_MS + 5 * MINUTE_MS}", "topic": "WHO", "at": "2026-03-10T00:05:00.000Z"}
    ]
    assert told["planted"][1] == {
        "kind": "recall",
        "note": "a note",
        "topics": ["BAKE"],
        "start": "2026-03-10T00:00:00.000Z",
        "outcome": "found",
        "delay_seconds": 600.0,
        "alert_id": f"BAKE@{START_MS + 10 * MINUTE_MS}",
        "alerts_beside": 0,
    }
