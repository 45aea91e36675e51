"""A new model comes while messages flow: each is judged once, by the old one or the new one; what is wrong is refused, and it goes on."""

import hashlib
import io
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from confluent_kafka import Producer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.artifact import Model, load
from models.explain import explain
from models.message import Message
from stream.broker import LOOPBACK, free_port
from stream.wire import Alert
from tests.conftest import write_model
from tests.integration.records import PARTITIONS, Raw, Topics, read
from tests.integration.test_app import Worker, worker
from training.pointer import point

A_SECOND = 500  # messages
KEY = Ed25519PrivateKey.generate()


def text(number: int) -> str:
    return f"message number {number}: {'pay the fee' if number % 3 else 'see you at ' + 'seven' * (number % 5)}"


def message(number: int) -> bytes:
    fields = {"operator": "a", "channel": "sms", "sender": "+85512345678", "recipient": "+66812345678", "sent_at": 1_767_297_600_000}
    return json.dumps({"id": str(number), "text": text(number), **fields}).encode()


@contextmanager
def feed(bootstrap: str, topic: str) -> Iterator[Counter[str]]:
    """A steady feed while the block runs; gives the number of messages under `sent`, right after the block."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    stop, count = threading.Event(), Counter[str]()

    def run() -> None:
        while not stop.wait(0.02):
            for _ in range(A_SECOND // 50):
                producer.produce(topic, message(count["sent"]), partition=count["sent"] % PARTITIONS)
                count["sent"] += 1
            producer.poll(0)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()
        assert producer.flush(30) == 0


def release(folder: Path, seed: int, key: Ed25519PrivateKey | None = KEY) -> Path:
    """A model that flags everything, signed."""
    write_model(folder, threshold=0.0, seed=seed)
    return sign(folder, key) if key else folder


def sign(folder: Path, key: Ed25519PrivateKey = KEY) -> Path:
    (folder / "manifest.sig").write_bytes(key.sign((folder / "manifest.json").read_bytes()))
    return folder


def tampered(folder: Path) -> Path:
    """One byte of the weights is another."""
    weights = bytearray((release(folder, 7) / "weights.npz").read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / "weights.npz").write_bytes(weights)
    return folder


def by_a_stranger(folder: Path) -> Path:
    return release(folder, 7, Ed25519PrivateKey.generate())


def unsigned(folder: Path) -> Path:
    return release(folder, 7, None)


def bomb(folder: Path) -> Path:
    """64 MB of zeros in 64 kB, and the manifest vouches for it, and is signed."""
    with np.load(write_model(folder, threshold=0.0) / "weights.npz") as arrays:
        whole = {**arrays, "ngrams": np.zeros(1 << 23, np.complex64)}
    packed = io.BytesIO()
    np.savez_compressed(packed, **whole)
    (folder / "weights.npz").write_bytes(packed.getvalue())
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    manifest["sha256"]["weights.npz"] = hashlib.sha256(packed.getvalue()).hexdigest()
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return sign(folder)


WRONG: list[tuple[Callable[[Path], Path], str]] = [
    (tampered, "SHA-256 differs"),
    (by_a_stranger, "not signed by a trusted key"),
    (unsigned, "is not signed"),
    (bomb, "unpacks to"),
    (lambda folder: folder / "nowhere", "no model folder"),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of the worker; the pointer names a signed model."""
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    (tmp_path / "release.pub").write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    point(tmp_path / "live", release(tmp_path / "old", 1))
    return {
        "GROUP": uuid.uuid4().hex[:12],
        "ROLES": "scorer",
        "MODEL": str(tmp_path / "live"),
        "TRUSTED_KEY_FILE": str(tmp_path / "release.pub"),
        "PSEUDONYM_KEY_FILE": str(tmp_path / "key"),
        "SESSION_TIMEOUT_SECONDS": "6",
        "POLL_INTERVAL_SECONDS": "10",
        "BATCH_SIZE": "200",
        "REASONS": "1",
        "WEB_HOST": LOOPBACK,
    }


def reloads(running: Worker, outcome: str) -> float:
    return running.metric(f'scamsieve_model_reloads_total{{outcome="{outcome}"}}')


def judged_on(running: Worker, more: int = 500) -> None:
    """Wait until more messages are judged."""
    before = running.status()["scorer"]["judged"]
    running.until(lambda: running.status()["scorer"]["judged"] >= before + more)


