"""Which metrics a PromQL expression names, which ones a worker exports, and the rules of deploy/prometheus as data."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from models.artifact import Model
from stream.metrics import AgentMetrics, CertificateMetrics, Metrics, ShadowMetrics
from stream.policy import Policy

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "scamsieve.rules.yml"
RULE_TESTS = sorted((ROOT / "deploy" / "prometheus" / "tests").glob("*.test.yml"))

Rule = dict[str, Any]


def rules() -> Iterator[Rule]:
    """All of them, recording rules and alerts, in their order."""
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def alerts() -> list[str]:
    """The alerts' names, each once."""
    return list(dict.fromkeys(rule["alert"] for rule in rules() if "alert" in rule))


def metrics(expr: str) -> set[str]:
    """Names of time series in an expression: recorded ones, ours, and those of the process and of Prometheus itself."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    return set(re.findall(r"\b(?:[a-z_]+:scamsieve_[a-z_]+:[a-z0-9_]+|scamsieve_[a-z_]+|process_[a-z_]+|python_info|up|ALERTS)\b", bare))


def family(series: str) -> str:
    """The metric that a series of a histogram belongs to."""
    return re.sub(r"_(bucket|sum|count)$", "", series)


def exported(model: Model) -> CollectorRegistry:
    """Every metric of a worker that has all roles, a shadow and certificates."""
    registry = CollectorRegistry()
    Metrics(registry, model, Policy())
    AgentMetrics(registry)
    ShadowMetrics(registry, (), Policy())
    CertificateMetrics(registry, {})
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
