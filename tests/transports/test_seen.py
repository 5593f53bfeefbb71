"""SeenEntries: what a position remembers, and what it must not."""

import base64
import json

import pytest

from monitor.errors import StateError
from monitor.transports.fetch import Validators
from monitor.transports.seen import REMEMBERED_GONE, SeenEntries

FIRST, SECOND = Validators('"v1"', "Mon, 02 Mar 2026 00:00:00 GMT"), Validators('"v2"')
NOTHING = Validators()


def keys(*numbers: int) -> list[bytes]:
    return [number.to_bytes(8) for number in numbers]


def test_an_entry_is_new_once_and_offsets_count_new_entries() -> None:
    seen = SeenEntries()
    assert seen.admit(keys(1, 2, 2), FIRST) == [0, 1, None]
    assert seen.admit(keys(2, 3), SECOND) == [None, 2]
    assert seen.end == 3


def test_a_restart_knows_what_lies_below_its_position_and_asks_anew_for_the_rest() -> None:
    seen = SeenEntries()
    seen.admit(keys(1, 2, 3), FIRST)
    restored = SeenEntries.restore(seen.position(2))
    assert restored.validators == NOTHING
    assert restored.admit(keys(1, 2, 3), FIRST) == [None, None, 2]


def test_validators_are_kept_only_when_all_that_came_with_them_lies_below() -> None:
    seen = SeenEntries()
    seen.admit(keys(1, 2), FIRST)
    seen.admit(keys(1, 2, 3), SECOND)
    assert [SeenEntries.restore(seen.position(offset)).validators for offset in range(4)] == [
        NOTHING,
        NOTHING,
        FIRST,
        SECOND,
    ]
    assert seen.validators == SECOND


def test_a_position_of_a_restored_memory_is_the_position_it_was_restored_from() -> None:
    seen = SeenEntries()
    seen.admit(keys(3, 1, 2), FIRST)
    position = seen.position(3)
    assert SeenEntries.restore(position).position(3) == position


def test_what_left_the_document_is_remembered_for_a_while_and_not_for_ever() -> None:
    seen = SeenEntries()
    seen.admit(keys(1), FIRST)
    for number in range(2, REMEMBERED_GONE + 2):
        seen.admit(keys(number), FIRST)
    assert seen.admit(keys(1), FIRST) == [None]
    for number in range(REMEMBERED_GONE + 2, 2 * REMEMBERED_GONE + 4):
        seen.admit(keys(number), FIRST)
    assert seen.admit(keys(1), FIRST) == [seen.end - 1]
    assert len(base64.b64decode(json.loads(seen.position(seen.end))["seen"])) == 8 * (REMEMBERED_GONE + 1)


def test_a_document_that_is_empty_for_once_makes_nothing_forgotten() -> None:
    seen = SeenEntries()
    many = keys(*range(2_000))
    seen.admit(many, FIRST)
    restored = SeenEntries.restore(seen.position(2_000))
    for each in (seen, restored):
        each.admit([], SECOND)
        for number in range(100):
            each.admit(keys(5_000 + number), SECOND)
        assert [offset for offset in each.admit(many, FIRST) if offset is not None] == []


def test_an_entry_that_is_still_in_the_document_is_never_forgotten() -> None:
    seen = SeenEntries()
    for number in range(5 * REMEMBERED_GONE):
        assert seen.admit(keys(7, number + 100), FIRST)[0] == (0 if number == 0 else None)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"at": -1},
        {"most": -1},
        {"most": None},
        {"at": True},
        {"at": "1"},
        {"seen": "AAA="},
        {"seen": "not base64!"},
        {"seen": None},
        {"etag": 5},
        {"modified": None},
    ],
)
def test_a_damaged_position_is_refused(change: dict[str, object]) -> None:
    seen = SeenEntries()
    seen.admit(keys(1), FIRST)
    good = json.loads(seen.position(1))
    SeenEntries.restore(json.dumps(good))
    with pytest.raises(StateError, match="--state"):
        SeenEntries.restore(json.dumps({**good, **change}))
