"""Every query of every dashboard, asked of a running Prometheus as Grafana would ask it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.grafana.dashboards import DASHBOARDS
from deploy.grafana.panels import VARIABLES, Dashboard, Panel, Query
from tests.ops.prometheus import Api

RATE_INTERVAL = "30s"  # Grafana takes at least four times the scrape interval
POINTS = 200  # of a picture
BACK_SECONDS = 2 * 86_400  # what a panel that needs a history is shown over
EVERYTHING = ".*"

Line = Sequence[tuple[float, float]]
"""Times in seconds since the epoch, and values; no value that is no number."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one query of a panel."""

    dashboard: Dashboard
    panel: Panel
    query: Query
    lines: Mapping[str, Line]
    """By legend, in their order."""


def answers(api: Api, begin: float, end: float, chosen: Mapping[str, str] | None = None) -> Iterator[Answer]:
    """Ask all that the dashboards ask, between two times. `chosen` are values of variables; the others stand for everything.

    Raises NotShown if Prometheus refuses a query.
    """
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                yield Answer(dashboard, panel, query, _lines(api, panel, query, begin, end, chosen or {}))


def variable_values(api: Api) -> dict[str, list[str]]:
    """What a reader can choose from, as `label_values` finds it."""
    found = {}
    for name, asked in VARIABLES.items():
        series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", asked).groups()  # type: ignore[union-attr]
        told = api.ask("series", **{"match[]": filled(series, {})})
        found[name] = sorted({one[label] for one in told if label in one})
    return found


def filled(expr: str, chosen: Mapping[str, str], seconds: float = 0.0) -> str:
    """A query with its variables filled in, for a picture of so many seconds."""
    for name in VARIABLES:
        expr = expr.replace(f"${name}", chosen.get(name, EVERYTHING))
    return expr.replace("$__rate_interval", RATE_INTERVAL).replace("$__range", f"{max(seconds, 1):.0f}s")


def _lines(api: Api, panel: Panel, query: Query, begin: float, end: float, chosen: Mapping[str, str]) -> Mapping[str, Line]:
    begin = end - BACK_SECONDS if panel.history else begin
    expr = filled(query.expr, chosen, end - begin)
    if panel.kind == "stat":
        told = [(one["metric"], [one["value"]]) for one in api.ask("query", query=expr, time=end)["result"]]
    else:
        step = max((end - begin) / POINTS, 1.0)
        result = api.ask("query_range", query=expr, start=begin, end=end, step=step)["result"]
        told = [(one["metric"], one["values"]) for one in result]
    lines: dict[str, Line] = {}
    for labels, values in told:
        line = [(float(time), float(value)) for time, value in values if math.isfinite(float(value))]
        if line:
            lines[legend(query, labels)] = line
    return lines


def legend(query: Query, labels: Mapping[str, Any]) -> str:
    """The name of a series as Grafana would write it."""
    return re.sub(r"{{(\w+)}}", lambda found: str(labels.get(found.group(1), "")), query.legend).strip() or query.legend
