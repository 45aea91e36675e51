"""How each alert is made to fire: a scene is set, all is well; then something is broken, really.

A scene is a generator: at its first `yield` all is well, at its second it is broken, and stays so until it is closed.
"""

import inspect
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub does not name them
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from stream.guard import Child
from tests.bench.processes import tree
from tests.ops.check import shadowed, waiting
from tests.ops.stage import Feed, Stage, stage, worker

RATE = 20.0  # messages a second


@dataclass(frozen=True, slots=True)
class Play:
    """Where a scene is played: a broker, a folder, ports for its workers."""

    bootstrap: str
    folder: Path
    ports: tuple[int, ...]

    def stage(self, **settings: str) -> Stage:
        """Topics and settings of its own."""
        return stage(self.bootstrap, self.folder, **settings)


Acts = Callable[[Play], Iterator[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is broken, told in a few words; which alerts should fire; how many workers it has; whether it needs to know what is usual."""

    name: str
    told: str
    alerts: tuple[str, ...]
    acts: Acts
    workers: int
    history: bool


SCENES: list[Scene] = []


def scene(told: str, *alerts: str, workers: int = 1, history: bool = False) -> Callable[[Acts], Acts]:
    """Adds a scene, with the alerts' names without their prefix."""

    def add(acts: Acts) -> Acts:
        SCENES.append(Scene(acts.__name__.replace("_", "-"), told, tuple(f"ScamSieve{name}" for name in alerts), acts, workers, history))
        return acts

    return add


@scene("the only worker is killed", "NoWorkers")
def no_workers(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]):
        yield
    yield


@scene("the scorer hangs (SIGSTOP); the agents' worker tells the lag", "WorkerDown", "LagGrowing", "OldestMessageTooOld", workers=2)
def hanging(play: Play) -> Iterator[None]:
    place = play.stage()
    agents = worker(place, play.ports[1], ROLES="agents")
    with worker(place, play.ports[0], ROLES="scorer") as scorer, agents, Feed(place, RATE):
        yield
        os.kill(_process(scorer), signal.SIGSTOP)
        yield


def _process(child: Child) -> int:
    """The worker itself: the guard's child."""
    return tree(child.process.pid)[1]


@scene("the feed stops", "NoMessages")
def no_feed(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]):
        with Feed(place, RATE):
            yield
        yield


@scene("records come two minutes late", "BudgetBurn")
def late(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]), Feed(place, RATE) as feed:
        yield
        feed.late = 120.0
        yield


@scene("the alert topic takes no record as long as an alert (`max.message.bytes=100`)", "TransactionsAborted")
def refused_alerts(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]), Feed(place, RATE) as feed:
        feed.scams = 0.2
        yield
        entry = ConfigEntry("max.message.bytes", "100", incremental_operation=AlterConfigOpType.SET)
        change = ConfigResource(ResourceType.TOPIC, place.topics.alerts, incremental_configs=[entry])
        admin = AdminClient({"bootstrap.servers": play.bootstrap})
        admin.incremental_alter_configs([change])[change].result(30)
        yield


@scene("a fifth of the records is broken", "DeadLetters")
def broken_records(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]), Feed(place, RATE) as feed:
        yield
        feed.broken = 0.2
        yield


def _fault(marker: Path) -> None:
    """Runs in the worker: once the marker is there, judging raises for one message in a hundred."""
    from stream import scorer  # noqa: PLC0415
    from stream.judge import judge  # noqa: PLC0415

    def faulty(model, policy, messages):  # type: ignore[no-untyped-def]
        if marker.exists() and any(message.id.endswith("77") for message in messages):
            raise RuntimeError
        return judge(model, policy, messages)

    vars(scorer)["judge"] = faulty


@scene("a fault put into the code: judging raises for one message in a hundred", "InternalErrors")
def faulty_code(play: Play) -> Iterator[None]:
    place, marker = play.stage(), play.folder / "broken"
    code = f"from pathlib import Path\n{inspect.getsource(_fault)}\n_fault(Path({str(marker)!r}))"
    with worker(place, play.ports[0], code), Feed(place, RATE):
        yield
        marker.touch()
        yield


@scene("a third of the messages are scams (what is usual was backfilled)", "FlaggedShareUnusual", history=True)
def campaign(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]), Feed(place, RATE) as feed:
        yield
        feed.scams = 0.33
        yield


@scene("a third of the messages are scams (what is usual was backfilled)", "ScoreDrift", history=True)
def other_traffic(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]), Feed(place, 10 * RATE) as feed:
        yield
        feed.scams = 0.33
        yield


@scene("the pointer file names a folder that is not there", "ModelReloadRefused")
def wrong_model(play: Play) -> Iterator[None]:
    place, pointer = play.stage(), shadowed(play.folder)
    with worker(place, play.ports[0], MODEL=str(pointer)):
        yield
        pointer.write_text("nowhere\n", encoding="utf-8")
        yield


@scene("the policy file is cut off", "PolicyReloadRefused")
def wrong_policy(play: Play) -> Iterator[None]:
    place = play.stage()
    with worker(place, play.ports[0]):
        yield
        (play.folder / "policy.toml").write_text("[deny", encoding="utf-8")
        yield


@scene("a shadow model with lower thresholds, and many scams", "ShadowDisagreement")
def shadow(play: Play) -> Iterator[None]:
    place, pointer = play.stage(), shadowed(play.folder, 0.1)
    with worker(place, play.ports[0], MODEL=str(pointer), SHADOW_MODEL=str(play.folder / "shadow")), Feed(place, 0.0) as feed:
        yield
        feed.rate, feed.scams = RATE, 0.3
        yield


@scene("a worker is started with a certificate that ends in a day", "CertificateExpiring", workers=1)
def old_certificate(play: Play) -> Iterator[None]:
    place = play.stage()
    yield
    with waiting(place, play.ports[0], timedelta(days=1)):
        yield
