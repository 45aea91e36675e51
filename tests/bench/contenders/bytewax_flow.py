"""Bytewax and scikit-learn: a dataflow whose batches are scored at once; run by `python -m bytewax.run`.

Bytewax keeps offsets in a store of its own; here Kafka's group keeps them, by librdkafka's automatic commits, a moment early.
"""

import json
import os
from collections.abc import Iterable
from typing import Any

import bytewax.operators as op  # type: ignore[import-not-found]
import joblib
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource  # type: ignore[import-not-found]
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]

BATCH = int(os.environ["BENCH_BATCH"])
THRESHOLD = float(os.environ["BENCH_THRESHOLD"])
BROKERS = [os.environ["BENCH_BROKERS"]]
KEEP_OFFSETS = {"group.id": os.environ["BENCH_GROUP"], "enable.auto.commit": "true", "auto.commit.interval.ms": "200"}

pipeline = joblib.load(os.environ["BENCH_PIPELINE"])


def judge(records: list[Any]) -> Iterable[Any]:
    """The alerts of a batch."""
    messages = [json.loads(record.value) for record in records]
    scores = pipeline.predict_proba([message["text"] for message in messages])[:, 1].tolist()
    for message, score in zip(messages, scores, strict=True):
        if score >= THRESHOLD:
            yield KafkaSinkMessage(None, json.dumps({"message_id": message["id"], "score": score}).encode())


flow = Dataflow("scams")
read = op.input("messages", flow, KafkaSource(BROKERS, [os.environ["BENCH_TOPIC"]], add_config=KEEP_OFFSETS, batch_size=BATCH))
alerts = op.flat_map_batch("judge", read, judge)
op.output("alerts", alerts, KafkaSink(BROKERS, os.environ["BENCH_ALERTS"]))
