"""`scamsieve status`: the pages of the workers and the lag of their group, and whether all of it is as it should be.

What a page answers is believed by nobody: it is read into structs, bounded in size, and shown without what a terminal obeys.
"""

import http.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from confluent_kafka import KafkaException
from rich.table import Table
from rich.text import Text

from stream import group
from stream.errors import SettingsError
from stream.settings import Settings
from stream.tail import plain

MOST_BYTES = 1 << 20  # of a page
AT_ONCE = 32  # workers asked at the same time

Kind = TypeVar("Kind")


class Model(msgspec.Struct, frozen=True):
    """The model of a worker."""

    version: str
    sha256: str


class Scorer(msgspec.Struct, frozen=True):
    """What a worker's page says of its scorer."""

    partitions: list[int] = []
    judged: int = 0
    alerts: int = 0
    dead_letters: int = 0


class Status(msgspec.Struct, frozen=True):
    """What is read of the page /status."""

    software: str
    instance: str
    roles: list[str]
    group: str
    model: Model
    scorer: Scorer | None = None


class Live(msgspec.Struct, frozen=True):
    """The page /healthz."""

    live: bool
    stalled_seconds: dict[str, float] = {}


class Ready(msgspec.Struct, frozen=True):
    """The page /readyz."""

    ready: bool
    waiting: dict[str, str] = {}


class Worker(msgspec.Struct, frozen=True):
    """What one worker answered; `trouble` is empty if all is well."""

    address: str
    trouble: str
    status: Status | None = None


class Group(msgspec.Struct, frozen=True):
    """How far the group is behind; `trouble` is empty if all is well."""

    name: str
    trouble: str
    messages: int = 0
    oldest_seconds: float = 0.0
    partitions: int = 0


class Report(msgspec.Struct, frozen=True):
    """All of it."""

    healthy: bool
    workers: list[Worker]
    group: Group
    notes: list[str]
    """What is odd, but no trouble by itself."""


def report(settings: Settings, addresses: Sequence[str], seconds: float, oldest: float) -> Report:
    """Ask everybody, each for at most so many seconds; a group whose oldest unread record is older than `oldest` is in trouble.

    Raises SettingsError for what is no address.
    """
    places = [_place(address, settings.web_port) for address in addresses]
    with ThreadPoolExecutor(AT_ONCE) as asking:
        answers = [asking.submit(ask, host, port, seconds) for host, port in places]
        lag = lag_of(settings, seconds, oldest)
        workers = [answer.result() for answer in answers]
    return Report(not (lag.trouble or any(worker.trouble for worker in workers)), workers, lag, notes(workers, settings.group))


def ask(host: str, port: int, seconds: float) -> Worker:
    """What a worker's pages say."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        live = _page(host, port, "/healthz", Live, seconds)
        ready = _page(host, port, "/readyz", Ready, seconds)
        status = _page(host, port, "/status", Status, seconds)
    except OSError as error:
        return Worker(address, f"does not answer: {error.strerror or type(error).__name__}")
    except (http.client.HTTPException, msgspec.DecodeError):
        return Worker(address, "answers, but not as a ScamSieve worker does")
    if not live.live:
        stalled = ", ".join(f"{name} {since:g} s" for name, since in live.stalled_seconds.items())
        return Worker(address, f"not live: {stalled}", status)
    waiting = "; ".join(f"{role}: {told}" for role, told in ready.waiting.items())
    return Worker(address, "" if ready.ready else f"not ready: {waiting}", status)


def lag_of(settings: Settings, seconds: float, oldest: float) -> Group:
    """How far the scorers' group is behind."""
    consumer = group.outsider(settings)
    try:
        found = group.behind(consumer, settings.message_topic, seconds)
    except KafkaException as error:
        return Group(settings.group, f"the lag cannot be read at {settings.brokers}: {error.args[0].name()}")
    finally:
        consumer.close()
    if not found:
        return Group(settings.group, f"topic {settings.message_topic} is missing at {settings.brokers}")
    age = max(one.seconds for one in found.values())
    late = f"the oldest unread message is {age:,.0f} s old, more than {oldest:g} s" if age > oldest else ""
    return Group(settings.group, late, sum(one.messages for one in found.values()), round(age, 1), len(found))


def notes(workers: Sequence[Worker], name: str) -> list[str]:
    """What is odd about workers beside each other."""
    known = [worker.status for worker in workers if worker.status]
    told = []
    models = {(one.model.version, one.model.sha256) for one in known}
    if len(models) > 1:
        told.append(f"the workers judge by {len(models)} models: {', '.join(sorted(f'{version} ({sha[:8]})' for version, sha in models))}")
    if len(releases := {one.software for one in known}) > 1:
        told.append(f"the workers run {len(releases)} releases: {', '.join(sorted(releases))}")
    if strangers := sorted({one.group for one in known} - {name}):
        told.append(f"some workers are of other groups than {name}: {', '.join(strangers)}")
    return told


def table(told: Report) -> Table:
    """One row a worker, and one of the group."""
    shown = Table("who", "state", "roles", "model", "partitions", "judged", "alerts", "dead letters")
    for worker in told.workers:
        status = worker.status
        scorer = status.scorer if status else None
        cells = [f"{worker.address} {status.instance}" if status else worker.address, worker.trouble or "good"]
        cells += [", ".join(status.roles), f"{status.model.version} ({status.model.sha256[:8]})"] if status else ["", ""]
        cells += [_numbers(scorer.partitions), *(f"{n:,}" for n in (scorer.judged, scorer.alerts, scorer.dead_letters))] if scorer else []
        shown.add_row(*(Text(plain(cell), "red" if worker.trouble else "") for cell in cells))
    lag, colour = told.group, "red" if told.group.trouble else ""
    state = lag.trouble or f"good: {lag.messages:,} messages behind, the oldest {lag.oldest_seconds:,.1f} s old"
    shown.add_row(*(Text(plain(cell), colour) for cell in (f"group {lag.name}", state, "", "", str(lag.partitions or ""))))
    return shown


def _numbers(partitions: Sequence[int]) -> str:
    """Numbers in runs: 0-3, 7."""
    runs: list[list[int]] = []
    for number in sorted(partitions):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _page(host: str, port: int, path: str, kind: type[Kind], seconds: float) -> Kind:
    """A page, read into a struct. Raises OSError, HTTPException, DecodeError."""
    with closing(http.client.HTTPConnection(host, port, timeout=seconds)) as connection:
        connection.request("GET", path, headers={"Accept": "application/json"})
        return msgspec.json.decode(connection.getresponse().read(MOST_BYTES), type=kind)


def _place(address: str, port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port` or `http://host:port`."""
    try:
        found = urlsplit(address if "//" in address else f"//{address}")
        if found.hostname and found.scheme in ("", "http") and found.path in ("", "/"):
            return found.hostname, found.port or port
    except ValueError:
        pass
    raise SettingsError(f"{address!r} is no address of a worker: give host, host:port or http://host:port")
