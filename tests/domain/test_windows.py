"""Windows: half-open, aligned to the epoch, and every time lies in exactly size / hop of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.windows import Window, WindowSpec

TIMES = st.integers(-(10**13), 10**13)
SPECS = st.builds(lambda hop_ms, hops: WindowSpec(hop_ms * hops, hop_ms), st.integers(1, 3_600_000), st.integers(1, 24))


def test_document_on_the_boundary_belongs_to_the_later_window() -> None:
    minute = WindowSpec(60_000, 60_000)
    assert list(minute.windows_for(120_000)) == [Window(120_000, 180_000)]
    assert list(minute.windows_for(119_999)) == [Window(60_000, 120_000)]
    assert not Window(60_000, 120_000).contains(120_000)
    assert Window(120_000, 180_000).contains(120_000)


def test_hopping_windows_overlap_and_come_earliest_first() -> None:
    #            0    20    40    60    80
    # 40 ms      |-----a-----|
    #                  |-----b-----|               a and b hold 25, c does not
    #                        |-----c-----|
    spec = WindowSpec(40, 20)
    assert list(spec.windows_for(25)) == [Window(0, 40), Window(20, 60)]


@given(SPECS, TIMES)
def test_every_time_lies_in_size_over_hop_windows_and_in_no_others(spec: WindowSpec, time_ms: int) -> None:
    found = list(spec.windows_for(time_ms))
    assert len(found) == spec.size_ms // spec.hop_ms
    assert found == sorted(set(found))
    for window in found:
        assert window.contains(time_ms)
        assert window.end_ms - window.start_ms == spec.size_ms
        assert window.start_ms % spec.hop_ms == 0
    before, after = found[0].start_ms - spec.hop_ms, found[-1].start_ms + spec.hop_ms
    assert not Window(before, before + spec.size_ms).contains(time_ms)
    assert not Window(after, after + spec.size_ms).contains(time_ms)


@given(st.integers(1, 3_600_000), TIMES)
def test_tumbling_windows_share_no_time_and_leave_none_out(size_ms: int, time_ms: int) -> None:
    spec = WindowSpec(size_ms, size_ms)
    (window,) = spec.windows_for(time_ms)
    assert list(spec.windows_for(window.end_ms)) == [Window(window.end_ms, window.end_ms + size_ms)]
    assert list(spec.windows_for(window.start_ms - 1)) == [Window(window.start_ms - size_ms, window.start_ms)]


@pytest.mark.parametrize(("size_ms", "hop_ms"), [(60, 0), (60, -20), (60, 120), (60, 25)])
def test_hop_that_does_not_fit_the_size_is_refused_with_both_named(size_ms: int, hop_ms: int) -> None:
    with pytest.raises(ValueError, match=rf"{hop_ms} ms .* {size_ms} ms"):
        WindowSpec(size_ms, hop_ms)
