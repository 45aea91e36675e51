"""Who runs: ScamSieve's own rows, the limit, and what a user would pick instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.bench.environments import LEARNING, ROOT, pinned

CONTENDERS = Path(__file__).parent / "contenders"
BATCHES = (1000, 4000, 16000)

Scoring = Literal["scamsieve", "word", "char", "none"]


@dataclass(frozen=True, slots=True)
class Contender:
    """A program, how it is called by its Python, what it needs installed, and which scorer it judges with."""

    name: str
    what: str
    command: tuple[str, ...]
    scoring: Scoring
    packages: tuple[str, ...] = ()
    batches: bool = True
    """Whether it has a batch size to choose."""
    largest: int = 1_000_000
    """The largest batch that may be tried."""
    settings: Mapping[str, str] = field(default_factory=dict)


def _scamsieve(name: str, what: str, **settings: str) -> Contender:
    return Contender(name, what, ("-m", "stream.cli", "worker"), "scamsieve", settings=settings)


def _script(
    name: str,
    what: str,
    file: str,
    scoring: Scoring,
    *packages: str,
    run: tuple[str, ...] = (),
    batches: bool = True,
    largest: int = 1_000_000,
) -> Contender:
    command = (*run, str((CONTENDERS / file).relative_to(ROOT)))
    return Contender(name, what, command, scoring, pinned(*packages, *LEARNING), batches, largest)


SCAMSIEVE = "scamsieve"
FAUST = ("faust-streaming", "click", "cramjam")  # newer clicks break it; cramjam reads lz4
AHEAD = 1000  # Bytewax commits what it has read, a batch of each partition ahead of its work: larger ones would flatter it
ROSTER = (
    _scamsieve(SCAMSIEVE, "one worker process as it comes: scorer and agents, exactly once", ROLES="scorer,agents"),
    _scamsieve("scamsieve-scorer", "the same with the scorer's role alone", ROLES="scorer"),
    _scamsieve("scamsieve-at-least-once", "the scorer alone, without transactions", ROLES="scorer", DELIVERY="at_least_once"),
    Contender("limit", "ScamSieve's Kafka code with no scoring at all: 2 % sent on", ("-m", "tests.bench.contenders.limit"), "none"),
    _script("faust-each", "a Faust agent that scores event by event", "faust_each.py", "word", *FAUST, batches=False),
    _script("faust-take", "a Faust agent that takes batches", "faust_take.py", "word", *FAUST),
    _script("confluent-sklearn-word", "confluent-kafka, tf-idf of words", "confluent_sklearn.py", "word", "confluent-kafka"),
    _script("confluent-sklearn-char", "confluent-kafka, tf-idf of character 1-5-grams", "confluent_sklearn.py", "char", "confluent-kafka"),
    _script("quixstreams", "Quix Streams, message by message", "quix.py", "word", "quixstreams==3.28.1", batches=False),
    _script("bytewax", "a Bytewax dataflow", "bytewax_flow.py", "word", "bytewax[kafka]==0.21.1", run=("-m", "bytewax.run"), largest=AHEAD),
    _script("kafka-python", "kafka-python in batches", "kafka_python.py", "word", "kafka-python", "lz4", "crc32c"),
)
"""All of them judge with tf-idf of words where nothing else is said."""


def chosen(names: str) -> list[Contender]:
    """The contenders of a comma-separated list, all of an empty one. Raises KeyError with a name that is none."""
    known = {contender.name: contender for contender in ROSTER}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    return [known[name] for name in wanted] or list(ROSTER)
