"""Every name in deploy/ that the code knows, too: variables, ports, pages, topics, groups, rights, metrics, commands, versions.

Reads the files as they are; what kustomize makes of them, and whether a cluster would take it, is `python -m tests.ops.manifests`.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.artifact import Model
from stream import admin, app, cli, policy, settings
from stream.health import PAGES
from stream.settings import PREFIX, Settings
from stream.wire import DEAD_LETTER_BYTES
from tests.house.source import ROOT, committed
from tests.ops import generate, image
from tests.ops.promql import exported

DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s"
FILES = [path for path in committed("deploy") if path.is_file()]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
Document = dict[str, Any]


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def documents(name: str) -> list[Document]:
    return [one for one in yaml.safe_load_all(text(f"k8s/{name}")) if one]


def all_documents() -> Iterator[Document]:
    for path in FILES:
        if path.suffix == ".yaml" and path.is_relative_to(K8S) and path.name != "kustomization.yaml":
            yield from (one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if isinstance(one, dict))


def variables(*parts: str) -> dict[str, str]:
    """The settings of the base, and of overlays and components over them."""
    files = [f"k8s/{part}/settings.env" for part in ("base", *parts)]
    return dict(line.split("=", 1) for file in files for line in text(file).split("\n") if line and not line.startswith("#"))


def pod(document: Document) -> Document:
    """The pod's specification within a Deployment, a Job or a CronJob."""
    spec = document["spec"]
    found: Document = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]
    return found


