"""Faust with batches: an agent takes many events at a time, scores them at once, and awaits the alerts that it sends."""

import asyncio
import os
from typing import Any

import faust
import joblib

BATCH = int(os.environ["BENCH_BATCH"])
THRESHOLD = float(os.environ["BENCH_THRESHOLD"])

app = faust.App(
    os.environ["BENCH_GROUP"],
    broker=f"kafka://{os.environ['BENCH_BROKERS']}",
    broker_session_timeout=6.0,
    broker_heartbeat_interval=0.5,
    broker_commit_interval=0.2,  # the default of 2.8 s would make the measuring coarse
    datadir=os.environ["BENCH_FOLDER"],
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
)
messages = app.topic(os.environ["BENCH_TOPIC"], value_serializer="json")
alerts = app.topic(os.environ["BENCH_ALERTS"], value_serializer="json")
pipeline = joblib.load(os.environ["BENCH_PIPELINE"])


@app.agent(messages)
async def judge(stream: Any) -> None:
    """Batch after batch; one is closed after 20 ms even if it is not full."""
    async for batch in stream.take(BATCH, within=0.02):
        scores = pipeline.predict_proba([message["text"] for message in batch])[:, 1].tolist()
        flagged = [(message["id"], score) for message, score in zip(batch, scores, strict=True) if score >= THRESHOLD]
        sent = [await alerts.send(value={"message_id": name, "score": score}) for name, score in flagged]
        await asyncio.gather(*sent)


if __name__ == "__main__":
    app.main()
