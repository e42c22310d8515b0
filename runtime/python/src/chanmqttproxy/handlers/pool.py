"""Runs handlers: each topic in order, several topics at once, and again after a failure."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import redis

from chanmqttproxy.handlers.call import Caller, DatabaseAway, message_of
from chanmqttproxy.handlers.lanes import Job, Lanes
from chanmqttproxy.handlers.metrics import SinkNumbers
from chanmqttproxy.handlers.outages import Outages
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.registry import Handler, Registry
from chanmqttproxy.options import number

logger = logging.getLogger("chanmqttproxy.handlers")

RECHECK = 0.2  # while it is not sure that a partition is ours
DATABASE_PAUSE_MAX = 2.0  # between two looks whether a database is there again


@dataclass
class Counts:
    """What became of messages since the start."""

    handled: int = 0
    failed: int = 0
    retried: int = 0
    dead: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class Limits:
    """How handlers are run, as the settings HANDLER_… say."""

    concurrency: int = field(default_factory=lambda: int(number("HANDLER_CONCURRENCY")))
    tries: int = field(default_factory=lambda: int(number("HANDLER_TRIES")))
    backoff: float = field(default_factory=lambda: number("HANDLER_BACKOFF"))
    backoff_max: float = field(default_factory=lambda: number("HANDLER_BACKOFF_MAX"))
    messages: int = field(default_factory=lambda: int(number("HANDLER_BUFFER")))
    bytes: int = field(default_factory=lambda: int(number("HANDLER_BUFFER_BYTES")))

    def pause(self, failures: int) -> float:
        """Seconds between a failure and the next try."""
        return min(self.backoff * 2.0 ** min(failures - 1, 30), self.backoff_max)


class Pool:
    """The threads in which handlers run. It is the sink of a Reader, which it tells of the results."""

    def __init__(self, registry: Registry, limits: Limits) -> None:
        self.registry, self.limits = registry, limits
        self.counts = Counts()
        self.caller = Caller()
        self.reader: Reader | None = None
        self._lanes = Lanes()
        self._outages = Outages()
        self._outages_lock = threading.Lock()  # while it is logged too: the lines are in order
        self._changed = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for i in range(self.limits.concurrency):
            thread = threading.Thread(target=self._work, name=f"handler {i}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Begin no more messages."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def close(self, seconds: float) -> list[str]:
        """Wait for the handlers that are running; the topics of those that still are then."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            left = [job.entry.topic for job in self._lanes.taken()]
        if not left:
            self.caller.close()
        return left

    def room(self) -> tuple[int, int]:
        with self._changed:
            return self.limits.messages - self._lanes.count, self.limits.bytes - self._lanes.size

    def put(self, jobs: list[Job]) -> None:
        with self._changed:
            for job in jobs:
                self._lanes.put(job)
            self._changed.notify(len(jobs))

    def offer(self, job: Job) -> None:
        """Take a message that nobody keeps, if there is room for it."""
        if min(self.room()) > 0:
            self.put([job])
        else:
            self._count("dropped")

    def numbers(self) -> SinkNumbers:
        """For the metrics."""
        with self._outages_lock:
            away = frozenset(self._outages.away())
        with self._changed:
            return SinkNumbers(
                name="handlers",
                **vars(self.counts),
                waiting=(self._lanes.count, self._lanes.size),
                limits=(self.limits.messages, self.limits.bytes),
                under_way=len(self._lanes.taken()),
                databases_away=away,
            )

    def drop(self, source: Any) -> None:
        with self._changed:
            self._lanes.drop(source)

    def under_way(self, source: Any) -> set[str]:
        with self._changed:
            return {job.entry.id for job in self._lanes.taken() if job.source == source}

    def _count(self, result: str) -> None:
        with self._changed:
            setattr(self.counts, result, getattr(self.counts, result) + 1)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._handle(job)
            except redis.RedisError:
                self._again(job, 1.0)  # nothing is known yet of what became of it
            except Exception:
                logger.exception("handling a message of %s", job.entry.topic)
                self._again(job, 1.0)

    def _next(self) -> Job | None:
        """The next message; None at the end. It waits for one."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                job = self._lanes.take(now)
                if job is None:
                    at = self._lanes.next_at()
                    self._changed.wait(None if at is None else max(0.0, at - now))
                elif job.source is None or (self.reader is not None and self.reader.holds(job.source)):
                    return job
                else:
                    self._lanes.retry(job, now + RECHECK)
        return None

    def _handle(self, job: Job) -> None:
        handler = self.registry.find(job.entry.topic)
        if job.given_up:
            self._give_up(job, job.given_up, handler)
        elif handler is None:
            self._give_up(job, "no handler takes this topic", None)
        elif job.source is None and handler.stored:
            self._done(job)  # it comes by the stream too
        else:
            self._call(job, handler)

    def _call(self, job: Job, handler: Handler) -> None:
        began = time.monotonic()
        try:
            self.caller.call(handler, message_of(job.entry, handler))
        except DatabaseAway as away:
            self._database_away(job, away, began)
        except BaseException as error:  # a handler must not end this thread
            self._database_reached(job, began)
            self._failed(job, handler, error)
        else:
            self._database_reached(job, began)
            self._count("handled")
            self._done(job)

    def _done(self, job: Job) -> None:
        if self.reader is not None and job.source is not None:
            self.reader.handled([job])
        with self._changed:
            self._lanes.done(job)
            self._changed.notify()
        if self.reader is not None:
            self.reader.wake()

    def _again(self, job: Job, pause: float) -> None:
        with self._changed:
            self._lanes.retry(job, time.monotonic() + pause)
            self._changed.notify()

    def _database_away(self, job: Job, away: DatabaseAway, began: float) -> None:
        """The topic waits for the database. That is no failure of the message."""
        job.waits += 1
        job.waits_for.add(away.alias)
        with self._outages_lock:
            if self._outages.lost(away.alias, began, time.monotonic()):
                logger.error("%s. The handlers that need it wait, and go on when it is there again.", away)
        self._again(job, min(0.1 * 2.0 ** min(job.waits, 10), DATABASE_PAUSE_MAX))

    def _database_reached(self, job: Job, began: float) -> None:
        """The handler has come past the databases that it waited for."""
        if not job.waits_for:
            return
        with self._outages_lock:
            if back := self._outages.reached(job.waits_for, began, time.monotonic()):
                logger.warning("the database is there again: %s", ", ".join(back))
        job.waits, job.waits_for = 0, set()

    def _failed(self, job: Job, handler: Handler, error: BaseException) -> None:
        job.tries += 1
        self._count("failed")
        reason, of = f"{type(error).__name__} in {handler.name}", (job.tries, self.limits.tries)
        logger.error(
            "%s, topic %s (try %d of %d)", reason, job.entry.topic, *of, exc_info=job.tries == 1 and error
        )
        if job.tries >= self.limits.tries:
            self._give_up(job, reason, handler)
        else:
            self._count("retried")
            self._again(job, self.limits.pause(job.tries))

    def _give_up(self, job: Job, reason: str, handler: Handler | None) -> None:
        """Put a message among the dead letters, if it was stored."""
        job.given_up = reason
        if job.source is not None and self.reader is not None:
            self.reader.dead_letter(job, reason, handler.name if handler else "")
            self._count("dead")
            logger.error("a message of %s is a dead letter now: %s", job.entry.topic, reason)
        else:
            self._count("dropped")
        with self._changed:
            self._lanes.done(job)
            self._changed.notify()
