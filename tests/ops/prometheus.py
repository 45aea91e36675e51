"""A real Prometheus with our rules, its HTTP API, and the commands that come with it."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from stream.broker import LOOPBACK, free_port
from stream.guard import guarded
from tests.ops.promql import ROOT, RULE_TESTS, RULES

INSTALL = "on Debian and Ubuntu: apt-get install prometheus prometheus-alertmanager"
START_SECONDS = 60.0
COMMAND_SECONDS = 600.0
RETENTION = "60d"


class NotShown(Exception):
    """Something that was to be shown is not so, or cannot be shown here; the text says what and why."""


def command(name: str) -> str:
    """The path of a command. Raises NotShown, in one line."""
    found = shutil.which(name)
    if found is None:
        raise NotShown(f"there is no `{name}` on the PATH; {INSTALL}")
    return found


def run(*words: str | Path) -> str:
    """Run a command to its end; what it printed. Raises NotShown with its output if it fails."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    if done.returncode:
        raise NotShown(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def check_files() -> int:
    """Let promtool and amtool check rules and examples, and run the rules' tests; how many assertions these hold. Raises NotShown."""
    promtool = command("promtool")
    run(promtool, "check", "rules", RULES)
    run(promtool, "check", "config", RULES.with_name("prometheus.yml"))
    run(command("amtool"), "check-config", RULES.with_name("alertmanager.yml"))
    asserted = 0
    for path in RULE_TESTS:
        run(promtool, "test", "rules", path)
        tests = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        asserted += sum(len(test.get(kind, ())) for test in tests for kind in ("alert_rule_test", "promql_expr_test"))
    return asserted


class Api:
    """The HTTP API of a running Prometheus."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, path: str, **parameters: str | float) -> Any:
        """The `data` of an answer. Raises NotShown if Prometheus does not like the question."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise NotShown(f"Prometheus refuses {path} {parameters}: {error.read().decode(errors='replace')}") from None

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health and state."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def ready(self) -> bool:
        """Whether it answers yet."""
        return answers(f"http://{self.address}/-/ready")


def answers(page: str) -> bool:
    """Whether a page answers, and with success."""
    try:
        with urllib.request.urlopen(page, timeout=2):
            return True
    except OSError:
        return False


def configuration(targets: Mapping[str, Sequence[str]], seconds: int) -> str:
    """Scrape and evaluate every so many seconds. `targets` are addresses by their cluster."""
    fixed = [{"targets": list(addresses), "labels": {"cluster": cluster}} for cluster, addresses in targets.items()]
    told = {
        "global": {"scrape_interval": f"{seconds}s", "evaluation_interval": f"{max(seconds, 5)}s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "scamsieve", "static_configs": fixed}],
    }
    return yaml.safe_dump(told)


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, Sequence[str]], seconds: int, history: Iterable[str] = ()) -> Iterator[Api]:
    """Prometheus with our rules while the block runs; `history` is what it has known before: OpenMetrics texts, a day each."""
    folder.mkdir(parents=True, exist_ok=True)
    config, data = folder / "prometheus.yml", folder / "data"
    config.write_text(configuration(targets, seconds), encoding="utf-8")
    for text in history:  # by the day: promtool reads its file once for every two hours in it
        (folder / "history.om").write_text(text, encoding="utf-8")
        run(command("promtool"), "tsdb", "create-blocks-from", "openmetrics", "-q", folder / "history.om", data)
    address = f"{LOOPBACK}:{free_port()}"
    options = {
        "config.file": config,
        "storage.tsdb.path": data,
        "storage.tsdb.retention.time": RETENTION,
        "web.listen-address": address,
        "log.level": "warn",
    }
    with guarded([command("prometheus"), *(f"--{name}={value}" for name, value in options.items())]) as child:
        api, deadline = Api(address), time.monotonic() + START_SECONDS
        while not api.ready():
            if child.dead() or time.monotonic() > deadline:
                raise NotShown(f"Prometheus does not start; its last lines:\n{child.last_lines(10)}")
            time.sleep(0.2)
        yield api


__all__ = ["ROOT", "Api", "NotShown", "check_files", "command", "prometheus", "run"]
