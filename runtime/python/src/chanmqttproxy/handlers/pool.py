"""Runs handlers: each topic in order, several topics at once, and again after a failure."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis

from chanmqttproxy.handlers.call import Caller, message_of
from chanmqttproxy.handlers.databases import DatabaseAway, Databases
from chanmqttproxy.handlers.lanes import Job, Lanes
from chanmqttproxy.handlers.metrics import SinkNumbers
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.registry import Handler, Registry
from chanmqttproxy.handlers.watch import STUCK, STUCK_PROCESS, Abandoned, HandlerTimeout, Running, Watch
from chanmqttproxy.options import number

logger = logging.getLogger("chanmqttproxy.handlers")

RECHECK = 0.2  # while it is not sure that a partition is ours
RETURNED = 0.1  # after a database that is there again already


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
    timeout: float = field(default_factory=lambda: number("HANDLER_TIMEOUT"))
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
        self.watch = Watch(limits.timeout, self._abandoned)
        self.caller = Caller(limits.timeout, self.watch)
        self.databases = Databases(self._returned)
        self.reader: Reader | None = None
        self.on_stuck: Callable[[], None] = lambda: None  # when too many calls do not end
        self._lanes = Lanes()
        self._needs: dict[str, set[str]] = {}  # by handler: the databases that it was seen to need
        self._changed = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self.watch.start()
        for i in range(self.limits.concurrency):
            self._start(f"handler {i}", self._work)

    def _start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
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
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        self.watch.stop()
        self.databases.stop()
        with self._changed:
            left = [job.entry.topic for job in self._lanes.taken()]
        if not left:
            self.caller.close()
        return left

    def stuck(self) -> int:
        """How many calls do not end, though they were interrupted."""
        return self.watch.stuck() + self.caller.stuck()

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
        away, stuck = self.databases.away(), self.stuck()
        with self._changed:
            return SinkNumbers(
                name="handlers",
                **vars(self.counts),
                waiting=(self._lanes.count, self._lanes.size),
                limits=(self.limits.messages, self.limits.bytes),
                under_way=len(self._lanes.taken()),
                stuck=stuck,
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
        try:
            while (job := self._next()) is not None:
                self._attempt(job, self._handle)
        except Abandoned:
            pass  # another thread is in this one's place

    def _attempt(self, job: Job, step: Callable[[Job], None]) -> None:
        try:
            step(job)
        except redis.RedisError:
            self._again(job, 1.0)  # nothing is known yet of what became of it
        except Exception:
            logger.exception("handling a message of %s", job.entry.topic)
            self._again(job, 1.0)

    def _abandoned(self, running: Running) -> None:
        """A call does not end: another thread takes the place of its own."""

        def work() -> None:
            handler = self.registry.find(running.topic)
            if handler is not None:
                self._attempt(running.job, lambda job: self._failed(job, handler, HandlerTimeout()))
            self._work()

        with self._changed:
            self._threads = [one for one in self._threads if one.ident != running.thread]
            self._start(f"handler in place of {running.thread}", work)
        self._check_stuck()

    def _check_stuck(self) -> None:
        if (count := self.stuck()) >= STUCK * self.limits.concurrency:
            logger.critical(STUCK_PROCESS, count)
            self.on_stuck()

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
        elif away := self._needs.get(handler.name, set()) & self.databases.away():
            self._hold(job, min(away))
        else:
            self._call(job, handler)

    def _call(self, job: Job, handler: Handler) -> None:
        began = time.monotonic()
        try:
            self.caller.call(handler, message_of(job.entry, handler), job)
        except Abandoned:
            raise
        except DatabaseAway as away:
            self._needs.setdefault(handler.name, set()).add(away.alias)
            self.databases.lost(away, began)
            self._hold(job, away.alias)
        except BaseException as error:  # a handler must not end this thread
            self._failed(job, handler, error)
            self._check_stuck()
        else:
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

    def _hold(self, job: Job, alias: str) -> None:
        """The topic waits for a database. That is no failure of the message."""
        with self._changed:
            if self.databases.is_away(alias):
                self._lanes.hold(job, alias)
            else:
                self._lanes.retry(job, time.monotonic() + RETURNED)
                self._changed.notify()

    def _returned(self, alias: str) -> None:
        """A database is there again."""
        with self._changed:
            self._lanes.release(alias)
            self._changed.notify_all()

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
