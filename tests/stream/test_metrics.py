from dataclasses import replace

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from models.artifact import Model
from stream.metrics import DRIFT_MESSAGES, Batch, BatchHistogram, Metrics, ShadowMetrics, stability_index
from stream.policy import Policy
from stream.wire import Event


def event(operator: str) -> Event:
    return Event(id="1", operator=operator, channel="sms", text="x", sender="", recipient="", sent_at=0)


def test_a_histogram_takes_arrays_and_reads_like_prometheus_own() -> None:
    registry = CollectorRegistry()
    histogram = BatchHistogram("h", "help", (1.0, 2.0), registry)
    histogram.observe(np.array([0.5, 1.0, 1.5, 9.0]))
    read = registry.get_sample_value
    assert [read("h_bucket", {"le": le}) for le in ("1", "2", "+Inf")] == [2, 3, 4]
    assert read("h_count") == 4
    assert read("h_sum") == pytest.approx(12)


def test_only_named_operators_have_a_label_and_counters_start_at_zero(model: Model) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, model, Policy(operators=("a",)))
    read = registry.get_sample_value
    assert read("scamsieve_messages_total", {"operator": "a"}) == 0
    assert read("scamsieve_dead_letters_total", {"code": "not_json"}) == 0
    assert read("scamsieve_alerts_total", {"operator": "other", "category": "bank", "decision": "flag"}) == 0
    metrics.count(
        Batch([event("a"), event("b"), event("c")], [], ["not_json"], np.array([0.1, 0.2, 0.9]), np.array([0.1] * 4), {"judge": 0.2}, model)
    )
    assert read("scamsieve_messages_total", {"operator": "a"}) == 1
    assert read("scamsieve_messages_total", {"operator": "other"}) == 2
    assert read("scamsieve_messages_total", {"operator": "b"}) is None
    assert read("scamsieve_dead_letters_total", {"code": "not_json"}) == 1
    assert read("scamsieve_judged_seconds_count") == 4
    assert read("scamsieve_score_count") == 3


def test_every_metric_has_our_prefix_and_a_help(model: Model) -> None:
    registry = CollectorRegistry()
    Metrics(registry, model, Policy())
    for family in registry.collect():
        assert family.name.startswith("scamsieve_")
        assert family.documentation
    assert b"scamsieve_model_info" in generate_latest(registry)


def test_the_stability_index_is_zero_for_the_same_and_grows_with_the_gap() -> None:
    flat, tilted, steep = np.full(4, 0.25), np.array([0.4, 0.3, 0.2, 0.1]), np.array([1.0, 0, 0, 0])
    assert stability_index(flat, flat) == 0
    assert 0 < stability_index(flat, tilted) < stability_index(flat, steep)


def test_after_a_swap_drift_is_held_against_the_new_model_with_its_own_scores_only(model: Model) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, model, Policy())
    high = replace(model, manifest=msgspec.structs.replace(model.manifest, version="2", score_histogram=(0.0,) * 19 + (1.0,)))

    def count(judged_by: Model, score: float, number: int) -> None:
        metrics.count(Batch([], [], [], np.full(number, score), np.zeros(number), {}, judged_by))

    count(model, 0.5, DRIFT_MESSAGES - 1)
    metrics.serve(high)
    assert registry.get_sample_value("scamsieve_model_info", {"version": "2", "sha256": model.sha256}) == 1
    assert registry.get_sample_value("scamsieve_model_info", {"version": "0.0.1", "sha256": model.sha256}) is None
    count(model, 0.5, 0)  # still on its way at the swap
    count(high, 0.99, DRIFT_MESSAGES - 1)
    assert registry.get_sample_value("scamsieve_score_drift_psi") == 0, "scores of two models were taken together"
    count(high, 0.99, 1)
    assert registry.get_sample_value("scamsieve_score_drift_psi") == 0


def test_a_shadows_labels_are_bounded_and_start_at_zero(model: Model) -> None:
    registry = CollectorRegistry()
    metrics = ShadowMetrics(registry, ["th", "und"], Policy(operators=("a",)))

    def read(name: str, operator: str, language: str) -> float | None:
        return registry.get_sample_value(f"scamsieve_shadow_{name}_total", {"operator": operator, "language": language})

    assert read("disagreements", "a", "th") == 0
    metrics.count({("a", "th"): 5, ("b", "x-made-up"): 2}, {("a", "th"): 1}, Policy(operators=("a", "c")))
    assert (read("messages", "a", "th"), read("disagreements", "a", "th")) == (5, 1)
    assert (read("messages", "other", "other"), read("disagreements", "other", "other")) == (2, 0)
    assert (read("messages", "b", "x-made-up"), read("messages", "c", "und")) == (None, 0)
