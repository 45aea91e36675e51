"""`scamsieve release` as a user meets it: keys, a signed release, the gate, the way back."""

import stat
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from models.artifact import released
from models.locate import locate
from tests.conftest import write_model
from training.cli_release import app
from training.data import CORPUS, read
from training.gate import QUESTIONS


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough labelled messages to tell two models apart."""
    file = tmp_path_factory.mktemp("data") / "mine.jsonl"
    rows = [row for label in ("scam", "benign") for row in [r for r in read([CORPUS]).rows if (r.lang, r.label) == ("en", label)][:150]]
    told = [{**msgspec.to_builtins(row.message), "label": row.label, "lang": row.lang, "category": row.category} for row in rows]
    file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in told))
    return file


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A pointer to the released model."""
    assert run("make", "--candidate", released(), "--live", tmp_path / "live", "--first").exit_code == 0
    return tmp_path / "live"


def test_a_candidate_that_is_worse_beyond_chance_is_refused_and_the_live_one_stays(live: Path, data: Path, tmp_path: Path) -> None:
    result = run("make", "--candidate", write_model(tmp_path / "random"), "--live", live, "--data", data)
    assert result.exit_code == 1
    assert "worse than the live model beyond chance" in result.stdout
    assert locate(str(live)).samefile(released())
    accepted = run("make", "--candidate", tmp_path / "random", "--live", live, "--data", data, "--accept", "scams", "--accept", "benign")
    assert accepted.exit_code == 1
    assert "worse, accepted" in accepted.stdout
    every = [word for name in QUESTIONS for word in ("--accept", name)]
    assert run("make", "--candidate", tmp_path / "random", "--live", live, "--data", data, *every).exit_code == 0
    assert locate(str(live)).samefile(tmp_path / "random")


def test_one_that_is_not_worse_becomes_the_live_one_and_can_be_taken_back(live: Path, data: Path, tmp_path: Path) -> None:
    random = write_model(tmp_path / "random")
    (tmp_path / "live").write_text("random\n")
    result = run("make", "--candidate", released(), "--live", live, "--data", data)
    assert result.exit_code == 0, result.output
    assert locate(str(live)).samefile(released())
    assert run("rollback", "--live", live).exit_code == 0
    assert locate(str(live)).samefile(random)


def test_against_a_folder_it_only_compares(data: Path, tmp_path: Path) -> None:
    random = write_model(tmp_path / "random")
    result = run("make", "--candidate", released(), "--live", random, "--data", data)
    assert result.exit_code == 0, result.output
    assert "nothing was changed" in result.stdout
    assert not list(tmp_path.glob("*previous"))


def test_keys_are_made_a_model_is_signed_and_only_then_released_to_those_who_ask(live: Path, tmp_path: Path, data: Path) -> None:
    private, public = tmp_path / "release.key", tmp_path / "release.pub"
    folder = write_model(tmp_path / "2")
    assert run("keygen", "--private", private, "--public", public).exit_code == 0
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    refused = run("make", "--candidate", folder, "--live", tmp_path / "other", "--first", "--trusted-key", public)
    assert (refused.exit_code, "is not signed" in refused.stderr) == (2, True)
    assert run("sign", folder, "--key", private).exit_code == 0
    assert "signed by a trusted key" in run("verify", folder, "--trusted-key", public).stdout
    assert run("make", "--candidate", folder, "--live", tmp_path / "other", "--first", "--trusted-key", public).exit_code == 0
    (tmp_path / "other").write_text("../nowhere\n")
    assert run("verify", tmp_path / "other", "--trusted-key", public).exit_code == 2
    back = run("rollback", "--live", live, "--trusted-key", public)
    assert (back.exit_code, "no other model before" in back.stderr) == (2, True)


def test_a_users_mistake_is_one_line_and_exit_code_2(live: Path, tmp_path: Path) -> None:
    (tmp_path / "no.key").write_text("no key")
    (tmp_path / "few.jsonl").write_text('{"text": "x", "label": "scam", "lang": "en"}\n{"text": "y", "label": "benign", "lang": "en"}\n')
    folder = write_model(tmp_path / "2")
    for words, why in (
        (("make", "--candidate", folder, "--live", live), "give --data"),
        (("make", "--candidate", folder, "--live", live, "--data", tmp_path / "few.jsonl"), "too few to tell two models apart"),
        (("make", "--candidate", folder, "--live", live, "--first"), "there already"),
        (("make", "--candidate", folder, "--live", tmp_path / "none" / "live", "--data", "x"), "a pointer file: --first"),
        (("sign", folder, "--key", tmp_path / "no.key"), "no Ed25519 private key"),
        (("keygen", "--private", tmp_path / "no.key", "--public", tmp_path / "x"), "never written over"),
        (("verify", "9.9.9"), "no released model"),
    ):
        result = run(*words)
        assert result.exit_code == 2, words
        (line,) = [line for line in result.stderr.split("\n") if line.startswith("scamsieve: ")]
        assert why in line
        assert "Traceback" not in result.output
