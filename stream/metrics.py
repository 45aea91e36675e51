"""Every metric, once. The scorer counts a whole batch with one call: one update a label, never one a message.

`registry` is a parameter, so that tests have their own.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Info, disable_created_metrics
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString

from models.artifact import Model
from models.classifier import CATEGORIES
from models.languages import LANGUAGE_OF_SCRIPT, UNDETERMINED
from models.message import ROUTES
from stream.errors import RECORD_ERROR_CODES
from stream.policy import OTHER_OPERATOR, Policy
from stream.wire import Alert, Event

LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
STAGE = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
BATCH = tuple(float(2**power) for power in range(15))
STAGES = ("decode", "judge", "alert", "deliver")
OTHER_LANGUAGE, NO_ROUTE = "other", "unknown"
DRIFT_MESSAGES = 10_000  # fewer scores than this say nothing about drift
DRIFT_MEMORY = 0.5  # once that many are in, older scores count half

disable_created_metrics()  # type: ignore[no-untyped-call]  # a `_created` beside every counter would double the page, and nothing of ours reads it

Values = NDArray[np.float64]


class BatchHistogram:
    """A Prometheus histogram that takes a whole array at once (prometheus_client's takes one value a call)."""

    def __init__(
        self, name: str, help_text: str, bounds: Iterable[float], registry: CollectorRegistry, label: tuple[str, ...] = ()
    ) -> None:
        """`label` is the one label's name and its values, if there is a label."""
        self._name, self._help, self._label = name, help_text, label
        self._bounds = np.array(sorted(bounds))
        keys = label[1:] or ("",)
        self._counts = {key: np.zeros(len(self._bounds) + 1, dtype=np.int64) for key in keys}
        self._sums = dict.fromkeys(keys, 0.0)
        registry.register(self)

    def observe(self, values: Values, key: str = "") -> None:
        """Add all the values."""
        self._counts[key] += np.bincount(np.searchsorted(self._bounds, values), minlength=len(self._bounds) + 1)
        self._sums[key] += float(values.sum())

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """What Prometheus reads."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._label[:1])
        ends = [*map(floatToGoString, self._bounds), "+Inf"]  # 1.0, not 1: the one form that every Prometheus keeps as it is
        for key, counts in self._counts.items():
            buckets = list(zip(ends, np.cumsum(counts).astype(float).tolist(), strict=True))
            family.add_metric([key] if self._label else [], buckets=buckets, sum_value=self._sums[key])
        yield family


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch has to tell."""

    messages: list[Event]
    alerts: Sequence[Alert]
    routes: Sequence[str | None]
    """By which the message of each alert came in."""
    dead_letter_codes: list[str]
    scores: Values
    """(messages)"""
    waited: Values
    """Seconds from record timestamp to now, of every record."""
    seconds: Mapping[str, float]
    """By stage."""
    model: Model
    """That judged it."""
    ignored: Mapping[str, int] = field(default_factory=dict)
    """Optional fields that could not be read, since the last batch."""


class Metrics:
    """All metrics of the scorer. Labels by operator only for operators that the policy names."""

    def __init__(self, registry: CollectorRegistry, model: Model, policy: Policy) -> None:
        self.messages = Counter("scamsieve_messages", "Messages judged", ["operator"], registry=registry)
        self.alerts = Counter("scamsieve_alerts", "Alerts raised", ["operator", "category", "decision"], registry=registry)
        self.seen = Counter(
            "scamsieve_alerts_seen", "Alerts raised, by the message's language and route", ["language", "route"], registry=registry
        )
        self.dead_letters = Counter("scamsieve_dead_letters", "Records not read or not judged, by error code", ["code"], registry=registry)
        self.ignored = Counter("scamsieve_ignored_fields", "Optional fields that could not be read", ["field"], registry=registry)
        self.skewed = Counter("scamsieve_skewed_clocks", "Alerts whose sent_at lies in the future", registry=registry)
        self.batches = BatchHistogram("scamsieve_batch_messages", "Records in a batch", BATCH, registry)
        self.stages = BatchHistogram("scamsieve_stage_seconds", "Seconds of a batch by stage", STAGE, registry, ("stage", *STAGES))
        self.waited = BatchHistogram("scamsieve_judged_seconds", "Seconds from record timestamp to judged and delivered", LATENCY, registry)
        self.to_alert = BatchHistogram("scamsieve_sent_to_alert_seconds", "Seconds from sent_at to alert", LATENCY, registry)
        self.scores = BatchHistogram("scamsieve_score", "Scores of messages", np.arange(1, 20) / 20, registry)
        self.drift = Gauge("scamsieve_score_drift_psi", "Population stability index of scores against the model's own", registry=registry)
        self.lag = Gauge("scamsieve_consumer_lag_messages", "Records not yet judged", ["partition"], registry=registry)
        self.oldest = Gauge(
            "scamsieve_oldest_unjudged_seconds", "Age of the oldest record not yet judged", ["partition"], registry=registry
        )
        self.transactions = Counter("scamsieve_transactions", "Transactions", ["outcome"], registry=registry)
        self.rebalances = Counter("scamsieve_rebalances", "Times that this worker was dealt partitions", registry=registry)
        self.reloads = Counter("scamsieve_policy_reloads", "Policy files read after a change", ["outcome"], registry=registry)
        self.model_reloads = Counter("scamsieve_model_reloads", "Models loaded after a change", ["outcome"], registry=registry)
        self.model = Info("scamsieve_model", "The model that judges", registry=registry)
        self.psi: float | None = None
        """The last value of `drift`; None before there are enough scores."""
        self._languages = frozenset({*LANGUAGE_OF_SCRIPT.values(), UNDETERMINED})
        self.serve(model)
        self._refer_to(model)
        self.follow(policy)

    def serve(self, model: Model) -> None:
        """Tell of the model that judges from now on; its drift begins with the first batch that it has judged."""
        self.model.info({"version": model.version, "sha256": model.sha256})
        self._languages |= frozenset(model.manifest.languages)  # never fewer: a label once made stays
        for language in (*self._languages, OTHER_LANGUAGE):
            for route in (*ROUTES, NO_ROUTE):
                self.seen.labels(language, route)

    def follow(self, policy: Policy) -> None:
        """Label by the operators of this policy; make every child that can be foreseen, so that the first event is an increase."""
        self.policy = policy
        for operator in (*self.policy.operators, OTHER_OPERATOR):
            self.messages.labels(operator)
            for category in CATEGORIES:
                for decision in ("flag", "review"):
                    self.alerts.labels(operator, category, decision)
        for code in RECORD_ERROR_CODES:
            self.dead_letters.labels(code)
        for outcome in ("committed", "aborted"):
            self.transactions.labels(outcome)
        for outcome in ("taken", "refused"):
            self.reloads.labels(outcome)
            self.model_reloads.labels(outcome)

    def count(self, batch: Batch) -> None:
        """Count one batch."""
        label = self.policy.label
        for operator, number in Tally([message.operator for message in batch.messages]).items():
            self.messages.labels(label(operator)).inc(number)
        raised = Tally((label(alert.operator), alert.category, alert.decision) for alert in batch.alerts)
        for labels, number in raised.items():
            self.alerts.labels(*labels).inc(number)
        seen = Tally((self._language(alert.language), route or NO_ROUTE) for alert, route in zip(batch.alerts, batch.routes, strict=True))
        for kind, number in seen.items():
            self.seen.labels(*kind).inc(number)
        for code, number in Tally(batch.dead_letter_codes).items():
            self.dead_letters.labels(code).inc(number)
        for name, number in batch.ignored.items():
            self.ignored.labels(name).inc(number)
        self.batches.observe(np.array([float(len(batch.messages) + len(batch.dead_letter_codes))]))
        for stage, seconds in batch.seconds.items():
            self.stages.observe(np.array([seconds]), stage)
        self.waited.observe(np.maximum(batch.waited, 0))
        self.scores.observe(batch.scores)
        self._count_delays(batch.alerts)
        if batch.model is not self._drifting:
            self._refer_to(batch.model)
        self._follow_drift(batch.scores)

    def _language(self, told: str) -> str:
        """A language as a label: one that the model or a script tells, else `other`; senders may state anything."""
        primary = told.partition("-")[0].lower()
        return primary if primary in self._languages else OTHER_LANGUAGE

    def _count_delays(self, alerts: Sequence[Alert]) -> None:
        """Seconds from sent_at to alert; a clock that is ahead counts as skewed and as 0 seconds."""
        known = [(alert.detected_at.timestamp(), alert.sent_at) for alert in alerts if alert.sent_at]
        if known:
            delays = np.array([now - (sent / 1000 if isinstance(sent, int) else sent.timestamp()) for now, sent in known])
            self.skewed.inc(int((delays < 0).sum()))
            self.to_alert.observe(np.maximum(delays, 0))

    def _refer_to(self, model: Model) -> None:
        """Begin anew: scores of one model say nothing about the drift of another."""
        self._drifting, self.psi = model, None
        self._reference = np.array(model.manifest.score_histogram)
        self._recent = np.zeros(len(self._reference))

    def _follow_drift(self, scores: Values) -> None:
        """Population stability index (Siddiqi, 2006) of recent scores against the manifest's histogram."""
        bins = len(self._reference)
        self._recent += np.bincount(np.minimum((scores * bins).astype(int), bins - 1), minlength=bins)
        total = self._recent.sum()
        if total >= DRIFT_MESSAGES:
            self.psi = stability_index(self._reference, self._recent / total)
            self.drift.set(self.psi)
            self._recent *= DRIFT_MEMORY


class AgentMetrics:
    """All metrics of the agents role."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.alerts = Counter("scamsieve_agent_alerts", "Records of the alert topic read by the agents", ["outcome"], registry=registry)
        self.lag = Gauge("scamsieve_group_lag_messages", "Records not yet judged by the scorers' group", ["partition"], registry=registry)
        self.oldest = Gauge(
            "scamsieve_group_oldest_unread_seconds", "Age of the oldest record not judged by the group", ["partition"], registry=registry
        )
        for outcome in ("counted", "copy", "unreadable"):
            self.alerts.labels(outcome)


class ShadowMetrics:
    """All metrics of a shadow model. Languages are those that the live model tells; what senders state beyond these is `other`."""

    def __init__(self, registry: CollectorRegistry, languages: Iterable[str], policy: Policy) -> None:
        labels = ["operator", "language"]
        self.messages = Counter("scamsieve_shadow_messages", "Messages judged by the shadow model, too", labels, registry=registry)
        self.disagreements = Counter("scamsieve_shadow_disagreements", "Messages that it decided otherwise", labels, registry=registry)
        self.failures = Counter("scamsieve_shadow_failures", "Times that the shadow model was switched off", registry=registry)
        self._languages = frozenset(languages)
        self._follow(policy)

    def _follow(self, policy: Policy) -> None:
        self._policy = policy
        for operator in (*policy.operators, OTHER_OPERATOR):
            for language in (*self._languages, OTHER_LANGUAGE):
                self.messages.labels(operator, language)
                self.disagreements.labels(operator, language)

    def count(self, messages: Mapping[tuple[str, str], int], differing: Mapping[tuple[str, str], int], policy: Policy) -> None:
        """Count messages of a batch by operator and language, as judged by a policy."""
        if policy is not self._policy:
            self._follow(policy)
        for (operator, language), number in messages.items():
            labels = policy.label(operator), language if language in self._languages else OTHER_LANGUAGE
            self.messages.labels(*labels).inc(number)
            self.disagreements.labels(*labels).inc(differing.get((operator, language), 0))


class CertificateMetrics:
    """When the certificates that this worker was started with end."""

    def __init__(self, registry: CollectorRegistry, ends: Mapping[str, float]) -> None:
        """`ends` are seconds since the epoch, by file."""
        self.expiry = Gauge(
            "scamsieve_certificate_expiry_seconds", "When the first certificate in a file ends (epoch)", ["file"], registry=registry
        )
        for file, seconds in ends.items():
            self.expiry.labels(file).set(seconds)


def stability_index(expected: Values, found: Values) -> float:
    """PSI of two distributions over the same bins; empty bins count as one in ten thousand."""
    expected, found = np.maximum(expected, 1e-4), np.maximum(found, 1e-4)
    return float(((found - expected) * np.log(found / expected)).sum())
