"""`python -m tests.ops.manifests`: everything in deploy/ that a cluster or Docker takes, checked by what can be had without either.

Kustomize builds each overlay; Kubernetes' kinds are checked against the schemas of its newest versions, the operators' kinds against the
operators' own definitions, KEDA's triggers against the names in its source; then the linters. The tools come from registries, so this
is no part of `make test`; `test_manifests.py`, beside this, is, and holds the names in the manifests to the code.
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench.environments import ROOT
from tests.ops import schemas, tools
from tests.ops.schemas import Kind
from tests.ops.tools import ToolMissing

DEPLOY = ROOT / "deploy"
NEWEST = 3  # versions of Kubernetes that the manifests are held to: as many as its project supports at a time
K8S = DEPLOY / "k8s"
BUILT = (K8S / "overlays" / "dev", K8S / "overlays" / "production", K8S / "kafka")
SOURCE_TAG = r'keda:"name=([^",]+)'

Document = dict[str, Any]


class NotValid(Exception):
    """What is wrong with the manifests, a line each."""


@dataclass(frozen=True, slots=True)
class Manifests:
    """What was checked."""

    manifests: int
    """Objects, of all builds."""
    kinds: int
    """Different kinds among them."""
    unvalidated: int
    """Objects that no schema was found for."""
    versions: tuple[str, ...]
    """Of Kubernetes."""


def check() -> Manifests:
    """Check all of deploy/. Raises NotValid, or ToolMissing if a tool or a registry cannot be had."""
    linters, folder = tools.scripts("linters", tools.LINTERS), tools.BUILD / "built"
    folder.mkdir(parents=True, exist_ok=True)
    files = [*(_build(part, folder) for part in (*BUILT, _everything())), K8S / "secret.example.yaml"]
    built = {file: [one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one] for file in files}
    versions = _versions(linters)
    everything = [(file, document) for file, documents in built.items() for document in documents]
    keda, prometheus = tools.go_module(tools.KEDA), tools.go_module(tools.PROMETHEUS_OPERATOR)
    folders = (keda / "config" / "crd" / "bases", prometheus / "example" / "prometheus-operator-crd")
    plurals = {f"{document['kind'].lower()}s" for _, document in everything}
    defined = [file for folder in folders for plural in sorted(plurals) for file in folder.glob(f"*_{plural}.yaml")]
    custom = schemas.of([*defined, *tools.strimzi_crds()])
    core, wrong = _core(linters, files, versions)
    known = core | custom.keys()
    wrong += [line for file, document in everything for line in _custom(file, document, custom)]
    wrong += [line for file, document in everything for line in _triggers(file, document, keda)]
    wrong += _lint(linters, files)
    if wrong:
        raise NotValid("\n".join(wrong))
    kinds = Counter(_kind(document) for _, document in everything)
    return Manifests(kinds.total(), len(kinds), sum(number for kind, number in kinds.items() if kind not in known), tuple(versions))


def _everything() -> Path:
    """An overlay over `production` with the components that it leaves to choice."""
    production = K8S / "overlays" / "production"
    taken = {(production / name).resolve() for name in yaml.safe_load((production / "kustomization.yaml").read_bytes())["components"]}
    left = [folder for folder in sorted((K8S / "components").iterdir()) if folder not in taken]
    folder = tools.BUILD / "everything"
    folder.mkdir(parents=True, exist_ok=True)
    told = {"resources": [os.path.relpath(production, folder)], "components": [os.path.relpath(one, folder) for one in left]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    return folder


def _build(part: Path, folder: Path) -> Path:
    """What `kubectl apply -k` would send, in a file: the same whether kubectl is new or old."""
    built = {version: tools.run([tools.kustomize(version), "build", part]) for version in tools.KUSTOMIZE}
    for version, done in built.items():
        if done.returncode:
            raise NotValid(f"{part.name}, {version}: {done.stderr.strip()}")
    texts = [done.stdout for done in built.values()]
    if len(set(texts)) > 1:
        raise NotValid(f"{part.name}: {' and '.join(built)} make different objects of it")
    file = folder / f"{part.name}.yaml"
    file.write_text(texts[0], encoding="utf-8")
    return file


def _versions(linters: Path) -> list[str]:
    """The newest versions of Kubernetes that there are schemas of."""
    told = tools.run([linters / "python", "-c", "import json, kubernetes_validate as k; print(json.dumps(k.utils.all_versions()))"])
    if told.returncode:
        raise ToolMissing(f"kubernetes-validate does not tell its versions: {told.stderr.strip()}")
    every = {tuple(map(int, version.split("-")[0].split("."))) for version in json.loads(told.stdout)}
    return [f"{major}.{minor}" for major, minor, *_ in sorted(every)[-NEWEST:]]


def _core(linters: Path, files: list[Path], versions: list[str]) -> tuple[set[Kind], list[str]]:
    """Which kinds have a schema in every version, and what does not fit one."""
    known: set[Kind] = set()
    wrong: list[str] = []
    asked = [word for version in versions for word in ("-k", version)]
    for file in files:
        done = tools.run([linters / "kubernetes-validate", "--strict", *asked, file])
        lines = (done.stdout + done.stderr).split("\n")
        missing = set(re.findall(r"Couldn't find schema for kind (\S+)", done.stdout + done.stderr))
        wrong += [line for line in lines if line.strip() and not line.startswith(("INFO", "WARN"))]
        if done.returncode and not wrong:
            wrong.append(f"{file.name}: kubernetes-validate ended with {done.returncode}")
        kinds = {_kind(one) for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one}
        known |= {kind for kind in kinds if kind[1] not in missing}
    return known, wrong


def _custom(file: Path, document: Document, custom: dict[Kind, Any]) -> Iterator[str]:
    validator = custom.get(_kind(document))
    for error in validator.iter_errors(document) if validator else ():
        yield f"{file.name}: {_name(document)}: {error.json_path}: {error.message[:300]}"


def _triggers(file: Path, document: Document, keda: Path) -> Iterator[str]:
    """A trigger's metadata are any strings to the schema; the names that KEDA reads stand in the tags of its source."""
    for trigger in document["spec"]["triggers"] if document["kind"] == "ScaledObject" else ():
        source = keda / "pkg" / "scalers" / f"{trigger['type']}_scaler.go"
        if trigger["type"] == "cpu":
            source = keda / "pkg" / "scalers" / "cpu_memory_scaler.go"
        names = set(re.findall(SOURCE_TAG, source.read_text(encoding="utf-8")))
        for name in trigger["metadata"].keys() - names - {f"{name}FromEnv" for name in names}:
            yield f"{file.name}: {_name(document)}: the {trigger['type']} trigger knows no {name}"


