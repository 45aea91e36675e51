"""How the command-line tools reach Kafka: kafka-python, configured from the same settings as the worker's librdkafka."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import KafkaError

from stream.errors import BrokerUnavailable, ScamSieveError
from stream.settings import Settings

CONNECT_SECONDS = 10.0

_NAMES = {
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
}
"""librdkafka's names of what says how to connect; the other properties are the worker's own affair."""


def connection(settings: Settings) -> dict[str, Any]:
    """What every client of kafka-python is made with."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it logs every refused connection; we say it once
    known = {_NAMES[name]: value for name, value in settings.kafka_properties.items() if name in _NAMES}
    if "security_protocol" in known:
        known["security_protocol"] = known["security_protocol"].upper()
    return {
        "bootstrap_servers": [address.strip() for address in settings.brokers.split(",")],
        "client_id": f"scamsieve-{settings.instance}",
        "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
        **known,
    }


@contextmanager
def plain_errors(settings: Settings) -> Iterator[None]:
    """Raise kafka-python's errors as ours: BrokerUnavailable if trying again may help, else ScamSieveError."""
    try:
        yield
    except KafkaError as error:
        kind = BrokerUnavailable if getattr(error, "retriable", False) else ScamSieveError
        raise kind(f"Kafka at {settings.brokers}: {str(error) or type(error).__name__}") from None
