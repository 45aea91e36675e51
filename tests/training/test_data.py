"""`training.data`: labelled messages from files."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.rows import row
from training import data
from training.data import CORPUS, CORPUS_LICENCE, DataError, fold, read, text_only, without_duplicates


def line(**fields: Any) -> str:
    return json.dumps({"text": "see you at noon", "label": "benign", "lang": "en", **fields}, ensure_ascii=False)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    """U+2028, U+0085 and carriage returns are part of a text."""
    text = "one\u2028two\u0085three\rfour"
    assert [found.message.text for found in read([write(tmp_path / "a.jsonl", line(text=text))]).rows] == [text]


def test_plain_and_gzipped_files_of_a_folder_are_read_and_name_the_source(tmp_path: Path) -> None:
    write(tmp_path / "plain.jsonl", line(), "", line(label="scam", category="bank"))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "packed.jsonl.gz").write_bytes(gzip.compress(line(label="promo").encode()))
    write(tmp_path / "README.md", "no data")
    rows = read([tmp_path]).rows
    assert sorted((r.source, r.label, r.category) for r in rows) == [
        ("packed", "promo", None),
        ("plain", "benign", None),
        ("plain", "scam", "bank"),
    ]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('{"text": "a", "lang": "en"}', "label"),
        ('{"text": "a", "label": "spam", "lang": "en"}', "spam"),
        ('{"text": "a", "label": "scam"}', "lang"),
        ('{"text": 1, "label": "scam", "lang": "en"}', "text"),
        ("{broken", "malformed"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path: Path, bad: str, why: str) -> None:
    file = write(tmp_path / "a.jsonl", line(), bad)
    with pytest.raises(DataError, match=rf"a\.jsonl, line 2: .*{why}"):
        read([file])


def test_invalid_utf8_is_a_bad_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "\xff", "label": "scam", "lang": "en"}\n')
    with pytest.raises(DataError, match="line 1"):
        read([tmp_path])


def test_what_is_not_there_or_empty_or_torn_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        read([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="holds no"):
        read([tmp_path])
    with pytest.raises(DataError, match="no labelled messages"):
        read([write(tmp_path / "empty.jsonl")])
    (tmp_path / "torn.jsonl.gz").write_bytes(gzip.compress(line().encode() * 50)[:60])
    with pytest.raises(DataError, match="cannot be read"):
        read([tmp_path / "torn.jsonl.gz"])


def test_metadata_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", line(sender="+6591234567", sent_at="yesterday", channel="fax", origin={"country": "SG"}))
    found = read([file])
    message = found.rows[0].message
    assert (message.sender, message.sent_at, message.channel) == ("+6591234567", 0, None)
    assert message.origin is not None
    assert found.left_out == {"a: sent_at that cannot be read": 1, "a: channel that cannot be read": 1}


def test_the_model_is_not_told_the_language(tmp_path: Path) -> None:
    """`lang` stays with the label; `language`, `id` and `conversation` of a record are not learned from."""
    found = read([write(tmp_path / "a.jsonl", line(language="en", id="7", conversation="c"))]).rows[0]
    assert found.lang == "en"
    assert found.message == text_only(found).message


def test_licences_come_from_a_table_and_the_corpus_has_its_own(tmp_path: Path) -> None:
    write(tmp_path / "mine.jsonl", line())
    write(tmp_path / "LICENCES.tsv", "# source\tlicence", "mine\tCC0")
    found = read([tmp_path, CORPUS])
    assert found.licences["mine"] == "CC0"
    assert {licence for source, licence in found.licences.items() if source.startswith("corpus/")} == {CORPUS_LICENCE}
    write(tmp_path / "LICENCES.tsv", "mine CC0")
    with pytest.raises(DataError, match="one tab"):
        read([tmp_path])


def test_texts_that_differ_in_digits_and_punctuation_are_one() -> None:
    gone: Counter[str] = Counter()
    kept = without_duplicates([row("Code 123-4!"), row("code 99 99."), row("CODE: 5555", "scam"), row("other")], gone)
    assert [r.message.text for r in kept] == ["Code 123-4!", "other"]
    assert gone == {"duplicates": 1, "duplicates with another label (the first one was kept)": 1}


@given(st.text(max_size=60))
def test_folding_leaves_something_and_folds_once_for_all(text: str) -> None:
    assert bool(fold(text)) == bool(text)
    assert all(data._fold(char) == char or char in text for char in fold(text))


def test_marks_of_scripts_are_parts_of_words() -> None:
    """Thai words that differ in a vowel sign only are no duplicates."""
    assert fold("ปี") != fold("ปา") != fold("ปิ")


def test_a_file_may_begin_with_a_heading_and_every_file_of_the_corpus_does(tmp_path: Path) -> None:
    """It says that the messages were written for this project, and their licence."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"about": "made up"}\n{"text": "a", "label": "benign", "lang": "en"}\n', encoding="utf-8")
    assert [row.message.text for row in read([path]).rows] == ["a"]
    for file in CORPUS.glob("*.jsonl"):
        heading = file.read_text(encoding="utf-8").split("\n", 1)[0]
        assert "written for this project" in heading
        assert CORPUS_LICENCE in heading
