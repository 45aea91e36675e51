"""What is done to workers and brokers. Each fault is a function that does it, waits as long as it takes, and says what it did."""

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.cluster import NODES, Cluster, configure_topic
from tests.chaos.fleet import Fleet

FROZEN_SECONDS = (8.0, 20.0)  # past the session's time-out of 6 s; the longer ones past the transaction's of 10 s too
BROKER_AWAY_SECONDS = (3.0, 15.0)
REFUSED_SECONDS = (2.0, 10.0)
USUAL_BYTES = "1048588"  # Kafka's default
LEAST_WORKERS, MOST_WORKERS = 2, 3


@dataclass
class World:
    """What faults are done to."""

    cluster: Cluster
    fleet: Fleet
    random: random.Random
    alerts: str
    """The topic of alerts."""
    blackout_seconds: float
    """How long the whole cluster is away."""


def kill_worker(world: World) -> str:
    """The supervisor starts it again."""
    name = _worker(world)
    world.fleet.kill(name)
    return f"kill -9 of {name}"


def freeze_worker(world: World) -> str:
    """A zombie: when it goes on, others have its partitions, and perhaps its transaction was ended."""
    name, seconds = _worker(world), world.random.uniform(*FROZEN_SECONDS)
    world.fleet.signal(name, signal.SIGSTOP)
    time.sleep(seconds)
    world.fleet.signal(name, signal.SIGCONT)
    return f"SIGSTOP of {name}, SIGCONT {seconds:.0f} s later"


def change_workers(world: World) -> str:
    """One more, or one fewer: a rebalance."""
    if len(world.fleet.names) < MOST_WORKERS:
        return f"{world.fleet.add()} added"
    name = _worker(world)
    return f"{name} removed by SIGTERM, ended with code {world.fleet.remove(name)}"


def kill_broker(world: World) -> str:
    """Two of three remain: enough to go on."""
    node, seconds = world.random.choice(NODES), world.random.uniform(*BROKER_AWAY_SECONDS)
    world.cluster.kill(node)
    time.sleep(seconds)
    world.cluster.start(node)
    return f"kill -9 of broker {node}, started again {seconds:.0f} s later"


def stop_cluster(world: World) -> str:
    """Nobody is there."""
    world.cluster.kill(*NODES)
    time.sleep(world.blackout_seconds)
    world.cluster.start(*NODES)
    return f"kill -9 of all brokers, started again {world.blackout_seconds:.0f} s later"


def refuse_alerts(world: World) -> str:
    """Each batch is aborted while nobody takes the partitions away: who does not go back then loses it."""
    seconds = world.random.uniform(*REFUSED_SECONDS)
    configure_topic(world.cluster.bootstrap, world.alerts, "max.message.bytes", "100")
    time.sleep(seconds)
    configure_topic(world.cluster.bootstrap, world.alerts, "max.message.bytes", USUAL_BYTES)
    return f"alert topic took no record for {seconds:.0f} s"


Fault = Callable[[World], str]

FAULTS: dict[str, tuple[Fault, int]] = {
    "worker killed": (kill_worker, 4),
    "worker frozen": (freeze_worker, 3),
    "workers changed": (change_workers, 3),
    "broker killed": (kill_broker, 3),
    "alerts refused": (refuse_alerts, 2),
    "cluster away": (stop_cluster, 1),
}
"""Each kind, and how often it comes in relation to others."""


def plan(count: int, chance: random.Random, only: Sequence[str] = ()) -> Iterator[tuple[str, Fault]]:
    """So many faults, at random: one of each kind first, then by their weights."""
    names = list(only or FAULTS)
    first = chance.sample(names, len(names))
    rest = chance.choices(names, [FAULTS[name][1] for name in names], k=count)
    for name in (first + rest)[:count]:
        yield name, FAULTS[name][0]


def _worker(world: World) -> str:
    return world.random.choice(world.fleet.names)
