"""TLS and SASL of every connection to Kafka: made here from the settings, and given alike to each of the three client libraries.

`security` reads the files and refuses what does not go together; `librdkafka` and `kafka_python` say the same in the words of those
clients (`app` says it in Faust's). Secrets are in the value that `security` gives, hidden from its repr, and nowhere in the settings.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from kafka.net.sasl.oauth import AbstractTokenProvider

from stream.errors import SettingsError
from stream.oidc import Tokens, read_secret
from stream.settings import PREFIX, Settings

TLS = ("ssl_ca_file", "ssl_certificate_file", "ssl_key_file", "ssl_key_password_file")
PASSWORD = ("sasl_username", "sasl_password_file")
OAUTH = ("oauth_token_endpoint", "oauth_client_id", "oauth_client_secret_file")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Security:
    """TLS, if there is a context; SASL, if there is a mechanism: with a user and a password, or with tokens."""

    protocol: str = "PLAINTEXT"
    context: ssl.SSLContext | None = field(default=None, repr=False)
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    tokens: Tokens | None = field(default=None, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    """Files of certificates and keys, by librdkafka's names of them."""
    key_password: str = field(default="", repr=False)


def security(settings: Settings) -> Security:
    """Security of all connections. Raises SettingsError, which names the variable."""
    _check(settings)
    protocol = settings.security_protocol
    mechanism = settings.sasl_mechanism
    key_password = read_secret(settings.ssl_key_password_file, _name("ssl_key_password_file")) if settings.ssl_key_password_file else ""
    context = _context(settings, key_password) if protocol.endswith("SSL") else None
    by_password = bool(mechanism) and mechanism != "OAUTHBEARER"
    return Security(
        protocol=protocol,
        context=context,
        mechanism=mechanism,
        username=settings.sasl_username,
        password=read_secret(settings.sasl_password_file, _name("sasl_password_file")) if by_password else "",
        tokens=_tokens(settings) if mechanism == "OAUTHBEARER" else None,
        files={
            name: path
            for name, path in (
                ("ssl.ca.location", settings.ssl_ca_file),
                ("ssl.certificate.location", settings.ssl_certificate_file),
                ("ssl.key.location", settings.ssl_key_file),
            )
            if path
        },
        key_password=key_password,
    )


def librdkafka(known: Security) -> dict[str, Any]:
    """The properties of confluent-kafka's clients."""
    told: dict[str, Any] = {"security.protocol": known.protocol, **known.files}
    if known.key_password:
        told["ssl.key.password"] = known.key_password
    if known.mechanism:
        told["sasl.mechanism"] = known.mechanism
    if known.tokens:
        told["oauth_cb"] = _token_for_librdkafka(known.tokens)
    elif known.mechanism:
        told |= {"sasl.username": known.username, "sasl.password": known.password}
    return told


def kafka_python(known: Security) -> dict[str, Any]:
    """The arguments of kafka-python's clients."""
    told: dict[str, Any] = {"security_protocol": known.protocol, "ssl_context": known.context}
    if known.mechanism:
        told["sasl_mechanism"] = known.mechanism
    if known.tokens:
        told["sasl_oauth_token_provider"] = _TokensForKafkaPython(known.tokens)
    elif known.mechanism:
        told |= {"sasl_plain_username": known.username, "sasl_plain_password": known.password}
    return told


def expiries(settings: Settings) -> dict[str, float]:
    """When the first certificate in each configured file ends, in seconds since the epoch, by the file's path. Raises SettingsError."""
    found = {}
    for path, variable in ((settings.ssl_ca_file, "ssl_ca_file"), (settings.ssl_certificate_file, "ssl_certificate_file")):
        if path:
            try:
                found[path] = min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(Path(path).read_bytes())).timestamp()
            except OSError as error:
                raise SettingsError(f"{_name(variable)}={path} cannot be read: {error.strerror}") from None
            except ValueError:
                raise SettingsError(f"{_name(variable)}={path} holds no certificate in PEM") from None
    return found


