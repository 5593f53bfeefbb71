"""Crash markers: a poisonous record is found, and a good one is blamed only where it was itself marked at three deaths.

The simulation keeps only what a commit keeps; the process dies between any two steps, and at each poisonous record.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.delivery.crashes import CRASHED_AFTER, UNTROUBLED, CrashNote, Turns, Way

STRETCH = 8
Place = tuple[str, int]


class Killed(Exception):
    """The process is dead: nothing after this point happened."""


@dataclass
class World:
    """What outlives the process: logs of records, commits with their notes, effects and dead letters."""

    lengths: dict[str, int]
    poison: set[Place]
    commits: dict[str, tuple[int, CrashNote]] = field(default_factory=dict)
    effects: set[Place] = field(default_factory=set)
    dead_letters: set[Place] = field(default_factory=set)
    marked_deaths: Counter[Place] = field(default_factory=Counter)
    """Counted from outside at each death: the record that this very run had marked, and had not passed."""
    deaths: int = 0
    stretch: int = STRETCH
    largest_batch: bool = False
    """Batches are as large as they may be, so that each run takes the same one from the same commit."""

    def __post_init__(self) -> None:
        self.commits = {source: (0, UNTROUBLED) for source in self.lengths}

    @property
    def is_done(self) -> bool:
        return all(self.commits[source][0] == length for source, length in self.lengths.items())

    def good(self) -> set[Place]:
        return {(source, n) for source, length in self.lengths.items() for n in range(length)} - self.poison


class Process:
    """One run of a role over the partitions of a world, as an engine would join the pieces."""

    def __init__(self, world: World, rng: random.Random, may_die: Callable[[], None]) -> None:
        self._world = world
        self._rng = rng
        self._may_die = may_die
        self._notes = {source: note for source, (_, note) in world.commits.items()}
        self._arrived: set[str] = set()
        self._turns = Turns()
        self.marked: Place | None = None

    def run(self) -> None:
        while not self._world.is_done:
            for source in self._rng.sample(sorted(self._world.lengths), len(self._world.lengths)):
                self._step(source)
        for source in self._world.lengths:
            self._write(source, self._world.commits[source][0], self._notes[source].ended())

    def _write(self, source: str, position: int, note: CrashNote) -> None:
        """A commit: durable or not at all, and the process may die on either side of it."""
        self._may_die()
        self._world.commits[source] = (position, note)
        self.marked = None if note.suspect is None or not note.is_in_hand else (source, note.suspect)
        self._notes[source] = note
        self._may_die()

    def _step(self, source: str) -> None:
        position = self._world.commits[source][0]
        if position == self._world.lengths[source]:
            return
        if source not in self._arrived:
            self._write(source, position, self._notes[source].arrived(self._world.stretch))
            self._arrived.add(source)
        way = self._notes[source].way(position)
        if way is Way.CRASHED:
            self._world.dead_letters.add((source, position))
            self._write(source, position + 1, self._notes[source].passed())
        elif way is Way.ALONE:
            self._alone(source, position)
        else:
            self._together(source, position)

    def _alone(self, source: str, position: int) -> None:
        assert self._turns.take(Way.ALONE)
        assert not self._turns.take(Way.TOGETHER)
        self._write(source, position, self._notes[source].marked(position))
        self._handle(source, position)
        self._turns.give_back()
        self._write(source, position + 1, self._notes[source].passed())

    def _together(self, source: str, position: int) -> None:
        """Records in hand at once, handled in any order, committed in any part."""
        size = STRETCH if self._world.largest_batch else self._rng.randint(1, STRETCH)
        end = min(self._world.lengths[source], position + size)
        batch = list(range(position, end))
        for _ in batch:
            assert self._turns.take(Way.TOGETHER)
        for offset in self._rng.sample(batch, len(batch)):
            self._handle(source, offset)
            self._turns.give_back()
        self._write(source, end, self._notes[source].passed())

    def _handle(self, source: str, offset: int) -> None:
        self._may_die()
        if (source, offset) in self._world.poison:
            raise Killed
        self._world.effects.add((source, offset))
        self._may_die()


def live(world: World, rng: random.Random, kills: Callable[[int], bool]) -> None:
    """Start the process again and again until everything was read; `kills` says whether it dies at this step."""
    steps = 0

    def may_die() -> None:
        nonlocal steps
        steps += 1
        if kills(steps):
            raise Killed

    while not world.is_done:
        process = Process(world, rng, may_die)
        try:
            process.run()
        except Killed:
            world.deaths += 1
            world.marked_deaths.update([process.marked] if process.marked else [])
        assert world.deaths < 2_000, "the process gets nowhere"


def check(world: World) -> None:
    """What holds whatever was killed when."""
    assert world.poison <= world.dead_letters, "each poisonous record is found"
    blamed = world.dead_letters - world.poison
    assert all(world.marked_deaths[place] >= CRASHED_AFTER for place in blamed)
    assert world.good() - blamed <= world.effects, "no good record is passed over"
    assert not world.poison & world.effects


lengths = st.dictionaries(st.sampled_from(["news", "posts", "wire"]), st.integers(0, 30), min_size=1)


@pytest.mark.slow
@settings(max_examples=150)
@given(st.data(), lengths, st.integers(0, 1_000))
def test_poison_is_found_and_nobody_else_blamed_wherever_kills_fall(
    data: st.DataObject, sizes: dict[str, int], seed: int
) -> None:
    places = [(source, n) for source, length in sizes.items() for n in range(length)]
    poison = data.draw(st.sets(st.sampled_from(places), max_size=4)) if places else set()
    fatal = data.draw(st.sets(st.integers(1, 400), max_size=25))
    world = World(sizes, poison)
    live(world, random.Random(seed), fatal.__contains__)
    check(world)


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_random_kills_send_no_good_record_to_the_dead_letters(seed: int) -> None:
    """Nearly all records go one at a time, and one in forty is killed: in life it is one in thousands."""
    rng = random.Random(seed)
    world = World({"news": 3_000, "posts": 1_500}, {("news", 77), ("posts", 20)}, stretch=10_000)
    live(world, rng, lambda steps: rng.random() < 0.004)
    assert world.deaths >= 100
    check(world)
    assert sum(world.marked_deaths.values()) > 50, "most kills found a good record marked"
    assert world.dead_letters == world.poison


@settings(max_examples=40)
@given(st.sets(st.integers(0, 39), max_size=6), st.integers(0, 1_000))
def test_without_kills_from_outside_only_poison_is_dead_and_costs_five_deaths_at_most(
    poison: set[int], seed: int
) -> None:
    world = World({"news": 40}, {("news", offset) for offset in poison}, largest_batch=True)
    live(world, random.Random(seed), lambda steps: False)
    check(world)
    assert world.dead_letters == world.poison
    assert world.deaths <= 5 * len(poison)


# ---- the note itself


def died(note: CrashNote) -> CrashNote:
    """The next run begins on what a death left."""
    return note.arrived(STRETCH)


def test_records_go_together_until_two_deaths_at_one_commit() -> None:
    first = UNTROUBLED.arrived(STRETCH)
    assert first.way(600) is Way.TOGETHER
    second = died(first)
    assert second.way(600) is Way.TOGETHER
    assert died(second).way(600) is Way.ALONE


def test_commit_that_moves_on_forgets_the_deaths_before_it() -> None:
    note = died(UNTROUBLED.arrived(STRETCH)).passed()
    assert died(note).way(700) is Way.TOGETHER


def test_runs_that_end_well_are_no_deaths() -> None:
    note = UNTROUBLED
    for _ in range(5):
        note = note.arrived(STRETCH).ended()
    assert note == UNTROUBLED


def test_records_go_together_again_after_as_many_as_were_in_hand_at_the_deaths() -> None:
    note = CrashNote(begun=2).arrived(STRETCH)
    for offset in range(STRETCH):
        assert note.way(offset) is Way.ALONE
        note = note.marked(offset).passed()
    assert note.way(STRETCH) is Way.TOGETHER
    assert note.begun == 1, "the run that goes on is one that began here"


def test_record_marked_at_three_deaths_is_crashed_and_the_next_goes_alone() -> None:
    note = CrashNote(begun=2).arrived(STRETCH)
    for _ in range(3):
        assert note.way(700) is Way.ALONE
        note = died(note.marked(700))
    assert note.way(700) is Way.CRASHED
    note = note.passed()
    assert note.way(701) is Way.ALONE
    assert (note.suspect, note.deaths) == (None, 0)


def test_death_before_the_record_is_marked_again_is_not_its_own() -> None:
    note = died(CrashNote(begun=2, alone_left=5).marked(700))
    assert note.deaths == 1
    for _ in range(4):
        note = died(note)
    assert note.deaths == 1


def test_mark_that_a_run_left_counts_once_however_many_runs_die_before_they_come_to_it() -> None:
    """Of two partitions the other was read first, and its record killed the next two runs."""
    left = CrashNote(begun=2, alone_left=5).marked(700)
    assert died(left).deaths == 1, "runs that did not arrive here have written nothing here"


def test_deaths_of_one_record_are_not_held_against_another() -> None:
    """An operator moved the commit, or the log lost the record."""
    note = CrashNote(begun=2, alone_left=5, suspect=700, deaths=3)
    assert note.way(701) is Way.ALONE
    assert died(note.marked(701)).deaths == 1


def test_run_that_ends_well_takes_the_mark_back_but_not_what_is_known() -> None:
    note = died(died(CrashNote(begun=2, alone_left=5).marked(700)).marked(700)).marked(700).ended().arrived(STRETCH)
    assert (note.suspect, note.deaths, note.is_in_hand, note.alone_left) == (700, 2, False, 5)


notes = st.builds(
    CrashNote, st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**53), st.integers(0, 9), st.booleans()
) | st.builds(CrashNote, st.integers(0, 9), st.integers(0, 9))


@given(notes)
def test_note_comes_back_exactly(note: CrashNote) -> None:
    assert CrashNote.of_fields(note.as_fields()) == note


# ---- turns


def test_record_that_goes_alone_waits_for_what_is_in_hand_and_nothing_overtakes_it() -> None:
    turns = Turns()
    assert turns.take(Way.TOGETHER)
    assert turns.take(Way.TOGETHER)
    assert not turns.take(Way.ALONE)
    assert not turns.take(Way.TOGETHER), "or it would wait for ever"
    turns.give_back()
    assert not turns.take(Way.ALONE)
    turns.give_back()
    assert turns.take(Way.ALONE)
    assert not turns.take(Way.TOGETHER)
    turns.give_back()
    assert turns.take(Way.TOGETHER)


def test_partition_that_is_taken_away_holds_nobody_up() -> None:
    turns = Turns()
    assert turns.take(Way.TOGETHER)
    assert not turns.take(Way.ALONE)
    turns.forget()
    assert turns.take(Way.TOGETHER)


def test_turns_that_were_never_taken_are_a_bug() -> None:
    with pytest.raises(ValueError, match="nothing is in hand"):
        Turns().give_back()
    with pytest.raises(ValueError, match="never taken in hand"):
        Turns().take(Way.CRASHED)
