"""Gives messages to a function many at once, in order: for what only stores them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import redis

from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.call import DatabaseAway, in_request
from chanmqttproxy.handlers.lanes import Job
from chanmqttproxy.handlers.metrics import SinkNumbers
from chanmqttproxy.handlers.pool import Counts, Limits
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.stores import Rejected

logger = logging.getLogger("chanmqttproxy.handlers")

AT_ONCE = 1000
PAUSE_MAX = 2.0


class Batches:
    """A thread that stores messages. It is the sink of a Reader, which it tells of the results.

    The function takes entries. When it returns it has stored them all but those that it
    returns; if it raises, none.
    """

    def __init__(self, name: str, store: Callable[[Sequence[Entry]], list[Rejected]], limits: Limits) -> None:
        self.name, self.store, self.limits = name, store, limits
        self.counts = Counts()
        self._most = max(limits.messages, 2 * AT_ONCE)
        self.reader: Reader | None = None
        self._jobs: deque[Job] = deque()
        self._taken: list[Job] = []
        self._size = 0
        self._away: set[str] = set()  # databases
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin no more messages."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def close(self, seconds: float) -> list[str]:
        """Wait until what was begun is stored; says what is not."""
        self._thread.join(max(0.0, seconds))
        return [self.name] if self._thread.is_alive() else []

    def room(self) -> tuple[int, int]:
        with self._changed:
            return self._most - self._count(), self.limits.bytes - self._size

    def put(self, jobs: list[Job]) -> None:
        with self._changed:
            self._jobs.extend(jobs)
            self._size += sum(job.size for job in jobs)
            self._changed.notify_all()

    def numbers(self) -> SinkNumbers:
        """For the metrics."""
        with self._changed:
            return SinkNumbers(
                name="stores",
                **vars(self.counts),
                waiting=(self._count(), self._size),
                limits=(self._most, self.limits.bytes),
                under_way=len(self._taken),
                databases_away=frozenset(self._away),
            )

    def _count(self) -> int:
        return len(self._jobs) + len(self._taken)

    def drop(self, source: Any) -> None:
        with self._changed:
            self._size -= sum(job.size for job in self._jobs if job.source == source)
            self._jobs = deque(job for job in self._jobs if job.source != source)

    def under_way(self, source: Any) -> set[str]:
        with self._changed:
            return {job.entry.id for job in self._taken if job.source == source}

    def _work(self) -> None:
        while self._next():
            try:
                self._store(self._taken)
            except Exception:
                logger.exception("storing messages (%s)", self.name)
                time.sleep(1)
            finally:
                with self._changed:
                    self._size -= sum(job.size for job in self._taken)
                    self._taken = []
                if self.reader is not None:
                    self.reader.wake()

    def _next(self) -> bool:
        """Take the next messages, or wait for some; False at the end."""
        with self._changed:
            while not self._jobs and not self._stopping:
                self._changed.wait()
            self._taken = [self._jobs.popleft() for _ in range(min(AT_ONCE, len(self._jobs)))]
            return not self._stopping

    def _store(self, batch: list[Job]) -> None:
        """Store messages, together if the database takes them so, else one by one."""
        try:
            self._persist(batch)
        except DatabaseAway:
            return  # this process stops: another one finds them
        except Exception as error:
            logger.warning(
                "storing %d messages one by one (%s): %s", len(batch), self.name, type(error).__name__
            )
        else:
            return
        for job in batch:
            self._store_one(job)

    def _store_one(self, job: Job) -> None:
        try:
            self._persist([job])
        except DatabaseAway:
            return
        except Exception as error:
            self.counts.failed += 1
            job.tries += 1
            reason = f"{type(error).__name__} in {self.name}"
            logger.error("%s, topic %s", reason, job.entry.topic, exc_info=error)
            self._dead_letter(job, reason)

    def _persist(self, batch: list[Job]) -> None:
        """Store messages, once the database is there. It raises what it has against them."""
        pause = 0.1
        while True:
            # Another reader's messages are its own to store.
            batch = [job for job in batch if self.reader is not None and self.reader.holds(job.source)]
            try:
                rejected = self._call([job.entry for job in batch])
                break
            except DatabaseAway as away:
                if self._stopping:
                    raise
                self._say_away(away)
                time.sleep(pause)
                pause = min(pause * 2, PAUSE_MAX)
        if self._away:
            self._away = set()
            logger.warning("the database is there again (%s)", self.name)
        reasons = {one.entry.id: one.reason for one in rejected}
        stored = [job for job in batch if job.entry.id not in reasons]
        self.counts.handled += len(stored)
        if self.reader is not None:
            self.reader.handled(stored)
        for job in batch:
            if reason := reasons.get(job.entry.id):
                logger.error("%s, topic %.100s: a dead letter now", reason, job.entry.topic)
                self._dead_letter(job, reason)

    def _call(self, entries: list[Entry]) -> list[Rejected]:
        found: list[Rejected] = []
        in_request(lambda: found.extend(self.store(entries)))
        return found

    def _say_away(self, away: DatabaseAway) -> None:
        if not self._away:
            self._away = {away.alias}
            logger.error("%s. Messages wait in Redis until it is there again.", away)

    def _dead_letter(self, job: Job, reason: str) -> None:
        while self.reader is not None and not self._stopping:
            try:
                self.reader.dead_letter(job, reason, self.name)
                self.counts.dead += 1
                return
            except redis.RedisError:
                time.sleep(1)
