"""The messages that everybody judges: those of the demo feed, in ten languages, repeated, with an id of their own each."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from models.artifact import Model
from stream.judge import judge
from stream.policy import Policy
from stream.wire import Decoder, Event, Limits

FOLDER = Path(__file__).parents[2] / "stream" / "demo"
RAISED = 0.02  # of the messages
DISTINCT = 200_000  # lines are repeated after so many: more would take memory and change nothing
_ID = '{"id": "m-%08d"'


def rows() -> list[dict[str, Any]]:
    """The labelled messages of the demo feed."""
    return [json.loads(line) for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_bytes().split(b"\n") if line]


def lines(count: int, model: Model) -> list[bytes]:
    """So many JSON messages, of which RAISED are flagged or to be reviewed, as in a telecom's traffic; each with its own id."""
    bare = rows()
    for row in bare:
        row["language"] = row.pop("lang")
        for name in ("label", "kind", "category"):
            row.pop(name, None)
    decode = Decoder(Event, Limits()).decode
    raised = set(judge(model, Policy(), [decode(json.dumps(row).encode()) for row in bare]).raised)
    few = [row for i, row in enumerate(bare) if i in raised]
    most = [row for i, row in enumerate(bare) if i not in raised]
    every = round(1 / RAISED)
    chosen = (few[i // every % len(few)] if i % every == 0 else most[i % len(most)] for i in range(count))
    return [json.dumps({"id": f"m-{i:08}", **_without_id(row)}, ensure_ascii=False).encode() for i, row in enumerate(chosen)]


def repeated(distinct: Sequence[bytes], count: int, first: int = 0) -> Iterator[bytes]:
    """So many messages, made of `lines`, numbered from `first` on."""
    rests = [line[len(_ID % 0) :] for line in distinct]
    for i in range(count):
        yield (_ID % (first + i)).encode() + rests[i % len(rests)]


def number(message_id: str) -> int:
    """The number that a message's id holds."""
    return int(message_id.removeprefix("m-"))


def _without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}
