import ast
import gc
import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from stream import cli, connect
from stream.settings import PREFIX, Settings, described
from tests.conftest import write_model

ROOT = Path(__file__).parents[2]
COMMANDS = ("demo", "worker", "score", "feed", "alerts", "topics")


def scamsieve(*arguments: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", "stream.cli", *arguments],
        input=stdin,
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_every_command() -> None:
    told = CliRunner().invoke(cli.app, ["--help"]).output
    assert all(f" {name} " in told for name in COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    code = "import sys\nimport stream.cli\nprint(sorted(sys.modules))"
    loaded = ast.literal_eval(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert not {"faust", "kafka", "confluent_kafka", "sklearn", "rich.live", "stream.scorer"} & set(loaded)


def test_the_workers_help_lists_every_setting() -> None:
    told = CliRunner().invoke(cli.app, ["worker", "--help"]).output
    assert all(f"{PREFIX}{name.upper()}" in told for name in Settings.__struct_fields__)


def test_every_setting_has_a_help_and_its_default() -> None:
    found = {variable: (default, text) for variable, default, text in described()}
    assert list(found) == [f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__]
    assert all(text.endswith((".", "...")) for _, text in found.values())
    assert found["SCAMSIEVE_MAX_TEXT_BYTES"][0] == "16384"
    assert found["SCAMSIEVE_INSTANCE"][0] == "", "made on each machine anew"


def test_version() -> None:
    assert CliRunner().invoke(cli.app, ["--version"]).output.startswith("scamsieve")


def test_score_from_a_pipe_says_at_the_end_that_lines_were_bad(model_folder: Path) -> None:
    done = scamsieve("score", "--model", str(model_folder), stdin='{"text":"a"}\nbad\n{"text":"b"}')
    assert [json.loads(line).get("id") for line in done.stdout.split("\n") if line] == ["1", None, "3"]
    assert done.returncode == 1
    assert done.stderr == "scamsieve: 1 of 3 lines are no messages; each has an error in its place\n"


def test_score_of_a_file_is_quiet_if_all_is_well(model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    path.write_text('{"text":"a"}\n{"text":"b"}\n', encoding="utf-8")
    done = scamsieve("score", str(path), "--model", str(model_folder), "--reasons", "0")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 2)


def test_score_decides_by_a_policy(model_folder: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[deny]\nsenders = ["+85512345678"]\n', encoding="utf-8")
    done = scamsieve("score", "--model", str(model_folder), "--policy", str(policy), stdin='{"text":"hello","sender":"+85512345678"}\n')
    assert json.loads(done.stdout)["flagged"] is True


def test_score_asks_for_a_signature_where_a_worker_would(tmp_path: Path) -> None:
    folder, key, trusted = write_model(tmp_path / "1"), Ed25519PrivateKey.generate(), tmp_path / "release.pub"
    trusted.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def done() -> subprocess.CompletedProcess[str]:
        return scamsieve("score", "--model", str(folder), stdin='{"text":"a"}\n', SCAMSIEVE_TRUSTED_KEY_FILE=str(trusted))

    refused = done()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "is not signed" in refused.stderr
    (folder / "manifest.sig").write_bytes(key.sign((folder / "manifest.json").read_bytes()))
    assert done().returncode == 0
    (folder / "manifest.sig").write_bytes(Ed25519PrivateKey.generate().sign((folder / "manifest.json").read_bytes()))
    assert "not signed by a trusted key" in done().stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["score", "/nowhere.jsonl"], "/nowhere.jsonl: No such file"),
        (["score", "--model", "9.9.9"], "no released model 9.9.9"),
        (["score", "--policy", "/nowhere.toml"], "/nowhere.toml cannot be read"),
    ],
)
def test_a_users_mistake_is_one_line_and_code_2(arguments: list[str], told: str) -> None:
    done = scamsieve(*arguments, stdin="")
    assert done.returncode == 2
    assert done.stderr.startswith("scamsieve: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # kafka-python forgets to close what did not connect
@pytest.mark.parametrize("arguments", [["topics", "create"], ["topics", "check"], ["alerts"], ["feed", "empty.jsonl"]])
def test_a_broker_that_is_away_is_one_line_and_code_2(arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 0.3)
    monkeypatch.chdir(tmp_path)
    Path("empty.jsonl").touch()
    done = CliRunner().invoke(cli.app, [*arguments, "--brokers", "127.0.0.1:1"])
    assert done.exit_code == 2
    assert done.output.startswith("scamsieve: no broker answers at 127.0.0.1:1 (")
    assert done.output.count("\n") == 1
    gc.collect()  # so that those sockets are found here


def test_an_unknown_setting_is_told_by_every_command_that_reads_them() -> None:
    for arguments in (["worker"], ["score"], ["topics", "check"], ["alerts"]):
        done = scamsieve(*arguments, SCAMSIEVE_BROKER="x")
        assert done.returncode == 2
        assert "Did you mean SCAMSIEVE_BROKERS?" in done.stderr


def test_a_reader_that_leaves_is_no_error(model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    path.write_text('{"text":"a"}\n' * 50_000, encoding="utf-8")
    command = [sys.executable, "-m", "stream.cli", "score", str(path), "--model", str(model_folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(30), process.stderr.read()) == (cli.BROKEN_PIPE, b"")


def test_ctrl_c_ends_with_130_and_no_traceback(model_folder: Path) -> None:
    command = [sys.executable, "-m", "stream.cli", "score", "--model", str(model_folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b'{"text":"a"}\n')
        process.stdin.flush()
        assert process.stdout.readline(), "a slow pipe gets its answer at once"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert (process.wait(30), process.stderr.read()) == (cli.INTERRUPTED, b"")


def offered(monkeypatch: pytest.MonkeyPatch, value: str) -> typer.Typer:
    """The command with one entry point."""
    app = typer.Typer(cls=cli._Commands)
    monkeypatch.setattr(cli, "app", app)
    app.command("other")(lambda: None)
    cli._offer(EntryPoint("train", value, "scamsieve.commands"))
    return app


def test_offline_commands_are_listed_with_their_first_line_and_loaded_late(monkeypatch: pytest.MonkeyPatch) -> None:
    told = CliRunner().invoke(offered(monkeypatch, "training.cli:train"), ["--help"]).output
    assert "Train a model" in told


def test_an_offline_command_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(offered(monkeypatch, "nowhere_at_all:train"), ["train", "--out", "x"])
    assert done.exit_code == 2
    assert "pip install 'scamsieve[training]'" in done.output


def test_an_offline_command_gets_its_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(offered(monkeypatch, "training.cli:train"), ["train", "--help"])
    assert done.exit_code == 0
    assert "--out" in done.output


def test_feed_writes_what_would_be_sent_and_sums_up(tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"text":"a","label":"scam","sent_at":"soon"}\nbad\n', encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["feed", str(path), "--out", str(out)])
    assert done.exit_code == 0
    assert json.loads(out.read_bytes())["id"] == "rows-1"
    assert "read 2 lines, wrote 1 messages" in done.output
    assert "left out, for it could not be read: sent_at 1" in done.output
    assert "refused, for they are no messages: not_json 1" in done.output


def test_offline_commands_may_have_commands_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """`release`: its help is its module's, and a subcommand gets its own options."""
    app = offered(monkeypatch, "training.cli_release:app")
    assert "Make a trained model the live one" in CliRunner().invoke(app, ["--help"]).output
    assert "--candidate" in CliRunner().invoke(app, ["train", "make", "--help"]).output