def test_a_model_is_swapped_under_load_and_wrong_ones_are_refused(
    bootstrap: str, topics: Topics, environment: dict[str, str], tmp_path: Path
) -> None:
    live, new = tmp_path / "live", release(tmp_path / "new", 2)
    with worker(environment, tmp_path, bootstrap, topics) as running:
        running.until(lambda: running.get("/readyz")[0] == 200)
        with feed(bootstrap, topics.messages) as fed:
            judged_on(running)
            for number, (make, why) in enumerate(WRONG):
                point(live, make(tmp_path / make.__name__.strip("<>")))
                running.until(lambda number=number: reloads(running, "refused") == number + 1)  # type: ignore[misc]
                shown = running.status()["model"]
                assert (shown["version"], why in shown["refused"]["why"]) == ("old", True), shown
                judged_on(running)
            assert reloads(running, "taken") == 0
            point(live, new)
            running.until(lambda: reloads(running, "taken") == 1)
            assert running.status()["model"]["version"] == "new"
            assert running.status()["model"]["refused"] is None
            judged_on(running)
        alerts = read(bootstrap, topics.alerts, fed["sent"], limit=120)
        assert running.end() == 0
    told = [msgspec.json.decode(record.value or b"", type=Alert) for record in alerts]
    assert Counter(int(alert.message_id) for alert in told) == Counter(range(fed["sent"]))
    assert {alert.model.version for alert in told} == {"old", "new"}
    check_each_by_its_model(told, {name: load(tmp_path / name) for name in ("old", "new")})
    check_order(alerts, told)
    refused = [event for event in running.events() if event["event"].startswith("model refused")]
    assert len(refused) == len(WRONG)


def check_each_by_its_model(told: list[Alert], models: dict[str, Model]) -> None:
    """Score, category and reasons are those of the model that the alert names."""
    for version, model in models.items():
        mine = [alert for alert in told if alert.model.version == version]
        messages = [msgspec.json.decode(message(int(alert.message_id)), type=Message) for alert in mine]
        scores = model.classifier.score(messages).probabilities[:, 0]
        assert np.abs(scores - [alert.score for alert in mine]).max() < 1e-4
        for explained, alert in zip(explain(model.classifier, messages, 1), mine, strict=True):
            assert explained.category == alert.category
            assert round(explained.reasons[0].weight, 4) == pytest.approx(alert.reasons[0].weight, abs=2e-4)


def check_order(alerts: list[Raw], told: list[Alert]) -> None:
    """Within a partition of the alert topic no alert of the old model comes after one of the new."""
    for partition in {record.partition for record in alerts}:
        within = [(r.offset or 0, alert.model.version) for r, alert in zip(alerts, told, strict=True) if r.partition == partition]
        versions = [version for _, version in sorted(within)]
        assert versions == sorted(versions, reverse=True)  # "old" > "new"


def test_a_shadow_judges_beside_and_its_fall_harms_nobody(
    bootstrap: str, topics: Topics, environment: dict[str, str], tmp_path: Path
) -> None:
    shadow = sign(write_model(tmp_path / "shadow", threshold=1.0))
    with worker(environment, tmp_path, bootstrap, topics, SHADOW_MODEL=str(shadow)) as running:
        running.until(lambda: running.get("/readyz")[0] == 200)
        with feed(bootstrap, topics.messages) as fed:
            judged_on(running)
            labels = '{language="und",operator="other"}'
            seen = running.metric(f"scamsieve_shadow_messages_total{labels}")
            assert 0 < seen <= running.metric(f"scamsieve_shadow_disagreements_total{labels}"), "one flags all, the other nothing"
            (shadow / "manifest.sig").unlink()
            running.until(lambda: running.metric("scamsieve_shadow_failures_total") == 1)
            assert "is not signed" in running.status()["shadow"]["off"]
            judged_on(running)
        alerts = read(bootstrap, topics.alerts, fed["sent"], limit=120)
        assert running.end() == 0
    told = [msgspec.json.decode(record.value or b"", type=Alert) for record in alerts]
    assert Counter(int(alert.message_id) for alert in told) == Counter(range(fed["sent"]))
    assert {alert.model.version for alert in told} == {"old"}


def test_an_unsigned_model_is_not_started_with(environment: dict[str, str], tmp_path: Path) -> None:
    point(tmp_path / "live", unsigned(tmp_path / "unsigned"))
    with worker(environment, tmp_path, f"{LOOPBACK}:{free_port()}") as running:
        assert running.process.wait(60) == 2
    (last,) = [event for event in running.events() if event["event"] == "cannot start"]
    assert (last["code"], "is not signed" in last["why"]) == ("model", True)
