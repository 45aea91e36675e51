"""The AsyncAPI 3.0 document: topics, records, headers and what the worker does with them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from stream import examples
from stream.errors import RECORD_ERROR_CODES
from stream.examples import TOPICS
from stream.wire import ALERT_TYPE, DEAD_LETTER_TYPE, RETRIED_TYPE, RETRY_OF, SOURCE, Alert, Event

Json = dict[str, Any]

CONTRACT = "1.1.0"
"""Version of the records' form: the second number grows with an optional field, the first with anything that breaks a reader."""

PLACE = {"type": "string", "pattern": "^[A-Za-z0-9._-]+/[0-9]+/[0-9]+$"}  # topic/partition/offset
BINDING = "0.5.0"  # of the AsyncAPI Kafka bindings


def document() -> Json:
    """The AsyncAPI 3.0 document: topics, records and what the worker does with them."""
    _, schemas = msgspec.json.schema_components([Event, Alert], ref_template="#/components/schemas/{name}")
    headers = {"AlertHeaders": alert_headers(), "DeadLetterHeaders": dead_letter_headers(), "RetriedHeaders": retried_headers()}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:scamsieve",
        "info": {
            "title": "ScamSieve",
            "version": CONTRACT,
            "description": "Reads SMS and chat messages, writes an alert for each that is a scam or should be reviewed by a person.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": TOPICS.brokers, "protocol": "kafka", "description": "SCAMSIEVE_BROKERS"}},
        "channels": _channels(),
        "operations": _operations(),
        "components": {"schemas": {**schemas, "Envelope": _envelope(), **headers}, "messages": _messages()},
    }


def _channels() -> Json:
    day = 24 * 3600 * 1000
    return {
        "messages": _channel(TOPICS.message_topic, "SCAMSIEVE_MESSAGE_TOPIC. What operators send.", ["message", "envelope"], 7 * day),
        "alerts": _channel(
            TOPICS.alert_topic,
            "SCAMSIEVE_ALERT_TOPIC; with {operator} in its name each operator of the policy has a topic of its own.",
            ["alert"],
            30 * day,
        ),
        "deadLetters": _channel(
            TOPICS.dead_letter_topic, "SCAMSIEVE_DEAD_LETTER_TOPIC. What could not be read or judged.", ["deadLetter", "retried"], 14 * day
        ),
    }


def _channel(topic: str, description: str, messages: Iterable[str], retention: int) -> Json:
    """A topic; its partitions and replicas are the operator's choice and stand in no contract."""
    configuration = {"cleanup.policy": ["delete"], "retention.ms": retention, "max.message.bytes": 1_048_588}
    return {
        "address": topic,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": topic, "topicConfiguration": configuration, "bindingVersion": BINDING}},
    }


def _operations() -> Json:
    group = {"groupId": {"type": "string", "const": TOPICS.group}, "clientId": {"type": "string", "pattern": "^scamsieve-"}}
    client = {"clientId": group["clientId"]}
    sent = "In the Kafka transaction that commits the offset of its message: read with isolation.level=read_committed."
    return {
        "judge": _operation("receive", "messages", "Reads, in batches, committed records only.", group),
        "raiseAlert": _operation("send", "alerts", sent, client),
        "rejectRecord": _operation("send", "deadLetters", sent, client),
    }


def _operation(action: str, channel: str, summary: str, binding: Json) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "bindings": {"kafka": {**binding, "bindingVersion": BINDING}},
    }


