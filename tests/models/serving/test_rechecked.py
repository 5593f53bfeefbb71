"""RecheckedBackend: exactly the close calls are asked again, in full precision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.serving.rechecked import MARGIN, RecheckedBackend
from models.text import Window
from tests.models.serving.fake import FakeBackend, windows_of

SHIFTS = {"target": -0.4, "text": 0.3}
EXACT = (7.0, 8.0, 9.0)
_LOGITS = st.tuples(*[st.floats(-2, 2, width=32)] * 3)


class Bench:
    """A quick backend of written answers beside an exact one that counts how often it is opened."""

    def __init__(self, answers: dict[Window, tuple[float, ...]]) -> None:
        self.quick = FakeBackend("onnxruntime-int8", answers.__getitem__)
        self.exact = FakeBackend(answer=lambda window: EXACT)
        self.opened = 0
        self.both = RecheckedBackend(self.quick, self._open, SHIFTS)

    def _open(self) -> FakeBackend:
        self.opened += 1
        return self.exact


def lead(logits: tuple[float, ...], window: Window) -> float:
    """By how much the likeliest label leads, when neutral has had its shift."""
    shifted = np.array(logits, np.float32).astype(float)
    shifted[1] += SHIFTS["target" if window.targets else "text"]
    second, first = np.sort(shifted)[1:]
    return float(first - second)


@given(st.lists(_LOGITS, max_size=12))
def test_exactly_the_close_calls_have_the_exact_answer(logits: list[tuple[float, ...]]) -> None:
    windows = windows_of(len(logits))
    bench = Bench(dict(zip(windows, logits, strict=True)))
    found = bench.both.logits(windows)
    close = [lead(one, window) < MARGIN for one, window in zip(logits, windows, strict=True)]
    expected = [EXACT if is_close else one for is_close, one in zip(close, logits, strict=True)]
    assert found.tolist() == np.array(expected, np.float32).reshape(-1, 3).tolist()
    assert bench.exact.asked == ([[one for one, is_close in zip(windows, close, strict=True) if is_close]] * any(close))
    assert bench.both.rechecked == sum(close)


@pytest.mark.parametrize(
    ("neutral", "targets", "is_close"),
    [(1.0, (), False), (1.4, (1,), True), (0.7, (), True), (1.0, (1,), False), (1.35, (1,), True), (0.65, (), True)],
)
def test_neutral_is_shifted_before_the_lead_is_taken(neutral: float, targets: tuple[int, ...], is_close: bool) -> None:
    window = Window((2, 9, 3), targets)
    bench = Bench({window: (1.0, neutral, -5.0)})
    bench.both.logits([window])
    assert bool(bench.exact.asked) is is_close


def test_exact_one_is_opened_once_and_only_when_it_is_needed() -> None:
    sure, close = Window((1,), ()), Window((2,), ())
    bench = Bench({sure: (5.0, 0.0, 0.0), close: (5.0, 0.0, 5.0)})
    bench.both.logits([sure])
    bench.both.logits([])
    assert bench.opened == 0
    for _ in range(3):
        bench.both.logits([close, sure])
    assert (bench.opened, bench.both.rechecked) == (1, 3)


def test_both_are_closed_and_none_is_opened_for_it() -> None:
    close = Window((2,), ())
    bench = Bench({close: (5.0, 0.0, 5.0)})
    bench.both.logits([close])
    bench.both.close()
    assert (bench.quick.is_closed, bench.exact.is_closed) == (True, True)
    other = Bench({})
    other.both.close()
    assert (other.quick.is_closed, other.opened) == (True, 0)


def test_exact_one_that_is_open_already_serves_and_is_closed_even_if_it_was_never_asked() -> None:
    exact = FakeBackend()
    both = RecheckedBackend(FakeBackend("onnxruntime-int8"), lambda: pytest.fail("opened again"), SHIFTS, exact)
    both.close()
    assert exact.is_closed


def test_it_has_the_name_of_the_quick_one_and_the_padding_of_both() -> None:
    close = Window((2,), ())
    bench = Bench({close: (5.0, 0.0, 5.0)})
    bench.both.logits([close])
    assert (bench.both.name, bench.both.padding_tokens) == ("onnxruntime-int8", 20)
