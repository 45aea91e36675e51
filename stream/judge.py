"""Messages -> decisions -> alerts: what the worker and `scamsieve score` share.

Every message gets a score and a decision, by whole-array arithmetic. The few that are flagged or to be reviewed are then
explained: category, language, reasons, indicators.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models import links
from models.artifact import Model
from models.classifier import CLASSES, Explanation, Scores
from models.message import Message
from models.text import canonicalise, expand
from stream import privacy
from stream.policy import DECISIONS, FLAG, PASS, Decisions, Policy, decide
from stream.wire import Alert, AlertReason, ModelReference, Place, PolicyReference, Verdict, alert_id

SHOWN_DIGITS = 4  # of a score or a weight


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judged batch: scores and decisions of all, explanations of those not passed (by their number in the batch)."""

    scores: Scores
    decisions: Decisions
    explained: dict[int, Explanation]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How much of a message an alert shows."""

    key: bytes
    sender: str = "plain"
    text: Callable[[str, str, str], str | None] = privacy.mask
    reasons: int = 5


def judge(model: Model, policy: Policy, messages: Sequence[Message]) -> Judgement:
    """Score and decide a batch; explain what is not passed."""
    scores = model.classifier.score(messages)
    decisions = decide(policy, model.manifest.thresholds, messages, scores)
    raised = np.flatnonzero(decisions.decisions != PASS).tolist()
    explanations = model.classifier.explain([messages[i] for i in raised])
    return Judgement(scores, decisions, dict(zip(raised, explanations, strict=True)))


def alerts(
    model: Model, judgement: Judgement, messages: Sequence[Message], places: Mapping[int, Place], disclosure: Disclosure, now: datetime
) -> Iterable[Alert]:
    """The alerts of a judged batch, in its order; `places` of the messages that are explained."""
    reference = ModelReference(model.version, model.sha256)
    found = _links([messages[i].text for i in judgement.explained])
    for (i, explanation), (urls, domains) in zip(judgement.explained.items(), found, strict=True):
        message, decided = messages[i], judgement.decisions
        flagged = decided.decisions[i] == FLAG
        shown = disclosure.text(message.text, message.sender, message.recipient)
        yield Alert(
            id=alert_id(places[i], message.id),
            message_id=message.id,
            operator=message.operator,
            score=round(float(judgement.scores.probabilities[i, 0]), SHOWN_DIGITS),
            decision="flag" if flagged else "review",
            category=explanation.category,
            reasons=_reasons(explanation, disclosure, message),
            indicators=privacy.indicators(message.text, message.sender, message.recipient, urls, domains),
            text=shown,
            language=explanation.language,
            model=reference,
            policy=PolicyReference(decided.rules[i], round(float((decided.flag if flagged else decided.review)[i]), 6)),
            sender=privacy.pseudonym(message.sender, disclosure.key) if disclosure.sender == "pseudonym" else message.sender,
            recipient=privacy.pseudonym(message.recipient, disclosure.key),
            sent_at=message.sent_at,
            detected_at=now,
        )


def verdicts(model: Model, judgement: Judgement, messages: Sequence[Message], reasons: int = 5) -> Iterable[Verdict]:
    """One verdict a message, in order; the text is the asker's own, so reasons are shown in full."""
    scores = judgement.scores
    rounded = scores.probabilities[:, 0].round(SHOWN_DIGITS + 2).tolist()
    labels = scores.probabilities.argmax(axis=1).tolist()
    languages = model.classifier.languages(messages, scores.scripts)
    for i, decision in enumerate(judgement.decisions.decisions.tolist()):
        explanation = judgement.explained.get(i)
        yield Verdict(
            id=messages[i].id,
            score=rounded[i],
            label=CLASSES[labels[i]],
            decision=DECISIONS[decision],
            flagged=decision == FLAG,
            category=explanation.category if explanation else None,
            language=explanation.language if explanation else languages[i],
            reasons=_largest(explanation, reasons) if explanation else [],
        )


def _largest(explanation: Explanation, most: int) -> list[AlertReason]:
    """The reasons that speak for scam, largest first."""
    return [AlertReason(r.code, r.detail, round(r.weight, SHOWN_DIGITS)) for r in explanation.reasons[:most] if r.weight > 0]


def _reasons(explanation: Explanation, disclosure: Disclosure, message: Message) -> list[AlertReason]:
    """The same, with pieces of the text shown no more openly than the text itself."""
    found = _largest(explanation, disclosure.reasons)
    return [
        AlertReason(r.code, disclosure.text(r.detail, message.sender, message.recipient) or "", r.weight) if r.code == "text" else r
        for r in found
    ]


def _links(texts: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """URLs and their domains of each text: as written (paths know capitals), or in canonical form where a trick was undone."""
    texts = [expand(text) for text in texts]
    told: list[tuple[list[str], list[str]]] = [([], []) for _ in texts]
    if not texts:
        return told
    batch = canonicalise(texts)
    raw = "\0" + "\0".join(texts)
    found = links.find(batch)
    places = zip(found.message.tolist(), batch.source[found.begin].tolist(), batch.source[found.end - 1].tolist(), strict=True)
    for (i, first, last), url, host in zip(places, found.url, found.host, strict=True):
        written = raw[first : last + 1]
        told[i][0].append(written if written.casefold() == url else url)
        told[i][1].append(host.domain)
    return told
