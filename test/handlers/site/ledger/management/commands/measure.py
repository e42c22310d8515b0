"""manage.py measure: how many messages a second go from the stream in Redis into the database.

It empties the Redis and the tables that it uses.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import redis
from django.core.management import BaseCommand, CommandParser, call_command

from chanmqttproxy.data import Message
from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.batches import Batches
from chanmqttproxy.handlers.history import histories
from chanmqttproxy.handlers.pool import Limits, Pool
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.registry import Handler, Registry
from chanmqttproxy.handlers.stores import Rejected
from chanmqttproxy.handlers.stream import Keys, Opener, Partition, partition_of
from chanmqttproxy.marks import marks, on_mqtt
from chanmqttproxy.state.models import LastMessage
from chanmqttproxy.state.store import keep
from ledger.models import Line

TOPICS = 1000
HISTORY = {
    "topics": ["house/{room}/temperature"],
    "model": "ledger.Line",
    "fields": {"topic": "topic", "number": "payload.celsius"},
}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--messages", type=int, default=20000)

    def handle(self, *args: Any, messages: int, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        self.client = redis.Redis.from_url(os.environ["REDIS_URL"])
        self.show("state, in bulk", messages, lambda: Batches("state", keep, Limits()))
        few = messages // 10
        history = histories([HISTORY])[0]
        self.show("history, by COPY", messages, lambda: Batches("history", history.store, Limits()))
        self.show("state, one row at a time", few, lambda: Batches("rows", one_row_at_a_time, Limits()))
        for concurrency in (1, 4, 16):
            limits = Limits(concurrency=concurrency)
            self.show(f"a handler that writes a row, {concurrency} at once", few, lambda limits=limits: pool(limits))

    def show(self, name: str, messages: int, sink: Callable[[], Any]) -> None:
        LastMessage.objects.all().delete()
        Line.objects.all().delete()
        keys = fill(self.client, messages)
        started = time.monotonic()
        part = sink()
        part.reader = reader = Reader(self.client, keys, Opener(), part)
        part.start()
        reader.start()
        while part.counts.handled < messages:
            time.sleep(0.01)
        seconds = time.monotonic() - started
        for one in (reader, part):
            one.stop()
        part.close(5)
        reader.close(5)
        self.stdout.write(f"{name:42} {messages / seconds:8,.0f} messages/s")


def fill(client: "redis.Redis", messages: int) -> Keys:
    """A stream with messages of a thousand topics."""
    client.flushdb()
    keys = Keys("chanmqttproxy:asgi:mqtt:", "measure")
    client.hset(keys.info, mapping={"format": 1, "generations": "1:4"})
    pipeline = client.pipeline(transaction=False)
    for i in range(messages):
        topic = f"house/{i % TOPICS}/temperature"
        message = {"topic": topic, "payload": b'{"celsius": %d, "unit": "C"}' % i, "qos": 1, "retain": False}
        body = msgpack.packb({"type": "mqtt.message", "message": message})
        pipeline.xadd(keys.of(Partition(1, partition_of(topic, 4))), {"v": 1, "b": 0, "body": body})
        if i % 1000 == 999:
            pipeline.execute()
    pipeline.execute()
    return keys


def one_row_at_a_time(entries: Sequence[Entry]) -> list[Rejected]:
    for entry in entries:
        LastMessage.objects.update_or_create(
            topic=entry.topic,
            defaults={
                "kind": "text",
                "value": entry.payload.decode(),
                "qos": entry.qos,
                "retain": entry.retain,
                "received": entry.received,
            },
        )
    return []


@on_mqtt("house/{room}/temperature")
def temperature(message: Message, room: str) -> None:
    Line.objects.create(topic=message.topic, number=message.payload["celsius"])


def pool(limits: Limits) -> Pool:
    mark = marks(temperature)[0]
    return Pool(Registry([Handler("temperature", temperature, mark, mark.options(1))]), limits)
