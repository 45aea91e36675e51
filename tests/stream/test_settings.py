import pytest

from stream.errors import SettingsError
from stream.settings import Settings, read


def test_variables_are_read_by_type() -> None:
    settings = read(
        {"SCAMSIEVE_BATCH_SIZE": "10", "SCAMSIEVE_DELIVERY": "at_least_once", "SCAMSIEVE_BATCH_WAIT_SECONDS": "0.2", "HOME": "/"}
    )
    assert (settings.batch_size, settings.delivery, settings.batch_wait_seconds) == (10, "at_least_once", 0.2)


def test_an_unknown_variable_names_the_nearest_known_one() -> None:
    with pytest.raises(SettingsError, match=r"SCAMSIEVE_BROKER is no setting.*SCAMSIEVE_BROKERS"):
        read({"SCAMSIEVE_BROKER": "x"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SCAMSIEVE_BATCH_SIZE", "many"),
        ("SCAMSIEVE_BATCH_SIZE", "0"),
        ("SCAMSIEVE_DELIVERY", "twice"),
        ("SCAMSIEVE_ROLES", "cook"),
        ("SCAMSIEVE_ROLES", ","),
        ("SCAMSIEVE_KAFKA_CONFIG", "nonsense"),
        ("SCAMSIEVE_MAX_TEXT_BYTES", "100000"),
        ("SCAMSIEVE_WEB_PORT", "70000"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read({variable: value})


def test_librdkafka_properties_and_roles_are_lists() -> None:
    settings = read({"SCAMSIEVE_KAFKA_CONFIG": "a.b=1, c=d=e", "SCAMSIEVE_ROLES": "scorer, agents"})
    assert settings.kafka_properties == {"a.b": "1", "c": "d=e"}
    assert settings.role_names == {"scorer", "agents"}


def test_defaults_are_valid() -> None:
    assert read({}) == Settings()
