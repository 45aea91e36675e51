"""`make manifests`: the runbooks' address into the rules, and what Kubernetes needs of rules and dashboards, from their one source.

Kustomize takes no file from above its own folder, and Prometheus no file of Kubernetes' form. So the rules of deploy/prometheus are
copied into a PrometheusRule, and deploy/grafana gets a kustomization of its own that makes a ConfigMap of each dashboard. Both are
committed, so that plain `kubectl apply -k` does; a test tells when they are not what this module writes.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from deploy.grafana.panels import RUNBOOKS

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus"
DASHBOARDS = DEPLOY / "grafana"
MONITORING = DEPLOY / "k8s" / "components" / "monitoring"
ADDRESS = re.compile(r"(?<=runbook_url: )\S+(?=#)")

RULE = """\
# Written by `make manifests` from {sources}: change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {name}
spec:
{groups}
"""
KUSTOMIZATION = """\
# Written by `make manifests`. The dashboards as ConfigMaps, for the sidecar of Grafana that looks for this label.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
generatorOptions:
  disableNameSuffixHash: true
  labels:
    app.kubernetes.io/part-of: scamsieve
    grafana_dashboard: "1"
configMapGenerator:
{dashboards}"""
DASHBOARD = """\
  - name: scamsieve-dashboard-{stem}
    files: [{name}]
"""


def documents() -> dict[Path, str]:
    """The text of each file that is written here."""
    names = sorted(path.name for path in DASHBOARDS.glob("*.json"))
    dashboards = "".join(DASHBOARD.format(stem=Path(name).stem.replace("_", "-"), name=name) for name in names)
    return {
        **{path: _addressed(path) for path in (*RULES.glob("*.rules.yml"), *RULES.glob("tests/*.yml"))},
        DASHBOARDS / "kustomization.yaml": KUSTOMIZATION.format(dashboards=dashboards),
        MONITORING / "prometheus-rules.yaml": "---\n".join(_rules()),
    }


def _addressed(path: Path) -> str:
    """Rules, or their tests, with the runbooks' address of deploy/runbooks.url."""
    return ADDRESS.sub(RUNBOOKS, path.read_text(encoding="utf-8"))


def _rules() -> Iterator[str]:
    """A PrometheusRule for each file of rules, whose text it holds, comments and all."""
    for source in sorted(RULES.glob("*.rules.yml")):
        groups = textwrap.indent(_addressed(source).removeprefix("---\n").rstrip(), "  ")
        yield RULE.format(sources=source.relative_to(DEPLOY.parent), name=source.name.split(".")[0], groups=groups)


def main() -> None:
    """Write them."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(DEPLOY.parent))


if __name__ == "__main__":
    main()
