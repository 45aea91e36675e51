"""A worker has the parts that its roles ask for; what cannot be used is an error before anything runs."""

import json
import socket
from pathlib import Path

import pytest
from msgspec.structs import replace

from stream import health
from stream.broker import free_port
from stream.errors import ModelError, SettingsError
from stream.model import open_model
from stream.parts import Parts, assemble, check_port
from stream.settings import Settings
from tests.conftest import write_model


@pytest.fixture
def settings(model_folder: Path, tmp_path: Path) -> Settings:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef")
    return Settings(web_host="127.0.0.1", web_port=free_port(), model=str(model_folder), pseudonym_key_file=str(key))


@pytest.mark.parametrize(("roles", "scorer", "agents"), [("scorer", True, False), ("agents", False, True), ("agents,scorer", True, True)])
def test_parts_follow_the_roles(roles: str, scorer: bool, agents: bool, settings: Settings) -> None:
    parts = assemble(Settings(**{name: getattr(settings, name) for name in settings.__struct_fields__} | {"roles": roles}))
    assert (parts.scorer is not None, parts.counts is not None, parts.lag is not None) == (scorer, agents, agents)


def test_a_scorer_needs_a_key_and_agents_alone_need_none(settings: Settings) -> None:
    fields = {name: getattr(settings, name) for name in settings.__struct_fields__} | {"pseudonym_key_file": ""}
    assemble(Settings(**fields | {"roles": "agents"}))
    with pytest.raises(SettingsError, match="SCAMSIEVE_PSEUDONYM_KEY_FILE"):
        assemble(Settings(**fields))


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        open_model(str(tmp_path))
    with pytest.raises(ModelError, match=r"no released model 99\.99\.99"):
        open_model("99.99.99")


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="SCAMSIEVE_WEB_PORT"):
        check_port("127.0.0.1", taken.getsockname()[1])


def reloads(parts: Parts, outcome: str) -> float | None:
    return parts.registry.get_sample_value("scamsieve_model_reloads_total", {"outcome": outcome})


@pytest.mark.parametrize("roles", ["scorer", "agents"])
def test_a_new_release_is_taken_a_wrong_one_refused_and_both_are_told(roles: str, settings: Settings, tmp_path: Path) -> None:
    live = tmp_path / "live"
    write_model(tmp_path / "1")
    live.write_text("1")
    parts = assemble(replace(settings, model=str(live), roles=roles))
    parts.follow_models()
    assert (reloads(parts, "taken"), reloads(parts, "refused")) == (0, 0)
    (write_model(tmp_path / "2", seed=2) / "golden.jsonl").write_bytes(b"{}")
    live.write_text("2")
    for _ in range(3):
        parts.follow_models()
    assert (parts.model.version, reloads(parts, "taken"), reloads(parts, "refused")) == ("1", 0, 1)
    shown = json.loads(health.status(parts).body)["model"]
    assert shown["version"] == "1"
    assert "golden.jsonl is not the file" in shown["refused"]["why"]
    write_model(tmp_path / "3", seed=3)
    live.write_text("3")
    parts.follow_models()
    assert (parts.model.version, reloads(parts, "taken")) == ("3", 1)
    assert parts.scorer is None or parts.scorer.model is parts.model
    assert parts.registry.get_sample_value("scamsieve_model_info", {"version": "3", "sha256": parts.model.sha256}) == 1
    assert json.loads(health.status(parts).body)["model"]["refused"] is None


def test_an_unsigned_model_is_not_started_with_where_a_key_is_trusted(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        assemble(replace(settings, trusted_key_file=str(tmp_path / "none")))


def test_a_shadow_that_cannot_be_loaded_keeps_nobody_from_starting(settings: Settings, tmp_path: Path) -> None:
    parts = assemble(replace(settings, shadow_model=str(tmp_path / "none")))
    assert parts.scorer is not None
    assert parts.scorer.shadow is parts.shadow
    assert "no model folder" in json.loads(health.status(parts).body)["shadow"]["off"]
    write_model(tmp_path / "none")
    parts.follow_models()
    assert json.loads(health.status(parts).body)["shadow"]["version"] == "none"
