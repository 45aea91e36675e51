"""The records' description for others: JSON Schemas of message, alert and dead letter's headers, and an AsyncAPI 3 document.

All of it is made from the structs of `wire` and the defaults of `settings`. `python -m stream.schemas` writes it to docs/events;
a test holds what is committed there equal to what this makes.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from stream import asyncapi, examples
from stream.wire import Alert, Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path("docs/events")


def documents() -> dict[str, str]:
    """The text of each document, by its file's name."""
    headers = {"$schema": DIALECT, "$id": "urn:scamsieve:dead-letter-headers:v1", **asyncapi.dead_letter_headers()}
    return {
        "message.schema.json": _pretty(json_schema(Event, "message", examples.MESSAGE)),
        "alert.schema.json": _pretty(json_schema(Alert, "alert", examples.ALERT)),
        "dead-letter-headers.schema.json": _pretty(headers),
        "asyncapi.yaml": "# Made by `make schemas` from stream/wire.py; edit that, not this.\n"
        + "\n".join(_yaml(asyncapi.document()))
        + "\n",
    }


def json_schema(struct: type[Event | Alert], name: str, example: Event | Alert) -> dict[str, Any]:
    """The JSON Schema of a struct, with an example."""
    (_,), parts = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    whole = parts.pop(struct.__name__)
    return {"$schema": DIALECT, "$id": f"urn:scamsieve:{name}:v1", **whole, "examples": [msgspec.to_builtins(example)], "$defs": parts}


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(value: Mapping[str, Any] | list[Any], indent: str = "") -> Iterable[str]:
    """Lines of block-style YAML. Strings that could be taken for anything else stand in JSON's quotes, which are YAML's too."""
    pairs = [(f"{_scalar(key)}:", told) for key, told in value.items()] if isinstance(value, Mapping) else [("-", told) for told in value]
    for head, told in pairs:
        if isinstance(told, Mapping | list) and told:
            yield indent + head
            yield from _yaml(told, indent + "  ")
        else:
            yield f"{indent}{head} {_scalar(told)}"


def _scalar(value: object) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[$A-Za-z_][\w$./-]*(?:,? [A-Za-z][\w./-]*)*", value, re.ASCII)
    words = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return str(value) if plain and str(value).lower() not in words else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)
