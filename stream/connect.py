"""How the command-line tools reach Kafka: kafka-python, configured from the same settings as the worker's librdkafka."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import KafkaError

from stream.errors import BrokerUnavailable, ScamSieveError
from stream.security import security
from stream.settings import Settings

CONNECT_SECONDS = 5.0


def connection(settings: Settings) -> dict[str, Any]:
    """What every client of kafka-python is made with. Raises SettingsError."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it logs every refused connection; we say it once
    known = security(settings.kafka_properties)
    return {
        "bootstrap_servers": [address.strip() for address in settings.brokers.split(",")],
        "client_id": f"scamsieve-{settings.instance}",
        "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
        "security_protocol": settings.kafka_properties.get("security.protocol", "plaintext").upper(),
        "ssl_context": known.context,
        "ssl_check_hostname": known.context is None or known.context.check_hostname,
        "sasl_mechanism": known.mechanism or None,
        "sasl_plain_username": known.username,
        "sasl_plain_password": known.password,
    }


@contextmanager
def plain_errors(settings: Settings) -> Iterator[None]:
    """Raise kafka-python's errors as ours: BrokerUnavailable if trying again may help, else ScamSieveError."""
    try:
        yield
    except KafkaError as error:
        kind = BrokerUnavailable if getattr(error, "retriable", False) else ScamSieveError
        raise kind(f"Kafka at {settings.brokers}: {str(error) or type(error).__name__}") from None
