"""A worker's parts, made from its settings. Whatever is wrong with them is said here, before anything runs."""

import socket
import time
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from models.artifact import Model
from models.languages import LANGUAGE_OF_SCRIPT, UNDETERMINED
from stream import privacy, security
from stream.agents import AgentState, AlertCounts
from stream.errors import ModelError, SettingsError
from stream.group import GroupLag
from stream.judge import Disclosure
from stream.logs import log
from stream.metrics import AgentMetrics, CertificateMetrics, Metrics, ShadowMetrics
from stream.model import ModelFile
from stream.policy import Policy
from stream.reload import PolicyFile
from stream.scorer import Scorer
from stream.settings import Settings
from stream.shadow import Shadow


@dataclass(slots=True)
class Parts:
    """What a worker consists of; the scorer, and the counts and the lag of the agents, only with their roles."""

    settings: Settings
    model: Model
    """The one that judges."""
    model_file: ModelFile
    policy: PolicyFile
    registry: CollectorRegistry
    metrics: Metrics
    scorer: Scorer | None = None
    shadow: Shadow | None = None
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

    def follow_models(self) -> None:
        """Take a new release that loads and proves itself, from the next batch on; anything wrong with it, and the old one stays."""
        if self.shadow:
            self.shadow.follow()
        try:
            model = self.model_file.poll()
        except ModelError as error:
            self.metrics.model_reloads.labels("refused").inc()
            log.error("model refused, the old one stays", code=error.code, why=str(error), version=self.model.version)
            return
        if model is not None:
            self.model = model
            (self.scorer or self.metrics).serve(model)
            self.metrics.model_reloads.labels("taken").inc()
            log.info("model taken", version=model.version, sha256=model.sha256)


def assemble(settings: Settings) -> Parts:
    """The parts of a worker. Raises SettingsError, PolicyError, ModelError."""
    check_port(settings.web_host, settings.web_port)
    if settings.metrics_port:
        check_port(settings.web_host, settings.metrics_port)
    security.security(settings)  # what is wrong with it is said before anything runs
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    CertificateMetrics(registry, security.expiries(settings))
    policy = PolicyFile(settings.policy)
    file = ModelFile(settings.model, settings.trusted_key_file)
    model = file.first()
    parts = Parts(settings, model, file, policy, registry, Metrics(registry, model, policy.current))
    if "scorer" in settings.role_names:
        key = privacy.read_key(settings.pseudonym_key_file)
        disclosure = Disclosure(key, settings.sender, privacy.masker(settings.text))
        parts.shadow = _shadow(parts)
        parts.scorer = Scorer(settings, model, policy.current, disclosure, parts.metrics, parts.shadow)
    if "agents" in settings.role_names:
        metrics = AgentMetrics(registry)
        parts.counts, parts.lag = AlertCounts(policy.label, metrics), GroupLag(settings, metrics)
    return parts


def _shadow(parts: Parts) -> Shadow | None:
    """The shadow model, if one is named; one that cannot be loaded keeps nobody from starting."""
    settings = parts.settings
    if not settings.shadow_model:
        return None
    languages = {*LANGUAGE_OF_SCRIPT.values(), *parts.model.manifest.languages, UNDETERMINED}
    metrics = ShadowMetrics(parts.registry, languages, parts.policy.current)
    shadow = Shadow(ModelFile(settings.shadow_model, settings.trusted_key_file), metrics)
    shadow.follow()
    return shadow


def check_port(host: str, port: int) -> None:
    """Raise SettingsError if the pages cannot be served there: Faust would say so by a traceback."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise SettingsError(
            f"the pages cannot be served at {host}:{port} ({error.strerror}): set SCAMSIEVE_WEB_HOST, SCAMSIEVE_WEB_PORT"
        ) from None
