"""What people read: tables on the terminal, and the card of a model."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from models.artifact import Manifest
from training.evaluate import ALL, Comparison, Figures
from training.fit import Recipe
from training.gate import QUESTIONS, Answer

_NONE = "-"
_LEGEND = """\
recall: share of the scams flagged; +review: flagged or to be reviewed; FPR: share of the benign messages flagged;
recall@: flagged at a threshold taken from the same language's benign messages here; AUC: scams against all else, against benign"""


def percent(share: float | None, digits: int = 1) -> str:
    """A share in per cent, with two digits below one per cent, where they matter."""
    return _NONE if share is None else f"{100 * share:.{2 if 0 < share < 0.01 else digits}f} %"


def area(value: float | None) -> str:
    """An area under the curve."""
    return _NONE if value is None else f"{value:.3f}"


def missing(sources: Collection[str], released: Manifest) -> list[str]:
    """What a run that learned from `sources` lacks of the data of a released model, a line each."""
    lacking = [known for known in released.training_data if known.name not in sources]
    return [f"{known.name}: {known.messages} messages, {known.licence}" for known in lacking]


def _headings(rate: float) -> tuple[str, ...]:
    counts = ("language", "set", "scam", "promo", "benign")
    return (*counts, "recall", "+review", "FPR", "FPR promo", f"recall@{percent(rate)}", "AUC", "AUC benign")


def _cells(line: Figures) -> tuple[str, ...]:
    shares = (line.recall, line.review_recall, line.false_positives, line.promo_flagged, line.recall_in_language)
    counts = (line.scam, line.promo, line.benign)
    return (line.language, line.source, *map(str, counts), *map(percent, shares), area(line.auc), area(line.auc_benign))


def figures(lines: Sequence[Figures], rate: float, title: str) -> Table:
    """The table of an evaluation; lines over several sets are bold."""
    table = Table(title=title, caption=_LEGEND, title_justify="left", caption_justify="left", box=SIMPLE_HEAD)
    for number, heading in enumerate(_headings(rate)):
        table.add_column(heading, justify="left" if number < 2 else "right", no_wrap=True)
    for line in lines:
        table.add_row(*_cells(line), style="bold" if line.source == ALL else "")
    return table


def comparison(lines: Sequence[Comparison], rate: float, this: str, against: str) -> Table:
    """Two models side by side."""
    title = f"{this} against {against}, each with {percent(rate)} of a language's benign messages flagged"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("language", "scam", f"recall {this}", f"recall {against}", f"only {this}", f"only {against}", "p (McNemar)"):
        table.add_column(heading, justify="left" if heading == "language" else "right")
    for line in lines:
        recalls = percent(line.recall), percent(line.recall_against)
        table.add_row(line.language, str(line.scam), *recalls, str(line.only_this), str(line.only_against), f"{line.p_value:.3g}")
    return table


def gate(answers: Sequence[Answer], candidate: str, live: str) -> Table:
    """Where a candidate and the live model differ; what is worse beyond chance is bold."""
    title = f"{candidate} against the live {live}: what only one of them gets wrong"
    caption = "\n".join(
        (
            *(f"{name}: {text}" for name, text in QUESTIONS.items()),
            "p: exact one-sided McNemar test, corrected for the number of questions (Holm); not shown: where both err alike",
        )
    )
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left", box=SIMPLE_HEAD)
    for heading in ("question", "language", "messages", f"only {candidate}", f"only live {live}", "p", ""):
        table.add_column(heading, justify="left" if heading in ("question", "language") else "right")
    for a in answers:
        if a.only_candidate or a.only_live:
            verdict = ("worse, accepted" if a.accepted else "worse") if a.worse else ""
            cells = (a.question, a.language, str(a.messages), str(a.only_candidate), str(a.only_live), f"{a.p_value:.3g}", verdict)
            table.add_row(*cells, style="bold" if a.worse else "")
    return table


