"""What the fuzzers call holds on what they begin with, and they can find something."""

import random
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz import mutants, target
from tests.models.strategies import texts


def test_mutated_records_keep_every_promise() -> None:
    for value in mutants.records(600, seed=2):
        if value is not None:
            target.any_record(value)


def test_records_are_the_same_for_the_same_seed_and_some_are_sound() -> None:
    first, second = (list(mutants.records(200, seed=3)) for _ in range(2))
    assert first == second
    found = target.DECODER.decode_all(first)
    assert 40 < len(found.messages) < 160


@pytest.mark.parametrize("mutation", mutants.MUTATIONS, ids=lambda one: one.__name__)
def test_every_mutation_is_total(mutation: object) -> None:
    chance = random.Random(4)
    for value in (b"", b"{", b"[]", b"null", b"[" * 5000, b'{"a":1}', *filter(None, islice(mutants.records(50, 5), 50))):
        mutation(value, chance)  # type: ignore[operator]


@given(st.binary(max_size=200))
@example(b"\x01\x00")
def test_any_bytes_keep_every_promise(data: bytes) -> None:
    target.any_bytes(data)


@given(texts)
def test_any_text_keeps_every_promise(text: str) -> None:
    target.any_bytes(b"\x01\x05" + text.encode("utf-16-le", "surrogatepass"))


def test_a_broken_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the fuzzer would prove nothing."""
    monkeypatch.setattr("stream.privacy.mask", lambda text, *_: text + "!")
    with pytest.raises(AssertionError):
        target.any_field(b"hello")
