"""A user's mistake is one line and code 2, told before a broker is asked where that is possible."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.cli import app
from stream.operations import reading

NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["replay"], "--out FILE for verdicts, or --to TOPIC for alerts"),
        (["replay", "--out", "x", "--to", "y"], "--out FILE for verdicts, or --to TOPIC for alerts"),
        (["replay", "--out", "x", "--since", "yesterday"], "'yesterday' is no offset, no age"),
        (["replay", "--to", "scam.alerts"], "add --live"),
        (["replay", "--out", "x", "--policy", "/nowhere.toml"], "/nowhere.toml cannot be read"),
        (["replay", "--out", "x", "--model", "9.9.9"], "no released model 9.9.9"),
        (["dead-letters", "show", "1-2"], "no PARTITION:OFFSET"),
        (["dead-letters", "list", "--code", "nope"], "'nope' is no error code of a record"),
        (["status", "https://worker"], "no address of a worker"),
        (["plan"], "--rate, in messages a second"),
    ],
)
def test_a_mistake_is_told_without_a_broker(arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments, *(["--brokers", NOBODY] if arguments[0] != "plan" else [])])
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
    assert told in done.output
    assert not list(tmp_path.iterdir()), "nothing is written"


@pytest.mark.parametrize("arguments", [["replay", "--out", "x"], ["dead-letters", "list"], ["dead-letters", "show", "0:0"]])
def test_a_broker_that_is_away_is_one_line_and_code_2(
    arguments: list[str], model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "CALL_SECONDS", 0.2)
    monkeypatch.setenv("SCAMSIEVE_MODEL", str(model_folder))
    done = CliRunner().invoke(app, [*arguments, "--brokers", NOBODY])
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
    assert "no broker answers (_TRANSPORT)" in done.output
    assert not list(tmp_path.iterdir())
