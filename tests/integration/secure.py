"""Apache Kafka behind TLS and SASL, with an authoriser that allows nothing that was not granted.

Three listeners beside the plain one, which belongs to the test alone (it is the super user there): SASL_SSL with SCRAM-SHA-512
and PLAIN-text users, SSL with client certificates, and SASL_PLAINTEXT with Kafka's own unsigned tokens (OAUTHBEARER).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub does not name all
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from stream.broker import LOOPBACK, free_port
from tests.certificates import Authority, authority
from tests.integration.kafka import apache_kafka

CALL_SECONDS = 20.0
PROPERTIES = """\
listeners=PLAINTEXT://{{host}}:{{port}},CONTROLLER://{{host}}:{{controller}},SCRAM://{{host}}:{scram},MUTUAL://{{host}}:{mutual},\
TOKEN://{{host}}:{token}
advertised.listeners=PLAINTEXT://{{host}}:{{port}},SCRAM://{{host}}:{scram},MUTUAL://{{host}}:{mutual},TOKEN://{{host}}:{token}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,MUTUAL:SSL,TOKEN:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/
listener.name.mutual.ssl.client.auth=required
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.token.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
unsecuredLoginStringClaim_sub="nobody";
"""

Right = tuple[ResourceType, str, AclOperation]
"""What it is of, its name (with a * at its end: all that begin so), what may be done with it."""


@dataclass(frozen=True)
class Secure:
    """Addresses of the listeners, and the authority behind the broker's certificate."""

    plain: str
    scram: str
    mutual: str
    token: str
    authority: Authority

    def user(self, name: str, password: str) -> None:
        """A user with a password."""
        told = UserScramCredentialUpsertion(name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode())
        admin = self._admin()
        for future in admin.alter_user_scram_credentials([told]).values():
            future.result(CALL_SECONDS)

    def grant(self, user: str, rights: Sequence[Right]) -> None:
        """Allow a user something."""
        admin = self._admin()
        for future in admin.create_acls([_binding(user, right) for right in rights]).values():
            future.result(CALL_SECONDS)

    def revoke(self, user: str, rights: Sequence[Right]) -> None:
        """Take it away again."""
        asked = []
        for right in rights:
            told = _binding(user, right)
            asked.append(
                AclBindingFilter(
                    told.restype, told.name, told.resource_pattern_type, told.principal, told.host, told.operation, told.permission_type
                )
            )
        admin = self._admin()
        for future in admin.delete_acls(asked).values():
            assert future.result(CALL_SECONDS), "there was no such right"

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.plain})


def _binding(user: str, right: Right) -> AclBinding:
    kind, name, operation = right
    pattern = ResourcePatternType.PREFIXED if name.endswith("*") else ResourcePatternType.LITERAL
    return AclBinding(kind, name.rstrip("*"), pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


@contextmanager
def secure_kafka(folder: Path) -> Iterator[Secure]:
    """Run it while the block runs; certificates are in a folder. Raises BrokerUnavailable."""
    trusted = authority(folder)
    ports = {name: free_port() for name in ("scram", "mutual", "token")}
    broker = trusted.issue("broker")
    more = PROPERTIES.format(**ports, keystore=broker.both, truststore=trusted.certificate)
    with apache_kafka(more=more) as plain:
        scram, mutual, token = (f"{LOOPBACK}:{port}" for port in ports.values())
        yield Secure(plain, scram, mutual, token, trusted)
