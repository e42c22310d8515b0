"""Reading a stream from a real Redis: order, leases, failures, dead letters."""

import itertools
import os
import sqlite3
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

if not os.environ.get("TEST_REDIS_URL"):
    pytest.skip("no Redis: set TEST_REDIS_URL", allow_module_level=True)

import msgpack
from django.db import OperationalError, connection
from streams import LIMITS, PARTITIONS, Run, Stream, client, eventually, long_lease, stream

from chanmqttproxy.data import Message
from chanmqttproxy.handlers import call, holdings
from chanmqttproxy.handlers.batches import Batches
from chanmqttproxy.handlers.pool import Pool
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.registry import Handler, Registry
from chanmqttproxy.handlers.stores import Rejected
from chanmqttproxy.handlers.stream import Partition, partition_of
from chanmqttproxy.handlers.watch import Watch
from chanmqttproxy.marks import marks, on_mqtt

__all__ = ["client", "long_lease", "stream"]  # fixtures


@pytest.mark.usefixtures("long_lease")
def test_in_order_per_topic_and_several_at_once(stream: Stream) -> None:
    seen: dict[str, list[int]] = {}
    at_once, most, lock = 0, 0, threading.Lock()

    @on_mqtt("t/{n}")
    def handler(message: Message, n: str) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.001)
        with lock:
            seen.setdefault(n, []).append(int(message.payload))
            at_once -= 1

    for i in range(20):
        for n in range(20):
            stream.add(f"t/{n}", str(i).encode())
    with Run(stream, handler) as run:
        eventually(lambda: stream.left() == 0)
        assert run.pool.counts.handled == 400
    assert seen == {str(n): list(range(20)) for n in range(20)}
    assert most > 1
    assert stream.client.keys(stream.keys.info + ":reader-lease*") == []


