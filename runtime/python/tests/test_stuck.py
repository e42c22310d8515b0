"""Handlers that do not end, and databases that do not answer: others go on, and the message comes again."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

if not os.environ.get("TEST_REDIS_URL"):
    pytest.skip("no Redis: set TEST_REDIS_URL", allow_module_level=True)

from asgiref.sync import sync_to_async
from django.db import connections
from streams import LIMITS, Run, Stream, client, eventually, stream

from chanmqttproxy.data import Message
from chanmqttproxy.handlers import call, databases, watch
from chanmqttproxy.handlers.batches import Batches
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.stores import Rejected
from chanmqttproxy.marks import on_mqtt

__all__ = ["client", "stream"]  # fixtures

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "")
SHORT = replace(LIMITS, concurrency=1, timeout=0.5)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes less."""
    monkeypatch.setattr(call, "START_SECONDS", 0.5)
    monkeypatch.setattr(databases, "CONNECT_SECONDS", 2)


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "GRACE", 1.0)


class Relay:
    """A server in front of PostgreSQL. While it is mute it accepts connections, and says nothing."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.to = to
        self.mute = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.open: list[socket.socket] = []
        self._start(self._accept)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def _start(self, work: Any, *args: Any) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(one)
            if not self.mute.is_set():
                other = socket.create_connection(self.to)
                self.open.append(other)
                self._start(self._pump, one, other)
                self._start(self._pump, other, one)

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                if self.mute.is_set():
                    return
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        for one in (self.listener, *self.open):
            one.close()


@pytest.fixture
def relay() -> Iterator[Relay]:
    """The database "remote" is PostgreSQL behind a relay."""
    if not POSTGRES:
        pytest.skip("no PostgreSQL: set TEST_POSTGRES_URL")
    host, _, port = POSTGRES.removeprefix("postgres://postgres@").removesuffix("/postgres").rpartition(":")
    relay = Relay((host, int(port)))
    remote = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": relay.port,
    }
    connections.settings["remote"] = connections.configure_settings({"default": remote})["default"]
    try:
        databases.prepare_databases()
        yield relay
    finally:
        connections["remote"].close()
        del connections["remote"]
        del connections.settings["remote"]
        relay.close()


def query() -> None:
    with connections["remote"].cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_database_that_accepts_and_says_nothing(
    stream: Stream, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    """New connections have a time limit. Then nothing waits for it but the handlers that need it."""
    seen: list[str] = []

    @on_mqtt("async/{n}")
    async def waits(message: Message, n: str) -> None:
        await sync_to_async(query)()
        seen.append(f"async {n}")

    @on_mqtt("sync/{n}")
    def needs_it(message: Message, n: str) -> None:
        query()
        seen.append(f"sync {n}")

    @on_mqtt("else/{n}")
    def other(message: Message, n: str) -> None:
        seen.append(n)

    relay.mute.set()
    began = time.monotonic()
    with Run(stream, waits, needs_it, other) as run:
        for n in range(20):
            stream.add(f"async/{n}", b"")
            stream.add(f"sync/{n}", b"")
        eventually(lambda: run.pool.databases.is_away("remote"), 60)
        assert time.monotonic() - began < 30  # psycopg's own limit is 130 s
        for n in range(100):
            stream.add(f"else/{n}", b"")
        eventually(lambda: len(seen) == 100, 60)
        eventually(lambda: run.pool.numbers().under_way == 0, 60)
        for n in range(100, 200):  # from now on nobody tries but the one thread that looks
            stream.add(f"else/{n}", b"")
        eventually(lambda: len(seen) == 200)
        assert run.pool.numbers().databases_away == {"remote"}
        relay.mute.clear()
        eventually(lambda: stream.left() == 0, 60)
        assert run.pool.counts.failed == 0
    assert len(seen) == 240
    assert caplog.text.count("the database 'remote' is unreachable") == 1
    assert caplog.text.count("the database 'remote' is reachable again") == 1


def test_a_database_that_falls_silent(stream: Stream, relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    """A query without an answer ends at HANDLER_TIMEOUT. The message is not at fault."""
    seen: list[str] = []
    tried: list[str] = []

    def slow(message: Message) -> None:
        with connections["remote"].cursor() as cursor:
            cursor.execute("SELECT 1")
            if message.topic not in tried:
                tried.append(message.topic)
                relay.mute.set()
            cursor.execute("SELECT 1")
        seen.append(message.topic)

    @on_mqtt("async")
    async def waits(message: Message) -> None:
        await sync_to_async(slow)(message)

    @on_mqtt("sync")
    def needs_it(message: Message) -> None:
        slow(message)

    with Run(stream, waits, needs_it, limits=replace(LIMITS, concurrency=1, timeout=5)) as run:
        for topic in ("sync", "async"):
            stream.add(topic, b"")
            eventually(lambda: run.pool.databases.is_away("remote"), 60)
            relay.mute.clear()
            eventually(lambda: stream.left() == 0, 60)
        assert seen == ["sync", "async"]
        assert run.pool.counts.failed == 0 and run.pool.stuck() == 0
    assert caplog.text.count("HANDLER_TIMEOUT") == 4  # a line has it twice


def test_a_handler_that_waits_is_interrupted(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    @on_mqtt("sync")
    def sync(message: Message) -> None:
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                continue

    @on_mqtt("async")
    async def waits(message: Message) -> None:
        await asyncio.sleep(1000)

    @on_mqtt("else")
    def other(message: Message) -> None:
        seen.append("else")

    with Run(stream, sync, waits, other, limits=SHORT) as run:
        stream.add("sync", b"")
        stream.add("async", b"")
        eventually(lambda: run.pool.counts.retried >= 2)
        stream.add("else", b"")
        eventually(lambda: seen)
        eventually(lambda: stream.left() == 0)
        assert run.pool.stuck() == 0
    assert {letter["reason"] for letter in stream.dead()} == {
        "HandlerTimeout in sync",
        "HandlerTimeout in waits",
    }
    assert "sync has run for 0.5 s (HANDLER_TIMEOUT) with a message of sync" in caplog.text
    assert "test_stuck.py" in caplog.text and "in waits" in caplog.text
    assert "another thread" not in caplog.text


@pytest.mark.usefixtures("short_grace")
def test_a_handler_that_can_not_be_interrupted(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    """It loses its thread. The message is tried again, and what the first try does then does not count."""
    seen: list[str] = []
    may_end = threading.Event()

    @on_mqtt("sync")
    def sync(message: Message) -> None:
        seen.append("sync")
        if seen.count("sync") == 1:
            may_end.wait()

    @on_mqtt("async")
    async def waits(message: Message) -> None:
        seen.append("async")
        if seen.count("async") == 1:
            await sync_to_async(may_end.wait)()

    @on_mqtt("else")
    def other(message: Message) -> None:
        seen.append("else")

    with Run(stream, sync, waits, other, limits=SHORT) as run:
        for topic in ("sync", "async", "else"):
            stream.add(topic, b"")
        eventually(lambda: stream.left() == 0)
        assert sorted(seen) == ["async", "async", "else", "sync", "sync"]
        assert (run.pool.counts.handled, run.pool.counts.failed) == (3, 2)
        assert run.pool.numbers().stuck == 2
        may_end.set()
        eventually(lambda: run.pool.stuck() == 0)
        assert run.pool.counts.handled == 3 and run.pool.numbers().under_way == 0
    assert caplog.text.count("does not end, even interrupted") == 2


def test_an_async_handler_that_blocks_the_loop(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    """Other async handlers go on in another loop, and in the first one again once it is free."""
    seen: list[Any] = []
    may_end = threading.Event()

    @on_mqtt("block")
    async def blocks(message: Message) -> None:
        seen.append("block")
        may_end.wait(60)

    @on_mqtt("t/{n}")
    async def other(message: Message, n: str) -> None:
        seen.append(asyncio.get_running_loop())

    with Run(stream, blocks, other) as run:
        stream.add("t/0", b"")
        eventually(lambda: len(seen) == 1)
        stream.add("block", b"")
        eventually(lambda: len(seen) == 2)
        for n in range(1, 10):
            stream.add(f"t/{n}", b"")
        eventually(lambda: len(seen) == 11)
        assert len(set(seen[2:])) == 1 and seen[2] != seen[0]
        may_end.set()
        eventually(lambda: stream.left() == 0 and not run.pool.caller._loops[0].blocked)
        stream.add("t/10", b"")
        eventually(lambda: seen[-1] == seen[0])
    assert "an async handler blocks the event loop, at" in caplog.text and "in blocks" in caplog.text


@pytest.mark.usefixtures("short_grace")
def test_too_many_handlers_that_do_not_end(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("chanmqttproxy.handlers.pool.STUCK", 2)
    may_end = threading.Event()
    ends: list[bool] = []

    @on_mqtt("t")
    def handler(message: Message) -> None:
        may_end.wait()

    with Run(stream, handler, limits=replace(SHORT, tries=2)) as run:
        run.pool.on_stuck = lambda: ends.append(True)
        stream.add("t", b"")
        eventually(lambda: ends)
        may_end.set()
        eventually(lambda: run.pool.stuck() == 0)
    assert "2 calls of handlers do not end" in caplog.text


@pytest.mark.usefixtures("short_grace")
def test_storing_that_does_not_end(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    stored: list[int] = []
    may_end = threading.Event()

    def store(entries: Any) -> list[Rejected]:
        stored.append(len(entries))
        if len(stored) == 1:
            may_end.wait()
        if len(stored) == 2:
            while True:
                time.sleep(0.01)
        return []

    for _ in range(10):
        stream.add("t", b"")
    batches = Batches("state", store, replace(LIMITS, timeout=0.5))
    batches.reader = reader = Reader(stream.client, stream.keys, stream.opener, batches)
    batches.start()
    reader.start()
    eventually(lambda: stream.left() == 0)
    assert batches.numbers().stuck == 1 and batches.counts.dead == 0
    may_end.set()
    eventually(lambda: batches.stuck() == 0)
    reader.stop()
    batches.stop()
    assert batches.close(5) == []
    reader.close(5)


def test_a_site_has_its_own_limit(relay: Relay) -> None:
    options = connections["remote"].settings_dict["OPTIONS"]
    assert options["connect_timeout"] == 2
    options["connect_timeout"] = 30
    databases.prepare_databases()
    assert options["connect_timeout"] == 30
    assert "connect_timeout" not in connections["default"].settings_dict["OPTIONS"]


def test_connections_are_kept_from_message_to_message(relay: Relay) -> None:
    call.in_request(query)
    kept = connections["remote"].connection
    call.in_request(query)
    assert kept is not None and connections["remote"].connection is kept


@pytest.mark.parametrize(
    ("settings", "age"),
    [({}, 60), ({"CONN_MAX_AGE": 5}, 5), ({"CONN_MAX_AGE": None}, None), ({"OPTIONS": {"pool": True}}, 0)],
)
def test_a_site_says_how_long_connections_are_kept(settings: dict[str, Any], age: "int | None") -> None:
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", **settings}
    connections.settings["own"] = connections.configure_settings({"default": own})["default"]
    try:
        databases.prepare_databases()
        assert connections["own"].settings_dict["CONN_MAX_AGE"] == age
    finally:
        del connections["own"]
        del connections.settings["own"]