class _TokensForKafkaPython(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python has no types
    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    def token(self) -> str:
        return self._tokens().value


def _token_for_librdkafka(tokens: Tokens) -> Any:
    def callback(_: object) -> tuple[str, float]:
        token = tokens()
        return token.value, token.ends

    return callback


def _name(field_name: str) -> str:
    return PREFIX + field_name.upper()


def _check(settings: Settings) -> None:
    """Raise SettingsError if a setting is missing beside others, or has no meaning beside them."""
    protocol, mechanism = settings.security_protocol, settings.sasl_mechanism
    said = f"SCAMSIEVE_SECURITY_PROTOCOL={protocol}"
    if not protocol.endswith("SSL"):
        _refuse(settings, TLS, f"{said} has no TLS")
    if not protocol.startswith("SASL"):
        _refuse(settings, ("sasl_mechanism", *PASSWORD, *OAUTH, "oauth_scope"), f"{said} has no SASL")
    elif not mechanism:
        raise SettingsError(f"SCAMSIEVE_SASL_MECHANISM is not set, and {said} needs it")
    elif mechanism == "OAUTHBEARER":
        _refuse(settings, PASSWORD, "SCAMSIEVE_SASL_MECHANISM=OAUTHBEARER takes tokens, no password")
        _demand(settings, OAUTH, "SCAMSIEVE_SASL_MECHANISM=OAUTHBEARER")
        endpoint = urlsplit(settings.oauth_token_endpoint)
        if not (endpoint.scheme == "https" or (endpoint.scheme == "http" and endpoint.hostname in LOOPBACK)) or not endpoint.hostname:
            raise SettingsError("SCAMSIEVE_OAUTH_TOKEN_ENDPOINT must be an https:// address: the client's secret goes there")
    else:
        _refuse(settings, (*OAUTH, "oauth_scope"), f"SCAMSIEVE_SASL_MECHANISM={mechanism} takes a password, no tokens")
        _demand(settings, PASSWORD, f"SCAMSIEVE_SASL_MECHANISM={mechanism}")
    if settings.ssl_certificate_file or settings.ssl_key_file or settings.ssl_key_password_file:
        _demand(settings, ("ssl_certificate_file", "ssl_key_file"), "a client certificate")


def _demand(settings: Settings, fields: tuple[str, ...], by: str) -> None:
    for name in fields:
        if not getattr(settings, name):
            raise SettingsError(f"{_name(name)} is not set, and {by} needs it")


def _refuse(settings: Settings, fields: tuple[str, ...], why: str) -> None:
    for name in fields:
        if getattr(settings, name):
            raise SettingsError(f"{_name(name)} is set, but {why}")


def _context(settings: Settings, key_password: str) -> ssl.SSLContext:
    """Trust in the configured authorities only, or else in the system's; the broker's name is always checked."""
    try:
        context = ssl.create_default_context(cafile=settings.ssl_ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"SCAMSIEVE_SSL_CA_FILE={settings.ssl_ca_file} cannot be read: {_why(error)}") from None
    if settings.ssl_certificate_file:
        try:
            # A function, also for an empty password: without one OpenSSL would ask at the terminal.
            context.load_cert_chain(settings.ssl_certificate_file, settings.ssl_key_file, lambda: key_password)
        except OSError as error:
            raise SettingsError(
                "the client's certificate cannot be used: check SCAMSIEVE_SSL_CERTIFICATE_FILE, SCAMSIEVE_SSL_KEY_FILE and "
                f"SCAMSIEVE_SSL_KEY_PASSWORD_FILE ({_why(error)})"
            ) from None
    return context


def _why(error: OSError) -> str:
    return (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or type(error).__name__


def _tokens(settings: Settings) -> Tokens:
    """Tokens from the configured endpoint, which the system's authorities or the configured ones vouch for."""
    context = ssl.create_default_context()
    if settings.ssl_ca_file:
        context.load_verify_locations(settings.ssl_ca_file)
    read_secret(settings.oauth_client_secret_file, _name("oauth_client_secret_file"))  # a wrong path is told at the start
    return Tokens(settings.oauth_token_endpoint, settings.oauth_client_id, settings.oauth_client_secret_file, settings.oauth_scope, context)
