"""What a panel and a dashboard are here, and their form in Grafana's JSON. What is on them stands in `dashboards`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

RUNBOOKS = Path(__file__).parents[1].joinpath("runbooks.url").read_text(encoding="utf-8").strip()
"""The address under which people read docs/runbooks: its one place, for rules and dashboards alike."""
COLUMNS = 24  # of Grafana's grid
HEIGHTS = {"stat": 4, "timeseries": 8, "heatmap": 8}  # rows of the grid
GREEN, YELLOW, RED = "green", "yellow", "red"

Json = dict[str, Any]
Kind = Literal["stat", "timeseries", "heatmap"]


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, with the dashboards' variables in it, and how its series are named: `{{label}}` stands for the label's value."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture."""

    title: str
    about: str
    queries: Sequence[Query]
    unit: str = "short"
    """One of Grafana's: s, percentunit, bytes, cps (a second), short."""
    kind: Kind = "timeseries"
    width: int = 8
    """Of COLUMNS."""
    alerts: Sequence[str] = ()
    """Whose runbook sections it links to."""
    steps: Sequence[tuple[float, str]] = ()
    """Colours from a value on; below the first of them it is green, or red if the first is green."""
    stacked: bool = False
    decimals: int | None = None
    text: bool = False
    """Shows the name of its series, not the value."""
    history: bool = False
    """Means little until Prometheus has a week of data."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels under a title. `name` is the file's and part of the uid."""

    name: str
    title: str
    about: str
    panels: Sequence[Panel]
    refresh: str = "10s"


def document(dashboard: Dashboard) -> Json:
    """The dashboard as Grafana reads it."""
    return {
        "uid": f"scamsieve-{dashboard.name}",
        "title": f"ScamSieve / {dashboard.title}",
        "description": dashboard.about,
        "tags": ["scamsieve"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": dashboard.refresh,
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "title": "ScamSieve", "tags": ["scamsieve"], "includeVars": True, "keepTime": True}],
        "templating": {"list": list(_variables())},
        "panels": [_panel(i, panel, place) for i, (panel, place) in enumerate(_placed(dashboard.panels), 1)],
    }


VARIABLES: Mapping[str, str] = {
    "cluster": "label_values(scamsieve_messages_total, cluster)",
    "worker": 'label_values(scamsieve_messages_total{cluster=~"$cluster"}, instance)',
    "operator": 'label_values(scamsieve_messages_total{cluster=~"$cluster", instance=~"$worker"}, operator)',
}
"""Each in terms of those before it."""


def _variables() -> Iterator[Json]:
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    for name, query in VARIABLES.items():
        yield {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": _source(),
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",  # also takes in series without the label
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        }


def _source() -> Json:
    return {"type": "prometheus", "uid": "${datasource}"}


def _placed(panels: Sequence[Panel]) -> Iterator[tuple[Panel, Json]]:
    """Panels from left to right; a new row where one does not fit, or another height begins."""
    x = y = row = 0
    for panel in panels:
        height = HEIGHTS[panel.kind]
        if x and (x + panel.width > COLUMNS or height != row):
            x, y = 0, y + row
        yield panel, {"x": x, "y": y, "w": panel.width, "h": height}
        x, row = x + panel.width, height


def _panel(number: int, panel: Panel, place: Json) -> Json:
    return {
        "id": number,
        "title": panel.title,
        "description": panel.about + (" Needs a week of data." if panel.history else ""),
        "type": panel.kind,
        "gridPos": place,
        "datasource": _source(),
        "links": [{"title": f"Runbook: {alert}", "url": f"{RUNBOOKS}#{alert.lower()}", "targetBlank": True} for alert in panel.alerts],
        "targets": [_target(panel, query, letter) for query, letter in zip(panel.queries, "ABCDEF", strict=False)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(panel: Panel, query: Query, letter: str) -> Json:
    heat = panel.kind == "heatmap"
    return {
        "refId": letter,
        "datasource": _source(),
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": "heatmap" if heat else "time_series",
        "instant": panel.kind == "stat",
        "range": panel.kind != "stat",
    }


def _defaults(panel: Panel) -> Json:
    """Unit, colours, and how lines are drawn."""
    first = RED if panel.steps and panel.steps[0][1] == GREEN else GREEN
    steps = [{"value": None, "color": first}, *({"value": value, "color": colour} for value, colour in panel.steps)]
    told: Json = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.decimals is not None:
        told["decimals"] = panel.decimals
    if panel.kind == "stat":
        return told | {"color": {"mode": "thresholds"}, "noValue": "no data"}
    told["min"] = 0
    told["custom"] = {
        "fillOpacity": 30 if panel.stacked else 8,
        "lineWidth": 1,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
    }
    return told


def _options(panel: Panel) -> Json:
    if panel.kind == "stat":
        mode = "name" if panel.text else "value_and_name" if len(panel.queries) > 1 or panel.queries[0].legend else "value"
        return {"textMode": mode, "colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}}
    if panel.kind == "heatmap":
        return {"calculate": False, "color": {"scheme": "Blues", "scale": "exponential", "exponent": 0.4}, "yAxis": {"unit": "short"}}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
