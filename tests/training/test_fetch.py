"""`training.sources` and `training.fetch`: only the expected bytes are taken, from a server on this machine."""

import gzip
import hashlib
import io
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from tests.training.rows import silent
from training import sources
from training.data import DataError, read
from training.fetch import download, fetch
from training.sources import SOURCES, PublicSet, public_sets

CSV = b'LABEL,TEXT,URL\nham,"see you, at noon",No\nSmishing,"verify at\nhttp://a.top",yes\nSpam,half price,No\n'
TSV = b'ham\tsee "you" there\nspam\twin a prize\n'
FILES: dict[str, bytes] = {}


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Serves FILES; `/short` promises more than it sends."""

    def do_GET(self) -> None:
        content = FILES.get(self.path)
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"") + 10 * (self.path == "/short")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server on a free port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def a_set(server: str, path: str, content: bytes, **changes: object) -> PublicSet:
    FILES[path] = content
    told: dict[str, object] = {
        "page": "https://example.org",
        "citation": "Nobody, 2026",
        "licence": "CC0",
        "url": server + path,
        "sha256": hashlib.sha256(content).hexdigest(),
        "delimiter": ",",
        "text": "TEXT",
        "label": "LABEL",
        "labels": {"ham": "benign", "spam": "promo", "smishing": "scam"},
        "lang": "en",
        "use": "training",
        **changes,
    }
    return msgspec.convert(told, PublicSet)


def test_a_set_becomes_rows_with_its_licence(server: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    assert fetch("mine", a_set(server, "/a.csv", CSV, channel="sms"), tmp_path, lambda *progress: told.append(progress)) == 3
    found = read([tmp_path])
    assert [(row.label, row.message.text) for row in found.rows] == [
        ("benign", "see you, at noon"),
        ("scam", "verify at\nhttp://a.top"),
        ("promo", "half price"),
    ]
    assert found.rows[0].message.channel == "sms"
    assert found.licences == {"mine": "CC0"}
    assert told[-1] == ("mine", len(CSV), len(CSV))


def test_fetching_again_gives_the_same_bytes_and_one_row_of_licence(server: str, tmp_path: Path) -> None:
    (tmp_path / "LICENCES.tsv").write_text("other\tMIT\n", encoding="utf-8")
    written = set()
    for _ in range(2):
        fetch("mine", a_set(server, "/a.csv", CSV), tmp_path, silent)
        written.add((tmp_path / "mine.jsonl.gz").read_bytes())
    assert len(written) == 1
    assert (tmp_path / "LICENCES.tsv").read_text(encoding="utf-8") == "other\tMIT\nmine\tCC0\n"
    assert not list(tmp_path.glob("*.part"))


def test_a_member_of_an_archive_with_tabs_and_no_header(server: str, tmp_path: Path) -> None:
    """Quotes are part of a text there."""
    labels = {"ham": "benign", "spam": ""}
    source = a_set(server, "/a.zip", zipped("deep/SMS", TSV), member="SMS", delimiter="\t", text=1, label=0, labels=labels)
    assert fetch("packed", source, tmp_path, silent) == 1
    assert b'see \\"you\\" there' in gzip.decompress((tmp_path / "packed.jsonl.gz").read_bytes())


def test_other_bytes_than_expected_are_refused_and_what_was_there_stays(server: str, tmp_path: Path) -> None:
    fetch("mine", a_set(server, "/a.csv", CSV), tmp_path, silent)
    before = (tmp_path / "mine.jsonl.gz").read_bytes()
    source = a_set(server, "/a.csv", CSV)
    FILES["/a.csv"] = CSV + b"ham,one more,No\n"
    with pytest.raises(DataError, match="not the file that was expected"):
        fetch("mine", source, tmp_path, silent)
    assert (tmp_path / "mine.jsonl.gz").read_bytes() == before


@pytest.mark.parametrize(
    ("path", "content", "changes", "why"),
    [
        ("/b.csv", b"LABEL,TEXT\nodd,hello\n", {}, "labelled 'odd'"),
        ("/c.csv", b"A,B\nham,hello\n", {}, "no column 'TEXT'"),
        ("/d.zip", zipped("x", TSV), {"member": "SMS"}, "no single SMS"),
        ("/e.zip", b"no archive", {"member": "SMS"}, "zip"),
        ("/g.csv", b"LABEL,TEXT\nham," + b"x" * 140_000 + b"\n", {}, "field larger"),
        ("/f.csv", b"LABEL,TEXT\n", {}, "no labelled message"),
        ("/short", CSV, {}, "cannot be downloaded|ended after"),
    ],
)
def test_what_is_wrong_is_said(server: str, tmp_path: Path, path: str, content: bytes, changes: dict[str, object], why: str) -> None:
    with pytest.raises(DataError, match=why):
        fetch("mine", a_set(server, path, content, **changes), tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_an_address_without_a_file_or_a_server_is_said(server: str) -> None:
    with pytest.raises(DataError, match="404"):
        download(server + "/nothing", "0" * 64, lambda *_: None)
    with pytest.raises(DataError, match="cannot be downloaded"):
        download("http://127.0.0.1:9/", "0" * 64, lambda *_: None)


def test_the_table_names_origin_licence_and_checksum_of_every_set() -> None:
    """And takes what is downloaded from nowhere but https."""
    known = public_sets()
    assert known
    assert all(told.url.startswith("https://") and told.page.startswith("https://") for told in known.values())
    assert {told.licence for told in known.values()} <= {"CC BY 4.0", "MIT", "BSD-3-Clause", "CC0"}
    assert tomllib.loads(SOURCES.read_text(encoding="utf-8")).keys() == known.keys()


def test_a_table_that_is_wrong_is_an_error(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text('[a]\nurl = "ftp://x"\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.toml"):
        public_sets(table)
    with pytest.raises(DataError, match="nowhere"):
        sources.public_sets(tmp_path / "nowhere.toml")
