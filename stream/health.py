"""The pages: /healthz, /readyz, /metrics, /status. Each is a plain function of the worker's parts; `app` serves them.

Live: the loops have turned lately; a broker that is away does not kill a worker. Ready: the model is loaded, the groups are joined, and
nothing (a right, a broker) is missing to go on; zero partitions is ready, a spare worker is healthy. Lag is an alert, never a probe.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
from prometheus_client.exposition import choose_encoder

from models.artifact import Model
from stream import webpage
from stream.model import Refusal
from stream.parts import Parts
from stream.policy import Policy

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to a question by HTTP."""

    status: int
    body: bytes
    content_type: str = JSON


def healthz(parts: Parts, _accept: str = "") -> Page:
    """200 while every loop has turned within stall_seconds."""
    now = time.monotonic()
    loops = {"worker": parts.turned} | ({"scorer": parts.scorer.state.turned} if parts.scorer else {})
    stalled = {name: round(now - turned, 1) for name, turned in loops.items() if now - turned > parts.settings.stall_seconds}
    return _json(503 if stalled else 200, {"live": not stalled, **({"stalled_seconds": stalled} if stalled else {})})


class Hang:
    """Tells, once, of a loop that stands still for good. Looks are counted, not time: who was frozen has not looked either."""

    def __init__(self, looks: int) -> None:
        self._most, self._looks, self._turned = looks, 0, 0.0

    def seen(self, turned: float) -> bool:
        """Look: whether this makes it so many looks in a row without a turn of the loop, which turned last at this time."""
        self._looks = self._looks + 1 if turned == self._turned else 0
        self._turned = turned
        return self._looks == self._most


def readyz(parts: Parts, _accept: str = "") -> Page:
    """200 when every role of this worker has joined its group and may go on; else 503 and what it waits for."""
    waiting: dict[str, str] = {}
    if parts.scorer and (parts.scorer.state.trouble or not parts.scorer.state.joined):
        waiting["scorer"] = parts.scorer.state.trouble or "joining the group"
    if parts.counts and not parts.agents.joined:
        waiting["agents"] = parts.agents.trouble or "joining the group"
    return _json(503 if waiting else 200, {"ready": not waiting, **({"waiting": waiting} if waiting else {})})


def metrics(parts: Parts, accept: str = "") -> Page:
    """Everything in the registry, in the format that the asker prefers."""
    encode, content_type = choose_encoder(accept)
    return Page(200, encode(parts.registry), content_type)


def status(parts: Parts, accept: str = "") -> Page:
    """What this worker is and has done: HTML for those who ask for it, JSON for all others."""
    told = _status(parts)
    if webpage.wanted(accept):
        return Page(200, webpage.page(f"ScamSieve {parts.settings.instance}", told), HTML)
    return _json(200, told)


def _status(parts: Parts) -> dict[str, Any]:
    """What `status` tells. Counts of alerts are those of the partitions it says it covers."""
    settings = parts.settings
    told: dict[str, Any] = {
        "software": software(),
        "instance": settings.instance,
        "roles": sorted(settings.role_names),
        "group": settings.group,
        "model": _model(parts.settings.model, parts.model, parts.model_file.refused),
        "policy": _policy(parts.policy.path, parts.policy.current),
    }
    if parts.scorer:
        state = parts.scorer.state
        told["scorer"] = {
            "joined": state.joined,
            "waiting": state.trouble,
            "partitions": state.partitions,
            "judged": state.judged,
            "alerts": state.raised,
            "dead_letters": state.dead,
            "raised_share": round(state.raised / state.judged, 5) if state.judged else None,
            "score_drift_psi": round(parts.metrics.psi, 4) if parts.metrics.psi is not None else None,
        }
    if parts.shadow:
        shadow = parts.shadow
        told["shadow"] = _model(shadow.file.name, shadow.model, shadow.file.refused) | {"off": shadow.off}
    if parts.counts:
        covered = parts.agents.partitions
        told["agents"] = {
            "joined": parts.agents.joined,
            "waiting": parts.agents.trouble,
            "partitions": covered,
            "alerts_last_hour": parts.counts.last_hour({number for numbers in covered.values() for number in numbers}),
        }
    return told


PAGES: Mapping[str, Callable[[Parts, str], Page]] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics, "/status": status}


def software() -> str:
    """The version of this software."""
    try:
        return version("scamsieve")
    except PackageNotFoundError:
        return "not installed"


def _model(name: str, model: Model | None, refused: Refusal | None) -> dict[str, Any]:
    """A model, what it goes by, and why what stands there now was refused, if it was."""
    known = {"version": model.version, "sha256": model.sha256} if model else {}
    return {"name": name, **known, "refused": refused and {"at": refused.at, "why": refused.why}}


def _policy(path: str, policy: Policy) -> dict[str, Any]:
    """The policy in force; of the lists only their lengths: they hold phone numbers."""
    return {
        "path": path,
        "operators": policy.operators,
        "thresholds": policy.threshold,
        "deny": {"senders": len(policy.deny.senders), "domains": len(policy.deny.domains)},
        "allow": {"senders": len(policy.allow.senders), "domains": len(policy.allow.domains)},
    }


def _json(code: int, told: Mapping[str, Any]) -> Page:
    return Page(code, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
