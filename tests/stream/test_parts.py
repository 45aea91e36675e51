"""A worker has the parts that its roles ask for; what cannot be used is an error before anything runs."""

import socket
from pathlib import Path

import pytest

from stream.broker import free_port
from stream.errors import ModelError, SettingsError
from stream.model import open_model
from stream.parts import assemble, check_port
from stream.settings import Settings


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
