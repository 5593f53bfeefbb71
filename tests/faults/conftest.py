"""One decided world for all tests of the ends."""

import pytest


@pytest.fixture(scope="session")
def decided(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A `Decided`; its module needs Kafka's client, which the slim set has not."""
    pytest.importorskip("kafka", reason="needs the full set: make setup-full")
    from tests.faults.decided import decide

    return decide(kafka_bootstrap, tmp_path_factory.mktemp("decided"))
