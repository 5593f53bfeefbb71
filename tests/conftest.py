"""What holds for every test: which profile hypothesis uses, and that no skip passes unnoticed where none may.

`MONITOR_NO_SKIPS=1` turns every skip into a failure with the skip's reason: a suite that skips its broker and its GPU
is green without having looked. `optional` tests are exempt, and are few. `HYPOTHESIS_PROFILE` is `default`, `fast`
or `ci`.

What tests say about exact alerts they say about the lexicon's: it is small, quick, and changes when we change it. So
`scorer.kind: lexicon` is set here, once, for all that reads the environment, processes that tests start included;
`tests/replays.py` says the same for what does not. A test of the trained model asks for `default_scorer`.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.brokers import broker, fresh, kafka_bootstrap
from tests.databases import database, postgres

# Fixtures for whoever needs a real Kafka or a real PostgreSQL.
__all__ = ["broker", "database", "fresh", "kafka_bootstrap", "postgres"]

# No deadline: a loaded machine is no bug. `ci` draws the same examples in every run, so that red means a change.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
# The inner loop looks at fewer examples, so that it stays under a minute; each run draws others, and CI looks at all.
settings.register_profile("fast", deadline=None, max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

SCORER_VARIABLE = "MONITOR_SCORER__KIND"
os.environ[SCORER_VARIABLE] = "lexicon"
# Two workers whose torch takes two threads each wait for one another: a tiny run took seven seconds, not one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

NO_SKIPS = os.environ.get("MONITOR_NO_SKIPS") == "1"


@pytest.fixture
def default_scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the word about the lexicon back: what the configuration says, or its default, holds."""
    monkeypatch.delenv(SCORER_VARIABLE)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it was skipped, in the words of whoever skipped it."""
    longrepr = report.longrepr
    return longrepr[2].removeprefix("Skipped: ") if isinstance(longrepr, tuple) else str(longrepr)


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip. An expected failure (xfail) is no skip: it has run."""
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason(report)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and MONITOR_NO_SKIPS=1 allows no skips: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("optional") is None:
        _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_skip(report)
    return report
