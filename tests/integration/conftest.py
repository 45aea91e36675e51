"""One broker for all integration tests: the embedded one, or, with SCAMSIEVE_TEST_BROKER=kafka, Apache Kafka."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from stream.broker import embedded_broker
from stream.errors import BrokerUnavailable
from tests.integration.chosen import CHOSEN
from tests.integration.kafka import apache_kafka
from tests.integration.records import Topics, create_topics

BROKERS: dict[str, Callable[[], AbstractContextManager[str]]] = {"embedded": embedded_broker, "kafka": apache_kafka}


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """Address of the broker; where it cannot be started, the run ends with one clear line."""
    if CHOSEN not in BROKERS:
        pytest.exit(f"SCAMSIEVE_TEST_BROKER={CHOSEN}: give one of {', '.join(BROKERS)}", returncode=1)
    try:
        with BROKERS[CHOSEN]() as address:
            yield address
    except BrokerUnavailable as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture
def topics(bootstrap: str) -> Topics:
    """Topics of this test alone."""
    return create_topics(bootstrap)