def _messages() -> Json:
    sender = {"type": ["string", "null"], "description": "the sender, by custom; no order is needed, so null does no harm"}
    letter = {key: value.decode() for key, value in examples.dead_letter_record().headers}
    alert = {key: value.decode() for key, value in examples.alert_record().headers}
    mark = {key: value.decode() for key, value in examples.retried_headers()}
    message, raised = msgspec.to_builtins(examples.MESSAGE), msgspec.to_builtins(examples.ALERT)
    structured = {"specversion": "1.0", "id": "1", "source": "/smsc/bkk-2", "type": "org.example.message", "data": message}
    return {
        "message": {
            "title": "Message",
            "summary": "One SMS or chat message: a plain record, or a CloudEvent in binary mode (its ce_ headers are not needed).",
            "contentType": "application/json",
            "payload": {"$ref": "#/components/schemas/Event"},
            **_key(sender),
            "examples": [{"name": "parcel", "payload": message}],
        },
        "envelope": {
            "title": "Message in an envelope",
            "summary": "The same as a CloudEvent in structured mode.",
            "contentType": "application/cloudevents+json",
            "payload": {"$ref": "#/components/schemas/Envelope"},
            **_key(sender),
            "examples": [{"name": "parcel", "payload": structured}],
        },
        "alert": {
            "title": "Alert",
            "summary": "A message that was flagged, or that a person should look at. A second copy has the same id.",
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/AlertHeaders"},
            "payload": {"$ref": "#/components/schemas/Alert"},
            **_key({"type": "string", "description": "the operator"}),
            "examples": [{"name": "parcel", "headers": alert, "payload": raised}],
        },
        "deadLetter": {
            "title": "Dead letter",
            "summary": "The original bytes of a record that could not be read or judged; cut where the topic could not hold them.",
            "contentType": "application/octet-stream",
            "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
            **_key({"type": ["string", "null"], "description": "as in the original record; null where that was cut"}),
            "examples": [{"name": "incomplete", "headers": letter}],
        },
        "retried": {
            "title": "Dead letter sent again",
            "summary": "A mark without a value, in the partition of the dead letter that `scamsieve dead-letters retry` sent again.",
            "contentType": "application/octet-stream",
            "headers": {"$ref": "#/components/schemas/RetriedHeaders"},
            **_key({"type": "null"}),
            "examples": [{"name": "retried", "headers": mark}],
        },
    }


def _key(schema: Json) -> Json:
    return {"bindings": {"kafka": {"key": schema, "bindingVersion": BINDING}}}


def _envelope() -> Json:
    data = {
        "data": {"$ref": "#/components/schemas/Event"},
        "data_base64": {"type": "string", "description": "JSON in base64"},
    }
    text = {"type": "string"}
    return {
        "title": "Envelope",
        "description": "A CloudEvent 1.0 in structured mode around a message.",
        "type": "object",
        "properties": {"specversion": {"const": "1.0"}, "id": text, "source": text, "type": text, **data},
        "required": ["specversion", "id", "source", "type"],
        "oneOf": [{"required": [name]} for name in data],
    }


def dead_letter_headers() -> Json:
    """The schema of the headers that a dead letter carries beside those of the original record (values are UTF-8 text)."""
    number = {"type": "string", "pattern": "^[0-9]+$"}
    told = {
        "__streams.errors.exception": {"type": "string", "description": "class of the error"},
        "__streams.errors.message": {"type": "string", "description": "what is wrong; never holds anything of the record"},
        "__streams.errors.stacktrace": {"const": "", "description": "always empty: a trace could quote the record"},
        "__streams.errors.topic": {"type": "string", "description": "where the record stood: topic"},
        "__streams.errors.partition": {**number, "description": "where the record stood: partition"},
        "__streams.errors.offset": {**number, "description": "where the record stood: offset"},
        "scamsieve.code": {"enum": list(RECORD_ERROR_CODES), "description": "error code, from a closed list"},
        **_event_headers(DEAD_LETTER_TYPE, {"enum": list(RECORD_ERROR_CODES), "description": "error code"}),
    }
    cut = {
        "scamsieve.length": {**number, "description": "bytes of the original value, where it was cut"},
        "scamsieve.sha256": {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "SHA-256 of the original value",
        },
        RETRY_OF: {**PLACE, "description": "the dead letter that this record was before; it was sent again, and failed again"},
    }
    return {
        "title": "DeadLetterHeaders",
        "description": "KIP-1034, CloudEvents and the error's code. The headers of the original record are kept beside them.",
        "type": "object",
        "properties": {**told, **cut},
        "required": list(told),
        "dependentRequired": {"scamsieve.length": ["scamsieve.sha256"], "scamsieve.sha256": ["scamsieve.length"]},
    }


def retried_headers() -> Json:
    """The schema of the headers of the mark that a dead letter was sent again."""
    letter = {**PLACE, "description": "the dead letter"}
    told = {RETRY_OF: letter, **_event_headers(RETRIED_TYPE, letter)}
    return {"title": "RetriedHeaders", "type": "object", "properties": told, "required": list(told)}


def _event_headers(kind: str, subject: Json) -> Json:
    """CloudEvents 1.0, binary mode."""
    return {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "the same for every copy of this event"},
        "ce_source": {"const": SOURCE},
        "ce_type": {"const": kind},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": subject,
    }


def alert_headers() -> Json:
    """The schema of an alert's headers."""
    told = {
        **_event_headers(ALERT_TYPE, {"type": "string", "description": "id of the message"}),
        "content-type": {"const": "application/json"},
    }
    trace = {"traceparent": {"type": "string", "description": "W3C trace context of the message, passed on"}}
    return {"title": "AlertHeaders", "type": "object", "properties": {**told, **trace}, "required": list(told)}
