"""All settings, read once from `SCAMSIEVE_*` variables into one frozen value. An unknown variable is an error."""

import ast
import difflib
import inspect
import os
import socket
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, cast

import msgspec

from stream.errors import SettingsError

PREFIX = "SCAMSIEVE_"
_ANSWERS = {  # librdkafka's names that people know, and the settings in their place
    "security.protocol": "SCAMSIEVE_SECURITY_PROTOCOL",
    "sasl.mechanism": "SCAMSIEVE_SASL_MECHANISM",
    "sasl.mechanisms": "SCAMSIEVE_SASL_MECHANISM",
    "sasl.username": "SCAMSIEVE_SASL_USERNAME",
    "sasl.password": "SCAMSIEVE_SASL_PASSWORD_FILE",
    "ssl.ca.location": "SCAMSIEVE_SSL_CA_FILE",
    "ssl.certificate.location": "SCAMSIEVE_SSL_CERTIFICATE_FILE",
    "ssl.key.location": "SCAMSIEVE_SSL_KEY_FILE",
    "ssl.key.password": "SCAMSIEVE_SSL_KEY_PASSWORD_FILE",
}

Positive = Annotated[int, msgspec.Meta(gt=0)]
PositiveSeconds = Annotated[float, msgspec.Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker runs. Each field is the variable SCAMSIEVE_<FIELD> in capitals; the text below it is its help."""

    brokers: str = "localhost:9092"
    """Bootstrap servers, host:port, comma-separated."""
    message_topic: str = "scam.messages"
    """Topic of incoming messages."""
    alert_topic: str = "scam.alerts"
    """Topic of alerts. `{operator}` in it gives each operator named in the policy a topic of its own; others share `other`."""
    dead_letter_topic: str = "scam.dead-letters"
    """Topic of records that could not be read or judged."""
    group: str = "scamsieve"
    """Consumer group of the scorers; the agents' group is this name with `-agents`."""
    roles: str = "scorer,agents"
    """What this process does: scorer, agents, or both."""
    instance: str = f"{socket.gethostname()}-{os.getpid()}"
    """Name of this worker, unique in its group: its transactional id is made of it; by default of host and process."""
    delivery: Literal["exactly_once", "at_least_once"] = "exactly_once"
    """exactly_once: alerts and offsets in one transaction; at_least_once: an alert may come twice after a crash."""
    batch_size: Positive = 10_000
    """Most records of one batch (and of one transaction)."""
    batch_wait_seconds: PositiveSeconds = 0.02
    """Longest wait for a batch to fill: bounds latency at low rates, and the number of transactions a second."""
    transaction_timeout_seconds: PositiveSeconds = 10.0
    """How long the transaction of a killed worker may hold back readers of committed alerts."""
    session_timeout_seconds: PositiveSeconds = 10.0
    """After this silence the broker gives a worker's partitions to others."""
    poll_interval_seconds: PositiveSeconds = 60.0
    """After this long without a new batch the broker takes the worker for stuck."""
    kafka_config: str = ""
    """More librdkafka properties as key=value, comma-separated; none of security, which has settings of its own."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How every client talks to Kafka: with TLS (SSL), with a user (SASL), or both."""
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = ""
    """How the user is proven: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER."""
    sasl_username: str = ""
    """The user, for PLAIN and SCRAM."""
    sasl_password_file: str = ""
    """File with the user's password."""
    ssl_ca_file: str = ""
    """PEM file of the authorities that vouch for the brokers; empty: the system's."""
    ssl_certificate_file: str = ""
    """PEM file of the client's own certificate, for mutual TLS."""
    ssl_key_file: str = ""
    """PEM file of the key of that certificate."""
    ssl_key_password_file: str = ""
    """File with the password of that key, if it has one."""
    oauth_token_endpoint: str = ""
    """Address (https) that gives tokens for OAUTHBEARER, by the grant client_credentials."""
    oauth_client_id: str = ""
    """Who asks for tokens."""
    oauth_client_secret_file: str = ""
    """File with the client's secret."""
    oauth_scope: str = ""
    """Scope to ask for; empty: none."""
    model: str = ""
    """Released version, folder, or pointer file that names a folder; empty: the newest released version."""
    trusted_key_file: str = ""
    """File with Ed25519 public keys, PEM: only models signed by one of them are served. Empty: no signature is asked for."""
    shadow_model: str = ""
    """A second model, named like the first, that judges beside it for metrics only; about halves the throughput."""
    policy: str = ""
    """Path of policy.toml; empty: the model's own thresholds for everybody."""
    pseudonym_key_file: str = ""
    """File with the key (at least 16 bytes) of recipients' pseudonyms. A worker does not start without it."""
    sender: Literal["plain", "pseudonym"] = "plain"
    """How alerts show the sender."""
    text: Literal["masked", "full", "none"] = "masked"
    """How alerts show the text."""
    max_text_bytes: Positive = 16 * 1024
    """Longest text of a message, in bytes of UTF-8."""
    max_record_bytes: Positive = 64 * 1024
    """Longest record that is read."""
    reasons: Annotated[int, msgspec.Meta(ge=0, le=20)] = 5
    """Most reasons of an alert."""
    web_host: str = "0.0.0.0"  # noqa: S104 a pod's probes come from outside
    """Address of the pages /healthz /readyz /metrics /status."""
    web_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 6066
    """Port of the pages."""
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """Port of /metrics alone; 0: with the other pages."""
    stall_seconds: PositiveSeconds = 30.0
    """A worker whose loop has not turned for this long is no longer live."""
    stop_seconds: PositiveSeconds = 8.0
    """Most time that a stopping worker takes to finish its batch before it ends all the same."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level of what is logged."""
    log_format: Literal["json", "console"] = "json"
    """json for machines, console for people."""

    @property
    def role_names(self) -> frozenset[str]:
        """The roles as a set."""
        return frozenset(role.strip() for role in self.roles.split(",") if role.strip())

    @property
    def kafka_properties(self) -> dict[str, str]:
        """The extra librdkafka properties."""
        pairs = (pair.partition("=") for pair in self.kafka_config.split(",") if pair.strip())
        return {key.strip(): value.strip() for key, _, value in pairs}


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from an environment. Raises SettingsError, which names the variable and, if unknown, the nearest known one."""
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.__struct_fields__}
    values: dict[str, str] = {}
    for variable, value in environment.items():
        if variable in known:
            values[known[variable]] = value
        elif variable.startswith(PREFIX):
            near = difflib.get_close_matches(variable, known, n=1, cutoff=0)
            raise SettingsError(f"{variable} is no setting of ScamSieve. Did you mean {near[0]}? All of them: scamsieve worker --help")
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        raise SettingsError(f"{PREFIX}{field.upper()}={values.get(field)!r} cannot be used: {error}") from None
    _check(settings)
    return settings


def described() -> list[tuple[str, str, str]]:
    """Every setting: its variable, its default and its help, which is the text below the field."""
    body = cast(ast.ClassDef, ast.parse(inspect.getsource(Settings)).body[0]).body
    told = []
    for name, text in pairwise(body):
        if isinstance(name, ast.AnnAssign) and isinstance(text, ast.Expr):
            field = cast(ast.Name, name.target).id
            own = isinstance(name.value, ast.JoinedStr)  # made of this machine's name: no default to be told
            default = "" if own else str(getattr(Settings(), field))
            told.append((PREFIX + field.upper(), default, cast(str, ast.literal_eval(text.value))))
    return told


def _check(settings: Settings) -> None:
    """What types alone do not say."""
    if not settings.role_names or settings.role_names - {"scorer", "agents"}:
        raise SettingsError(f"SCAMSIEVE_ROLES={settings.roles!r} cannot be used: give scorer, agents or scorer,agents")
    for pair in filter(str.strip, settings.kafka_config.split(",")):
        if "=" not in pair:
            raise SettingsError("SCAMSIEVE_KAFKA_CONFIG holds something that is no key=value")  # which may be a secret
    for name in settings.kafka_properties:
        if name.startswith(("security.", "sasl.", "ssl.", "https.", "enable.ssl.")):
            raise SettingsError(
                f"SCAMSIEVE_KAFKA_CONFIG: {name} is about security, which has settings that all clients obey and whose secrets are in "
                f"files; use {_ANSWERS.get(name, 'SCAMSIEVE_SECURITY_PROTOCOL, SCAMSIEVE_SASL_* and SCAMSIEVE_SSL_*')}"
            )
    if settings.metrics_port == settings.web_port:
        raise SettingsError("SCAMSIEVE_METRICS_PORT is SCAMSIEVE_WEB_PORT: give another one, or 0 for /metrics with the other pages")
    if settings.max_text_bytes > settings.max_record_bytes:
        raise SettingsError("SCAMSIEVE_MAX_TEXT_BYTES is larger than SCAMSIEVE_MAX_RECORD_BYTES: no such text could arrive")
