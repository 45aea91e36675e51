"""One place says how to connect, and says it to each client library alike; what does not go together is told by its variable."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from prometheus_client import CollectorRegistry

from stream import clients
from stream.connect import connection
from stream.errors import NotAuthenticated, SettingsError
from stream.metrics import CertificateMetrics
from stream.oidc import Tokens
from stream.security import Security, expiries, kafka_python, librdkafka, security
from stream.settings import Settings, read
from tests.certificates import Authority, authority
from tests.stream.tokens import Endpoint, token_endpoint

SECRET = "correct-horse-battery"


@pytest.fixture
def trusted(tmp_path: Path) -> Authority:
    return authority(tmp_path)


@pytest.fixture
def password(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(SECRET + "\n")
    return str(path)


def scram(trusted: Authority, password: str) -> Settings:
    return read(
        {
            "SCAMSIEVE_SECURITY_PROTOCOL": "SASL_SSL",
            "SCAMSIEVE_SASL_MECHANISM": "SCRAM-SHA-512",
            "SCAMSIEVE_SASL_USERNAME": "me",
            "SCAMSIEVE_SASL_PASSWORD_FILE": password,
            "SCAMSIEVE_SSL_CA_FILE": str(trusted.certificate),
        }
    )


def test_plain_by_default() -> None:
    assert security(Settings()) == Security()
    assert librdkafka(Security()) == {"security.protocol": "PLAINTEXT"}


def test_a_password_reaches_each_client_and_the_lines_end_does_not(trusted: Authority, password: str) -> None:
    known = security(scram(trusted, password))
    assert librdkafka(known) == {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(trusted.certificate),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": SECRET,
    }
    assert kafka_python(known) == {
        "security_protocol": "SASL_SSL",
        "ssl_context": known.context,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": SECRET,
    }


def test_certificates_and_names_are_always_checked(trusted: Authority, password: str) -> None:
    context = security(scram(trusted, password)).context
    assert context is not None
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_no_secret_is_in_what_may_be_printed(trusted: Authority, password: str) -> None:
    settings = scram(trusted, password)
    assert SECRET not in repr(settings) + repr(security(settings)) + str(settings)


@pytest.mark.parametrize("key_password", [b"", b"of the key"])
def test_mutual_tls_in_the_words_of_each_client(trusted: Authority, tmp_path: Path, key_password: bytes) -> None:
    files = trusted.issue("worker", password=key_password)
    (tmp_path / "key-password").write_bytes(key_password)
    settings = Settings(
        security_protocol="SSL",
        ssl_ca_file=str(trusted.certificate),
        ssl_certificate_file=str(files.certificate),
        ssl_key_file=str(files.key),
        ssl_key_password_file=str(tmp_path / "key-password") if key_password else "",
    )
    told = librdkafka(security(settings))
    assert told["ssl.certificate.location"] == str(files.certificate)
    assert told["ssl.key.location"] == str(files.key)
    assert told.get("ssl.key.password", "") == key_password.decode()
    for made in (clients.consumer(settings), clients.producer(settings)):  # librdkafka reads the files at once
        assert isinstance(made, Consumer | Producer)


BASE = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "me", "sasl_password_file": "password"}
TOKEN = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "OAUTHBEARER",
    "oauth_token_endpoint": "https://idp/token",
    "oauth_client_id": "me",
    "oauth_client_secret_file": "password",
}


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"security_protocol": "PLAINTEXT"}, "SASL_MECHANISM"),
        ({"security_protocol": "SASL_PLAINTEXT", "ssl_ca_file": "ca"}, "SSL_CA_FILE"),
        ({"security_protocol": "PLAINTEXT", "sasl_mechanism": "", "sasl_username": "me"}, "SASL_USERNAME"),
        ({"sasl_mechanism": ""}, "SASL_MECHANISM"),
        ({"sasl_username": ""}, "SASL_USERNAME"),
        ({"sasl_password_file": ""}, "SASL_PASSWORD_FILE"),
        ({"sasl_password_file": "nowhere"}, "SASL_PASSWORD_FILE"),
        ({"sasl_password_file": "empty"}, "SASL_PASSWORD_FILE"),
        ({"sasl_password_file": "binary"}, "SASL_PASSWORD_FILE"),
        ({"oauth_scope": "x"}, "OAUTH_SCOPE"),
        ({"ssl_ca_file": "nowhere"}, "SSL_CA_FILE"),
        ({"ssl_ca_file": "password"}, "SSL_CA_FILE"),
        ({"ssl_certificate_file": "password"}, "SSL_KEY_FILE"),
        ({"ssl_key_file": "password"}, "SSL_CERTIFICATE_FILE"),
        ({"ssl_key_password_file": "password"}, "SSL_CERTIFICATE_FILE"),
        ({"ssl_certificate_file": "password", "ssl_key_file": "password"}, "SSL_CERTIFICATE_FILE"),
        ({**TOKEN, "sasl_username": "me"}, "SASL_USERNAME"),
        ({**TOKEN, "sasl_username": "", "sasl_password_file": "", "oauth_client_id": ""}, "OAUTH_CLIENT_ID"),
        ({**TOKEN, "sasl_username": "", "sasl_password_file": "", "oauth_token_endpoint": "http://idp/token"}, "OAUTH_TOKEN_ENDPOINT"),
        ({**TOKEN, "sasl_username": "", "sasl_password_file": "", "oauth_client_secret_file": "nowhere"}, "OAUTH_CLIENT_SECRET_FILE"),
    ],
)
def test_what_does_not_go_together_is_one_line_that_names_the_variable(
    changes: dict[str, str], variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("password").write_text(SECRET)
    Path("empty").write_text("\n")
    Path("binary").write_bytes(b"\xff\xfe")
    told = {f"SCAMSIEVE_{name.upper()}": value for name, value in {**BASE, **changes}.items()}
    with pytest.raises(SettingsError, match=f"SCAMSIEVE_{variable}") as caught:
        security(read(told))
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_key_whose_password_is_wrong_is_told_and_nobody_is_asked_at_the_terminal(trusted: Authority, tmp_path: Path) -> None:
    files = trusted.issue("worker", password=b"right")
    told = {"security_protocol": "SSL", "ssl_certificate_file": str(files.certificate), "ssl_key_file": str(files.key)}
    with pytest.raises(SettingsError, match="SCAMSIEVE_SSL_KEY_PASSWORD_FILE"):
        security(read({f"SCAMSIEVE_{name.upper()}": value for name, value in told.items()}))


@pytest.mark.parametrize(
    "pair", ["sasl.password=" + SECRET, "security.protocol=SSL", "ssl.ca.location=x", "enable.ssl.certificate.verification=false"]
)
def test_security_is_not_set_behind_the_back_of_the_other_clients(pair: str) -> None:
    with pytest.raises(SettingsError, match="SCAMSIEVE_KAFKA_CONFIG") as caught:
        read({"SCAMSIEVE_KAFKA_CONFIG": pair})
    assert SECRET not in str(caught.value)


def test_a_password_in_a_variable_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="SCAMSIEVE_SASL_PASSWORD_FILE") as caught:
        read({"SCAMSIEVE_SASL_PASSWORD": SECRET})
    assert SECRET not in str(caught.value)


def test_when_certificates_end_is_exported_by_file_the_first_of_each(trusted: Authority, tmp_path: Path) -> None:
    soon, late = authority(tmp_path, "soon", timedelta(minutes=5)), authority(tmp_path, "late", timedelta(days=9))
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(late.certificate.read_bytes() + soon.certificate.read_bytes())
    files = trusted.issue("worker", life=timedelta(days=2))
    settings = Settings(ssl_ca_file=str(bundle), ssl_certificate_file=str(files.certificate))
    registry = CollectorRegistry()
    CertificateMetrics(registry, expiries(settings))
    now = datetime.now(UTC).timestamp()
    for path, life in ((bundle, timedelta(minutes=5)), (files.certificate, timedelta(days=2))):
        value = registry.get_sample_value("scamsieve_certificate_expiry_seconds", {"file": str(path)})
        assert value == pytest.approx(now + life.total_seconds(), abs=60)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_without_certificates_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="SCAMSIEVE_SSL_CA_FILE"):
        expiries(Settings(ssl_ca_file=str(path)))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with token_endpoint() as server:
        yield server


def by_token(endpoint: Endpoint, password: str) -> Settings:
    return Settings(
        brokers="127.0.0.1:1",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        oauth_token_endpoint=endpoint.address,
        oauth_client_id="my client",
        oauth_client_secret_file=password,
        oauth_scope="kafka",
    )


def test_tokens_reach_each_client_from_one_source(endpoint: Endpoint, password: str) -> None:
    settings = by_token(endpoint, password)
    known = security(settings)
    value, ends = librdkafka(known)["oauth_cb"]("")
    assert value == kafka_python(known)["sasl_oauth_token_provider"].token() == "a.b.c"
    assert ends == pytest.approx(datetime.now(UTC).timestamp() + 300, abs=60)
    (asked,) = endpoint.asked  # once: a token is used until it is about to end
    assert "sasl_oauth_token_provider" in connection(settings)
    assert asked == ("Basic bXkrY2xpZW50OmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==", "grant_type=client_credentials&scope=kafka")
    assert "a.b.c" not in repr(known) + repr(known.tokens)


def test_a_token_is_taken_anew_before_it_ends(endpoint: Endpoint, password: str) -> None:
    tokens = security(by_token(endpoint, password)).tokens
    assert tokens is not None
    first = tokens()
    tokens._token = replace(first, anew=datetime.now(UTC).timestamp() - 1)
    tokens()
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [(401, {"error": "invalid_client"}, "401"), (200, {"token": "x"}, "access_token"), (200, "text", "access_token"), (302, {}, "302")],
)
def test_an_endpoint_that_gives_no_token_is_told_in_one_line(
    endpoint: Endpoint, password: str, status: int, answer: object, told: str
) -> None:
    """A redirection too: the secret goes to one place only."""
    endpoint.status, endpoint.answer = status, answer
    tokens = security(by_token(endpoint, password)).tokens
    assert tokens is not None
    with pytest.raises(NotAuthenticated, match=told) as caught:
        tokens()
    assert SECRET not in str(caught.value)
    assert len(endpoint.asked) == 1


def test_an_endpoint_that_is_away_is_told(password: str) -> None:
    with pytest.raises(NotAuthenticated, match="does not answer"):
        Tokens("http://127.0.0.1:1/token", "me", password, "")()
