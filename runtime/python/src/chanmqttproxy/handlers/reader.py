"""Reads a stream: takes entries of its partitions, and acknowledges what is handled.

Three threads share it: one keeps the leases, one takes entries for as long as there is room,
one acknowledges. An entry is acknowledged only when it is handled, so that another reader
finds the others as they were.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import redis

from chanmqttproxy.handlers import scripts
from chanmqttproxy.handlers.holdings import START, Held, Holdings
from chanmqttproxy.handlers.lanes import Job
from chanmqttproxy.handlers.metrics import PartitionNumbers
from chanmqttproxy.handlers.stream import (
    GROUP,
    READER,
    Info,
    Keys,
    NewerFormat,
    Opener,
    Partition,
    Unreadable,
)

logger = logging.getLogger("chanmqttproxy.handlers")

# Of a dead reader's partition another one reads within LEASE + TICK + WAIT.
TICK = 0.35
WAIT = 0.2
LONG_WAIT = 1.0  # for new entries, where no other reader's partition can become free
PAUSE = 0.25  # while Redis is away
ALL = 5.0  # seconds between two looks at all partitions, whatever Redis says of new entries
AT_ONCE = 500
AT_ONCE_BYTES = 4 << 20

Found = list[tuple[str, dict[bytes, bytes]]]


class Sink(Protocol):
    """Where messages go. Its methods are called from several threads."""

    def room(self) -> tuple[int, int]:
        """How many messages, and how many bytes, it takes now."""
        ...

    def put(self, jobs: list[Job]) -> None:
        """Take messages of one partition, in order."""
        ...

    def drop(self, source: Any) -> None:
        """Forget the messages of a partition that are not under way."""
        ...

    def under_way(self, source: Any) -> set[str]:
        """The ids of the messages of a partition that are under way."""
        ...


class Reader:
    """A reader of one stream. start, then stop, then close."""

    def __init__(self, client: "redis.Redis", keys: Keys, opener: Opener, sink: Sink) -> None:
        self.client, self.keys, self.opener, self.sink = client, keys, opener, sink
        self.holdings = Holdings(client, keys, sink.drop)
        self.dead_letters = 0
        self._handled: dict[Partition, dict[str, None]] = {}  # not acknowledged yet
        self._due: set[Partition] = set()  # that have entries to take
        self._all_at = 0.0
        self._away = False
        self._changed = threading.Condition(self.holdings.lock)
        self._stopping = self._ended = False
        self._threads: list[threading.Thread] = []
        self._read = client.register_script(scripts.READ)
        self._dead_letter = client.register_script(scripts.DEAD_LETTER)
        self._lag = client.register_script(scripts.LAG)

    def start(self) -> None:
        for work in (self._keep_once, self._take_once, self._acknowledge_once):
            thread = threading.Thread(target=self._forever, args=(work,), name=work.__name__, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Take no more entries. What is under way may still end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def close(self, seconds: float) -> None:
        """Acknowledge what is handled, and give the leases back."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._changed.notify_all()
            while self._handled and time.monotonic() < deadline:
                self._changed.wait(0.05)
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.name != self._take_once.__name__:  # it may wait for entries; it takes none any more
                thread.join(max(0.1, deadline - time.monotonic()))
        # In a thread, as a Redis that does not answer must not hold up the end.
        leaving = threading.Thread(target=self._leave, name="leaving", daemon=True)
        leaving.start()
        leaving.join(max(0.1, deadline - time.monotonic()))

    def _leave(self) -> None:
        with contextlib.suppress(Exception):  # leases end by themselves
            self.holdings.close()

    def holds(self, source: Any) -> bool:
        """Whether the lease of a partition is certainly held now."""
        return self.holdings.holds(source)

    def handled(self, jobs: list[Job]) -> None:
        """Messages that are handled: acknowledge them soon."""
        with self._changed:
            for job in jobs:
                self._handled.setdefault(job.source, {})[job.entry.id] = None
            self._changed.notify_all()

    def dead_letter(self, job: Job, reason: str, handler: str) -> None:
        """Move a message to the dead letters. It raises RedisError while Redis is away."""
        self._to_dead_letters(job.source, job.entry.id, job.body, reason, handler, job.tries)

    def numbers(self) -> list[PartitionNumbers]:
        """For the metrics: of all partitions, whoever reads them. It raises RedisError."""
        info = self.holdings.info or Info()
        partitions = [Partition(g, n) for g, count in info.generations for n in range(count)]
        found: Any = self._lag(keys=[self.keys.of(partition) for partition in partitions])
        return [
            PartitionNumbers(self.keys.name, str(partition), count, age / 1000, int(self.holds(partition)))
            for partition, (count, age) in zip(partitions, found, strict=True)
        ]

    def wake(self) -> None:
        """There is room again."""
        with self._changed:
            self._changed.notify_all()

    def _forever(self, work: Callable[[], None]) -> None:
        while not self._ended:
            try:
                work()
            except redis.RedisError as error:
                self._lost(error, work)
            except NewerFormat as error:
                logger.error("%s", error)
                time.sleep(1)
            except Exception:
                if self._ended:  # the client may be closed
                    return
                logger.exception("reading the stream %s failed", self.keys.name)
                time.sleep(1)

    def _lost(self, error: Exception, work: Callable[[], None]) -> None:
        self.holdings.redis_lost()
        if work == self._keep_once and not self._away:
            self._away = True
            logger.warning("Redis is unreachable, the handlers wait for it: %s", error)
        time.sleep(PAUSE)

    def _keep_once(self) -> None:
        self.holdings.tick(self._busy, taking=not self._stopping)
        if self._away:
            self._away = False
            logger.warning("Redis is reachable again")
        with self._changed:
            self._changed.notify_all()
        time.sleep(TICK)

    def _busy(self, partition: Partition) -> bool:
        return bool(self._handled.get(partition) or self.sink.under_way(partition))

    def _take_once(self) -> None:
        """Take entries of the partitions that have some, or wait until one has."""
        with self._changed:
            mine, (count, size) = self.holdings.readable(), self.sink.room()
            if self._stopping or not mine or count <= 0 or size <= 0:
                self._changed.wait(WAIT)
                return
            now = time.monotonic()
            if now >= self._all_at:
                self._due, self._all_at = set(mine), now + ALL
            due = [p for p in mine if p in self._due or self.holdings.held[p].after != ">"]
        share = max(1, len(due))
        self._due = {p for p in due if self._take(p, count // share + 1, size // share + 1)}
        if not self._due:
            self._due = self._filled(mine)

    def _filled(self, mine: list[Partition]) -> set[Partition]:
        """The partitions that have new entries. It waits for some, but not long."""
        names = {self.keys.of(p).encode(): p for p in mine}
        with self._changed:
            last = {self.keys.of(p): held.last for p, held in self.holdings.held.items() if p in mine}
        wait = LONG_WAIT if self.holdings.complete else WAIT
        found: Any = last and self.client.xread(last, count=1, block=int(wait * 1000))  # type: ignore[arg-type]
        return {names[name] for name, _ in found or ()}

    def _take(self, partition: Partition, count: int, size: int) -> bool:
        """Take entries of a partition; whether there is reason to look again at once."""
        held = self.holdings.held.get(partition)
        if held is None:
            return False
        after, key = held.after, self.keys.of(partition)
        try:
            last = self._delivered(key) if held.last == START and after != ">" else held.last
            args: list[Any] = [
                self.holdings.reader,
                GROUP,
                READER,
                after,
                min(count, AT_ONCE),
                min(size, AT_ONCE_BYTES),
            ]
            answer: Any = self._read(keys=[self.keys.lease(partition), key], args=args)
            return bool(answer[0]) and self._took(partition, held, after, last, pairs(answer[1]))
        except redis.RedisError:
            self.holdings.look_again(partition)
            raise

    def _took(self, partition: Partition, held: Held, after: str, last: str, found: Found) -> bool:
        with self._changed:
            if self.holdings.held.get(partition) is not held or held.after != after:
                return True  # it was lost meanwhile: these are looked at again
            known = self.sink.under_way(partition) | set(self._handled.get(partition, ()))
            jobs = self._jobs(partition, [(id, fields) for id, fields in found if id not in known])
            held.last = max([last, *(id for id, _ in found)], key=parsed)
            if after != ">":
                held.after = found[-1][0] if found else ">"
            self.sink.put(jobs)
        return bool(found) or after != ">"

    def _delivered(self, key: str) -> str:
        """The id of the last entry that was taken. A group that is missing is made."""
        try:
            groups: Any = self.client.xinfo_groups(key)
        except redis.ResponseError:  # there is no such stream
            groups = []
        for group in groups:
            if group["name"] == GROUP.encode():
                return str(group["last-delivered-id"].decode())
        try:
            self.client.xgroup_create(key, GROUP, "0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        return START

    def _jobs(self, partition: Partition, found: Found) -> list[Job]:
        jobs = []
        for id, fields in found:
            body = fields.get(b"body", b"")
            if not fields:  # it was deleted
                self._handled.setdefault(partition, {})[id] = None
                continue
            try:
                entry = self.opener.entry(id, fields)
            except NewerFormat as error:
                where = f"partition {partition} of the stream {self.keys.name}"
                logger.error("%s is read no further: %s", where, error)
                self.holdings.refused.add(partition)
                break
            except Unreadable as error:
                where = f"entry {id} of the stream {self.keys.name}"
                logger.error("%s can't be read, and becomes a dead letter: %s", where, error)
                self._to_dead_letters(partition, id, body, f"unreadable: {error}", "", 0)
                continue
            jobs.append(Job(entry, partition, len(body), body=body))
        return jobs

    def _to_dead_letters(
        self, source: Any, id: str, body: bytes, reason: str, handler: str, tries: int
    ) -> None:
        info = self.holdings.info or Info()
        bounds = [info.dead_messages, info.dead_bytes]
        args: list[Any] = [GROUP, id, body, reason[:500], handler, tries, f"{source}:{id}", *bounds]
        self._dead_letter(keys=[self.keys.info, self.keys.dead, self.keys.of(source)], args=args)
        self.dead_letters += 1

    def _acknowledge_once(self) -> None:
        with self._changed:
            if not self._handled and not self._ended:
                self._changed.wait()
            batch = {source: list(ids)[:AT_ONCE] for source, ids in self._handled.items()}
        if not batch:
            return
        pipeline = self.client.pipeline(transaction=True)
        for source, ids in batch.items():
            pipeline.xack(self.keys.of(source), GROUP, *ids)
            pipeline.xdel(self.keys.of(source), *ids)
        pipeline.execute()
        with self._changed:
            for source, ids in batch.items():
                left = self._handled[source]
                for id in ids:
                    del left[id]
                if not left:
                    del self._handled[source]
            self._changed.notify_all()


def pairs(entries: Any) -> Found:
    """Entries as a script returns them; one that was deleted has no fields."""
    return [(id.decode(), dict(zip(f[::2], f[1::2], strict=True)) if f else {}) for id, f in entries]


def parsed(id: str) -> tuple[int, int]:
    """An id of an entry, to be compared."""
    milliseconds, _, sequence = id.partition("-")
    return int(milliseconds), int(sequence or 0)
