"""A real Apache Kafka for the tests that need one: started once in each worker, when the first of them asks.

One broker a worker, not one for all: it costs 350 MB and some seconds, and no worker can stop what another still uses.
It has the open listener and the guarded ones, so that the tests of passwords and certificates need no second one.
`KAFKA_BOOTSTRAP` names another broker, for all but those.
"""

import gc
import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import started
from tools.kafka.artifacts import BrokerError
from tools.kafka.cluster import Cluster, running_cluster


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker of our own, with every listener. Its logs lie in pytest's folder, which outlives a failure."""
    folder: Path = tmp_path_factory.mktemp("kafka")
    with started(running_cluster(folder, guarded=True), BrokerError) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> str:
    """Addresses of a broker that takes everything."""
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        return given
    cluster: Cluster = request.getfixturevalue("broker")
    return cluster.bootstrap


@pytest.fixture
def fresh() -> Iterator[str]:
    """A word that no other test used: one broker serves them all, and a topic or a group is never cleaned up."""
    yield uuid.uuid4().hex[:8]
    # A client that is closed while it connects leaves the socket of that moment to the garbage collector, whose
    # warning would fail whatever test is running then.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
