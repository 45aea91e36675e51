"""What a page tells, as HTML for people: nested tables, no script, nothing from elsewhere. Every text is escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

REFRESH_SECONDS = 10
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # should escaping ever fail, nothing runs and nothing is fetched
STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #1f2328; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 2px 12px 2px 0; border-top: 1px solid #d0d7de; }
th { font-weight: 600; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
"""


def wanted(accept: str) -> bool:
    """Whether an Accept header asks for HTML rather than JSON. `*/*` is a program's word: JSON."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind in weights:
            weights[kind] = next((_weight(told[2:]) for told in parameters if told.startswith("q=")), 1.0)
    return weights["text/html"] > weights["application/json"]


def page(title: str, told: Mapping[str, Any]) -> bytes:
    """A page with one table."""
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">
<meta http-equiv="refresh" content="{REFRESH_SECONDS}">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>
{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{_table(told)}
</body>
</html>
""".encode()


def _table(told: Mapping[str, Any]) -> str:
    rows = (f"<tr><th>{escape(str(name).replace('_', ' '))}</th><td>{_cell(value)}</td></tr>" for name, value in told.items())
    return "\n".join(["<table>", *rows, "</table>"])


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return _table(value) if value else "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        nested = any(isinstance(one, Mapping | list | tuple) for one in value)
        return ("\n" if nested else ", ").join(map(_cell, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else escape(str("" if value is None else value))


def _weight(told: str) -> float:
    try:
        return float(told)
    except ValueError:
        return 0.0