def left_out(counts: Mapping[str, int]) -> list[str]:
    """One line for each thing that was left out."""
    return [f"{count} {what}" for what, count in sorted(counts.items())]


def card(manifest: Manifest, lines: Sequence[Figures], gone: Counter[str], recipe: Recipe) -> str:
    """CARD.md: what the model is for, what it learned from, what it does, and where it fails."""
    limits = manifest.thresholds
    by_language = [line for line in lines if line.source == ALL]
    thresholds = [[name, f"{limits.flag[name]:.3f}", f"{limits.review[name]:.3f}"] for name in limits.flag]
    data = [[s.name, s.licence, *(str(s.labels.get(label, 0)) for label in ("scam", "promo", "benign"))] for s in manifest.training_data]
    return _CARD.format(
        version=manifest.version,
        created=manifest.created,
        features=manifest.feature_set,
        longest=manifest.ngram_longest,
        buckets=1 << manifest.ngram_bits,
        signals=len(manifest.signals),
        categories=", ".join(manifest.categories),
        languages=", ".join(manifest.languages),
        regularisation=recipe.regularisation,
        factor=recipe.signal_factor,
        folds=recipe.folds,
        seed=recipe.seed,
        rate=percent(limits.false_positive_rate),
        review_rate=percent(limits.review_false_positive_rate),
        total=sum(s.messages for s in manifest.training_data),
        data=_markdown(["set", "licence", "scam", "promo", "benign"], data),
        gone="\n".join(f"- {line}" for line in left_out(gone)) or "- nothing",
        thresholds=_markdown(["language", "flag from", "review from"], thresholds),
        legend=_LEGEND,
        figures=_markdown(_headings(limits.false_positive_rate), [_cells(line) for line in by_language]),
    )


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *rows))


_CARD = """\
# ScamSieve model {version}

Made on {created}. It reads one SMS or chat message, with or without its metadata, and gives the probabilities that it is a
scam, a promotion, or neither (benign).

## For, and not for

For telecom operators who want scams in their message streams found, flagged and looked at by people. It judges fraud, never
opinion: political and religious speech is benign to it. Not for blocking without a way to complain, not for judging persons,
and not for messages longer than a chat message.

## What it learned from

{total} messages, each text once:

{data}

Left out on the way:

{gone}

## How it was made

Features `{features}`: hashed character n-grams of 1 to {longest} in {buckets} buckets on canonical text, and {signals} named
signals of text and metadata. Multinomial logistic regression (C = {regularisation:g}, signals times {factor:g}); languages and labels
weighed by one over the square root of their number, noisy sets (`weak`) by half. A message with metadata was learned with and
without it, so that a missing field speaks neither for nor against. Scores are calibrated by script on {folds} folds without
near-duplicates across (seed {seed}).

Categories: {categories}.

Languages told apart in Latin script: {languages}.

## Thresholds

Placed by the tail of the benign messages of a language, scored by models that had not seen them, so that {rate} of them are flagged on
new sources and {review_rate} at least reviewed; on the sources above a third of that. A language with few benign messages is nearer to what
holds for all. A message whose language is uncertain takes the lowest threshold among the plausible ones.

{thresholds}

## Figures, out of fold

Messages of the same data sets, each judged by a model that had seen neither it nor a near-duplicate. Calibration and
thresholds were placed on these same scores, so recall and FPR flatter a little; and other sources are harder. Expect less on
your own traffic, measure it with `scamsieve evaluate`, and set thresholds of your own in `policy.toml`.

{figures}

{legend}.

## Limits

- It knows the scams of its data. New ones are found as far as they resemble these in wording, links or sender.
- Languages with few messages above have wide margins; a language that is not listed is judged by its links, numbers and sender.
- A short opener without link or request ("Hi, is this Anna?") looks like everyday chat, and mostly passes.
- Notices of banks and couriers resemble the scams that copy them; the sender and the route tell most there, so pass them on.
"""
