"""Gives messages to a function many at once, in order: for what only stores them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import redis

from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.call import in_request
from chanmqttproxy.handlers.databases import DatabaseAway
from chanmqttproxy.handlers.lanes import Job
from chanmqttproxy.handlers.metrics import SinkNumbers
from chanmqttproxy.handlers.pool import Counts, Limits
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.stores import Rejected
from chanmqttproxy.handlers.watch import STUCK, STUCK_PROCESS, Abandoned, HandlerTimeout, Running, Watch

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
        self._away: DatabaseAway | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        # The function has a thread of its own, which can be replaced if it does not end.
        self._executor = ThreadPoolExecutor(1, f"{name} in the database")
        self.watch = Watch(limits.timeout, self._abandoned)
        self.on_stuck: Callable[[], None] = lambda: None  # when too many calls do not end

    def start(self) -> None:
        self.watch.start()
        self._thread.start()

    def stop(self) -> None:
        """Begin no more messages."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def close(self, seconds: float) -> list[str]:
        """Wait until what was begun is stored; says what is not."""
        self._thread.join(max(0.0, seconds))
        self.watch.stop()
        self._executor.shutdown(wait=False)
        return [self.name] if self._thread.is_alive() else []

    def stuck(self) -> int:
        """How many calls do not end, though they were interrupted."""
        return self.watch.stuck()

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
        stuck, away = self.stuck(), self._away
        with self._changed:
            return SinkNumbers(
                name="stores",
                **vars(self.counts),
                waiting=(self._count(), self._size),
                limits=(self._most, self.limits.bytes),
                under_way=len(self._taken),
                stuck=stuck,
                databases_away=frozenset([away.alias] if away else ()),
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
        except (Exception, HandlerTimeout) as error:
            reason = f"{self.name}: {type(error).__name__}"
            logger.warning("storing %d messages failed (%s): each is tried alone", len(batch), reason)
        else:
            return
        for job in batch:
            self._store_one(job)

    def _store_one(self, job: Job) -> None:
        try:
            self._persist([job])
        except DatabaseAway:
            return
        except (Exception, HandlerTimeout) as error:
            self.counts.failed += 1
            job.tries += 1
            reason = f"{type(error).__name__} in {self.name}"
            logger.error("%s, topic %s", reason, job.entry.topic, exc_info=error)
            self._dead_letter(job, reason)

    def _persist(self, batch: list[Job]) -> None:
        """Store messages, once the database is there. It raises what it has against them."""
        pause, late = 0.1, 0
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
            except HandlerTimeout:
                late += 1
                if late >= self.limits.tries or self._stopping:
                    raise
        if self._away:
            logger.warning("%s (%s)", self._away.over, self.name)
            self._away = None
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
        result: Future[list[Rejected]] = Future()
        self._executor.submit(self._run, entries, result)
        return result.result()

    def _run(self, entries: list[Entry], result: "Future[list[Rejected]]") -> None:
        found: list[Rejected] = []
        running = self.watch.begin(self.name, entries[0].topic if entries else "", result)
        try:
            try:
                in_request(lambda: found.extend(self.store(entries)), running)
            finally:
                self.watch.end(running)
        except Abandoned:
            pass
        except BaseException as error:
            result.set_exception(error)
        else:
            result.set_result(found)

    def _abandoned(self, running: Running) -> None:
        """A call does not end: the next ones have another thread."""
        self._executor = ThreadPoolExecutor(1, f"{self.name} in the database")
        running.job.set_exception(HandlerTimeout())
        if (count := self.stuck()) >= STUCK:
            logger.critical(STUCK_PROCESS, count)
            self.on_stuck()

    def _say_away(self, away: DatabaseAway) -> None:
        if not self._away:
            self._away = away
            logger.error("%s. Messages wait in Redis meanwhile.", away)

    def _dead_letter(self, job: Job, reason: str) -> None:
        while self.reader is not None and not self._stopping:
            try:
                self.reader.dead_letter(job, reason, self.name)
                self.counts.dead += 1
                return
            except redis.RedisError:
                time.sleep(1)