@pytest.mark.usefixtures("long_lease")
def test_a_failure_is_tried_again_and_then_a_dead_letter(
    stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []

    @on_mqtt("{what}")
    def handler(message: Message, what: str) -> None:
        if what == "bad" and message.payload == 1:
            seen.append("bad")
            raise ValueError("secret")
        seen.append((what, message.payload))

    @on_mqtt("async/{what}")
    async def waits(message: Message, what: str) -> None:
        seen.append("async")
        if seen.count("async") < 3:
            raise SystemExit  # whatever it is

    stream.add("bad", b"1")
    stream.add("bad", b"2")
    stream.add("good", b"1")
    stream.add("async/x", b"")
    stream.add("nobody/takes/this", b"?")
    with Run(stream, handler, waits) as run:
        eventually(lambda: stream.left() == 0)
        counts = run.pool.counts
    assert seen.count("bad") == 3 and seen.count("async") == 3
    assert ("bad", 2) in seen and seen.index(("bad", 2)) > seen.index(("good", 1))
    assert (counts.handled, counts.dead, counts.failed) == (3, 2, 5)
    letters = {letter["handler"]: letter for letter in stream.dead()}
    assert letters["handler"]["reason"] == "ValueError in handler" and letters["handler"]["attempts"] == "3"
    assert letters["handler"]["from"].startswith(f"1:{partition_of('bad', 4)}:")
    assert letters[""]["reason"] == "no handler takes this topic"
    assert "topic bad (try 1 of 3)" in caplog.text


@pytest.mark.usefixtures("long_lease")
def test_the_dead_letters_are_bounded(stream: Stream) -> None:
    @on_mqtt("t")
    def handler(message: Message) -> None:
        raise ValueError

    stream.info("1:4", dead_messages=5, dead_bytes=1 << 20)
    with Run(stream, handler, limits=replace(LIMITS, tries=1)):
        for _ in range(8):
            stream.add("t", b"x" * 1000)
        eventually(lambda: stream.left() == 0)
        assert len(stream.dead()) == 5
        stream.info("1:4", dead_messages=5, dead_bytes=2500)

        def fewer() -> bool:
            stream.add("t", b"y" * 1000)
            eventually(lambda: stream.left() == 0)
            return len(stream.dead()) == 2

        eventually(fewer)  # when the reader has looked at the info
        stream.add("t", b"z" * 5000)
        eventually(lambda: stream.left() == 0)
        assert len(stream.dead()) == 1


@pytest.mark.usefixtures("long_lease")
def test_a_topic_that_waits_holds_up_no_other(stream: Stream) -> None:
    seen: list[str] = []

    @on_mqtt("t/{n}")
    def handler(message: Message, n: str) -> None:
        seen.append(n)
        if n == "bad":
            raise ValueError

    with Run(stream, handler, limits=replace(LIMITS, tries=2, backoff=600, backoff_max=600)):
        stream.add("t/bad", b"")
        eventually(lambda: seen)
        for n in range(100):
            stream.add(f"t/{n}", b"")
        eventually(lambda: len(seen) == 101)


def test_the_end_is_no_error(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    """The connection is closed while a thread waits for entries."""

    @on_mqtt("t")
    def handler(message: Message) -> None: ...

    stream.add("t", b"1")
    with Run(stream, handler) as run:
        eventually(lambda: stream.left() == 0 and run.reader.holdings.complete)
        time.sleep(0.1)
    stream.client.close()
    eventually(lambda: not any(thread.is_alive() for thread in run.reader._threads))
    assert "failed" not in caplog.text


def test_another_reader_goes_on_where_a_killed_one_was(stream: Stream) -> None:
    """One that vanishes holds its leases and what it had taken until the leases end."""
    seen: list[str] = []
    hangs = threading.Event()

    @on_mqtt("t/{n}")
    def hanging(message: Message, n: str) -> None:
        hangs.wait(60)

    @on_mqtt("t/{n}")
    def handler(message: Message, n: str) -> None:
        seen.append(f"{n} {message.payload}")

    dead = Run(stream, hanging)
    for i in range(10):
        for n in range(4):
            stream.add(f"t/{n}", str(i).encode())
    eventually(
        lambda: (
            stream.client.xlen(stream.keys.of(Partition(1, partition_of("t/0", 4))))
            and dead.pool.room()[0] < 1000
        )
    )
    time.sleep(0.5)
    dead.reader._ended = True  # as kill -9 does it: no lease is given back
    started = time.monotonic()
    with Run(stream, handler):
        eventually(lambda: seen)
        assert time.monotonic() - started < 2 + 20  # a busy machine takes its time
        eventually(lambda: stream.left() == 0)
    hangs.set()
    for n in range(4):
        assert [line for line in seen if line.startswith(f"{n} ")] == [f"{n} {i}" for i in range(10)]


def test_readers_share_the_partitions(stream: Stream) -> None:
    @on_mqtt("#")
    def handler(message: Message) -> None:
        pass

    def shares() -> list[int]:
        return [len(run.reader.holdings.readable()) for run in (first, second)]

    with Run(stream, handler) as first:
        eventually(lambda: len(first.reader.holdings.readable()) == 4)
        with Run(stream, handler) as second:
            eventually(lambda: shares() == [2, 2])
        eventually(lambda: shares() == [4, 0])


def test_redis_that_lost_everything(stream: Stream) -> None:
    seen: list[int] = []

    @on_mqtt("t")
    def handler(message: Message) -> None:
        seen.append(message.payload)

    with Run(stream, handler):
        stream.add("t", b"1")
        eventually(lambda: seen == [1])
        stream.client.flushall()
        time.sleep(0.5)
        stream.info("1:4")
        stream.add("t", b"2")
        eventually(lambda: seen == [1, 2])


def test_generations_are_read_one_after_the_other(stream: Stream) -> None:
    seen: list[int] = []

    @on_mqtt("{topic}")
    def handler(message: Message, topic: str) -> None:
        time.sleep(0.02)
        seen.append(message.payload)

    for i in range(20):
        stream.add("t", str(i).encode(), Partition(1, 2))
    stream.info("1:4 2:2")
    for i in range(20, 40):
        stream.add("t", str(i).encode(), Partition(2, 0))
    with Run(stream, handler):
        eventually(lambda: stream.left() == 0)
    assert seen == list(range(40))


def test_entries_that_are_no_messages(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []

    @on_mqtt("t")
    def handler(message: Message) -> None:
        seen.append(message.payload)

    partition = Partition(1, partition_of("t", 4))
    for body in (b"", b"\xc1", msgpack.packb(7), msgpack.packb({"message": {"topic": 3}})):
        stream.add_body(body, partition)
    stream.add("t", b"1")
    with Run(stream, handler):
        eventually(lambda: seen)
        stream.add_body(b"later", partition, v=2)
        stream.add("t", b"2")
        eventually(lambda: "version" in caplog.text)
        time.sleep(0.5)
        eventually(lambda: len(stream.dead()) == 4 and stream.left() == 2)
    assert seen == [1]


@pytest.mark.usefixtures("long_lease")
def test_a_database_that_is_away(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its handlers wait as long as it takes; others go on; it is said once."""
    away = threading.Event()
    seen: list[str] = []

    def connect(*args: Any, **kwargs: Any) -> Any:
        if away.is_set():
            raise sqlite3.OperationalError("could not connect")
        return sqlite3.connect(":memory:")

    monkeypatch.setattr("django.db.backends.sqlite3.base.Database.connect", connect)

    @on_mqtt("rows/{n}")
    def needs_it(message: Message, n: str) -> None:
        with connection.cursor() as cursor:
            if away.is_set():
                connection.errors_occurred = True
                connection.close()
                raise OperationalError("server closed the connection")
            cursor.execute("SELECT 1")
        seen.append(n)

    @on_mqtt("else/{n}")
    def other(message: Message, n: str) -> None:
        seen.append(n)

    away.set()
    with Run(stream, needs_it, other) as run:
        for n in range(10):
            stream.add(f"rows/{n}", b"")
        stream.add("else/x", b"")
        eventually(lambda: seen == ["x"])
        time.sleep(1)
        eventually(lambda: run.pool.numbers().databases_away == {"default"})
        away.clear()
        eventually(lambda: stream.left() == 0)
        assert run.pool.counts.failed == 0
        assert not run.pool.numbers().databases_away
    assert sorted(seen) == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "x"]
    assert caplog.text.count("the database 'default' is unreachable") == 1
    assert caplog.text.count("the database 'default' is reachable again") == 1


@pytest.mark.usefixtures("long_lease")
def test_numbers_for_the_metrics(stream: Stream) -> None:
    may_end = threading.Event()

    @on_mqtt("t/{n}")
    def handler(message: Message, n: str) -> None:
        may_end.wait(60)
        if n == "bad":
            raise ValueError

    for _ in range(3):
        stream.add("t/good", b"12345")
    stream.add("t/bad", b"")
    with Run(stream, handler) as run:
        eventually(lambda: run.pool.numbers().under_way == 2 and run.pool.numbers().waiting[0] == 4)
        assert run.pool.numbers().waiting[1] > 4 * 5
        partitions = {one.name: one for one in run.reader.numbers()}
        good = partitions[f"1:{partition_of('t/good', PARTITIONS)}"]
        assert (good.stream, good.held) == ("handlers", 1) and good.messages >= 3
        assert 0 < good.oldest_seconds < 60
        assert sum(one.messages for one in partitions.values()) == 4
        may_end.set()
        eventually(lambda: stream.left() == 0)
    numbers = run.pool.numbers()
    assert (numbers.handled, numbers.failed, numbers.retried, numbers.dead) == (3, 3, 2, 1)
    assert (numbers.waiting, numbers.under_way, numbers.databases_away) == ((0, 0), 0, frozenset())


@pytest.mark.usefixtures("long_lease")
def test_batches(stream: Stream) -> None:
    stored: list[list[str]] = []

    def store(entries: Any) -> list[Rejected]:
        if len(entries) > 1 and any(entry.payload == b"bad" for entry in entries):
            raise ValueError
        if entries[0].payload == b"bad":
            raise ValueError
        good = [entry for entry in entries if entry.payload != b"7"]
        stored.append([entry.payload.decode() for entry in good])
        return [Rejected(entry, "seven") for entry in entries if entry not in good]

    for i in range(300):
        stream.add("t", b"bad" if i == 150 else str(i).encode())
    batches = Batches("state", store, LIMITS)
    batches.reader = reader = Reader(stream.client, stream.keys, stream.opener, batches)
    batches.start()
    reader.start()
    eventually(lambda: stream.left() == 0)
    reader.stop()
    batches.stop()
    batches.close(5)
    reader.close(5)
    assert list(itertools.chain(*stored)) == [str(i) for i in range(300) if i not in (7, 150)]
    assert [letter["reason"] for letter in stream.dead()] == ["seven", "ValueError in state"]


def test_an_async_handler_has_a_thread_for_its_queries() -> None:
    from asgiref.sync import sync_to_async

    threads: set[int] = set()

    async def handler(message: Message) -> None:
        threads.add(await sync_to_async(threading.get_ident)())

    on_mqtt("t")(handler)
    caller = call.Caller(60, Watch(60, print))
    try:
        one = Handler("handler", handler, marks(handler)[0], marks(handler)[0].options(1))
        runs = [threading.Thread(target=caller.call, args=(one, Message("t", ""))) for _ in range(3)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    finally:
        caller.close()
    assert threading.get_ident() not in threads and threads


def test_a_sink_may_ask_while_it_has_its_lock(stream: Stream) -> None:
    """The reader calls its sink inside of its own lock, so it must answer without one."""
    reader = Reader(stream.client, stream.keys, stream.opener, Pool(Registry(), LIMITS))
    answers: list[bool] = []
    asks = threading.Thread(target=lambda: answers.append(reader.holds(Partition(1, 0))), daemon=True)
    with reader.holdings.lock:
        asks.start()
        asks.join(10)
    assert answers == [False]


def test_lease_is_short_enough() -> None:
    from chanmqttproxy.handlers import reader

    assert holdings.LEASE + reader.TICK + reader.WAIT < 2
