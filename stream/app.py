"""The worker: a Faust application that hosts the scorer in a thread of its own, runs the agents and serves the pages.

Only here is Faust imported. What it is asked to do is small: start and stop the parts in order, serve HTTP, and keep the agents'
table. Order of the parts: pages, loops and scorer first, so that /healthz answers with no broker; then, with the agents role, a
gate that waits for the broker; behind it what Faust itself needs of Kafka.

What it promises on ending: SIGTERM and SIGINT end it with code 0 within `stop_seconds`, also when the broker is gone (then by
force: a transaction under way is not committed, and its batch is read again by others). A scorer that fails or hangs ends it with code 1;
a setting, policy or model that cannot be used, with code 2.
"""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import ceil
from typing import Any, cast

import faust
from aiohttp.web import AppRunner, TCPSite
from aiokafka.abc import AbstractTokenProvider
from faust.app.base import BootStrategy as FaustBoot
from faust.web.base import BlueprintManager
from faust.web.drivers.aiohttp import Web as FaustWeb
from mode import Service

from stream import agents, group, health, logs, web
from stream.agents import AlertCounts
from stream.clients import alert_topics
from stream.errors import BrokerUnavailable, Hung, NotAuthenticated, NotAuthorized, ScamSieveError, TopicError
from stream.health import Hang
from stream.logs import log
from stream.oidc import Tokens
from stream.parts import Parts, assemble
from stream.reload import POLL_SECONDS, Every
from stream.security import Security, security
from stream.settings import Settings

TABLE = "alerts"
LONGEST_BACK_OFF_SECONDS = 30.0
PARTS = ("models", "scorer", "group-lag")  # threads of our own
FAILED, CANNOT_START = 1, 2  # exit codes


def run_worker(settings: Settings) -> int:
    """Run the worker until it is told to stop; returns the exit code. Must be called in the main thread."""
    logs.configure(settings.log_level, settings.log_format)
    # aiokafka tells of a broker that is away many times a second; the scorer and GroupLag tell it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        worker = _Worker(_App(assemble(settings)), settings.stop_seconds, loop)
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

    def __init__(self, parts: Parts) -> None:
        """Raises SettingsError."""
        self.parts, settings = parts, parts.settings
        self.code = 0
        super().__init__(
            f"{settings.group}-agents",
            broker=[f"kafka://{address.strip()}" for address in settings.brokers.split(",")],
            broker_credentials=_credentials(security(settings)),
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
        models = Every(POLL_SECONDS, parts.follow_models)
        self.first: list[Service] = [_Upkeep(self), _Thread("models", models.run, models.stop, self.fail)]
        self.behind_gate: list[Service] = []
        if parts.scorer:
            self.first.append(_Thread("scorer", parts.scorer.run, parts.scorer.stop, self.fail))
        if parts.lag:
            self.behind_gate = [_Gate(self), _Thread("group-lag", parts.lag.run, parts.lag.stop, self.fail)]
        self.web.blueprints = BlueprintManager()  # none of Faust's own pages

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

    def _new_web(self) -> Any:
        return _Web(self)

    def _create_directories(self) -> None:
        """Nothing is kept on disk, which may well be read-only."""

    def fail(self) -> None:
        """End the worker as SIGTERM does, but with code 1. May be called from any thread."""
        self.code = FAILED
        os.kill(os.getpid(), signal.SIGTERM)


class _Web(FaustWeb):
    """Serves our own application, within our own limits; a second port for the metrics, if it is set."""

    def __init__(self, app: _App) -> None:
        super().__init__(app)
        self._settings = app.parts.settings
        self.web_app = web.application(app.parts)
        self._runner = AppRunner(self.web_app, access_log=None, **web.LIMITS)

    async def start_server(self) -> None:
        """Listen."""
        await super().start_server()
        if self._settings.metrics_port:
            await TCPSite(self._runner, self._settings.web_host, self._settings.metrics_port).start()


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
        alive = [thread.name for thread in threading.enumerate() if not thread.daemon or thread.name in PARTS]
        log.warning("ended by force: not all parts of the worker stopped in time", seconds=seconds, alive=alive, code=code)
        os._exit(code)


class _Thread(Service):
    """A part of the worker with a plain thread of its own; if that fails, the worker ends."""

    def __init__(self, name: str, run: Callable[[], None], halt: Callable[[], None], fail: Callable[[], None]) -> None:
        super().__init__()
        self.halt = halt
        self._name, self._run, self._fail = name, run, fail
        self._ended = asyncio.Event()
        self._ended.set()

    async def on_start(self) -> None:
        """Start the thread."""
        self._ended.clear()
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
    """Shows that the event loop turns, follows the policy file, and ends a worker whose scorer hangs."""

    def __init__(self, app: _App) -> None:
        super().__init__()
        self._app = app

    @Service.task
    async def _turn(self) -> None:
        parts = self._app.parts
        hang = Hang(ceil(parts.settings.stall_seconds / POLL_SECONDS))
        while not self.should_stop:
            parts.turned = time.monotonic()
            if parts.scorer and hang.seen(parts.scorer.state.turned):
                # librdkafka is known to sit in a call for ever (send_offsets_to_transaction, its issue 5456); there is no way out of it.
                log.error("failed", part="scorer", code=Hung.code, why="it does not come back from a call to the broker; this worker ends")
                self._app.fail()
            policy = parts.policy.poll(parts.metrics)
            if policy is not None:
                parts.use(policy)
                if parts.agents.partitions and set(alert_topics(parts.settings, policy)) - parts.agents.partitions.keys():
                    log.warning("the policy names new operators: the agents read their topics after a restart")
            await self.sleep(POLL_SECONDS)


class _Gate(Service):
    """Waits for the broker and the alert topics, then defines the agent and its table as the topics are laid out."""

    def __init__(self, app: _App) -> None:
        super().__init__()
        self._app = app

    async def on_start(self) -> None:
        """Come back when the gate is open, or the worker stops."""
        wait, parts = 1.0, self._app.parts
        topics = alert_topics(parts.settings, parts.policy.current)
        changelog = f"{self._app.conf.id}-{TABLE}-changelog"
        while not self.should_stop:
            try:
                partitions, replicas = await asyncio.to_thread(group.layout, parts.settings, topics, changelog)
            except (BrokerUnavailable, NotAuthenticated, NotAuthorized, TopicError) as error:
                parts.agents.trouble = str(error)
                log.warning("agents waiting", code=error.code, why=str(error), again_in_seconds=wait)
            else:
                parts.agents.trouble = ""
                _define_agent(self._app, topics, partitions, replicas)
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


def _credentials(known: Security) -> Any:
    """Security in Faust's terms; None where the connection is plain."""
    if known.tokens:
        return faust.OAuthCredentials(oauth_cb=_Tokens(known.tokens), ssl_context=known.context)
    if known.mechanism:
        return faust.SASLCredentials(username=known.username, password=known.password, mechanism=known.mechanism, ssl_context=known.context)
    return faust.SSLCredentials(known.context) if known.context else None


class _Tokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Tokens as aiokafka asks for them; the endpoint is asked beside the event loop."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def token(self) -> str:
        """A valid token."""
        return (await asyncio.to_thread(self._tokens)).value


def _where(error: Exception) -> str:
    """File and line that raised."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""
