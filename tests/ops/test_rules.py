"""Every alert has its texts, its section in the runbooks, and tests of when it fires and when it does not; `ops-check` runs them."""

import re
from typing import Any

import pytest
import yaml

from deploy.grafana.panels import RUNBOOKS
from tests.ops.promql import ROOT, RULE_TESTS, alerts, rules

RUNBOOK = ROOT / "docs" / "runbooks" / "README.md"
PARTS = ("**Means:**", "**Look:**", "**Do:**")
TESTED: list[dict[str, Any]] = [test for path in RULE_TESTS for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]
NIGHT = "a quiet night"


def sections() -> dict[str, str]:
    """The runbook's sections by their headings."""
    parts = re.split(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("rule", [rule for rule in rules() if "alert" in rule], ids=lambda rule: rule["alert"])
def test_an_alert_has_severity_texts_and_the_address_of_its_section(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOKS}#{rule['alert'].lower()}"


def test_each_alert_has_a_section_with_its_three_parts_and_no_section_is_stale() -> None:
    found = {name: text for name, text in sections().items() if name.startswith("ScamSieve")}
    assert set(found) == set(alerts())
    assert not [name for name, text in found.items() if not all(part in text for part in PARTS)]


@pytest.mark.parametrize("name", alerts())
def test_an_alert_is_tested_before_and_when_it_fires_and_on_a_quiet_night(name: str) -> None:
    """For each severity and window that the alert has."""
    kinds = [set(rule["labels"].items()) for rule in rules() if rule.get("alert") == name]
    asked = [(test["name"], one) for test in TESTED for one in test["alert_rule_test"] if one["alertname"] == name]
    fired = [set(alert["exp_labels"].items()) for _, one in asked for alert in one["exp_alerts"]]
    assert not [kind for kind in kinds if not any(kind <= labels for labels in fired)]
    quiet = {where for where, one in asked if not one["exp_alerts"]}
    assert NIGHT in quiet
    assert quiet & {where for where, one in asked if one["exp_alerts"]}, "no test tells when it does not fire yet"


def test_recorded_names_say_by_what_they_are_kept_apart() -> None:
    """level:metric:operations."""
    names = [rule["record"] for rule in rules() if "record" in rule]
    assert not [name for name in names if not re.fullmatch(r"cluster(_[a-z]+)?:scamsieve_[a-z_]+:[a-z0-9_]+", name)]
