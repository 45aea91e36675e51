"""A right that is taken away while somebody uses it: the right to read or to write a topic. All clients are ANONYMOUS here."""

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
def revoked(bootstrap: str, topic: str, operation: AclOperation) -> Iterator[None]:
    """Nobody may do this, READ or WRITE, to the topic while the block runs; the other one everybody may."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    whom = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, WHOM, "*")
    # Once a topic has an entry, what none of its entries allows is denied.
    other = AclOperation.READ if operation == AclOperation.WRITE else AclOperation.WRITE
    entries = [(*whom, operation, AclPermissionType.DENY), (*whom, other, AclPermissionType.ALLOW)]
    for made in admin.create_acls([AclBinding(*entry) for entry in entries]).values():
        made.result(CALL_SECONDS)
    try:
        yield
    finally:
        for gone in admin.delete_acls([AclBindingFilter(*entry) for entry in entries]).values():
            gone.result(CALL_SECONDS)
