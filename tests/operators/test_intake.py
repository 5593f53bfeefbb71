"""Intake: an input is stopped for too many unusable records, judged by whole runs, each input by itself."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.operators.intake import IntakeGuard, Run


def judged(records: str, *, ratio: float = 0.5, window: int = 10) -> Run:
    """A run after records of which `x` is unusable."""
    guard, run = IntakeGuard(ratio, window), Run()
    for record in records:
        if guard.count(run, is_usable=record != "x"):
            guard.judge(run)
    return run


def test_input_is_stopped_once_more_than_the_ratio_of_a_run_is_unusable() -> None:
    assert not judged("oooo" + "xxxxx").is_stopped
    assert judged("oooo" + "xxxxxx").is_stopped


def test_exactly_the_ratio_is_still_accepted() -> None:
    assert not judged("oxoxoxoxox").is_stopped


def test_small_file_of_bad_lines_is_read_to_its_end() -> None:
    assert not judged("x" * 9).is_stopped


def test_each_run_is_judged_afresh() -> None:
    assert judged("o" * 10 + "ooooxxxxxx").is_stopped, "a good past must not hide a vendor that went bad"
    assert not judged("oooooxxxxx" + "o" * 10).is_stopped


def test_a_stopped_input_stays_stopped() -> None:
    assert judged("x" * 10 + "o" * 30).is_stopped


@given(st.text("ox?", max_size=80), st.integers(1, 20), st.sampled_from([0.0, 0.25, 0.5, 0.9]), st.integers(1, 9))
def test_a_record_that_turns_out_unusable_later_counts_as_if_it_had_been_known(
    records: str, window: int, ratio: float, late: int
) -> None:
    """`?` is taken for usable and recanted `late` records on, or at the end of its run if the judgement turns on it."""
    guard, run = IntakeGuard(ratio, window), Run()
    out: list[int] = []  # the records of the present run that are not known yet
    for number, record in enumerate(records):
        is_complete = guard.count(run, is_usable=record != "x")
        if record == "?":
            out.append(number)
        while out and (number - out[0] >= late or (is_complete and guard.turns_on(run, len(out)))):
            out.pop(0)
            guard.recant(run)
        if is_complete:
            guard.judge(run)
            out.clear()  # what comes back from now on belongs to a run that was judged
    assert run.is_stopped == judged(records.replace("?", "x"), ratio=ratio, window=window).is_stopped


@given(st.text("ox", max_size=80), st.integers(1, 20), st.sampled_from([0.0, 0.25, 0.5, 0.9]))
def test_an_input_is_stopped_exactly_when_some_whole_run_was_too_bad(records: str, window: int, ratio: float) -> None:
    runs = [records[at : at + window] for at in range(0, len(records), window)]
    bad = any(len(run) == window and run.count("x") > ratio * window for run in runs)
    assert judged(records, ratio=ratio, window=window).is_stopped == bad
