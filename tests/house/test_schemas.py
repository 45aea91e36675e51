"""docs/events is what the structs say, and what the worker writes fits it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from models.artifact import Model
from stream import asyncapi, examples, schemas, wire
from stream.errors import RecordError, RecordTooLong
from stream.judge import Disclosure, alerts, explained, judge
from stream.policy import Policy
from stream.privacy import masker
from stream.wire import Decoder, Event, Limits, Place

EVENTS = Path(__file__).parents[2] / "docs" / "events"
DOCUMENTS = schemas.documents()
NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PLACE = Place("scam.messages", 0, 1, 1_773_492_131_000)


def validator(name: str) -> Draft202012Validator:
    schema = json.loads(DOCUMENTS[name])
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def text_of(headers: list[tuple[str, bytes]]) -> dict[str, str]:
    return {name: told.decode() for name, told in headers}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_committed_documents_are_what_the_structs_say(name: str) -> None:
    assert (EVENTS / name).read_text(encoding="utf-8") == DOCUMENTS[name], "run `make schemas` and commit docs/events"


def test_no_other_document_lies_there() -> None:
    assert {path.name for path in EVENTS.iterdir()} == set(DOCUMENTS)


@pytest.mark.parametrize("name", [name for name in sorted(DOCUMENTS) if name.endswith(".json")])
def test_schemas_are_valid_and_so_are_their_examples(name: str) -> None:
    checked = validator(name)
    for example in checked.schema.get("examples", ()):  # type: ignore[union-attr]
        checked.validate(example)


@pytest.mark.parametrize(
    ("broken", "good"),
    [
        ({"text": None}, False),
        ({"id": ""}, False),
        ({"channel": "fax"}, False),
        ({"sender": "x" * 257}, False),
        ({"sent_at": -1}, False),
        ({"sent_at": 1_773_492_131_000}, True),
        ({"origin": None, "language": None}, True),
        ({"whatever": {"unknown": "fields are ignored"}}, True),
    ],
)
def test_the_message_schema_says_what_the_decoder_does(broken: dict[str, Any], good: bool) -> None:
    record = {**msgspec.to_builtins(examples.MESSAGE), **broken}
    assert validator("message.schema.json").is_valid(record) is good
    try:
        Decoder(Event, Limits()).decode(json.dumps(record).encode())
    except RecordError:
        assert not good
    else:
        assert good


def test_each_required_field_is_required_by_schema_and_decoder() -> None:
    checked, whole = validator("message.schema.json"), msgspec.to_builtins(examples.MESSAGE)
    for name in json.loads(DOCUMENTS["message.schema.json"])["required"]:
        record = {key: told for key, told in whole.items() if key != name}
        assert not checked.is_valid(record)
        with pytest.raises(RecordError):
            Decoder(Event, Limits()).decode(json.dumps(record).encode())


@pytest.mark.parametrize(
    "text", [examples.MESSAGE.text, "ด่วน! บัญชีของคุณถูกระงับ https://scb-verify.top/a?b=1 โทร 0812345678", "x\u2028y \U0001f381", ""]
)
@pytest.mark.parametrize("show", ["masked", "full", "none"])
def test_alerts_of_the_worker_fit_their_schema(flagging: Model, text: str, show: str) -> None:
    message = msgspec.structs.replace(examples.MESSAGE, text=text, sent_at=1_773_492_130_000)
    disclosure = Disclosure(key=b"k" * 16, text=masker(show))  # type: ignore[arg-type]
    judgement = judge(flagging, Policy(), [message])
    (alert,) = alerts(judgement, explained(judgement, [0]), {0: PLACE}, disclosure, NOW)
    record = wire.encode_alert(alert, "scam.alerts", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01")
    assert record.value
    validator("alert.schema.json").validate(json.loads(record.value))
    Draft202012Validator({**asyncapi.alert_headers(), "additionalProperties": False}).validate(text_of(record.headers))


def test_dead_letters_of_the_worker_fit_their_schema() -> None:
    """Also one whose value is cut; beside the described headers stand only those of the original record."""
    checked = Draft202012Validator({**asyncapi.dead_letter_headers(), "additionalProperties": False})
    checked.validate(text_of(examples.dead_letter_record().headers))
    error = RecordTooLong("2000000 bytes, allowed 65536")
    cut = wire.encode_dead_letter("scam.dead-letters", PLACE, b"key", b"x" * 2_000_000, [("own", b"1")], error, NOW)
    checked.validate(text_of(cut.headers))
    assert "scamsieve.length" in text_of(cut.headers)
    kept = wire.encode_dead_letter("scam.dead-letters", PLACE, b"key", b"x", [("own", b"1")], error, NOW)
    assert set(text_of(kept.headers)) - set(checked.schema["properties"]) == {"own"}  # type: ignore[index]


def test_alert_categories_and_error_codes_are_closed_lists() -> None:
    alert = json.loads(DOCUMENTS["alert.schema.json"])
    assert len(alert["properties"]["category"]["enum"]) == 16
    assert "internal" in json.loads(DOCUMENTS["dead-letter-headers.schema.json"])["properties"]["scamsieve.code"]["enum"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENTS["asyncapi.yaml"])
    return loaded


def test_the_yaml_says_what_was_meant(document: dict[str, Any]) -> None:
    """Our few lines of YAML writer against a real reader."""
    assert document == json.loads(json.dumps(asyncapi.document()))


def test_asyncapi_has_what_version_3_asks_for(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert all({"host", "protocol"} <= server.keys() for server in document["servers"].values())
    assert all({"address", "messages"} <= channel.keys() for channel in document["channels"].values())
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert operation["channel"]["$ref"].startswith("#/channels/")


def test_asyncapi_references_resolve(document: dict[str, Any]) -> None:
    found = list(references(document))
    assert found
    for pointer in found:
        assert resolve(document, pointer) is not None


def test_asyncapi_kafka_bindings_hold_only_what_version_0_5_0_knows(document: dict[str, Any]) -> None:
    known = {
        "channels": {"topic", "partitions", "replicas", "topicConfiguration", "bindingVersion"},
        "operations": {"groupId", "clientId", "bindingVersion"},
        "messages": {"key", "schemaIdLocation", "schemaIdPayloadEncoding", "schemaLookupStrategy", "bindingVersion"},
    }
    parts = {**document, "messages": document["components"]["messages"]}
    for part, names in known.items():
        for told in parts[part].values():
            binding = told["bindings"]["kafka"]
            assert binding.keys() <= names
            assert binding["bindingVersion"] == "0.5.0"


def test_asyncapi_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    for message in document["components"]["messages"].values():
        for example in message["examples"]:
            for part in ("payload", "headers"):
                if part in message:
                    Draft202012Validator({**message[part], "components": document["components"]}).validate(example[part])


def test_asyncapi_names_the_topics_of_the_settings(document: dict[str, Any]) -> None:
    topics = {examples.TOPICS.message_topic, examples.TOPICS.alert_topic, examples.TOPICS.dead_letter_topic}
    assert {channel["address"] for channel in document["channels"].values()} == topics


def references(part: Any) -> list[str]:
    """Every `$ref` below a part of a document."""
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for below in part.values() for found in references(below)]
    return [found for below in part for found in references(below)] if isinstance(part, list) else []


def resolve(document: dict[str, Any], pointer: str) -> Any:
    part: Any = document
    for step in pointer.removeprefix("#/").split("/"):
        part = part[step]
    return part
