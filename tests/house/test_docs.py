"""What a user can meet stands in the docs: every command, setting, metric, topic, error, reason; and every link leads somewhere."""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest
import typer
from prometheus_client import CollectorRegistry

from models.artifact import Model
from models.catalogue import CATALOGUE
from stream import policy
from stream.errors import ScamSieveError
from stream.metrics import AgentMetrics, CertificateMetrics, Metrics, ShadowMetrics
from stream.settings import PREFIX, Settings
from tests.bench import capacity
from tests.house.source import ROOT, committed, modules, tree
from training.attacks import ATTACKS

README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
REASONS = ROOT / "docs" / "reasons.md"
EVALUATION = ROOT / "docs" / "evaluation.md"
POLICY = ROOT / "docs" / "policy.md"
CAPACITY = ROOT / "docs" / "capacity.md"
PAGES = [path for path in committed("*.md") if path.relative_to(ROOT).parts[0] not in ("models", "training")]
NOT_SAID = {"instance": "host name and process number"}  # defaults that differ from machine to machine


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def setting_rows() -> Iterator[str]:
    """A row of the settings' table for each field: variable, default, the text below the field."""
    (fields,) = [node for node in tree(modules()["stream.settings"]).body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    helps = {
        field.target.id: str(text.value.value)
        for field, text in zip(fields.body, fields.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
    for field in msgspec.structs.fields(Settings):
        default = NOT_SAID.get(field.name) or (f"`{field.default}`" if field.default != "" else "")
        yield f"| `{PREFIX}{field.name.upper()}` | {default} | {helps[field.name]} |"


def reason_rows() -> Iterator[str]:
    """A row of the reasons' table for each signal."""
    return (f"| `{signal.name}` | {signal.group} | {signal.description} |" for signal in CATALOGUE)


def metric_rows(model: Model) -> Iterator[str]:
    """A row of the metrics' table for each metric: the name that Prometheus shows, its kind, its labels, its help."""
    registry = CollectorRegistry()
    made: list[object] = [Metrics(registry, model, policy.Policy()), AgentMetrics(registry), CertificateMetrics(registry, {})]
    made += [ShadowMetrics(registry, (), policy.Policy())]
    labels = {m._name: m._labelnames for one in made for m in vars(one).values() if hasattr(m, "_labelnames")}
    labels |= {m._name: m._label[:1] for one in made for m in vars(one).values() if hasattr(m, "_label")}
    ending = {"counter": "_total", "info": "_info"}
    for family in registry.collect():
        told = ", ".join(f"`{label}`" for label in labels[family.name])
        yield f"| `{family.name}{ending.get(family.type, '')}` | {family.type} | {told} | {family.documentation} |"


def error_codes() -> Iterator[tuple[str, str]]:
    """The code of each class of error, and the class's name."""
    classes = [ScamSieveError]
    for one in classes:
        classes.extend(one.__subclasses__())
        yield one.code, one.__name__


def commands() -> Iterator[str]:
    """The commands that `scamsieve` offers: those of stream/cli.py, and the offline ones of the entry points."""
    apps = [told for told in vars(importlib.import_module("stream.cli")).values() if isinstance(told, typer.Typer)]
    nested = [group.typer_instance for app in apps for group in app.registered_groups]
    (app,) = [app for app in apps if app not in nested]
    for command in app.registered_commands:
        if not command.hidden:
            yield command.name or command.callback.__name__.replace("_", "-")  # type: ignore[union-attr]
    for group in app.registered_groups:
        yield next(name for name in (group.name, group.typer_instance.info.name) if isinstance(name, str))  # type: ignore[union-attr]
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    yield from project["entry-points"]["scamsieve.commands"]


def without_table(page: str, rows: list[str], head: str) -> list[str]:
    """Rows of the table under a head row that are none of these."""
    below = page.split(head, 1)[1].split("\n")[2:]
    end = next((i for i, line in enumerate(below) if not line.startswith("|")), len(below))
    return [line for line in below[:end] if line not in rows]


def test_every_setting_is_in_the_operations_page_and_no_other() -> None:
    rows, page = list(setting_rows()), read(OPERATIONS)
    assert not [row for row in rows if row not in page]
    assert not without_table(page, rows, "| Variable | Default |")


def test_every_metric_is_in_the_operations_page_and_no_other(model: Model) -> None:
    rows, page = list(metric_rows(model)), read(OPERATIONS)
    assert not [row for row in rows if row not in page]
    assert not without_table(page, rows, "| Metric | Kind |")


def test_no_metric_is_made_outside_the_metrics_module() -> None:
    """So that the table above is all of them."""
    for name, path in modules().items():
        told = [node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        assert name == "stream.metrics" or not [text for text in told if re.fullmatch(r"scamsieve_[a-z_]+", text)]


def test_every_reason_code_is_in_the_reasons_page_and_no_other() -> None:
    rows, page = list(reason_rows()), read(REASONS)
    assert not [row for row in rows if row not in page]
    assert not without_table(page, rows, "| Code | Group |")
    assert "`text`" in page


def test_every_attack_is_in_the_evaluation_page_and_no_other() -> None:
    rows, page = [f"| `{name}` | {str(attack.__doc__).strip()} |" for name, attack in ATTACKS.items()], read(EVALUATION)
    assert not [row for row in rows if row not in page]
    assert not without_table(page, rows, "| Attack | What is done |")


@pytest.mark.parametrize(("code", "name"), sorted(error_codes()))
def test_every_error_code_says_what_to_do(code: str, name: str) -> None:
    assert re.search(rf"^\| `{code}` \| .+ \| .+ \|$", read(OPERATIONS), re.MULTILINE), f"{name} is missing in docs/operations.md"


@pytest.mark.parametrize("topic", [Settings().message_topic, Settings().alert_topic, Settings().dead_letter_topic])
def test_every_topic_is_in_the_operations_page_and_in_the_readme(topic: str) -> None:
    assert f"`{topic}`" in read(OPERATIONS)
    assert topic in read(README)


def test_every_command_is_in_the_operations_page() -> None:
    missing = [name for name in commands() if f"`scamsieve {name}" not in read(OPERATIONS)]
    assert not missing


def log_rows() -> Iterator[str]:
    """A row of the log's table for each event: its level, its fields."""
    found: dict[tuple[str, str], set[str]] = {}
    for name, path in modules().items():
        calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        for call in calls if name.startswith("stream") else ():
            if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "log":
                (event,) = call.args
                assert isinstance(event, ast.Constant), f"{path}:{call.lineno}: an event is a plain text; what changes goes into fields"
                assert all(keyword.arg for keyword in call.keywords), f"{path}:{call.lineno}: name the fields"
                found.setdefault((str(event.value), call.func.attr), set()).update(str(keyword.arg) for keyword in call.keywords)
    for (told, level), fields in sorted(found.items()):
        yield f"| {told} | {level} | {', '.join(f'`{field}`' for field in sorted(fields))} |"


def test_every_log_event_is_in_the_operations_page_and_no_other() -> None:
    rows, page = list(log_rows()), read(OPERATIONS)
    assert not [row for row in rows if row not in page]
    assert not without_table(page, rows, "| Event | Level |")


def test_every_log_field_is_explained() -> None:
    fields = {field for row in log_rows() for field in re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])}
    assert not [field for field in sorted(fields) if not re.search(rf"^\| `{field}` \| \S.* \|$", read(OPERATIONS), re.MULTILINE)]


def test_the_capacity_page_has_the_tables_that_the_code_makes() -> None:
    assert capacity.page(read(CAPACITY)) == read(CAPACITY), "run python -m tests.bench.capacity"


def test_every_page_of_the_worker_is_in_the_operations_page() -> None:
    assert not [page for page in ("/healthz", "/readyz", "/metrics", "/status") if f"`{page}`" not in read(OPERATIONS)]


def test_every_test_that_the_security_page_names_exists_and_every_attempt_has_one() -> None:
    page = read(ROOT / "docs" / "security.md")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert not [f"{path}::{name}" for path, name in named if f"def {name}(" not in read(ROOT / path)]
    for head in ("| Promise |", "| Attempt |"):
        for table in page.split(head)[1:]:
            rows = [row for row in table.split("\n\n")[0].split("\n")[2:] if row]
            assert not [row for row in rows if "::test_" not in row]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Relative ones to a file, `#` ones to a heading; those to the web are not asked for."""
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", without_code(read(path)))
    for link in filter(None, (a or b for a, b in links)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), f"{path.name}: {link}"
        assert not anchor or anchor in headings(target), f"{path.name}: {link}"


def headings(path: Path) -> set[str]:
    """The anchors that a page's headings make."""
    found = re.findall(r"^#+ (.+)$", without_code(read(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def code(text: str) -> str:
    """Everything of a page that stands in code, blocks and inline."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", without_code(text))])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_in_code_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"^\s*(?:\$ )?make ([a-z-]+)", code(read(path)), re.MULTILINE)) <= targets


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_code_exist(path: Path) -> None:
    """A command that a page tells to type is there; so is each setting."""
    told = code(read(path))
    assert set(re.findall(r"(?:^|[\s|/])scamsieve ([a-z-]+)", told)) <= set(commands())
    assert set(re.findall(rf"\b{PREFIX}([A-Z_]+)", told)) - {"TEST_BROKER"} <= {name.upper() for name in Settings.__struct_fields__}


def test_the_policy_page_shows_a_policy_that_is_taken(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```", read(POLICY), re.MULTILINE | re.DOTALL)
    file = tmp_path / "policy.toml"
    file.write_text(example, encoding="utf-8")
    taken = policy.read(str(file))
    assert taken.operators
    assert taken.threshold
    assert taken.deny.senders
    assert taken.allow.domains


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    listed = read(ROOT / "docs" / "architecture.md")
    for path in records:
        assert f"(decisions/{path.name})" in listed
        assert all(f"\n## {part}\n" in read(path) for part in ("Context", "Decision", "Consequences"))


def test_no_page_names_a_place_of_one_machine() -> None:
    """Paths and hosts that only the author has."""
    private = re.compile(r"/home/|/root/|/work/|\.\./shared|index-url")
    assert not [path for path in PAGES if private.search(read(path))]


def test_the_changelog_has_the_version_of_the_project() -> None:
    version = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\]", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
