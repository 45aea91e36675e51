"""`scamsieve plan`: from a rate of messages to workers, partitions, cores, memory and brokers.

Arithmetic from what was measured on one machine: a first plan, to be checked by a load test of one's own. What was measured stands in
MEASURED and nowhere else; what was not is an option with a default, and says so in docs/capacity.md.
"""

import math
from dataclasses import dataclass

from rich.table import Table

from stream.errors import SettingsError

DAY = 86_400  # seconds
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What one scorer process does: exactly once, Apache Kafka 4, batches of 10,000, 2 % of the messages raised.

    From docs/benchmarks.md (`make bench`): 2 cores of a virtual AMD EPYC, shared by the worker and the broker.
    """

    messages_a_second: float = 48_600
    cpu_seconds_a_million: float = 23
    memory_megabytes: float = 290
    """At its peak."""
    record_bytes: float = 437
    """A message as JSON, of 92 characters of text, with all its fields."""
    batch_wait_seconds: float = 0.02
    """The setting's default: a worker that keeps up commits up to so often."""
    raised_share: float = 0.02
    alert_bytes: float = 1_390
    """A record on the alert topic: value, key and headers."""


MEASURED = Measured()


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be carried, and how safely."""

    rate: float
    """Messages a second when it is busiest."""
    peak: float = 3.0
    """The busiest rate over the day's mean: for disk space alone."""
    headroom: float = 0.5
    """Speed left over at the busiest, as a share of the rate: an outage is made good in its own length divided by this."""
    zones: int = 3
    """Of which one may fail without the rest falling behind; 1: none may."""
    worker_speed: float = MEASURED.messages_a_second
    """Messages a second of one worker on the planner's own machines."""
    broker_megabytes: float = 80.0
    """Megabytes a second that one broker writes, copies included."""
    replication: int = 3
    retention_hours: float = 72.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What that takes; cores and memory are of the workers, disk of the brokers."""

    workers: int
    partitions: int
    cores: float
    """As many as the workers keep busy at the busiest rate with a zone lost; a container asks for its share of them."""
    cores_each: float
    memory_gigabytes: float
    brokers: int
    disk_gigabytes: float
    """Of the message topic, all copies."""
    megabytes_in: float
    """A second, from the senders."""
    busy: float
    """Share of the workers' speed that is used at the busiest, with all zones."""
    busy_zone_lost: float
    transactions: float
    """A second, at most."""
    alerts: float
    """A second."""
    catch_up: float
    """Seconds that making good one second of outage takes, at the busiest."""


def plan(load: Load, measured: Measured = MEASURED) -> Plan:
    """The plan for a load. Raises SettingsError for what is no load."""
    for name in ("rate", "worker_speed", "broker_megabytes", "headroom", "retention_hours"):
        if not 0 < getattr(load, name) < math.inf:
            raise SettingsError(f"{name} must be more than 0")
    if load.peak < 1 or load.zones < 1 or load.replication < 1:
        raise SettingsError("the busiest rate is at least the mean, and there is at least one zone and one copy")
    left = max(load.zones - 1, 1)  # zones when one is lost
    needed = load.rate * (1 + load.headroom)
    workers = max(_spread(needed / load.worker_speed, load.zones, left), 2)
    cores_each = load.worker_speed * measured.cpu_seconds_a_million / 1e6
    megabytes = load.rate * measured.record_bytes / MEGABYTE
    written = (megabytes + load.rate * measured.raised_share * measured.alert_bytes / MEGABYTE) * load.replication
    brokers = max(_spread(written * (1 + load.headroom) / load.broker_megabytes, load.zones, left), load.replication)
    survivors = workers * left // load.zones if load.zones > 1 else workers
    return Plan(
        workers=workers,
        partitions=_partitions(workers, load.zones),
        cores=round(workers * cores_each, 1),
        cores_each=round(cores_each, 2),
        memory_gigabytes=round(workers * measured.memory_megabytes / 1000, 1),
        brokers=brokers,
        disk_gigabytes=round(load.rate / load.peak * load.retention_hours * 3600 * measured.record_bytes * load.replication / 1e9),
        megabytes_in=round(megabytes, 1),
        busy=load.rate / (workers * load.worker_speed),
        busy_zone_lost=load.rate / (survivors * load.worker_speed),
        transactions=workers / measured.batch_wait_seconds,
        alerts=load.rate * measured.raised_share,
        catch_up=1 / load.headroom,
    )


def table(load: Load, found: Plan) -> Table:
    """The plan for people."""
    shown = Table("what", "how much", "why", title=f"{load.rate:,.0f} messages/s when it is busiest", title_justify="left")
    lost = "one of them lost" if load.zones > 1 else "none may be lost"
    rows = (
        (
            "workers (scorer)",
            f"{found.workers:,}",
            f"{load.worker_speed:,.0f} messages/s each; headroom {load.headroom:.0%}; {load.zones} zones, {lost}",
        ),
        ("busy", f"{found.busy:.0%}", f"at the busiest; {found.busy_zone_lost:.0%} with a zone lost"),
        ("partitions", f"{found.partitions:,}", "a whole number for each worker, also with a zone lost; room to grow"),
        ("cores", f"{found.cores:,.1f}", f"{found.cores_each:g} for each worker at its full speed"),
        ("memory", f"{found.memory_gigabytes:,.1f} GB", f"{MEASURED.memory_megabytes:g} MB for each worker at its peak; give it 512"),
        (
            "brokers",
            f"{found.brokers:,}",
            f"{found.megabytes_in:,.1f} MB/s in, {load.replication} copies, {load.broker_megabytes:g} MB/s each (assumed)",
        ),
        ("disk", f"{found.disk_gigabytes:,.0f} GB", f"messages of {load.retention_hours:g} h, {load.replication} copies, at the mean rate"),
        ("alerts", f"{found.alerts:,.0f}/s", f"where {MEASURED.raised_share:.0%} of the messages are raised"),
        ("transactions", f"{found.transactions:,.0f}/s", "at most; SCAMSIEVE_BATCH_WAIT_SECONDS makes them fewer"),
        ("catching up", f"{found.catch_up:g} min", "for each minute of outage, at the busiest"),
    )
    for row in rows:
        shown.add_row(*row)
    return shown


def _spread(needed: float, zones: int, left: int) -> int:
    """So many that those in the zones that are left suffice, as many in each zone."""
    return math.ceil(round(needed / left, 9)) * zones


def _partitions(workers: int, zones: int) -> int:
    """The least number, at least two a worker, that both all workers and those of all zones but one share without a rest."""
    whole = math.lcm(workers, workers * (zones - 1) // zones) if zones > 1 and workers % zones == 0 else workers
    return whole * math.ceil(2 * workers / whole)
