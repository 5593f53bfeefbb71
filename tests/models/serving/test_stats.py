"""What was computed: every counter begins at zero, and reasons come from a closed set."""

from dataclasses import fields

import pytest

from models.serving.stats import BACKEND_DISAGREES, FALLBACKS, ScoringStats


def test_everything_begins_at_zero_and_every_reason_is_there() -> None:
    stats = ScoringStats()
    assert stats.fallbacks == {"backend_unavailable": 0, "backend_disagrees": 0}
    counters = [getattr(stats, one.name) for one in fields(stats) if one.name != "fallbacks"]
    assert counters == [0] * len(counters)


def test_fallbacks_are_counted_by_reason_and_for_each_scorer_by_itself() -> None:
    stats, other = ScoringStats(), ScoringStats()
    stats.fell_back(BACKEND_DISAGREES)
    stats.fell_back(BACKEND_DISAGREES)
    assert stats.fallbacks == {"backend_unavailable": 0, "backend_disagrees": 2}
    assert sum(other.fallbacks.values()) == 0


def test_a_reason_that_nobody_declared_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        ScoringStats().fell_back("bored")
    assert set(ScoringStats().fallbacks) == set(FALLBACKS)
