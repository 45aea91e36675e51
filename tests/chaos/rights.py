"""A right that is taken away while somebody uses it: the right to write a topic. All clients are ANONYMOUS here."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub does not name them
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.chaos.cluster import CALL_SECONDS

WHOM = "User:ANONYMOUS"
AUTHORIZER = """\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
"""  # for the brokers' properties


@contextmanager
def revoked(bootstrap: str, topic: str) -> Iterator[None]:
    """Nobody may write this topic while the block runs; it may be read."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    whom = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, WHOM, "*")
    # Once a topic has an entry, what none of its entries allows is denied.
    entries = [(*whom, AclOperation.WRITE, AclPermissionType.DENY), (*whom, AclOperation.READ, AclPermissionType.ALLOW)]
    for made in admin.create_acls([AclBinding(*entry) for entry in entries]).values():
        made.result(CALL_SECONDS)
    try:
        yield
    finally:
        for gone in admin.delete_acls([AclBindingFilter(*entry) for entry in entries]).values():
            gone.result(CALL_SECONDS)
