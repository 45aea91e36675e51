"""Live: the loops turn. Ready: model loaded and groups joined, with zero partitions too. Lag is no probe."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from stream import health
from stream.broker import free_port
from stream.health import Page
from stream.parts import Parts, assemble
from stream.settings import Settings


@pytest.fixture
def parts(model_folder: Path, tmp_path: Path) -> Parts:
    (tmp_path / "key").write_text("0123456789abcdef")
    (tmp_path / "policy.toml").write_text(
        'operators = ["th-siam"]\n[[threshold]]\nname = "all"\nflag = 0.9\nreview = 0.8\n[deny]\nsenders = ["+85512345678"]\n'
    )
    settings = Settings(
        web_host="127.0.0.1",
        web_port=free_port(),
        model=str(model_folder),
        pseudonym_key_file=str(tmp_path / "key"),
        policy=str(tmp_path / "policy.toml"),
        stall_seconds=30,
    )
    return assemble(settings)


def told(page: Page) -> Any:
    assert page.content_type == "application/json; charset=utf-8"
    return json.loads(page.body)


def join(parts: Parts) -> None:
    assert parts.scorer is not None
    parts.scorer.state.joined = parts.agents.joined = True


def test_a_worker_without_a_broker_is_live_and_not_ready(parts: Parts) -> None:
    assert parts.scorer is not None
    parts.scorer.state.trouble = "no broker answers"
    parts.agents.trouble = "topic is missing"
    assert health.healthz(parts).status == 200
    page = health.readyz(parts)
    assert page.status == 503
    assert told(page) == {"ready": False, "waiting": {"scorer": "no broker answers", "agents": "topic is missing"}}


@pytest.mark.parametrize("loop", ["worker", "scorer"])
def test_a_loop_that_has_not_turned_for_stall_seconds_is_dead(loop: str, parts: Parts) -> None:
    assert parts.scorer is not None
    long_ago = time.monotonic() - 31
    if loop == "worker":
        parts.turned = long_ago
    else:
        parts.scorer.state.turned = long_ago
    page = health.healthz(parts)
    assert page.status == 503
    assert list(told(page)["stalled_seconds"]) == [loop]


def test_a_loop_that_does_not_turn_any_more_is_told_once() -> None:
    hang = health.Hang(3)
    assert not any(hang.seen(turned) for turned in (1, 1, 1, 2, 2, 2, 3))
    assert [hang.seen(3) for _ in range(5)] == [False, False, True, False, False]


def test_joined_with_zero_partitions_is_ready(parts: Parts) -> None:
    join(parts)
    assert parts.agents.partitions == {}
    assert health.readyz(parts).status == 200


def test_joined_and_waiting_for_a_right_is_not_ready(parts: Parts) -> None:
    join(parts)
    assert parts.scorer is not None
    parts.scorer.state.trouble = "user a lacks the right READ on topic t"
    assert told(health.readyz(parts)) == {"ready": False, "waiting": {"scorer": "user a lacks the right READ on topic t"}}


def test_each_role_must_have_joined(parts: Parts) -> None:
    join(parts)
    parts.agents.joined = False
    assert list(told(health.readyz(parts))["waiting"]) == ["agents"]
    parts.counts = None  # a worker without that role
    assert health.readyz(parts).status == 200


def test_lag_is_no_probe(parts: Parts) -> None:
    join(parts)
    parts.metrics.lag.labels("0").set(10_000_000)
    assert (health.healthz(parts).status, health.readyz(parts).status) == (200, 200)


def test_metrics_come_in_the_format_that_is_asked_for(parts: Parts) -> None:
    plain = health.metrics(parts)
    assert plain.content_type.startswith("text/plain")
    for name in (b"scamsieve_messages_total", b"scamsieve_agent_alerts_total", b"process_cpu_seconds_total", b"python_info"):
        assert name in plain.body
    assert health.metrics(parts, "application/openmetrics-text; version=1.0.0").content_type.startswith("application/openmetrics-text")


def test_status_tells_what_the_worker_is_and_which_partitions_its_counts_cover(parts: Parts) -> None:
    assert parts.counts is not None
    minute = str(int(time.time() // 60))
    parts.counts.table.update({"0/bank/th-siam": {minute: 3}, "1/loan/other": {minute: 1}, "2/loan/other": {minute: 9}})
    parts.agents.partitions = {"scam.alerts": [0, 1]}
    shown = told(health.status(parts))
    assert shown["model"] == {"name": parts.settings.model, "version": parts.model.version, "sha256": parts.model.sha256, "refused": None}
    assert "shadow" not in shown
    assert shown["roles"] == ["agents", "scorer"]
    assert shown["policy"]["thresholds"][0]["name"] == "all"
    assert shown["scorer"]["judged"] == 0
    assert shown["agents"]["partitions"] == {"scam.alerts": [0, 1]}
    assert shown["agents"]["alerts_last_hour"] == {"th-siam": {"bank": 3}, "other": {"loan": 1}}


def test_status_shows_no_phone_number_of_the_policy(parts: Parts) -> None:
    page = health.status(parts)
    assert b"85512345678" not in page.body
    assert told(page)["policy"]["deny"] == {"senders": 1, "domains": 0}


def test_status_is_html_for_those_who_ask_for_it(parts: Parts) -> None:
    page = health.status(parts, "text/html,application/xhtml+xml,*/*;q=0.8")
    assert page.content_type == "text/html; charset=utf-8"
    assert parts.model.sha256.encode() in page.body
    assert b"85512345678" not in page.body
    assert health.status(parts, "*/*").content_type == health.JSON


def test_status_tells_the_share_that_was_raised(parts: Parts) -> None:
    assert parts.scorer is not None
    assert told(health.status(parts))["scorer"]["raised_share"] is None
    parts.scorer.state.judged, parts.scorer.state.raised = 1000, 20
    assert told(health.status(parts))["scorer"]["raised_share"] == 0.02
