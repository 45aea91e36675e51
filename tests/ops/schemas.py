"""The schemas of a CustomResourceDefinition as JSON Schema, as strict as the API server is with `--validate=strict`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

Schema = dict[str, Any]
Kind = tuple[str, str]
"""apiVersion and kind."""


class _Loader(yaml.CSafeLoader):
    """Reads a plain `=` as text: YAML 1.1 has a meaning for it that nobody uses."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def of(files: list[Path]) -> dict[Kind, Draft202012Validator]:
    """A validator for each served version of each kind that these files define."""
    return {kind: Draft202012Validator(schema) for file in files for kind, schema in _served(file)}


def _served(file: Path) -> Iterator[tuple[Kind, Schema]]:
    for definition in yaml.load_all(file.read_text(encoding="utf-8"), _Loader):
        spec = definition["spec"]
        for version in spec["versions"]:
            if version["served"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), schema


def strict(schema: Any) -> Any:
    """A structural schema with unknown fields refused (a server drops them without a word) and Kubernetes' own words in JSON Schema's.

    Rules in CEL (x-kubernetes-validations) are left out: nothing here evaluates them.
    """
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {
        key: {name: strict(part) for name, part in told.items()} if key == "properties" else strict(told)
        for key, told in schema.items()
        if not key.startswith("x-") and key not in ("description", "example", "format", "default")
    }
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["type"] = ["integer", "string"]
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if "properties" in schema and "type" in schema and not open_ended:
        made["additionalProperties"] = False
    return made
