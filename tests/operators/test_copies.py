"""Copies: told forty times is told once, for a while, in bounded memory; and a document counts once.

story    |first ---- copy -- copy ---------------- horizon|   the same words: a new story
memory   |seen ------------- lateness horizon|   delivered again: the event is too old to count
"""

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import DAY_MS, HOUR_MS
from monitor.operators.copies import SeenDocuments, Stories, StoryState, index, short_id
from monitor.operators.signature import signatures

HEADLINE = "Halden Bank halts withdrawals at eleven branches after depositors queue through the night"
OTHER = "Northwind Foods recalls thirty thousand crates of dumplings over metal splinters in two lines"
HORIZON_MS = 2 * DAY_MS
NOON_MS = 1_772_452_800_000


def sign(text: str) -> bytes:
    return signatures([text])[0]


def stories(max_stories: int = 100, horizon_ms: int = HORIZON_MS) -> Stories:
    return Stories(horizon_ms, 0.6, max_stories)


def words(rng: random.Random, count: int = 12) -> str:
    return " ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(count))


# ---- stories


def test_story_told_forty_times_by_copies_is_one_story() -> None:
    state, operator = StoryState(), stories()
    _, is_first = operator.assign(state, "wire:1", sign(HEADLINE), NOON_MS)
    assert is_first
    for number in range(2, 41):
        text = f"RT @reader{number}: {HEADLINE} https://harbour.example/{number}"
        story, is_first = operator.assign(state, f"forum:{number}", sign(text), NOON_MS + number)
        assert (story.first_id, is_first) == ("wire:1", False)
    assert state.stories["wire:1"].copies == 39
    assert list(state.stories) == ["wire:1"]


def test_another_story_is_told_apart() -> None:
    state, operator = StoryState(), stories()
    operator.assign(state, "wire:1", sign(HEADLINE), NOON_MS)
    story, is_first = operator.assign(state, "wire:2", sign(OTHER), NOON_MS)
    assert (story.first_id, is_first) == ("wire:2", True)
    assert operator.assign(state, "wire:3", sign(HEADLINE), NOON_MS)[0].first_id == "wire:1"


def test_story_lives_from_its_first_telling_however_often_it_is_told_again() -> None:
    state, operator = StoryState(), stories()
    operator.assign(state, "wire:1", sign(HEADLINE), NOON_MS)
    for hours in range(1, 49):
        story, is_first = operator.assign(state, f"forum:{hours}", sign(HEADLINE), NOON_MS + hours * HOUR_MS)
        assert (story.first_id, is_first) == ("wire:1", False)
    story, is_first = operator.assign(state, "wire:9", sign(HEADLINE), NOON_MS + HORIZON_MS + 1)
    assert (story.first_id, is_first) == ("wire:9", True)
    assert list(state.stories) == ["wire:9"]


def test_document_without_a_signature_is_its_own_story_and_is_not_kept() -> None:
    state, operator = StoryState(), stories()
    for number in range(3):
        story, is_first = operator.assign(state, f"photo:{number}", b"", NOON_MS)
        assert (story.first_id, is_first) == (f"photo:{number}", True)
    assert state == StoryState()


def test_stories_stay_bounded_in_memory_and_the_oldest_goes_first() -> None:
    rng = random.Random(1)
    texts = [words(rng) for _ in range(400)]
    state, operator = StoryState(), stories(max_stories=50)
    for number, signature in enumerate(signatures(texts)):
        operator.assign(state, f"wire:{number}", signature, NOON_MS + number)
        assert len(state.stories) <= 50
        assert len(state.bands) <= 50 * 8
    assert list(state.stories) == [f"wire:{number}" for number in range(350, 400)]
    assert operator.assign(state, "late", sign(texts[399]), NOON_MS + 400) == (state.stories["wire:399"], False)
    assert operator.assign(state, "later", sign(texts[0]), NOON_MS + 401)[1]


def test_nothing_is_left_of_stories_that_are_too_old() -> None:
    state, operator = StoryState(), stories()
    operator.assign(state, "wire:1", sign(HEADLINE), NOON_MS)
    operator.assign(state, "photo:1", b"", NOON_MS + HORIZON_MS + 1)
    assert state == StoryState()


