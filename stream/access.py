"""Whether this worker may do what it is about to do: asked before anything runs, so that one line says which right is missing.

Kafka tells of each topic and group what the asker may do with it (KIP-430). A broker that tells nothing of it, as one without
authorisation or the embedded one, is not asked again: then only what is refused later says so.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic  # type: ignore[attr-defined]  # its stub does not name it

from stream.clients import alert_topics, shared, transactional_id
from stream.errors import BrokerUnavailable, NotAuthenticated, NotAuthorized, ScamSieveError, TopicError
from stream.logs import log
from stream.policy import Policy
from stream.settings import Settings

CALL_SECONDS = 5.0
READ, WRITE, CREATE, DESCRIBE = AclOperation.READ, AclOperation.WRITE, AclOperation.CREATE, AclOperation.DESCRIBE
REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "transactional id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "cluster",
}
"""What kind of thing a right is missing on, by the code of the error."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the broker tells of it; `may` is None where the broker does not tell rights."""

    partitions: int
    replicas: int
    may: Collection[AclOperation] | None


def check(settings: Settings, policy: Policy) -> None:
    """What a scorer needs is there, and allowed. Raises BrokerUnavailable, NotAuthenticated, NotAuthorized, TopicError."""
    written = (settings.dead_letter_topic, *alert_topics(settings, policy))
    with asking(settings) as client:
        need_topics(client, settings, {settings.message_topic: (READ,), **dict.fromkeys(written, (WRITE,))})
        need_group(client, settings, settings.group)


def start(producer: Producer, settings: Settings) -> None:
    """Begin transactions, where there are any. Raises BrokerUnavailable, NotAuthorized."""
    if settings.delivery == "exactly_once":
        name = transactional_id(settings)
        try:
            producer.init_transactions(CALL_SECONDS * 3)
        except KafkaException as error:
            told: KafkaError = error.args[0]
            if told.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
                raise _missing(settings, "WRITE", "transactional id", name) from None
            raise BrokerUnavailable(f"no transaction coordinator answers at {settings.brokers} ({told.name()})") from None
        log.info("transactions ready", transactional_id=name)


@contextmanager
def asking(settings: Settings) -> Iterator[AdminClient]:
    """A client to ask the cluster with. Raises BrokerUnavailable, NotAuthenticated, NotAuthorized, SettingsError."""
    troubles: list[KafkaError] = []
    # A password that is refused is tried a few times, not a hundred.
    told: dict[str, Any] = {**shared(settings, "access"), "reconnect.backoff.ms": 1000, "error_cb": troubles.append}
    client = AdminClient(told)
    try:
        yield client
    except KafkaException as error:
        client.poll(0)  # lets librdkafka tell what it knows
        raise plain(error.args[0], settings, troubles) from None


def reach(settings: Settings) -> None:
    """Raise BrokerUnavailable or NotAuthenticated, with the reason, if the cluster cannot be reached."""
    with asking(settings) as client:
        client.list_topics(timeout=CALL_SECONDS)


def plain(error: KafkaError, settings: Settings, troubles: Iterable[KafkaError] = ()) -> ScamSieveError:
    """An error of librdkafka's as ours; `troubles` are those that it met before: they know why there is no connection."""
    if error.code() in REFUSED:
        return NotAuthorized(f"{who(settings)} lacks a right on a {REFUSED[error.code()]} at {settings.brokers} ({error.name()})")
    for met in (*troubles, error):
        if met.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            files = "SCAMSIEVE_OAUTH_*" if settings.oauth_client_id else "SCAMSIEVE_SASL_USERNAME, SCAMSIEVE_SASL_PASSWORD_FILE"
            return NotAuthenticated(
                f"{settings.brokers} does not take {who(settings)} for what it says to be: check {files} ({_cause(met)})"
            )
        if met.code() == KafkaError._SSL or "SSL" in met.str():
            return NotAuthenticated(
                f"no TLS with {settings.brokers}: check SCAMSIEVE_SECURITY_PROTOCOL, SCAMSIEVE_SSL_CA_FILE, SCAMSIEVE_SSL_CERTIFICATE_FILE "
                f"and the name in the broker's certificate ({_cause(met)})"
            )
    causes = [met for met in troubles if met.code() == KafkaError._TRANSPORT]
    return BrokerUnavailable(f"no broker answers at {settings.brokers} ({_cause(causes[0]) if causes else error.name()})")


