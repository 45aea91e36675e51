"""What the terminal shows of an evaluation."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from training.assessment import Assessment, Variant
from training.evaluate import Figures
from training.report import area, comparison, figures, left_out, percent
from training.robustness import Attacked
from training.sources import PublicSet


def evaluation(told: Assessment) -> Iterator[str | Table]:
    """What the terminal shows of an evaluation: the table, and a line for each thing that must not be missed."""
    yield from (f"left out: {line}" for line in left_out(told.left_out))
    if told.overlap:
        yield f"left out: {told.overlap.left_out} near-duplicates of the training data; the nearest of the rest: {told.overlap.nearest:.3f}"
    title = f"{told.folds}-fold cross-validation" if told.folds else f"Model {told.model} at its own thresholds"
    yield figures(told.figures, told.false_positive_rate, title)
    yield _over_all(told.figures[-1])
    if told.learned_from:
        yield f"flattered: the model has learned from {', '.join(told.learned_from)}"
    if told.comparison:
        yield comparison(told.comparison, told.false_positive_rate, told.model, str(told.against))
    yield f"accuracy, scam against all else: {percent(told.accuracy, 2)}"
    if told.categories:
        yield f"category of {told.categories.scam} flagged scams: macro-F1 {told.categories.macro_f1:.3f}"
    if len(told.views) + len(told.baselines) > 1:
        yield variants([*told.views, *told.baselines], told.false_positive_rate)
    if told.attacks:
        yield attacks(told.attacks)


def _over_all(line: Figures) -> str:
    """The two figures that matter most, with their 95 % intervals."""
    told = []
    for name, share, field in (("recall", line.recall, "recall"), ("false positives", line.false_positives, "false_positives")):
        at = line.intervals.get(field)
        told.append(f"{name} {percent(share)}" + (f" ({100 * at[0]:.2f} to {100 * at[1]:.2f})" if at else ""))
    return f"over all: {', '.join(told)}"


def variants(lines: Sequence[Variant], rate: float) -> Table:
    """What is left of the figures over all without this or that, and what baselines reach."""
    table = Table(title="Over all", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("", "recall", "FPR", "FPR promo", f"recall@{percent(rate)}", "AUC", "AUC benign"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for line in lines:
        shares = (line.figures.recall, line.figures.false_positives, line.figures.promo_flagged, line.figures.recall_in_language)
        table.add_row(line.name, *map(percent, shares), area(line.figures.auc), area(line.figures.auc_benign))
    return table


def attacks(lines: Sequence[Attacked]) -> Table:
    """Recall of the scams that an attack changes, and false positives of the benign messages that it changes: before, after."""
    table = Table(title="Attacks, on the messages that they change", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("", "scams", "recall", "attacked", "points", "benign", "FPR", "attacked"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for line in lines:
        change = "-" if line.scam.before is None or line.scam.after is None else f"{100 * (line.scam.after - line.scam.before):+.1f}"
        scam = (str(line.scam.changed), percent(line.scam.before), percent(line.scam.after), change)
        table.add_row(line.name, *scam, str(line.benign.changed), percent(line.benign.before), percent(line.benign.after))
    return table


def public_sets(known: dict[str, PublicSet]) -> Table:
    """The sets that can be fetched."""
    table = Table(box=SIMPLE_HEAD)
    for heading in ("set", "language", "use", "licence", "page"):
        table.add_column(heading)
    for name, told in known.items():
        table.add_row(name, told.lang, told.use, told.licence, told.page)
    return table
