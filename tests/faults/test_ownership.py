"""How long a partition was nobody's is measured rightly: else a bound on it proves nothing."""

from tests.faults.ownership import Word, gaps, words


def word(at: float, process: str, *partitions: str) -> Word:
    return Word(at, process, frozenset(partitions))


def test_time_between_two_owners_is_a_gap_of_that_partition_alone() -> None:
    told = [word(1.0, "a", "p0", "p1"), word(5.0, "a", "p0"), word(5.5, "b", "p1")]
    assert gaps(told, 9.0) == {"p0": [], "p1": [0.5]}


def test_partition_that_two_think_they_have_is_no_gap() -> None:
    told = [word(1.0, "a", "p0"), word(3.0, "b", "p0"), word(4.0, "a")]
    assert gaps(told, 9.0) == {"p0": []}


def test_partition_that_nobody_has_in_the_end_is_unowned_until_then() -> None:
    assert gaps([word(1.0, "a", "p0"), word(4.0, "a")], 9.0) == {"p0": [5.0]}


def test_words_are_those_of_the_role() -> None:
    told = [
        {"at": "2026-03-02T00:00:01.250Z", "role": "score", "partitions": ["p0"]},
        {"at": "2026-03-02T00:00:02.000Z", "role": "trend", "partitions": []},
    ]
    assert words("a", "score", told) == [word(1_772_409_601.25, "a", "p0")]