def who(settings: Settings) -> str:
    """The principal, as far as the settings know it."""
    if name := settings.sasl_username or settings.oauth_client_id:
        return f"user {name}"
    return "the holder of the client's certificate" if settings.ssl_certificate_file else "an anonymous client"


def topic(client: AdminClient, settings: Settings, name: str, operation: str = "DESCRIBE") -> Topic | None:
    """A topic, if it is there. Raises KafkaException; NotAuthorized, for want of the operation, if it must not even be seen."""
    collection = TopicCollection([name])  # one at a time: the answer to many says only that one is refused
    (answer,) = client.describe_topics(collection, include_authorized_operations=True, request_timeout=CALL_SECONDS).values()
    told = _answer(answer, lambda: _missing(settings, operation, "topic", name))
    if told is None or not told.partitions:
        return None
    return Topic(len(told.partitions), min(len(one.replicas) for one in told.partitions), told.authorized_operations)


def need_topics(client: AdminClient, settings: Settings, needed: Mapping[str, Collection[AclOperation]]) -> dict[str, Topic]:
    """The topics, if all are there and allow what is needed of them. Raises KafkaException, TopicError, NotAuthorized."""
    asked = {name: topic(client, settings, name, next(iter(operations)).name) for name, operations in needed.items()}
    found = {name: told for name, told in asked.items() if told is not None}
    if missing := [name for name in needed if name not in found]:
        raise TopicError(f"topic {', '.join(missing)} is missing at {settings.brokers}: run `scamsieve topics create`")
    for name, told in found.items():
        for operation in needed[name]:
            if told.may is not None and operation not in told.may:
                raise _missing(settings, operation.name, "topic", name)
    return found


def need_group(client: AdminClient, settings: Settings, group: str, operation: AclOperation = READ) -> None:
    """Raise NotAuthorized if the group does not allow the operation (READ: to join it); KafkaException."""
    (answer,) = client.describe_consumer_groups([group], include_authorized_operations=True, request_timeout=CALL_SECONDS).values()
    told = _answer(answer, lambda: _missing(settings, operation.name, "group", group))
    if told is not None and told.authorized_operations is not None and operation not in told.authorized_operations:
        raise _missing(settings, operation.name, "group", group)


def make_topic(client: AdminClient, settings: Settings, wanted: NewTopic) -> None:
    """Make a topic, which may be there by now. Raises KafkaException, NotAuthorized."""
    (answer,) = client.create_topics([wanted], request_timeout=CALL_SECONDS).values()
    try:
        answer.result(CALL_SECONDS * 2)
    except KafkaException as error:
        if error.args[0].code() in REFUSED:
            raise _missing(settings, "CREATE", "topic", wanted.topic) from None
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _missing(settings: Settings, operation: str, kind: str, name: str) -> NotAuthorized:
    return NotAuthorized(f"{who(settings)} lacks the right {operation} on {kind} {name}: grant it (docs/security.md lists all rights)")


def _answer(future: Future[Any], refused: Callable[[], NotAuthorized]) -> Any:
    """What the broker answers; None for what is not there, or what this broker cannot answer."""
    try:
        return future.result(CALL_SECONDS * 2)
    except KafkaException as error:
        code = error.args[0].code()
        if code in REFUSED:
            raise refused() from None
        if code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND, KafkaError._UNSUPPORTED_FEATURE):
            return None
        raise


def _cause(error: KafkaError) -> str:
    """The gist of librdkafka's text, which begins with the broker's address and ends with the time it took."""
    text = error.str().split(": ", 1)[-1].split(" (after ")[0]
    return text[:200]
