"""Probability -> decision. The model brings thresholds by language; `policy.toml` overrides them and lists whom to trust or not.

operators = ["th-siam", "vn-delta"]        # these have labels (and topics) of their own; all others are `other`

[[threshold]]                              # the first one that fits a message decides
name = "thai-chat"                         # alerts name it
operator = "th-siam"                       # each of the three may be left out: then it fits all
channel = "chat"
language = "th"
flag = 0.95
review = 0.80

[deny]                                     # always flagged; comes before allow
senders = ["+85512345678"]
domains = ["token-update.top"]

[allow]                                    # always passed: by sender, or if all links are under these domains
senders = ["MyBank"]
domains = ["mybank.example"]
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.classifier import Scores
from models.languages import LANGUAGE_OF_SCRIPT, SCRIPTS
from models.message import Channel, Message, Short
from stream.errors import PolicyError

PASS, REVIEW, FLAG = 0, 1, 2
DECISIONS = ("pass", "review", "flag")
OTHER_OPERATOR = "other"

Threshold = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ThresholdRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds for the messages of an operator, a channel, a language."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    flag: Threshold
    review: Threshold
    operator: Short | None = None
    channel: Channel | None = None
    language: str | None = None


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Senders and registrable domains, as written in a message's metadata and links."""

    senders: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """policy.toml."""

    operators: tuple[Short, ...] = ()
    threshold: tuple[ThresholdRule, ...] = ()
    deny: Listed = msgspec.field(default_factory=Listed)
    allow: Listed = msgspec.field(default_factory=Listed)

    def label(self, operator: str) -> str:
        """The operator as a metric's label: itself if the policy names it, else `other`."""
        return operator if operator in self.operators else OTHER_OPERATOR


@dataclass(frozen=True, slots=True)
class Decisions:
    """Of N messages: PASS, REVIEW or FLAG, the rule that decided, and the threshold that a score was held against."""

    decisions: NDArray[np.uint8]
    rules: list[str]
    flag: NDArray[np.float64]
    review: NDArray[np.float64]


def read(path: str) -> Policy:
    """The policy of a file; of the empty path, the one without rules. Raises PolicyError."""
    if not path:
        return Policy()
    try:
        policy = msgspec.convert(tomllib.loads(Path(path).read_text(encoding="utf-8")), Policy)
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: {error}") from None
    names = [rule.name for rule in policy.threshold]
    for rule in policy.threshold:
        if rule.review > rule.flag:
            raise PolicyError(f"{path}: threshold {rule.name!r} has review {rule.review} above flag {rule.flag}")
        if names.count(rule.name) > 1:
            raise PolicyError(f"{path}: threshold {rule.name!r} is there twice")
    return policy


def decide(policy: Policy, limits: NDArray[np.float64], messages: Sequence[Message], scores: Scores) -> Decisions:
    """Hold a batch's scores against the model's thresholds for each message, or the policy's where a rule fits; then apply the lists.

    `limits` (N, 2) are the model's flag and review thresholds.
    """
    limits = limits.copy()
    rules = ["model"] * len(messages)
    if policy.threshold:
        _override(policy, messages, scores.scripts, limits, rules)
    score = scores.probabilities[:, 0]
    decisions = (score >= limits[:, 1]).astype(np.uint8) + (score >= limits[:, 0])
    for listed, name, decision in ((policy.allow, "allow", PASS), (policy.deny, "deny", FLAG)):
        for i, what in _listed(listed, messages, scores, every=decision == PASS):
            decisions[i], rules[i] = decision, f"{name}-{what}"
    return Decisions(decisions, rules, limits[:, 0], limits[:, 1])


def _override(
    policy: Policy, messages: Sequence[Message], scripts: NDArray[np.intp], limits: NDArray[np.float64], rules: list[str]
) -> None:
    """Write the thresholds of the first fitting rule, in place. Few kinds of messages stand for all: each is looked up once."""
    known: dict[tuple[str, str | None, str | None], ThresholdRule | None] = {}
    told = [LANGUAGE_OF_SCRIPT.get(script) for script in SCRIPTS]
    for i, (message, script) in enumerate(zip(messages, scripts.tolist(), strict=True)):
        kind = (message.operator, message.channel, message.language or told[script])
        if kind not in known:
            known[kind] = next((rule for rule in policy.threshold if _fits(rule, *kind)), None)
        rule = known[kind]
        if rule is not None:
            limits[i], rules[i] = (rule.flag, rule.review), rule.name


def _fits(rule: ThresholdRule, operator: str, channel: str | None, language: str | None) -> bool:
    return rule.operator in (None, operator) and rule.channel in (None, channel) and rule.language in (None, language)


def _listed(listed: Listed, messages: Sequence[Message], scores: Scores, every: bool) -> list[tuple[int, str]]:
    """Messages whose sender is listed, or of whose links one (or every one) has a listed domain."""
    found: list[tuple[int, str]] = []
    if listed.domains:
        for i, hosts in scores.hosts.items():
            hits = [host.domain in listed.domains for host in hosts]
            if all(hits) if every else any(hits):
                found.append((i, "domain"))
    if listed.senders:
        found += [(i, "sender") for i, message in enumerate(messages) if message.sender in listed.senders]
    return found