def test_page_that_keeps_its_id_while_its_text_moves_on_tells_a_new_story() -> None:
    """A live page comes again after the lateness horizon under its old id, with a new date and new words."""
    state, operator = StoryState(), stories()
    operator.assign(state, "wire:live", sign(HEADLINE), NOON_MS)
    plant = "Tessaly Motors opens a third plant in Orsmund next spring"
    operator.assign(state, "wire:2", sign(plant), NOON_MS + HOUR_MS)
    story, is_first = operator.assign(state, "wire:live", sign(OTHER), NOON_MS + 25 * HOUR_MS)
    assert (story.first_ms, is_first) == (NOON_MS + 25 * HOUR_MS, True)
    assert list(state.stories) == ["wire:2", "wire:live"]
    # What it told before is gone and leads nowhere, now and after it has been forgotten.
    assert operator.assign(state, "wire:3", sign(HEADLINE), NOON_MS + 26 * HOUR_MS)[1]
    assert operator.assign(state, "wire:4", sign(OTHER), NOON_MS + 26 * HOUR_MS)[0].first_id == "wire:live"
    assert operator.assign(state, "wire:5", sign(HEADLINE), NOON_MS + 80 * HOUR_MS)[1]


@pytest.mark.parametrize(("kept", "is_copy"), [(32, True), (20, True), (19, False), (0, False)])
def test_candidate_joins_from_the_threshold_on(kept: int, is_copy: bool) -> None:
    """20 of 32 slots are .625, 19 are .594; the first band of four slots agrees in all but the last case."""
    first = struct.pack("<32H", *range(1, 33))
    second = struct.pack("<32H", *range(1, kept + 1), *range(101, 133 - kept))
    state, operator = StoryState(), stories()
    operator.assign(state, "a", first, NOON_MS)
    assert operator.assign(state, "b", second, NOON_MS)[1] is not is_copy


@settings(max_examples=40)
@given(
    steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(0, 30)), max_size=60),
    max_stories=st.integers(1, 6),
)
def test_every_band_leads_to_the_latest_story_that_has_it(steps: list[tuple[int, int, int]], max_stories: int) -> None:
    """Whatever ids, texts and pauses come: nothing dangles, nothing is older than the horizon, the bound holds."""
    texts = signatures([words(random.Random(number)) for number in range(7)])
    state, operator, now_ms = StoryState(), stories(max_stories), NOON_MS
    for number, text, hours in steps:
        now_ms += hours * HOUR_MS
        operator.assign(state, f"id{number}", texts[text], now_ms)
        assert len(state.stories) <= max_stories
        assert [s.first_ms for s in state.stories.values()] == sorted(s.first_ms for s in state.stories.values())
        assert all(story.first_ms >= now_ms - HORIZON_MS for story in state.stories.values())
        # Also what a restart would find anew, so that a run that was cut off joins the same copies.
        assert state.bands == index(state.stories)


# ---- the same document again


def test_document_that_is_delivered_again_is_not_the_first() -> None:
    seen: dict[int, int] = {}
    operator = SeenDocuments(DAY_MS)
    assert operator.is_first(seen, "wire:1", NOON_MS)
    assert not operator.is_first(seen, "wire:1", NOON_MS)
    assert not operator.is_first(seen, "wire:1", NOON_MS + DAY_MS)
    assert operator.is_first(seen, "paper:1", NOON_MS + DAY_MS)


def test_id_is_remembered_for_the_lateness_horizon_and_no_longer() -> None:
    """One that is delivered after that is older than the horizon itself: it is archived, not counted."""
    seen: dict[int, int] = {}
    operator = SeenDocuments(DAY_MS)
    for number in range(50):
        operator.is_first(seen, f"wire:{number}", NOON_MS + number)
    assert len(seen) == 50
    assert operator.is_first(seen, "wire:0", NOON_MS + 10 + DAY_MS)
    assert len(seen) == 50 - 10 + 1
    assert operator.is_first(seen, "wire:new", NOON_MS + 3 * DAY_MS)
    assert len(seen) == 1


def test_id_of_eight_bytes_is_the_same_on_every_machine() -> None:
    """It lies in snapshots: another value would count every document of the last day again."""
    assert short_id("wire:1") == 2219628275467182801
    assert short_id("纸媒:\ud83d") < 2**64
