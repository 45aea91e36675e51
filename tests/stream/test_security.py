"""Faust's client connects as librdkafka's properties say."""

import ssl

import pytest

from stream.errors import SettingsError
from stream.security import Security, security


def test_plain_by_default() -> None:
    assert security({"linger.ms": "5"}) == Security()


def test_sasl_over_tls() -> None:
    told = security({"security.protocol": "SASL_SSL", "sasl.mechanisms": "scram-sha-512", "sasl.username": "me", "sasl.password": "secret"})
    assert (told.mechanism, told.username, told.password) == ("SCRAM-SHA-512", "me", "secret")
    assert told.context is not None
    assert told.context.verify_mode == ssl.CERT_REQUIRED
    assert "secret" not in repr(told)


def test_the_name_in_the_certificate_is_checked_unless_told_otherwise() -> None:
    for algorithm, checked in (("https", True), ("none", False)):
        context = security({"security.protocol": "ssl", "ssl.endpoint.identification.algorithm": algorithm}).context
        assert context is not None
        assert context.check_hostname == checked


def test_a_mechanism_that_faust_cannot_use_is_refused() -> None:
    with pytest.raises(SettingsError, match="OAUTHBEARER"):
        security({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER"})


def test_a_missing_certificate_is_told() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        security({"security.protocol": "ssl", "ssl.ca.location": "/nowhere/ca.pem"})
