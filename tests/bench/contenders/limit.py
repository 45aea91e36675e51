"""What the house's Kafka code could do if judging cost nothing: ScamSieve's decoder, clients, batches and transactions, no scoring.

A constant share of the messages is sent on as alerts. Like the scorer, it delivers one batch while it reads the next.
"""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

from stream import access, clients, delivery, memory
from stream.batch import taken
from stream.clients import Record
from stream.settings import read
from stream.wire import Decoder, Event, Limits, Outgoing
from tests.bench.feed import RAISED

EVERY = round(1 / RAISED)


def main() -> None:
    """Send on until killed."""
    settings = read()
    memory.keep_freed_pages()
    memory.collect_seldom()
    consumer, producer = clients.consumer(settings), clients.producer(settings)
    access.start(producer, settings)
    deliver = delivery.exactly_once(producer, lambda: None)
    decoder = Decoder(Event, Limits())
    consumer.subscribe([settings.message_topic])
    seen = 0
    under_way: Future[bool] | None = None
    with ThreadPoolExecutor(1) as hand:
        while True:
            found = cast(list[Record], consumer.consume(settings.batch_size, settings.batch_wait_seconds))
            records = [record for record in found if record.error() is None]
            batch = taken(records, consumer.consumer_group_metadata()) if records else None
            messages = decoder.decode_all(batch.values()).messages if batch else []
            raised = messages[-seen % EVERY :: EVERY]
            seen += len(messages)
            alerts = [Outgoing(settings.alert_topic, None, json.dumps({"message_id": m.id, "text": m.text}).encode()) for m in raised]
            if under_way and not under_way.result():
                raise SystemExit("a batch was given back")
            under_way = hand.submit(deliver, alerts, batch.spans, batch.group) if batch else None


if __name__ == "__main__":
    main()
