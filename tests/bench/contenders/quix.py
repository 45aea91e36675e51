"""Quix Streams and scikit-learn: each message is scored by a step of the pipeline, those below the threshold are filtered out.

Its batches are windows by key over a state store, or sinks that send nothing on; so message by message is what one would write.
"""

import os
from typing import Any

import joblib
from quixstreams import Application  # type: ignore[import-not-found]

THRESHOLD = float(os.environ["BENCH_THRESHOLD"])


def main() -> None:
    """Judge until killed."""
    pipeline = joblib.load(os.environ["BENCH_PIPELINE"])
    app = Application(
        broker_address=os.environ["BENCH_BROKERS"],
        consumer_group=os.environ["BENCH_GROUP"],
        consumer_extra_config={"session.timeout.ms": 6000, "heartbeat.interval.ms": 500},
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_interval=0.2,  # the default of 5 s would make the measuring coarse
        state_dir=os.environ["BENCH_FOLDER"],
        loglevel="WARNING",
    )

    def judge(message: dict[str, Any]) -> dict[str, Any]:
        return {"message_id": message["id"], "score": float(pipeline.predict_proba([message["text"]])[0, 1])}

    messages = app.dataframe(app.topic(os.environ["BENCH_TOPIC"], value_deserializer="json"))
    messages = messages.apply(judge).filter(lambda judged: judged["score"] >= THRESHOLD)
    messages.to_topic(app.topic(os.environ["BENCH_ALERTS"], value_serializer="json"))
    app.run()


if __name__ == "__main__":
    main()