WORKER = pod(documents("base/worker.yaml")[0])
SCALED = documents("components/autoscaling/scaled-object.yaml")[0]["spec"]
TOPICS = {topic["metadata"]["name"]: topic["spec"] for topic in documents("kafka/topics.yaml")}
PODS = [*documents("base/worker.yaml"), *(one for one in all_documents() if one["kind"] in ("Job", "CronJob"))]
METRICS, MODELS = "components/metrics-port", "components/released-models"
EVERYTHING = ("overlays/production", METRICS, MODELS)
COMPOSE: Document = yaml.safe_load(text("compose.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_variable_is_a_setting(path: Path) -> None:
    """But in a comment, where one may stand that is none."""
    told = re.sub(r"(^|\s)#.*", "", path.read_text(encoding="utf-8"))
    assert set(re.findall(rf"\b{PREFIX}([A-Z_]+)", told)) <= {name.upper() for name in Settings.__struct_fields__}


@pytest.mark.parametrize("parts", [(), ("overlays/production",), EVERYTHING], ids=["base", "production", "everything"])
def test_a_worker_takes_the_settings(parts: Sequence[str]) -> None:
    taken = settings.read(variables(*parts))
    assert taken.web_port
    assert taken.brokers != Settings().brokers


@pytest.mark.parametrize("name", ["scorer", "agents"])
def test_each_role_is_a_workload_of_its_own(name: str) -> None:
    (worker,) = pod(documents(f"base/{name}.yaml")[0])["containers"]
    assert settings.read({one["name"]: one["value"] for one in worker["env"]}).role_names == {name}


def test_the_name_of_a_worker_is_the_name_of_its_pod() -> None:
    (instance,) = [one for one in WORKER["containers"][0]["env"] if one["name"] == "SCAMSIEVE_INSTANCE"]
    assert instance["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_no_pod_gets_variables_of_services() -> None:
    """A Service `scamsieve` would set SCAMSIEVE_PORT and more, and a worker refuses what it does not know."""
    assert all(pod(one)["enableServiceLinks"] is False for one in all_documents() if one["kind"] in ("Job", "CronJob"))
    assert WORKER["enableServiceLinks"] is False


@pytest.mark.parametrize("document", PODS, ids=lambda one: one["metadata"]["name"])
def test_pods_are_restricted(document: Document) -> None:
    """As the namespace's label wants it, and with a tree that cannot be written."""
    spec = pod(document)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_pod_has_longer_to_end_than_its_worker() -> None:
    assert WORKER["terminationGracePeriodSeconds"] > settings.read(variables()).stop_seconds
    assert int(COMPOSE["services"]["worker"]["stop_grace_period"].removesuffix("s")) > Settings().stop_seconds


def test_ports_are_the_pages() -> None:
    port, (container,) = settings.read(variables()).web_port, WORKER["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    (service,) = documents("base/service.yaml")
    assert service["spec"]["ports"] == [{"name": "http", "port": port, "targetPort": "http"}]
    assert COMPOSE["services"]["worker"]["ports"] == [f"127.0.0.1:{Settings().web_port}:{Settings().web_port}"]
    assert f"EXPOSE {Settings().web_port}\n" in text("Dockerfile")
    assert f"http://localhost:{Settings().web_port}/healthz" in text("Dockerfile")
    ((job,),) = [one["static_configs"] for one in yaml.safe_load(text("prometheus/prometheus.yml"))["scrape_configs"]]
    assert job["targets"] == [f"worker:{Settings().web_port}"]


def test_compose_uses_the_examples_as_they_are() -> None:
    """Each is mounted where its program looks for it, and names the other services by their names here."""
    services = COMPOSE["services"]
    mounts = {mount for name in ("prometheus", "grafana") for mount in services[name]["volumes"]}
    (provider,) = yaml.safe_load(text("grafana/provisioning/dashboards/scamsieve.yaml"))["providers"]
    assert mounts == {
        "./prometheus:/etc/prometheus:ro",
        "prometheus:/prometheus",
        *(f"./grafana/provisioning/{name}:/etc/grafana/provisioning/{name}:ro" for name in ("datasources", "dashboards")),
        f"./grafana:{provider['options']['path']}:ro",
    }
    (source,) = yaml.safe_load(text("grafana/provisioning/datasources/scamsieve.yaml"))["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_metrics_may_have_a_port_of_their_own() -> None:
    """Named alike where it is opened, let through and asked; the patches name what is there to be changed."""
    opened, let_through, asked = (patch(f"{METRICS}/{name}.yaml") for name in ("port", "allowed", "scraped"))
    assert opened["value"] == {"name": "metrics", "containerPort": settings.read(variables(METRICS)).metrics_port}
    assert (let_through["value"], asked["value"]) == ("metrics", "metrics")
    (pages,) = [one for one in documents("base/network.yaml") if one["metadata"]["name"] == "scamsieve-pages"]
    (monitor,) = documents("components/monitoring/pod-monitor.yaml")
    assert at(pages, let_through["path"]) == at(monitor, asked["path"]) == "http"


def patch(name: str) -> Document:
    """The one step of a JSON patch."""
    step: Document
    (step,) = yaml.safe_load(text(f"k8s/{name}"))
    return step


def at(document: Document, path: str) -> object:
    """What a JSON pointer points at."""
    found: Any = document
    for step in path.strip("/").split("/"):
        found = found[int(step) if isinstance(found, list) else step]
    return found


def test_models_of_ones_own_are_served_signed_only() -> None:
    own = settings.read(variables(MODELS))
    assert own.trusted_key_file
    assert Path(own.model).name == "live"
    volumes = {volume["name"]: volume for volume in pod(documents(f"{MODELS}/models.yaml")[0])["volumes"]}
    assert volumes["models"]["persistentVolumeClaim"] == {"claimName": "scamsieve-models", "readOnly": True}
    (claim,) = documents(f"{MODELS}/volume.yaml")
    assert claim["metadata"]["name"] == "scamsieve-models"


def test_probes_ask_for_pages_that_are_there() -> None:
    (container,) = WORKER["containers"]
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked["startupProbe"] == asked["livenessProbe"] == {"path": "/healthz", "port": "http"}
    assert asked["readinessProbe"] == {"path": "/readyz", "port": "http"}
    (monitor,) = documents("components/monitoring/pod-monitor.yaml")
    scraped = [(one["port"], one["path"]) for one in monitor["spec"]["podMetricsEndpoints"]]
    assert scraped == [("http", "/metrics")]
    assert {"/healthz", "/readyz", "/metrics"} <= PAGES.keys()


def test_topics_are_those_that_the_worker_wants() -> None:
    """As `scamsieve topics create` would make them, and the changelog, which Faust would make."""
    wanted = {topic.name: topic.retention_hours * admin.HOUR for topic in admin.wanted(settings.read(variables()), policy.Policy())}
    assert {name: topic["config"]["retention.ms"] for name, topic in TOPICS.items() if name in wanted} == wanted
    assert all(TOPICS[name]["config"]["cleanup.policy"] == "delete" for name in wanted)
    assert TOPICS.keys() - wanted.keys() == {changelog()}


def changelog() -> str:
    return f"{Settings().group}-agents-{app.TABLE}-changelog"


def test_the_changelog_is_laid_out_as_the_alerts() -> None:
    assert TOPICS[changelog()]["partitions"] == TOPICS[Settings().alert_topic]["partitions"]
    assert "compact" in TOPICS[changelog()]["config"]["cleanup.policy"]


def test_a_dead_letter_holds_its_whole_record() -> None:
    assert TOPICS[Settings().dead_letter_topic]["config"]["max.message.bytes"] >= max(admin.BATCH_BYTES, DEAD_LETTER_BYTES)


def test_users_have_the_rights_that_the_code_uses_and_no_more() -> None:
    """Names as the clients are configured; docs/operations.md tells the same in words."""
    own = settings.read(variables())
    expected = {
        "scamsieve-scorer": {
            ("topic", own.message_topic, "literal", "Read"),
            ("group", own.group, "literal", "Read"),
            ("topic", own.alert_topic, "literal", "Write"),
            ("topic", own.dead_letter_topic, "literal", "Write"),
            ("transactionalId", f"{own.group}-", "prefix", "Write"),
        },
        "scamsieve-agents": {
            ("topic", own.alert_topic, "literal", "Read"),
            ("group", f"{own.group}-agents", "literal", "Read"),
            *(("topic", changelog(), "literal", right) for right in ("Create", "Read", "Write")),
            ("group", own.group, "literal", "Describe"),
            ("topic", own.message_topic, "literal", "Read"),
        },
        "scamsieve-autoscaler": {
            ("topic", own.message_topic, "literal", "Describe"),
            ("group", own.group, "literal", "Describe"),
        },
    }
    found = {
        user["metadata"]["name"]: {
            (acl["resource"]["type"], acl["resource"]["name"], acl["resource"]["patternType"], right)
            for acl in user["spec"]["authorization"]["acls"]
            for right in acl["operations"]
        }
        for user in documents("kafka/users.yaml")
    }
    assert found == expected


def test_the_autoscaler_looks_at_what_the_workers_read() -> None:
    lag, cpu = SCALED["triggers"]
    told = {name: variables()[value] for name, value in lag["metadata"].items() if name.endswith("FromEnv")}
    own = settings.read(variables())
    assert told == {"bootstrapServersFromEnv": own.brokers, "consumerGroupFromEnv": own.group, "topicFromEnv": own.message_topic}
    assert lag["metadata"]["offsetResetPolicy"] == "earliest"
    assert cpu["type"] == "cpu"
    assert SCALED["scaleTargetRef"] == {"name": documents("base/scorer.yaml")[0]["metadata"]["name"], "envSourceContainerName": "worker"}


def test_there_are_two_scorers_at_least_and_as_many_as_partitions_at_most() -> None:
    assert SCALED["minReplicaCount"] == 2
    assert SCALED["maxReplicaCount"] == TOPICS[Settings().message_topic]["partitions"]
    assert "replicas" not in documents("base/scorer.yaml")[0]["spec"], "the autoscaler's number would be set back by every apply"


def test_files_that_settings_name_are_mounted() -> None:
    told = variables(*EVERYTHING)
    own = settings.read(told)
    mounts = {mount["mountPath"]: mount["name"] for one in all_documents() if one["kind"] == "Deployment" for mount in mounted(one)}
    paths = [path for value in told.values() for path in re.findall(r"(?:^|=)(/[^,]+)", value)]
    assert {str(Path(path).parent) for path in paths} == mounts.keys()
    (secret,) = documents("secret.example.yaml")
    assert secret["metadata"]["name"] in {volume["secret"]["secretName"] for volume in pod(documents("base/scorer.yaml")[0])["volumes"]}
    assert secret["stringData"].keys() == {Path(own.pseudonym_key_file).name}


def mounted(document: Document) -> Iterator[Document]:
    for container in pod(document).get("containers", ()):
        if container["name"] == "worker":
            yield from container.get("volumeMounts", ())


def test_only_scorers_get_the_key_of_the_pseudonyms() -> None:
    assert "pseudonym" not in {volume["name"] for volume in WORKER["volumes"]}
    assert "volumes" not in pod(documents("base/agents.yaml")[0])


def test_the_policy_is_one_that_is_taken() -> None:
    assert policy.read(str(K8S / "base" / "policy.toml")) == policy.Policy()


def test_every_metric_is_one_of_ours(model: Model) -> None:
    registry = exported(model)
    known = {sample.name for family in registry.collect() for sample in family.samples}
    known |= {f"{family.name}{ending}" for family in registry.collect() for ending in ("", "_bucket", "_sum", "_count", "_total")}
    alone = re.compile(r"(?<![:\w])scamsieve_[a-z0-9_]+(?![:\w])")  # no part of a recording rule's name, which has colons
    named = {name for path in FILES if path.suffix == ".yaml" for name in alone.findall(path.read_text("utf-8"))}
    assert named <= known


def test_commands_exist() -> None:
    known = {command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback}
    known |= {"topics"} | {one.name for one in entry_points(group="scamsieve.commands")}
    told = {name for path in FILES for name in re.findall(r"^\s*(?:exec )?scamsieve ([a-z-]+)", path.read_text("utf-8"), re.MULTILINE)}
    told |= {container["args"][0] for one in PODS for container in pod(one)["containers"] if "command" not in container}
    assert told <= known
    assert {"worker", "topics", "train", "evaluate"} <= told


def test_a_candidate_is_compared_with_a_model_that_is_there() -> None:
    (version,) = re.findall(r"--against (\S+)", text("k8s/components/training/cron-jobs.yaml"))
    assert (ROOT / "models" / "released" / version).is_dir()


def test_nightly_jobs_are_suspended_and_no_worker_sees_what_they_write() -> None:
    jobs = documents("components/training/cron-jobs.yaml")
    assert [job["spec"]["suspend"] for job in jobs] == [True, True]
    volumes = [volume for one in all_documents() if one["kind"] == "Deployment" for volume in pod(one).get("volumes", ())]
    claimed = {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume}
    written = {volume["persistentVolumeClaim"]["claimName"] for job in jobs for volume in pod(job)["volumes"] if "emptyDir" not in volume}
    assert claimed == {"scamsieve-models"}
    assert not claimed & written


def test_images_have_the_version_of_the_project() -> None:
    tags = {tag for path in FILES for tag in re.findall(r"scamsieve(?:-training)?:([0-9][\w.]*)", path.read_text("utf-8"))}
    for overlay in ("dev", "production"):
        tags |= {one["newTag"] for one in documents(f"overlays/{overlay}/kustomization.yaml")[0]["images"]}
    assert tags == {VERSION}


def test_every_image_has_a_tag_and_none_a_digest() -> None:
    """A digest that nobody here has read would be a guess."""
    images = {one["image"] for one in COMPOSE["services"].values()}
    images |= {container["image"] for one in all_documents() if one["kind"] == "Deployment" for container in containers(one)}
    assert all(re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", name) for name in images - {"scamsieve"})  # whose tag the overlays set
    assert re.search(r"^ARG PYTHON=\d+\.\d+\.\d+-slim-\w+$", text("Dockerfile"), re.MULTILINE)


def containers(document: Document) -> Iterator[Document]:
    yield from (one for one in pod(document).get("containers", ()) if "image" in one)


def test_pods_run_as_the_user_of_the_image() -> None:
    (user,) = set(re.findall(r"^USER (\d+):\d+$", text("Dockerfile"), re.MULTILINE))
    assert {pod(one)["securityContext"]["runAsUser"] for one in PODS} == {int(user)}


def test_what_the_image_copies_is_let_through_and_nothing_else() -> None:
    let_through = {line[1:] for line in text("Dockerfile.dockerignore").split("\n") if line.startswith("!")}
    copied = [rest.split()[:-1] for stage in image.stages(text("Dockerfile")) for word, rest in stage.steps if word == "COPY"]
    assert {name for names in copied if not names[0].startswith("--from=") for name in names} == let_through


@pytest.mark.parametrize("path", generate.documents(), ids=lambda path: path.name)
def test_rules_and_dashboards_for_kubernetes_are_as_their_source_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.documents()[path], "run `make manifests` and commit what it writes"
