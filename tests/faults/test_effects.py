"""The tool of the fault suite itself: it must not call equal what is not, nor different what is only told again."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import AlertEvent, AlertId, AlertState
from monitor.domain.archive import ScoredRow, WindowRow
from monitor.domain.document import Counted, DocumentId, InputPartition, ScoredDocument
from monitor.domain.progress import Progress
from monitor.domain.summary import Summary
from monitor.domain.windows import Window
from tests.delivery.test_replay import said_by_many, said_by_one, scored_log
from tests.faults.effects import EffectId, Effects, Kind, differences
from tests.roles.scenes import HALDEN, clock, detection, random_documents

SCORED = random_documents(1, count=1)[0]
PAIR = ScoredRow(SCORED, "wire:0", Counted.COUNTED)
WINDOW = WindowRow(HALDEN, Window(clock(), clock(minutes=1)), 0, Summary(3, 2, 0, 1, 0, 1, -5_000, 25_000_000))
ALERT = AlertEvent(
    AlertId("halden|negative_burst|1"),
    0,
    AlertState.FIRING,
    clock(1),
    clock(1),
    4.0,
    3.0,
    detection(HALDEN, clock(1), 4.0),
    "config-1",
)
RUN: list[object] = [PAIR, WINDOW, ALERT, WINDOW._replace(revision=1), replace(ALERT, revision=1)]


def with_scored(**changed: object) -> ScoredRow:
    return PAIR._replace(scored=ScoredDocument(**{**SCORED._asdict(), **changed}))


@given(st.lists(st.sampled_from(RUN), max_size=20), st.integers(0, 1_000))
def test_order_and_repeats_change_no_byte(again: list[object], seed: int) -> None:
    log = RUN + again
    random.Random(seed).shuffle(log)
    effects = Effects.of(log)
    assert effects.as_bytes() == Effects.of(RUN).as_bytes()
    assert effects.repeats.total() == len(again)
    assert differences(Effects.of(RUN), effects) == []


def test_each_effect_is_a_line_in_order_of_kind_id_and_revision() -> None:
    lines = Effects.of(RUN).as_bytes().splitlines()
    assert [line.split(b",{")[0] for line in lines] == [
        b'["alert",["halden|negative_burst|1"],0',
        b'["alert",["halden|negative_burst|1"],1',
        f'["pair",["wire:0","{SCORED.topic_id}"],{SCORED.effective_ms}'.encode(),
        f'["window",["halden",{clock()},{clock(minutes=1)}],0'.encode(),
        f'["window",["halden",{clock()},{clock(minutes=1)}],1'.encode(),
    ]


@pytest.mark.parametrize(
    "elsewhere",
    [
        with_scored(offset=77),
        with_scored(source_partition=InputPartition("feed.jsonl", 0)),
        replace(ALERT, detection=replace(ALERT.detection, partition=3)),
    ],
)
def test_where_a_record_stood_is_no_part_of_the_effect(elsewhere: object) -> None:
    effects = Effects.of([*RUN, elsewhere])
    assert effects.as_bytes() == Effects.of(RUN).as_bytes()
    assert effects.repeats.total() == 1


@pytest.mark.parametrize(
    ("another", "kind"),
    [
        (with_scored(headline="another"), Kind.PAIR),
        (with_scored(signature=b"x" * 64), Kind.PAIR),
        (PAIR._replace(counted=Counted.COPY), Kind.PAIR),
        (PAIR._replace(story="wire:9"), Kind.PAIR),
        (WINDOW._replace(summary=Summary(4, 2, 0, 1, 0, 1, -5_000, 25_000_000)), Kind.WINDOW),
        (replace(ALERT, peak_severity=4.000000001), Kind.ALERT),
        (replace(ALERT, detection=replace(ALERT.detection, observed=5)), Kind.ALERT),
    ],
)
def test_one_id_with_two_contents_is_a_conflict_and_no_repeat(another: object, kind: Kind) -> None:
    effects = Effects.of([*RUN, another])
    assert [effect.kind for effect, _, _ in effects.conflicts] == [kind]
    assert effects.repeats.total() == 0
    with pytest.raises(AssertionError, match="1 ids have two contents"):
        effects.as_bytes()
    others = Effects.of([another if type(one) is type(another) else one for one in RUN])
    assert any(said.startswith("differs: ") for said in differences(Effects.of(RUN), others))


@pytest.mark.parametrize("number", range(len(RUN)))
def test_effect_that_is_lost_is_missing_by_name(number: int) -> None:
    whole, found = Effects.of(RUN), Effects.of(RUN[:number] + RUN[number + 1 :])
    assert found.as_bytes() != whole.as_bytes()
    assert [said.split(":")[0] for said in differences(whole, found)] == ["missing"]
    assert [said.split(":")[0] for said in differences(found, whole)] == ["surplus"]


def test_document_that_is_said_again_a_day_later_is_another_effect() -> None:
    again = with_scored(effective_ms=SCORED.effective_ms + 86_400_000)._replace(counted=Counted.TOO_LATE)
    effects = Effects.of([PAIR, again])
    assert (effects.count(Kind.PAIR), effects.conflicts) == (2, [])


def test_difference_names_the_field() -> None:
    found = Effects.of([replace(ALERT, threshold=2.5)])
    assert differences(Effects.of([ALERT]), found) == [
        "differs: alert halden|negative_burst|1 r0: threshold 3.0 != 2.5"
    ]


def test_many_differences_are_counted_and_not_all_written_out() -> None:
    many = Effects.of(with_scored(document_id=DocumentId(f"wire:{number}")) for number in range(9))
    said = differences(many, Effects())
    assert said[0] == f"missing: pair wire:0 {SCORED.topic_id} r{SCORED.effective_ms}"
    assert (len(said), said[-1]) == (6, "and 4 more missing")


def test_what_is_no_effect_is_only_counted() -> None:
    effects = Effects.of([Progress((), (), 1), Progress((), (), 2), ALERT.detection])
    assert effects.beside == {"Progress": 2, "Detection": 1}
    assert effects.as_bytes() == b""


def test_conflict_names_id_and_both_contents() -> None:
    effects = Effects.of([WINDOW, WINDOW._replace(summary=Summary(9))])
    ((effect, first, second),) = effects.conflicts
    assert effect == EffectId(Kind.WINDOW, (HALDEN, clock(), clock(minutes=1)), 0)
    assert first != second
    assert differences(Effects.of([WINDOW]), effects)[0].startswith("conflict: window halden ")


def test_trend_role_that_died_a_dozen_times_has_the_effects_of_one_that_lived() -> None:
    log = scored_log(8, count=200)
    once = Effects.of(output.value for outputs in said_by_one(log) for output in outputs)
    said, _ = said_by_many(log, random.Random(8))
    killed = Effects.of(output.value for output in said)
    assert differences(once, killed) == []
    assert killed.as_bytes() == once.as_bytes()
    assert once.repeats.total() == 0 < killed.repeats.total()
    assert once.count(Kind.PAIR) > 150 < once.count(Kind.WINDOW)