def _lint(linters: Path, files: list[Path]) -> list[str]:
    """What the linters have to say."""
    checkov = tools.scripts("checkov", tools.CHECKOV) / "checkov"
    check: list[str | Path] = [checkov, "--config-file", DEPLOY / ".checkov.yaml", "--framework"]
    commands: list[list[str | Path]] = [
        [linters / "hadolint", DEPLOY / "Dockerfile"],
        [linters / "yamllint", "--strict", "-c", DEPLOY / ".yamllint.yaml", DEPLOY],
        [linters / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"],
        [*check, "dockerfile", "--file", DEPLOY / "Dockerfile"],
    ]
    commands += [[*check, "kubernetes", "--file", file] for file in files]
    done = [(Path(command[0]).name, tools.run(command)) for command in commands]
    return [f"{name}: {linted.stdout}{linted.stderr}" for name, linted in done if linted.returncode]


def _kind(document: Document) -> Kind:
    return document["apiVersion"], document["kind"]


def _name(document: Document) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def lines(checked: Manifests) -> Iterable[str]:
    """The counts, a line each."""
    yield f"manifests    {checked.manifests}"
    yield f"kinds        {checked.kinds}"
    yield f"unvalidated  {checked.unvalidated}"
    yield f"Kubernetes   {', '.join(checked.versions)}"


def main() -> None:
    """Print the counts, or what is wrong."""
    try:
        print("\n".join(lines(check())))
    except (NotValid, ToolMissing) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
