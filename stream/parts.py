"""A worker's parts, made from its settings. Whatever is wrong with them is said here, before anything runs."""

import socket
import time
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from models.artifact import Model
from stream import privacy
from stream.agents import AgentState, AlertCounts
from stream.errors import SettingsError
from stream.group import GroupLag
from stream.judge import Disclosure
from stream.metrics import AgentMetrics, Metrics
from stream.model import open_model
from stream.policy import Policy
from stream.reload import PolicyFile
from stream.scorer import Scorer
from stream.settings import Settings


@dataclass(slots=True)
class Parts:
    """What a worker consists of; the scorer, and the counts and the lag of the agents, only with their roles."""

    settings: Settings
    model: Model
    policy: PolicyFile
    registry: CollectorRegistry
    metrics: Metrics
    scorer: Scorer | None = None
    counts: AlertCounts | None = None
    lag: GroupLag | None = None
    agents: AgentState = field(default_factory=AgentState)
    turned: float = field(default_factory=time.monotonic)
    """time.monotonic() of the last turn of the worker's event loop."""

    def use(self, policy: Policy) -> None:
        """Judge and label by another policy."""
        if self.scorer:
            self.scorer.use(policy)
        else:
            self.metrics.follow(policy)


def assemble(settings: Settings) -> Parts:
    """The parts of a worker. Raises SettingsError, PolicyError, ModelError."""
    check_port(settings.web_host, settings.web_port)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    policy = PolicyFile(settings.policy)
    loaded = open_model(settings.model)
    parts = Parts(settings, loaded, policy, registry, Metrics(registry, loaded, policy.current))
    if "scorer" in settings.role_names:
        key = privacy.read_key(settings.pseudonym_key_file)
        disclosure = Disclosure(key, settings.sender, privacy.masker(settings.text))
        parts.scorer = Scorer(settings, loaded, policy.current, disclosure, parts.metrics)
    if "agents" in settings.role_names:
        metrics = AgentMetrics(registry)
        parts.counts, parts.lag = AlertCounts(policy.label, metrics), GroupLag(settings, metrics)
    return parts


def check_port(host: str, port: int) -> None:
    """Raise SettingsError if the pages cannot be served there: Faust would say so by a traceback."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise SettingsError(
            f"the pages cannot be served at {host}:{port} ({error.strerror}): set SCAMSIEVE_WEB_HOST, SCAMSIEVE_WEB_PORT"
        ) from None
