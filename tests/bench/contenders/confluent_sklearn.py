"""confluent-kafka and scikit-learn: take a batch, score it, send its alerts, wait for them, commit its offsets."""

import json
import os

import joblib
from confluent_kafka import Consumer, Producer

BATCH = int(os.environ["BENCH_BATCH"])
THRESHOLD = float(os.environ["BENCH_THRESHOLD"])


def main() -> None:
    """Judge until killed."""
    pipeline = joblib.load(os.environ["BENCH_PIPELINE"])
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["BENCH_BROKERS"],
            "group.id": os.environ["BENCH_GROUP"],
            "session.timeout.ms": 6000,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": os.environ["BENCH_BROKERS"], "linger.ms": 1})
    consumer.subscribe([os.environ["BENCH_TOPIC"]])
    while True:
        records = [record for record in consumer.consume(BATCH, 0.02) if record.error() is None]
        if not records:
            continue
        messages = [json.loads(record.value() or b"") for record in records]
        scores = pipeline.predict_proba([message["text"] for message in messages])[:, 1]
        for message, score in zip(messages, scores.tolist(), strict=True):
            if score >= THRESHOLD:
                producer.produce(os.environ["BENCH_ALERTS"], json.dumps({"message_id": message["id"], "score": score}).encode())
        producer.flush()
        consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()
