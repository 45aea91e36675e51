"""The worker: a Faust application that hosts the scorer in a thread of its own, runs the agents and serves the pages.

Only here is Faust imported. What it is asked to do is small: start and stop the parts in order, serve HTTP, and keep the agents'
table. Order of the parts: pages, loops and scorer first, so that /healthz answers with no broker; then, with the agents role, a
gate that waits for the broker; behind it what Faust itself needs of Kafka.

What it promises on ending: SIGTERM and SIGINT end it with code 0 within `stop_seconds`, also when the broker is gone (then by
force: a transaction under way is not committed, and its batch is read again by others). A scorer that fails ends it with code 1;
a setting, policy or model that cannot be used, with code 2.
"""

import asyncio
import logging
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, cast

import faust
from faust.app.base import BootStrategy as FaustBoot
from faust.web.base import BlueprintManager, Request
from faust.web.views import View
from mode import Service
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from models import artifact
from models.artifact import ArtifactError, Model
from stream import agents, clients, group, health, logs, privacy
from stream.agents import AlertCounts
from stream.errors import BrokerUnavailable, ModelError, ScamSieveError, SettingsError, TopicError
from stream.group import GroupLag
from stream.health import Page, Parts
from stream.judge import Disclosure
from stream.logs import log
from stream.metrics import AgentMetrics, Metrics
from stream.policy import OTHER_OPERATOR, Policy
from stream.reload import POLL_SECONDS, PolicyFile
from stream.scorer import Scorer
from stream.settings import Settings

TABLE = "alerts"
LONGEST_BACK_OFF_SECONDS = 30.0
FAILED, CANNOT_START = 1, 2  # exit codes


def run_worker(settings: Settings) -> int:
    """Run the worker until it is told to stop; returns the exit code. Must be called in the main thread."""
    logs.configure(settings.log_level, settings.log_format)
    # aiokafka tells of a broker that is away many times a second; the scorer and GroupLag tell it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        worker = _Worker(_App(settings), settings.stop_seconds, loop)
    except ScamSieveError as error:
        log.error("cannot start", code=error.code, why=str(error))
        loop.close()
        return CANNOT_START
    log.info("starting", software=health.software(), roles=settings.roles, instance=settings.instance, web_port=settings.web_port)
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return max(int(ended.code or 0), worker.app.code)
    finally:
        worker.watchdog.cancel()
        asyncio.set_event_loop(None)


class _App(faust.App):
    """The application and its parts, in the order of their start."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError, PolicyError, ModelError."""
        _check_port(settings.web_host, settings.web_port)
        self.settings = settings
        self.code = 0
        roles = settings.role_names
        super().__init__(
            f"{settings.group}-agents",
            broker=[f"kafka://{address.strip()}" for address in settings.brokers.split(",")],
            broker_credentials=_credentials(settings.kafka_properties),
            broker_client_id=f"scamsieve-{settings.instance}-agents",
            broker_session_timeout=settings.session_timeout_seconds,
            broker_heartbeat_interval=max(settings.session_timeout_seconds / 10, 0.5),
            producer_request_timeout=30.0,  # Faust's 20 minutes would hide a broker that is away
            store="memory://",
            table_standby_replicas=0,
            topic_disable_leader=True,
            stream_wait_empty=False,
            autodiscover=False,
            web_bind=settings.web_host,
            web_port=settings.web_port,
            web_in_thread=True,  # the pages answer also while the event loop is busy with alerts
            web_tables_enabled=False,
            web_router_enabled=False,
            worker_redirect_stdouts=False,
        )
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        policy, model = PolicyFile(settings.policy), _model(settings.model)
        self.parts = Parts(settings, model, policy, registry)
        self.metrics = Metrics(registry, model, policy.current)
        self.first: list[Service] = [_Upkeep(self)]
        self.behind_gate: list[Service] = []
        if "scorer" in roles:
            disclosure = Disclosure(
                privacy.read_key(settings.pseudonym_key_file), settings.sender, privacy.masker(settings.text), settings.reasons
            )
            self.parts.scorer = Scorer(settings, model, policy.current, disclosure, self.metrics)
            self.first.append(_Thread("scorer", self.parts.scorer.run, self.parts.scorer.stop, self.fail))
        if "agents" in roles:
            agent_metrics = AgentMetrics(registry)
            self.parts.counts = AlertCounts(policy.label, agent_metrics)
            lag = GroupLag(settings, agent_metrics)
            self.behind_gate = [_Gate(self), _Thread("group-lag", lag.run, lag.stop, self.fail)]
        self.web.blueprints = BlueprintManager()  # none of Faust's own pages
        for path, page in health.PAGES.items():
            self.page(path, name=path)(_handler(page, self.parts))

    class BootStrategy(FaustBoot):
        """Pages and scorer first, Kafka's own parts behind the gate, or not at all."""

        def server(self) -> Iterable[Any]:
            """The parts in the order of their start."""
            app = cast(_App, self.app)
            first = chain(self.sensors(), self.web_server(), app.first)
            if not app.behind_gate:
                return first
            kafka = chain(self.kafka_producer(), self.kafka_consumer(), self.agents(), self.kafka_conductor(), self.tables())
            return chain(first, app.behind_gate, kafka)

    def _create_directories(self) -> None:
        """Nothing is kept on disk, which may well be read-only."""

    def use(self, policy: Policy) -> None:
        """Put another policy in force."""
        if self.parts.scorer:
            self.parts.scorer.use(policy)
        else:
            self.metrics.follow(policy)
        if self.parts.counts and set(alert_topics(self.settings, policy)) - self.parts.agents.partitions.keys():
            log.warning("the policy names new operators: the agents read their topics after a restart")

    def fail(self) -> None:
        """End the worker as SIGTERM does, but with code 1. May be called from any thread."""
        self.code = FAILED
        os.kill(os.getpid(), signal.SIGTERM)


