"""Messages -> decisions -> alerts: what the worker and `scamsieve score` share.

Every message gets a score and a decision, by whole-array arithmetic (`judge`). The few that are flagged or to be reviewed are then
explained (`explained`): category, language, reasons; and become alerts, with indicators, or verdicts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models import thresholds
from models.artifact import Model
from models.classifier import CLASSES, Scores
from models.explain import Explanation, Reason, explain
from models.message import Message
from stream import privacy
from stream.policy import DECISIONS, FLAG, PASS, Decisions, Policy, decide
from stream.wire import Alert, AlertReason, ModelReference, Place, PolicyReference, Verdict, alert_id

SHOWN_DIGITS = 4  # of a score or a weight
REASONS = 5  # of an alert


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judged batch: its messages, by which model, the scores and decisions of all."""

    model: Model
    messages: Sequence[Message]
    scores: Scores
    decisions: Decisions

    @property
    def raised(self) -> list[int]:
        """The numbers of the messages that are not passed."""
        numbers: list[int] = np.flatnonzero(self.decisions.decisions != PASS).tolist()
        return numbers


Explained = Mapping[int, Explanation]
"""Explanations of the messages of a batch that are not passed, by their numbers."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How much of a message an alert shows."""

    key: bytes
    sender: str = "plain"
    text: Callable[[str, str, str], str | None] = privacy.mask


def judge(model: Model, policy: Policy, messages: Sequence[Message]) -> Judgement:
    """Score and decide a batch."""
    scores = model.classifier.score(messages)
    limits = thresholds.limits(model.manifest.thresholds, model.classifier, messages, scores)
    return Judgement(model, messages, scores, decide(policy, limits, messages, scores))


def joined(model: Model, apart: Sequence[Judgement]) -> Judgement:
    """Batches that were judged apart by a model, as one."""
    counts = np.cumsum([0, *(len(one.messages) for one in apart)]).tolist()
    scores = Scores(
        np.concatenate([np.zeros((0, len(CLASSES))), *(one.scores.probabilities for one in apart)]),
        np.concatenate([np.zeros(0, np.intp), *(one.scores.scripts for one in apart)]),
        {first + i: hosts for first, one in zip(counts, apart, strict=False) for i, hosts in one.scores.hosts.items()},
    )
    decisions = Decisions(
        np.concatenate([np.zeros(0, np.uint8), *(one.decisions.decisions for one in apart)]),
        [rule for one in apart for rule in one.decisions.rules],
        np.concatenate([np.zeros(0), *(one.decisions.flag for one in apart)]),
        np.concatenate([np.zeros(0), *(one.decisions.review for one in apart)]),
    )
    return Judgement(model, [message for one in apart for message in one.messages], scores, decisions)


def explained(judgement: Judgement, numbers: Sequence[int], reasons: int = REASONS) -> Explained:
    """Explanations of some messages of a batch (those that are not passed), each with at most so many reasons."""
    told = explain(judgement.model.classifier, [judgement.messages[i] for i in numbers], reasons)
    return dict(zip(numbers, told, strict=True))


def alerts(judgement: Judgement, told: Explained, places: Mapping[int, Place], disclosure: Disclosure, now: datetime) -> Iterable[Alert]:
    """The alerts of a judged batch, in its order; `places` of the messages that are explained."""
    model, decided = judgement.model, judgement.decisions
    reference = ModelReference(model.version, model.sha256)
    for i, explanation in told.items():
        message = judgement.messages[i]
        flagged = decided.decisions[i] == FLAG
        shown = read = disclosure.text(explanation.text, message.sender, message.recipient)
        if explanation.text != message.text:
            shown = disclosure.text(message.text, message.sender, message.recipient)
        yield Alert(
            id=alert_id(places[i], message.id),
            message_id=message.id,
            operator=message.operator,
            score=round(float(judgement.scores.probabilities[i, 0]), SHOWN_DIGITS),
            decision="flag" if flagged else "review",
            category=explanation.category,
            reasons=_reasons(explanation, read or ""),
            indicators=privacy.indicators(message.text, message.sender, message.recipient, explanation.links),
            text=shown,
            language=explanation.language,
            model=reference,
            policy=PolicyReference(decided.rules[i], round(float((decided.flag if flagged else decided.review)[i]), 6)),
            sender=privacy.pseudonym(message.sender, disclosure.key) if disclosure.sender == "pseudonym" else message.sender,
            recipient=privacy.pseudonym(message.recipient, disclosure.key),
            sent_at=message.sent_at,
            detected_at=now,
        )


def verdicts(judgement: Judgement, told: Explained) -> Iterable[Verdict]:
    """One verdict a message, in order; the text is the asker's own, so reasons are shown in full."""
    scores, messages = judgement.scores, judgement.messages
    rounded = scores.probabilities[:, 0].round(SHOWN_DIGITS + 2).tolist()
    labels = scores.probabilities.argmax(axis=1).tolist()
    languages = judgement.model.classifier.languages(messages, scores.scripts)
    of_each = zip(messages, rounded, labels, languages, judgement.decisions.decisions.tolist(), strict=True)
    for i, (message, score, label, language, decision) in enumerate(of_each):
        explanation = told.get(i)
        yield Verdict(
            id=message.id,
            score=score,
            label=CLASSES[label],
            decision=DECISIONS[decision],
            flagged=decision == FLAG,
            category=explanation.category if explanation else None,
            language=explanation.language if explanation else language,
            reasons=[_shown(reason, reason.detail) for reason in explanation.reasons] if explanation else [],
        )


def _reasons(explanation: Explanation, text: str) -> list[AlertReason]:
    """The reasons, with pieces of the text as they are shown in it: masking changes no place."""
    return [_shown(r, text[r.begin : r.end].strip() if r.code == "text" else r.detail) for r in explanation.reasons]


def _shown(reason: Reason, detail: str) -> AlertReason:
    return AlertReason(reason.code, detail, round(reason.weight, SHOWN_DIGITS))
