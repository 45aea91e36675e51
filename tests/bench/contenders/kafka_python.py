"""kafka-python and scikit-learn: poll a batch, score it, send its alerts, wait for them, commit its offsets."""

import json
import os

import joblib
from kafka import KafkaConsumer, KafkaProducer

BATCH = int(os.environ["BENCH_BATCH"])
THRESHOLD = float(os.environ["BENCH_THRESHOLD"])


def main() -> None:
    """Judge until killed."""
    pipeline = joblib.load(os.environ["BENCH_PIPELINE"])
    consumer = KafkaConsumer(
        os.environ["BENCH_TOPIC"],
        bootstrap_servers=os.environ["BENCH_BROKERS"],
        group_id=os.environ["BENCH_GROUP"],
        session_timeout_ms=6000,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=BATCH,
        value_deserializer=json.loads,
    )
    producer = KafkaProducer(bootstrap_servers=os.environ["BENCH_BROKERS"], value_serializer=lambda value: json.dumps(value).encode())
    while True:
        polled = consumer.poll(timeout_ms=20, max_records=BATCH)
        messages = [record.value for records in polled.values() for record in records]
        if not messages:
            continue
        scores = pipeline.predict_proba([message["text"] for message in messages])[:, 1]
        for message, score in zip(messages, scores.tolist(), strict=True):
            if score >= THRESHOLD:
                producer.send(os.environ["BENCH_ALERTS"], {"message_id": message["id"], "score": score})
        producer.flush()
        consumer.commit()


if __name__ == "__main__":
    main()
