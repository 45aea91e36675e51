"""How the command-line tools reach Kafka: kafka-python, configured from the same settings as the worker's librdkafka."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import AuthorizationError, KafkaError, KafkaTimeoutError

from stream import access
from stream.errors import BrokerUnavailable, NotAuthorized, ScamSieveError
from stream.security import kafka_python, security
from stream.settings import Settings

CONNECT_SECONDS = 5.0


def connection(settings: Settings) -> dict[str, Any]:
    """What every client of kafka-python is made with. Raises SettingsError, NotAuthenticated."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it logs every refused connection; we say it once
    known = security(settings)
    if known.tokens:
        known.tokens()  # if there is none, this says why; kafka-python would, by a traceback, from a thread of its own
    return {
        "bootstrap_servers": [address.strip() for address in settings.brokers.split(",")],
        "client_id": f"scamsieve-{settings.instance}",
        "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
        **kafka_python(known),
    }


@contextmanager
def plain_errors(settings: Settings) -> Iterator[None]:
    """Raise kafka-python's errors as ours: BrokerUnavailable if trying again may help, NotAuthenticated, NotAuthorized, ScamSieveError."""
    try:
        yield
    except AuthorizationError as error:
        told = " ".join(map(str, error.args))
        raise NotAuthorized(f"{access.who(settings)} lacks a right at {settings.brokers}: {type(error).__name__} {told}".rstrip()) from None
    except KafkaTimeoutError as error:
        access.reach(settings)  # kafka-python does not know why there is no connection; librdkafka does, and says so
        raise BrokerUnavailable(f"Kafka at {settings.brokers}: {error}") from None
    except KafkaError as error:
        kind = BrokerUnavailable if getattr(error, "retriable", False) else ScamSieveError
        raise kind(f"Kafka at {settings.brokers}: {str(error) or type(error).__name__}") from None
