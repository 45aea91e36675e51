"""`make ops-check`: a worker under load, a real Prometheus with our rules, every query of every dashboard, every test of the rules."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from deploy.grafana.dashboards import DASHBOARDS
from models import artifact
from stream.broker import LOOPBACK, free_port
from stream.guard import Child
from tests.certificates import authority
from tests.integration.kafka import apache_kafka
from tests.ops import history, manifests
from tests.ops.answers import Answer, answers, variable_values
from tests.ops.prometheus import ROOT, Api, NotShown, check_files, prometheus
from tests.ops.stage import NO_BROKER, OPERATORS, Feed, Stage, stage, worker

BUILD = ROOT / "build" / "ops.json"
CLUSTER = "ops-check"
SCRAPE_SECONDS = 5  # which bounds the time for an answer, too: at 1 s, a busy machine made gaps
LOAD_SECONDS = 100.0
SETTLE_SECONDS = 12.0  # the last batch, a scrape, an evaluation
JOIN_SECONDS = 60.0
WAVES = ((0.35, 0.02, 200.0), (0.2, 0.08, 300.0), (0.45, 0.03, 400.0))
"""The load in parts: its share of the time, the share of scams, messages a second. So that pictures show a change."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was checked."""

    panels: int
    queries: int
    empty_queries: int
    backfilled: int
    """Queries that look back at a history that was backfilled."""
    rules: int
    rule_tests: int
    manifests: int
    kinds: int
    unvalidated: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A worker under load, and the Prometheus that watched it."""

    api: Api
    begin: float
    end: float


def check(seconds: float, tell: Callable[[str], None]) -> tuple[Counts, list[Answer]]:
    """Check everything. What needs no running system is checked beside the load, which leaves the machine time enough.

    Raises NotShown or NotValid with all that is wrong; BrokerUnavailable or ToolMissing if something cannot be had here.
    """
    with ThreadPoolExecutor(1) as beside:
        tested, valid = beside.submit(check_files), beside.submit(manifests.check)
        with watched(seconds, tell) as found:
            tell("asking what the dashboards ask")
            told = list(answers(found.api, found.begin, found.end))
            wrong = [*_empty(told), *_choices(found), *_unhealthy(found.api)]
            rules = len(found.api.rules())
        tell("waiting for the tests of the rules")
        asserted = tested.result()
        tell("waiting for the manifests")
        built = valid.result()
    if wrong:
        raise NotShown("\n".join(wrong))
    panels = sum(len(dashboard.panels) for dashboard in DASHBOARDS)
    backfilled = sum(answer.panel.history for answer in told)
    empty = sum(not one.lines for one in told)
    counts = Counts(panels, len(told), empty, backfilled, rules, asserted, built.manifests, built.kinds, built.unvalidated)
    BUILD.parent.mkdir(exist_ok=True)
    BUILD.write_text(json.dumps(asdict(counts), indent=2) + "\n", encoding="utf-8")
    return counts, told


@contextmanager
def watched(seconds: float, tell: Callable[[str], None]) -> Iterator[Watched]:
    """Load a worker for so many seconds while Prometheus watches."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="ops-")))
        tell("starting Apache Kafka")
        place = stage(running.enter_context(apache_kafka()), folder / "stage")
        port, *_ = ports = (free_port(), free_port())
        tell("starting Prometheus, with nine days that were backfilled")
        targets = {CLUSTER: [f"{LOOPBACK}:{one}" for one in ports]}
        past = history.days(time.time(), CLUSTER, OPERATORS)
        api = running.enter_context(prometheus(folder / "prometheus", targets, SCRAPE_SECONDS, past))
        pointer = shadowed(folder)
        running.enter_context(worker(place, port, MODEL=str(pointer), SHADOW_MODEL=str(folder / "shadow")))
        running.enter_context(waiting(place, ports[1], timedelta(days=90)))
        _await_join(api)
        begin = time.time()
        with Feed(place, 0.0) as feed:
            feed.broken = 0.003
            for share, feed.scams, feed.rate in WAVES:
                tell(f"{feed.rate:g} messages a second, {feed.scams:.0%} scams")
                time.sleep(seconds * share / 2)
                _touch(place)
                time.sleep(seconds * share / 2)
        time.sleep(SETTLE_SECONDS)
        yield Watched(api, begin, time.time() - SETTLE_SECONDS)


def waiting(place: Stage, port: int, life: timedelta) -> AbstractContextManager[Child]:
    """A worker that waits for a broker that never comes, behind TLS: its certificate is all that it has to tell."""
    ca = authority(place.folder, life=life).certificate
    return worker(place, port, ready=False, BROKERS=NO_BROKER, SECURITY_PROTOCOL="SSL", SSL_CA_FILE=str(ca))


def shadowed(folder: Path, lower: float = 0.6) -> Path:
    """A shadow of the released model with thresholds so much lower; returns a pointer file to the released one."""
    released = artifact.released("")
    shadow = folder / "shadow"
    shadow.mkdir()
    for path in released.iterdir():
        (shadow / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((shadow / "manifest.json").read_bytes())
    manifest["thresholds"]["flag"] = {script: lower * value for script, value in manifest["thresholds"]["flag"].items()}
    manifest["thresholds"]["review"] = {script: lower * value for script, value in manifest["thresholds"]["review"].items()}
    (shadow / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    pointer = folder / "live"
    pointer.write_text(f"{released}\n", encoding="utf-8")
    return pointer


def _touch(place: Stage) -> None:
    """Change the policy without changing what it says."""
    policy = place.folder / "policy.toml"
    policy.write_text(policy.read_text(encoding="utf-8") + "# again\n", encoding="utf-8")


def _await_join(api: Api) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    while not api.ask("query", query="scamsieve_rebalances_total > 0 and on () scamsieve_group_lag_messages >= 0")["result"]:
        if time.monotonic() > deadline:
            raise NotShown(f"the worker is not seen at work within {JOIN_SECONDS:g} s")
        time.sleep(1)


def _empty(told: Sequence[Answer]) -> Iterator[str]:
    for answer in told:
        if not answer.lines:
            yield f"{answer.dashboard.title} / {answer.panel.title}: no data for {answer.query.expr}"


def _choices(found: Watched) -> Iterator[str]:
    """What a reader chooses must not empty a panel that tells of what was chosen."""
    values = variable_values(found.api)
    for name, known in values.items():
        if not known:
            yield f"the variable {name} has no values"
    chosen = {"cluster": CLUSTER, "worker": "|".join(values["worker"]), "operator": OPERATORS[0]}
    for line in _empty(list(answers(found.api, found.begin, found.end, chosen))):
        yield f"with {chosen}: {line}"


def _unhealthy(api: Api) -> Iterator[str]:
    for rule in api.rules():
        if rule["health"] != "ok":
            yield f"rule {rule['name']} is {rule['health']}: {rule.get('lastError', '')}"
