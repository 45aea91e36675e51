"""The obvious Faust program: an agent scores event by event and sends an alert for what it flags."""

import os
from typing import Any

import faust
import joblib

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
    """One message after the other."""
    async for message in stream:
        score = float(pipeline.predict_proba([message["text"]])[0, 1])
        if score >= THRESHOLD:
            await (await alerts.send(value={"message_id": message["id"], "score": score}))


if __name__ == "__main__":
    app.main()
