"""`python -m tests.ops provoke`: every scene at once, on one broker, under one Prometheus; how long each alert took to fire."""

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from stream.broker import LOOPBACK, free_port
from tests.integration.kafka import apache_kafka
from tests.ops import history
from tests.ops.prometheus import ROOT, Api, NotShown, prometheus
from tests.ops.promql import RULES
from tests.ops.scenes import SCENES, Play, Scene
from tests.ops.stage import OPERATORS

RESULTS = ROOT / "build" / "ops-provoked.json"
PAGE = ROOT / "docs" / "runbooks" / "README.md"
SCRAPE_SECONDS = 15  # as in the example
WARM_SECONDS = 120.0  # all is well for so long
LOOK_SECONDS = 2.0
HEAD = "| Alert | What was broken | Waits by its rule | Fired after |\n| --- | --- | ---: | ---: |"

Fired = dict[tuple[str, str], float]
"""Seconds from the breaking until an alert (of a scene) fired; with its severity and window where it has several."""


def main(only: Sequence[str], minutes: float, write_docs: bool, tell: Callable[[str], None]) -> None:
    """Play, and print and keep what fired when. Raises NotShown if an alert did not fire, or fired before anything was broken."""
    chosen = [one for one in SCENES if not only or set(only) & set(one.alerts)]
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="ops-")))
        ports = {one.name: tuple(free_port() for _ in range(one.workers)) for one in chosen}
        bootstrap = running.enter_context(apache_kafka())
        targets = {name: [f"{LOOPBACK}:{port}" for port in own] for name, own in ports.items()}
        past = chain.from_iterable(history.recorded(time.time(), one.name, (*OPERATORS, "other")) for one in chosen if one.history)
        api = running.enter_context(prometheus(folder / "prometheus", targets, SCRAPE_SECONDS, past))
        acts = {one.name: one.acts(Play(bootstrap, folder / one.name, ports[one.name])) for one in chosen}
        for act in acts.values():
            running.callback(act.close)  # type: ignore[attr-defined]  # a generator's
        fired = _play(chosen, acts, api, minutes, tell)
    kept = _keep(chosen, fired)
    if write_docs:
        write_table(kept)
    missing = {alert for one in chosen for alert in one.alerts} - {alert for alert, _ in fired}
    if missing:
        raise NotShown(f"not fired within {minutes:g} minutes: {', '.join(sorted(missing))}")


def _play(chosen: Sequence[Scene], acts: dict[str, Iterator[None]], api: Api, minutes: float, tell: Callable[[str], None]) -> Fired:
    for one in chosen:
        tell(f"setting {one.name}")
        next(acts[one.name])
    tell(f"all is well, for {WARM_SECONDS:g} s")
    time.sleep(WARM_SECONDS)
    early = {(one.name, name) for one in chosen for name, _ in _firing(api, one) if name in one.alerts and one.name != "old-certificate"}
    if early:
        raise NotShown(f"fired before anything was broken: {early}")
    broken: dict[str, float] = {}
    for one in chosen:
        tell(f"breaking {one.name}: {one.told}")
        next(acts[one.name])
        broken[one.name] = time.time()
    fired: Fired = {}
    deadline = time.monotonic() + 60 * minutes
    while time.monotonic() < deadline and not _all(chosen, fired):
        time.sleep(LOOK_SECONDS)
        for one in chosen:
            for name, kind in _firing(api, one):
                if name in one.alerts and (name, kind) not in fired:
                    fired[name, kind] = time.time() - broken[one.name]
                    tell(f"{name} {kind} fired after {fired[name, kind]:.0f} s")
    return fired


def _firing(api: Api, one: Scene) -> Iterator[tuple[str, str]]:
    """Alerts of a scene that fire, and which of their rules."""
    for found in api.ask("query", query=f'ALERTS{{alertstate="firing", cluster="{one.name}"}}')["result"]:
        labels = found["metric"]
        yield labels["alertname"], _kind(labels)


def _kind(labels: dict[str, str]) -> str:
    return " ".join(labels[name] for name in ("severity", "window") if name in labels)


def _rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def _all(chosen: Sequence[Scene], fired: Fired) -> bool:
    wanted = {alert for one in chosen for alert in one.alerts}
    return {(rule["alert"], _kind(rule["labels"])) for rule in _rules() if rule["alert"] in wanted} <= fired.keys()


def _keep(chosen: Sequence[Scene], fired: Fired) -> dict[str, float]:
    """Add to what earlier runs have found: by alert and kind."""
    kept: dict[str, float] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept |= {f"{alert} {kind}": round(seconds) for (alert, kind), seconds in fired.items()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return kept


def table(kept: dict[str, float]) -> str:
    """A row for each rule that was provoked, in the order of the rules."""
    told = {alert: one.told for one in SCENES for alert in one.alerts}
    rows = [HEAD]
    for rule in _rules():
        name, kind = rule["alert"], _kind(rule["labels"])
        seconds = kept.get(f"{name} {kind}")
        after = "not provoked" if seconds is None else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
        rows.append(f"| [{name}](#{name.lower()}), {kind} | {told.get(name, '')} | {rule.get('for', '0s')} | {after} |")
    return "\n".join(rows)


def write_table(kept: dict[str, float]) -> None:
    """Put the table where the runbooks have it."""
    text = PAGE.read_text(encoding="utf-8")
    begin = text.index("| Alert | What was broken |")
    end = re.compile(r"\n(?!\|)").search(text, begin)
    PAGE.write_text(text[:begin] + table(kept) + (text[end.start() :] if end else "\n"), encoding="utf-8")
