"""Which broker the integration tests run on, and the mark of tests that need Apache Kafka."""

import os

import pytest

# Taken out of the environment: a worker started by a test would refuse it as an unknown setting.
CHOSEN = os.environ.pop("SCAMSIEVE_TEST_BROKER", "embedded")

apache_kafka_only = pytest.mark.skipif(
    CHOSEN == "embedded",
    reason="the embedded broker neither hides nor ends what a killed producer began: make test-kafka",
)
