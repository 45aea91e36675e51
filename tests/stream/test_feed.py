import gzip
import json
from pathlib import Path

import msgspec
import pytest

from stream.errors import SettingsError
from stream.feed import Tally, events, files, paced, write
from stream.wire import Decoder, Event, Limits

ROW = {
    "id": "a-1",
    "operator": "th-siam",
    "channel": "chat",
    "text": "สวัสดี",
    "sender": "@somebody",
    "recipient": "+66812345678",
    "sent_at": "2026-01-02T03:04:05+07:00",
    "sender_type": "handle",
    "origin": {"country": "TH", "route": "p2p"},
    "lang": "th",
    "label": "scam",
    "category": "job",
    "kind": "task_job",
    "source": "somewhere",
    "source_id": 5,
}


def feed(path: Path, *rows: object) -> tuple[list[dict[str, object]], Tally]:
    """What would be sent of these rows."""
    lines = b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows)
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    tally = Tally()
    out = path.with_name("out")
    write(events([path], tally), out)
    return [json.loads(line) for line in out.read_bytes().split(b"\n") if line], tally


def test_what_a_message_knows_is_sent_and_labels_never(tmp_path: Path) -> None:
    (sent,), _ = feed(tmp_path / "rows.jsonl", ROW)
    assert not sent.keys() & {"label", "category", "kind", "source", "source_id", "lang"}
    assert sent == {k: v for k, v in ROW.items() if k in sent} | {"language": "th"}


def test_what_is_missing_gets_a_fixed_neutral_value(tmp_path: Path) -> None:
    sent, tally = feed(tmp_path / "rows.jsonl.gz", {"text": "a"}, {"text": "b"})
    neutral = {"operator": "unknown", "channel": "sms", "sender": "", "recipient": "", "sent_at": 0}
    assert sent == [{"text": "a", "id": "rows-1", **neutral}, {"text": "b", "id": "rows-2", **neutral}]
    assert tally.neutral == dict.fromkeys([*neutral, "id"], 2)


def test_an_unreadable_field_is_left_out_and_counted(tmp_path: Path) -> None:
    (sent,), tally = feed(tmp_path / "rows.jsonl", ROW | {"sent_at": "03/04/2026", "origin": "Bangkok", "lang": 5})
    assert sent["sent_at"] == 0
    assert not sent.keys() & {"origin", "language"}
    assert tally.unreadable == {"sent_at": 1, "origin": 1, "lang": 1}


def test_a_line_that_is_no_message_is_refused_and_counted(tmp_path: Path) -> None:
    sent, tally = feed(tmp_path / "rows.jsonl", b"nonsense\n", b"\n", {"label": "scam"}, {"text": "a"})
    assert [row["id"] for row in sent] == ["rows-4"]
    assert tally.refused == {"not_json": 1, "empty_value": 1, "wrong_shape": 1}
    assert tally.read == 4


def test_what_is_sent_is_a_message_of_the_stream(tmp_path: Path) -> None:
    sent, _ = feed(tmp_path / "rows.jsonl", ROW, {"text": ""}, {"text": "a", "sent_at": 1, "channel": "carrier pigeon"})
    decoder = Decoder(Event, Limits())
    for row in sent:
        decoder.decode(msgspec.json.encode(row))
    assert not decoder.ignored


def test_lines_are_numbered_by_file(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(b'{"text":"x"}\n{"text":"y"}\n')
    found = [event.id for event in events([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], Tally())]
    assert found == ["a-1", "a-2", "b-1", "b-2"]


def test_pacing_keeps_the_order_and_loses_nothing() -> None:
    assert list(paced(range(50), 5000)) == list(range(50)) == list(paced(range(50), 0))


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    for name in ("b.jsonl", "a.jsonl.gz", "deeper/c.jsonl", "README.md"):
        (tmp_path / name).touch()
    assert [path.name for path in files([tmp_path, tmp_path / "b.jsonl"])] == ["a.jsonl.gz", "b.jsonl", "c.jsonl", "b.jsonl"]


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no \.jsonl"):
        files([tmp_path])


def test_a_heading_is_no_message(tmp_path: Path) -> None:
    """The corpus and other labelled files may begin with a line that says where the messages come from."""
    (tmp_path / "a.jsonl").write_text('{"about": "a test"}\n{"text": "hello"}\n{"about": "no heading"}\n', encoding="utf-8")
    tally = Tally()
    assert [message.text for message in events([tmp_path / "a.jsonl"], tally)] == ["hello"]
    assert (tally.read, tally.refused) == (3, {"wrong_shape": 1})
