"""What SCAMSIEVE_KAFKA_CONFIG says of TLS and SASL in librdkafka's words, for Faust's client, which does not know them."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from stream.errors import SettingsError

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class Security:
    """TLS, if there is a context; SASL, if there is a mechanism."""

    context: ssl.SSLContext | None = None
    mechanism: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def security(properties: Mapping[str, str]) -> Security:
    """Security of a connection by librdkafka's properties. Raises SettingsError."""
    protocol = properties.get("security.protocol", "plaintext").lower()
    context = _context(properties) if protocol in ("ssl", "sasl_ssl") else None
    if not protocol.startswith("sasl_"):
        return Security(context)
    mechanism = properties.get("sasl.mechanism", properties.get("sasl.mechanisms", "GSSAPI")).upper()  # librdkafka's own default
    if mechanism not in MECHANISMS:
        raise SettingsError(
            f"SCAMSIEVE_KAFKA_CONFIG: the agents know the mechanisms {', '.join(MECHANISMS)}, not {mechanism}; "
            "a worker with SCAMSIEVE_ROLES=scorer knows it"
        )
    return Security(context, mechanism, properties.get("sasl.username"), properties.get("sasl.password"))


def _context(properties: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=properties.get("ssl.ca.location"))
        if "ssl.certificate.location" in properties:
            key, password = properties.get("ssl.key.location"), properties.get("ssl.key.password")
            context.load_cert_chain(properties["ssl.certificate.location"], key, password)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(f"SCAMSIEVE_KAFKA_CONFIG: a certificate or key cannot be read: {error}") from None
    if properties.get("ssl.endpoint.identification.algorithm") == "none":
        context.check_hostname = False
    return context
