"""The dashboards are what their source says, name what exists, and every metric has its place."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.grafana.dashboards import DASHBOARDS, LEFT_OUT, files
from deploy.grafana.panels import COLUMNS, VARIABLES, Dashboard, document
from models.artifact import Model
from tests.ops.promql import alerts, exported, family, metrics, rules

PROMETHEUS_OWN = {"up", "ALERTS"}
ENDINGS = {"counter": "_total", "info": "_info"}


@pytest.fixture(scope="module")
def known(model: Model) -> set[str]:
    """Every metric of a worker, as Prometheus names it."""
    told = {f"{one.name}{ENDINGS.get(one.type, '')}" for one in exported(model).collect()}
    return {name.replace("python_info_info", "python_info") for name in told}


def named() -> Iterator[str]:
    """What dashboards and rules name."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        yield from metrics(rule["expr"]) - recorded
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                yield from metrics(query.expr) - recorded
    for variable in VARIABLES.values():
        yield from metrics(variable)


@pytest.mark.parametrize(("path", "text"), files().items(), ids=lambda one: one.name if isinstance(one, Path) else "")
def test_the_json_is_what_the_source_says(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "make dashboards"


def test_every_metric_that_is_named_exists(known: set[str]) -> None:
    assert not {family(name) for name in named()} - known - PROMETHEUS_OWN


def test_every_metric_is_on_a_dashboard_or_in_a_rule_or_left_out_on_purpose(known: set[str]) -> None:
    shown = {family(name) for name in named()}
    assert known - shown == set(LEFT_OUT)
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_panels_fit_their_rows_and_link_to_sections_that_exist(dashboard: Dashboard) -> None:
    assert len({panel.title for panel in dashboard.panels if panel.kind != "stat"}) == sum(p.kind != "stat" for p in dashboard.panels)
    for panel in dashboard.panels:
        assert set(panel.alerts) <= set(alerts())
        assert panel.about.endswith(".")
    places = [panel["gridPos"] for panel in document(dashboard)["panels"]]
    rows = {place["y"] for place in places}
    assert all(sum(place["w"] for place in places if place["y"] == row) <= COLUMNS for row in rows)


def test_every_alert_is_linked_from_a_panel() -> None:
    assert set(alerts()) == {alert for dashboard in DASHBOARDS for panel in dashboard.panels for alert in panel.alerts}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_what_looks_back_a_week_says_so_and_counters_are_never_shown_bare(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        assert panel.history == any(re.search(r"1w|7d|30d", query.expr) for query in panel.queries)
        for query in panel.queries:
            assert not re.search(r"(?<!rate\()(?<!increase\()\bscamsieve_[a-z_]+_total\b", query.expr)
            assert query.expr.count("(") == query.expr.count(")")
