"""ScoringEngine: whatever goes wrong, each window is answered or has its own reason."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.serving.backend import Backend
from models.serving.engine import ScoringEngine
from models.serving.errors import DeviceLost, OutOfMemory
from models.serving.rechecked import RecheckedBackend
from models.serving.stats import ScoringStats
from models.text import Window
from tests.models.serving.fake import FakeBackend, answer, windows_of


def engine_of(backend: Backend) -> ScoringEngine:
    return ScoringEngine(backend, ScoringStats())


def spoilt_by(poison: set[Window], error: Callable[[], Exception]) -> Callable[[Window], Exception | None]:
    return lambda window: error() if window in poison else None


def test_nothing_asked_asks_nobody() -> None:
    backend = FakeBackend()
    engine = engine_of(backend)
    assert engine.answer([]) == {}
    assert (backend.asked, engine.stats.batches) == ([], 0)


def test_distinct_windows_are_asked_once_in_their_order() -> None:
    backend = FakeBackend()
    first, second = windows_of(2)
    found = engine_of(backend).answer([first, second, first, second, second])
    assert backend.asked == [[first, second]]
    assert found == {first: answer(first), second: answer(second)}


def test_window_that_was_answered_is_asked_again_only_once_it_was_forgotten() -> None:
    backend = FakeBackend()
    engine = engine_of(backend)
    first, second = windows_of(2)
    assert engine.answer([first]) == {first: answer(first)}
    assert engine.answer([second, first]) == {second: answer(second), first: answer(first)}
    assert backend.asked == [[first], [second]]
    engine.forget()
    engine.answer([first])
    assert backend.asked == [[first], [second], [first]]


def test_window_that_failed_is_asked_again() -> None:
    (window,) = windows_of(1)
    backend = FakeBackend(poison=spoilt_by({window}, lambda: OutOfMemory("too long")))
    engine = engine_of(backend)
    engine.answer([window])
    engine.answer([window])
    assert backend.asked == [[window], [window]]


def test_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    backend, windows = FakeBackend(most=3), windows_of(10)
    engine = engine_of(backend)
    assert engine.answer(windows) == {window: answer(window) for window in windows}
    assert [len(asked) for asked in backend.asked] == [10, 5, 2, 3, 5, 2, 3]
    assert (engine.stats.halvings, engine.stats.batches, engine.stats.windows) == (3, 4, 10)


def test_window_that_does_not_fit_alone_is_reported_and_not_raised() -> None:
    windows = windows_of(5)
    backend = FakeBackend(poison=spoilt_by({windows[3]}, lambda: OutOfMemory("too long")))
    found = engine_of(backend).answer(windows)
    assert isinstance(found[windows[3]], OutOfMemory)
    assert [window for window in windows if found[window] == answer(window)] == [*windows[:3], windows[4]]


@given(st.integers(1, 70), st.data())
def test_poison_is_found_among_many_and_all_others_are_answered(count: int, data: st.DataObject) -> None:
    windows = windows_of(count)
    poison = set(data.draw(st.lists(st.sampled_from(windows), max_size=3)))
    backend = FakeBackend(poison=spoilt_by(poison, lambda: ValueError("spoilt")), most=data.draw(st.integers(1, 70)))
    engine = engine_of(backend)
    found = engine.answer(windows)
    assert {window for window, one in found.items() if isinstance(one, Exception)} == poison
    assert all(found[window] == answer(window) for window in windows if window not in poison)
    assert engine.stats.windows == count - len(poison)


def test_one_poison_among_a_thousand_costs_a_few_calls() -> None:
    windows = windows_of(1_024)
    backend = FakeBackend(poison=spoilt_by({windows[700]}, lambda: ValueError("spoilt")))
    engine_of(backend).answer(windows)
    assert len(backend.asked) == 21
    assert sum(map(len, backend.asked)) < 3 * len(windows)


def test_device_that_is_lost_is_passed_on_at_once() -> None:
    windows = windows_of(9)
    backend = FakeBackend(poison=spoilt_by({windows[8]}, lambda: DeviceLost("gone")))
    engine = engine_of(backend)
    with pytest.raises(DeviceLost, match="gone"):
        engine.answer(windows)
    assert (len(backend.asked), engine.stats.halvings) == (1, 0)


def test_device_that_is_lost_while_poison_is_looked_for_is_passed_on_too() -> None:
    windows = windows_of(8)
    failures = {windows[0]: ValueError("spoilt"), windows[6]: DeviceLost("gone")}
    with pytest.raises(DeviceLost):
        engine_of(FakeBackend(poison=failures.get)).answer(windows)


def test_interrupt_of_a_person_is_no_poison() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    backend = FakeBackend(on_call=interrupt)
    with pytest.raises(KeyboardInterrupt):
        engine_of(backend).answer(windows_of(4))
    assert len(backend.asked) == 1


def test_what_was_computed_is_counted() -> None:
    engine = engine_of(FakeBackend())
    engine.answer(windows_of(4))
    engine.forget()
    engine.answer([*windows_of(2), *windows_of(2)])
    stats = engine.stats
    assert (stats.batches, stats.windows, stats.tokens, stats.padding_tokens) == (2, 6, 18, 20)


def test_engines_that_share_their_stats_add_up_what_was_asked_again() -> None:
    stats = ScoringStats()
    engines = []
    for _ in range(2):
        quick = FakeBackend(answer=lambda window: (0.0, 0.0, 0.0))
        both = RecheckedBackend(quick, FakeBackend, {"target": 0.0, "text": 0.0})
        engines.append(ScoringEngine(both, stats))
    counted = []
    for number, engine in enumerate([*engines, *engines], start=1):
        engine.forget()
        engine.answer(windows_of(number))
        counted.append(stats.rechecked)
    assert counted == [1, 3, 6, 10]


def test_logits_are_floats_of_python() -> None:
    [found] = engine_of(FakeBackend()).answer(windows_of(1)).values()
    assert isinstance(found, tuple)
    assert {type(one) for one in found} == {float}


def test_closed_engine_has_given_back_its_backend() -> None:
    backend = FakeBackend()
    engine_of(backend).close()
    assert backend.is_closed