class _Worker(faust.Worker):
    """Runs the application in the main thread; leaves logging and standard output alone, and ends in time."""

    app: _App

    def __init__(self, app: _App, stop_seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(app, loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
        self.spinner = None
        self.watchdog = threading.Timer(stop_seconds, self._end_by_force, (stop_seconds,))
        self.watchdog.daemon = True

    async def on_stop(self) -> None:
        """Whatever the reason to stop: all threads begin to end at once, and the clock runs."""
        self.watchdog.start()
        log.info("stopping")
        for part in (*self.app.first, *self.app.behind_gate):
            if isinstance(part, _Thread):
                part.halt()

    def _end_by_force(self, seconds: float) -> None:
        code = FAILED if self._crashed.is_set() else self.app.code
        log.warning("ended by force: parts of the worker did not stop in time", seconds=seconds, code=code)
        os._exit(code)


class _Thread(Service):
    """A part of the worker with a plain thread of its own; if that fails, the worker ends."""

    def __init__(self, name: str, run: Callable[[], None], halt: Callable[[], None], fail: Callable[[], None]) -> None:
        super().__init__()
        self.halt = halt
        self._name, self._run, self._fail = name, run, fail
        self._ended = asyncio.Event()

    async def on_start(self) -> None:
        """Start the thread."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._main, args=(loop,), name=self._name, daemon=True).start()

    async def on_stop(self) -> None:
        """Wait for the thread; the worker's watchdog bounds that."""
        self.halt()
        await self._ended.wait()

    def _main(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._run()
        except ScamSieveError as error:
            log.error("failed", part=self._name, code=error.code, why=str(error))
            self._fail()
        except Exception as error:  # noqa: BLE001 its text could hold anything: the log tells its type and place
            log.error("failed", part=self._name, exception=type(error).__name__, where=_where(error))
            self._fail()
        finally:
            loop.call_soon_threadsafe(self._ended.set)


class _Upkeep(Service):
    """Shows that the event loop turns, and follows the policy file."""

    def __init__(self, app: _App) -> None:
        super().__init__()
        self._app = app

    @Service.task
    async def _turn(self) -> None:
        while not self.should_stop:
            self._app.parts.turned = time.monotonic()
            policy = self._app.parts.policy.poll(self._app.metrics)
            if policy is not None:
                self._app.use(policy)
            await self.sleep(POLL_SECONDS)


class _Gate(Service):
    """Waits for the broker and the alert topics, then defines the agent and its table as the topics are laid out."""

    def __init__(self, app: _App) -> None:
        super().__init__()
        self._app = app
        self.topics = alert_topics(app.settings, app.parts.policy.current)

    async def on_start(self) -> None:
        """Come back when the gate is open, or the worker stops."""
        wait, state = 1.0, self._app.parts.agents
        changelog = f"{self._app.settings.group}-agents-{TABLE}-changelog"
        while not self.should_stop:
            try:
                partitions, replicas = await asyncio.to_thread(group.layout, self._app.settings, self.topics, changelog)
            except (BrokerUnavailable, TopicError) as error:
                state.trouble = str(error)
                log.warning("agents waiting", code=error.code, why=str(error), again_in_seconds=wait)
            else:
                state.trouble = ""
                _define_agent(self._app, self.topics, partitions, replicas)
                return
            await self.sleep(wait)
            wait = min(wait * 2, LONGEST_BACK_OFF_SECONDS)


class _Table(faust.Table):  # type: ignore[type-arg]
    """A table whose keys name their partition: a batch of alerts comes from several."""

    def partition_for_key(self, key: str) -> int:
        """The changelog's partition."""
        return agents.partition_of(key)


def _define_agent(app: _App, topics: Sequence[str], partitions: int, replicas: int) -> None:
    """The one agent: it counts alerts, in batches, into the table."""
    counts, state = cast(AlertCounts, app.parts.counts), app.parts.agents
    app.conf.topic_replication_factor = replicas  # of the changelog: as safe as the alerts
    counts.table = table = _Table(app, name=TABLE, partitions=partitions, beacon=app.tables.beacon)
    app.tables.add(table)
    alerts = app.topic(*topics, key_serializer="raw", value_serializer="raw", partitions=partitions)

    @app.agent(alerts, name="count-alerts")
    async def count(stream: Any) -> None:
        async for events in stream.take_events(agents.BATCH, within=agents.BATCH_SECONDS):
            try:
                counts.add((event.message.partition, event.message.value) for event in events)
            except Exception as error:  # noqa: BLE001 whatever leaves an agent loses its batch without a word
                log.error("counting alerts failed", exception=type(error).__name__, where=_where(error), records=len(events))

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(_app: Any, partitions: Iterable[Any], **_: Any) -> None:
        mine = sorted((place.topic, place.partition) for place in partitions if place.topic in topics)
        state.partitions = {topic: [number for name, number in mine if name == topic] for topic in dict(mine)}

    @app.on_rebalance_complete.connect(weak=False)
    async def complete(_app: Any, **_: Any) -> None:
        state.joined = True
        log.info("agents ready", partitions=state.partitions)


def alert_topics(settings: Settings, policy: Policy) -> list[str]:
    """The topics that alerts go to under this policy."""
    return sorted({clients.alert_topic(settings, operator) for operator in (*policy.operators, OTHER_OPERATOR)})


def _handler(page: Callable[[Parts, str], Page], parts: Parts) -> Any:
    async def handle(web: View, request: Request) -> Any:
        answer = page(parts, request.headers.get("Accept", ""))
        return web.bytes(answer.body, status=answer.status, headers={"Content-Type": answer.content_type})

    return View.from_handler(handle)


def _model(name: str) -> Model:
    """The model of a released version or of a path. Raises ModelError."""
    try:
        is_path = (Path(name) / "manifest.json").exists() or len(Path(name).parts) > 1
        return artifact.load(Path(name) if is_path else artifact.released(name))
    except ArtifactError as error:
        raise ModelError(str(error)) from None


def _check_port(host: str, port: int) -> None:
    """Raise SettingsError if the pages cannot be served there: Faust would print a traceback."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise SettingsError(f"the pages cannot be served at {host}:{port} ({error.strerror}): set SCAMSIEVE_WEB_PORT") from None


def _credentials(properties: dict[str, str]) -> Any:
    """What SCAMSIEVE_KAFKA_CONFIG says of security, in Faust's terms. Raises SettingsError."""
    protocol = properties.get("security.protocol", "plaintext").lower()
    context = None
    if protocol.endswith("ssl"):
        try:
            context = ssl.create_default_context(cafile=properties.get("ssl.ca.location"))
            if "ssl.certificate.location" in properties:
                context.load_cert_chain(
                    properties["ssl.certificate.location"], properties.get("ssl.key.location"), properties.get("ssl.key.password")
                )
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(f"SCAMSIEVE_KAFKA_CONFIG: certificates or key cannot be read: {error}") from None
    if not protocol.startswith("sasl"):
        return faust.SSLCredentials(context) if context else None
    mechanism = properties.get("sasl.mechanism", properties.get("sasl.mechanisms", "PLAIN")).upper()
    if mechanism not in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        raise SettingsError(f"SCAMSIEVE_KAFKA_CONFIG: the agents know PLAIN and SCRAM, not {mechanism}; SCAMSIEVE_ROLES=scorer does")
    return faust.SASLCredentials(
        username=properties.get("sasl.username"), password=properties.get("sasl.password"), mechanism=mechanism, ssl_context=context
    )


def _where(error: Exception) -> str:
    """File and line that raised."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""
