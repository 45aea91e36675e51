"""report.html: one file that needs no other, with tables, pictures and the most confident mistakes.

What messages say stands in it only if asked for, since an operator's data are confidential; whatever comes from data is escaped.
"""

import hashlib
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from training import pictures
from training.assessment import Assessment, Variant
from training.evaluate import ALL, RATES, Figures, Scored
from training.intervals import Interval
from training.report import area, percent
from training.robustness import Effect

MISTAKES = 25  # of each kind
_COUNTS = ("scam", "promo", "benign")


def page(told: Assessment, scored: Scored, others: dict[str, Scored], texts: bool) -> str:
    """The whole document. `others` are what baselines say of the same rows, for the picture; `texts`: show those of mistakes."""
    at = [f"recall at {percent(rate)}" for rate in RATES]
    sections = [
        ("Summary", _list(_summary(told))),
        ("By set and language", _figures(told.figures, at)),
        ("By channel and category", _figures(told.breakdown, at)),
        ("What it lives on", _variants(told.views, at)),
        ("Beside the usual classifiers", _variants(told.baselines, at) if told.baselines else "<p>Not asked for (--baselines).</p>"),
        ("Precision and recall", pictures.precision_recall({told.model: scored, **others})),
        ("Recall by false-positive rate and language", pictures.recall_by_language(scored)),
        ("Scores by label", pictures.histograms(scored)),
        ("Calibration", _calibration(told)),
        ("Attacks", _attacks(told)),
        ("Categories of flagged scams", _categories(told)),
        ("Most confident mistakes", _mistakes(scored, texts)),
    ]
    body = "\n".join(f"<h2>{escape(title)}</h2>\n{content}" for title, content in sections)
    return _PAGE.format(title=escape(f"ScamSieve: evaluation of {told.model}"), body=body)


def _summary(told: Assessment) -> Iterable[str]:
    """The lines a reader needs before any figure."""
    what = f"{told.folds}-fold cross-validation" if told.folds else f"model {told.model}, SHA-256 of the weights {told.sha256}"
    yield f"{told.messages} messages; {what}; false-positive rate aimed at: {percent(told.false_positive_rate)}."
    if told.learned_from:
        yield f"The model has learned from {', '.join(told.learned_from)}: figures on these flatter."
    if told.overlap:
        seen = (
            f"{told.overlap.left_out} of {told.overlap.compared} messages were near-duplicates of one of {told.overlap.trained_on} training"
        )
        yield f"{seen} messages and were left out; of the others the nearest has a similarity of {told.overlap.nearest:.3f}."
    else:
        yield "Overlap with the training data was not looked for (--train-data)."
    yield f"Accuracy, scam against all else: {_share(told.accuracy, told.accuracy_interval)}."
    yield from (f"Left out: {count} {what}." for what, count in sorted(told.left_out.items()))
    yield "In brackets: 95 % intervals (Wilson of shares, DeLong of areas)."


def _figures(lines: Sequence[Figures], at: Sequence[str]) -> str:
    names = [_name(line) for line in lines]
    return _table(
        ["", *_HEADINGS, *at],
        [[name, *_cells(line), *map(percent, line.recall_at.values())] for name, line in zip(names, lines, strict=True)],
    )


_HEADINGS = (*_COUNTS, "recall", "or reviewed", "false positives", "promo flagged", "AUC", "AUC against benign")


def _name(line: Figures) -> str:
    given = [part for part in (line.language, line.source, line.channel, line.category) if part != ALL]
    return ", ".join(given) or ALL


def _cells(line: Figures) -> list[str]:
    shares = [
        _share(getattr(line, name), line.intervals.get(name)) for name in ("recall", "review_recall", "false_positives", "promo_flagged")
    ]
    areas = [_area(getattr(line, name), line.intervals.get(name)) for name in ("auc", "auc_benign")]
    return [*(str(getattr(line, label)) for label in _COUNTS), *shares, *areas]


def _variants(variants: Sequence[Variant], at: Sequence[str]) -> str:
    rows = [
        [each.name, *_cells(each.figures), *map(percent, (*each.figures.recall_at.values(), *each.recall_at_one.values()))]
        for each in variants
    ]
    return _table(["", *_HEADINGS, *at, *(f"{name}, one threshold" for name in at)], rows)


def _calibration(told: Assessment) -> str:
    if not told.calibration:
        return ""
    figures = f"Brier score {told.calibration.brier:.4f}, expected calibration error {told.calibration.expected_error:.3f}"
    return f"<p>{figures}, at this mix of messages.</p>\n{pictures.calibration(told.calibration)}"


def _attacks(told: Assessment) -> str:
    if not told.attacks:
        return ""
    rows = [[each.name, each.what, *_effect(each.scam), percent(each.recall), *_effect(each.benign)] for each in told.attacks]
    effect = ("before", "after", "change, points")
    headings = ["", "what is done", "scams changed", *effect, "recall over all", "benign changed", *effect]
    return pictures.attacks(told.attacks) + _table(headings, rows)


def _effect(told: Effect) -> list[str]:
    change = "-"
    if told.before is not None and told.after is not None and told.change:
        change = f"{100 * (told.after - told.before):+.1f} ({100 * told.change[0]:.1f} to {100 * told.change[1]:.1f})"
    return [str(told.changed), percent(told.before), percent(told.after), change]


def _categories(told: Assessment) -> str:
    if not told.categories:
        return "<p>No flagged scam in these data has a category of ours.</p>"
    found = told.categories
    figures = f"{found.scam} flagged scams: macro-F1 {found.macro_f1:.3f}, right {percent(found.accuracy)}."
    return f"<p>{figures}</p>\n{pictures.confusion(found)}" + _table(
        ["", "F1"], [[name, f"{value:.3f}"] for name, value in found.f1.items()]
    )


def _mistakes(scored: Scored, texts: bool) -> str:
    labels = np.array([row.label for row in scored.rows])
    order = np.argsort(-scored.scores, kind="stable")
    honest = [i for i in order.tolist() if labels[i] != "scam"][:MISTAKES]
    scams = [i for i in order.tolist()[::-1] if labels[i] == "scam"][:MISTAKES]
    headings = ["score", "label", "language", "set", "category", "characters", "text" if texts else "SHA-256 of the text (start)"]
    rows = [[_mistake(scored, i, texts) for i in kind] for kind in (honest, scams)]
    return f"<h3>No scams, scored highest</h3>{_table(headings, rows[0])}<h3>Scams, scored lowest</h3>{_table(headings, rows[1])}"


def _mistake(scored: Scored, i: int, texts: bool) -> list[str]:
    row = scored.rows[i]
    text = row.message.text
    shown = text if texts else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return [f"{scored.scores[i]:.3f}", row.label, row.lang, row.source, row.category or "-", str(len(text)), shown]


def _share(value: float | None, interval: Interval | None) -> str:
    return percent(value) + (f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if value is not None and interval else "")


def _area(value: float | None, interval: Interval | None) -> str:
    return area(value) + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if value is not None and interval else "")


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(_printable(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _printable(text: str) -> str:
    """Halves of surrogate pairs cannot be written in UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 90em; padding: 0 1em; color: #222; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; margin: 1em 0; }}
th, td {{ border-bottom: 1px solid #ddd; padding: .25em .6em; text-align: left; vertical-align: top; }}
th {{ background: #f4f4f4; }}
td {{ overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }}
svg {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
