"""A stream in a real Redis, and handlers that read it as a process does."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest
import redis

from chanmqttproxy.handlers import holdings
from chanmqttproxy.handlers.pool import Limits, Pool
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.registry import Handler, Registry
from chanmqttproxy.handlers.stream import Keys, Opener, Partition, partition_of
from chanmqttproxy.marks import marks

PARTITIONS = 4
LIMITS = Limits(
    concurrency=4, timeout=60, tries=3, backoff=0.05, backoff_max=0.1, messages=1000, bytes=1 << 20
)


@pytest.fixture
def client() -> Iterator["redis.Redis"]:
    found = redis.Redis.from_url(os.environ["TEST_REDIS_URL"])
    found.flushall()
    yield found
    found.close()


@pytest.fixture
def long_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that count calls: a busy machine may lose a lease, and then messages come again."""
    monkeypatch.setattr(holdings, "LEASE", 60.0)


class Stream:
    """Writes entries as the worker does."""

    def __init__(self, client: "redis.Redis", name: str = "handlers") -> None:
        self.client, self.keys, self.opener = client, Keys("chanmqttproxy:asgi:mqtt:", name), Opener()
        self.info(f"1:{PARTITIONS}")

    def info(self, generations: str, **more: Any) -> None:
        info = {
            "format": 1,
            "generations": generations,
            "dead_messages": 1000,
            "dead_bytes": 1 << 20,
            **more,
        }
        self.client.hset(self.keys.info, mapping=info)

    def add(self, topic: str, payload: bytes, partition: Partition | None = None) -> str:
        partition = partition or Partition(1, partition_of(topic, PARTITIONS))
        message = {"topic": topic, "payload": payload, "qos": 1, "retain": False}
        body = msgpack.packb({"type": "mqtt.message", "message": message})
        return str(self.add_body(body, partition).decode())

    def add_body(self, body: bytes, partition: Partition, v: int = 1) -> Any:
        key = self.keys.of(partition)
        with contextlib.suppress(redis.ResponseError):  # it is there
            self.client.xgroup_create(key, "handlers", "0", mkstream=True)
        return self.client.xadd(key, {"v": v, "b": 0, "body": body})

    def left(self) -> int:
        keys: Any = self.client.keys(self.keys.info + ":[0-9]*:*")
        lengths: list[Any] = [self.client.xlen(key) for key in keys]
        return sum(lengths)

    def dead(self) -> list[dict[str, str]]:
        found: Any = self.client.xrange(self.keys.dead)
        return [{k.decode(): v.decode(errors="replace") for k, v in fields.items()} for _, fields in found]


@pytest.fixture
def stream(client: "redis.Redis") -> Stream:
    return Stream(client)


class Run:
    """Handlers and a reader, as a process has them."""

    def __init__(self, stream: Stream, *functions: Callable[..., Any], limits: Limits = LIMITS) -> None:
        handlers = [Handler(f.__name__, f, mark, mark.options(1)) for f in functions for mark in marks(f)]
        self.pool = Pool(Registry(handlers), limits)
        self.pool.reader = self.reader = Reader(stream.client, stream.keys, stream.opener, self.pool)
        self.pool.start()
        self.reader.start()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *error: Any) -> None:
        self.reader.stop()
        self.pool.stop()
        assert self.pool.close(10) == []
        self.reader.close(10)


def eventually(is_so: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never was so"
        time.sleep(0.01)
