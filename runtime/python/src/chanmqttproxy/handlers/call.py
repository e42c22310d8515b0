"""Calls one handler, with database connections as Django has them around a request."""

import asyncio
import concurrent.futures
import inspect
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any, TypeAlias

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import close_old_connections, connections, reset_queries, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from chanmqttproxy.data import Message, Properties
from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers import watch as limits
from chanmqttproxy.handlers.databases import check_databases
from chanmqttproxy.handlers.registry import Handler, discover
from chanmqttproxy.handlers.watch import HandlerTimeout, Running, Watch, files, place, place_of, shut, used
from chanmqttproxy.payloads import decode

logger = logging.getLogger("chanmqttproxy.handlers")

Future: TypeAlias = "concurrent.futures.Future[None]"

START_SECONDS = 5.0  # in which an event loop must begin a call; else something blocks it

BLOCKED = (
    "an async handler blocks the event loop, at %s. Other handlers go on in another loop. Call what "
    "blocks with sync_to_async."
)


def message_of(entry: Entry, handler: Handler) -> Message:
    """What the handler gets of a stored message."""
    return as_asked(
        handler,
        Message(
            topic=entry.topic,
            payload=entry.payload,
            qos=entry.qos,
            retain=entry.retain,
            properties=Properties.from_wire(entry.properties) if entry.properties else None,
            received=entry.received,
        ),
    )


def as_asked(handler: Handler, message: Message) -> Message:
    """A message as the handler asks for it. A payload of bytes is what the broker has."""
    payload = message.payload
    if isinstance(payload, bytes):
        payload = decode(payload, handler.options.payload)
    return replace(message, payload=payload, qos=min(message.qos, handler.options.qos))


def bound(handler: Handler, message: Message) -> Callable[[], Any]:
    """The call of a handler; it is async if that is."""
    arguments = handler.mark.pattern.match(message.topic) or {}
    if not handler.is_async:
        return lambda: handler.function(message, **arguments)

    async def call() -> None:
        await handler.function(message, **arguments)

    return call


def call_of(message: Message) -> tuple[Handler, Callable[[], Any]] | None:
    """The handler that takes a message's topic, and its call; None if none does."""
    handler = discover().find(message.topic)
    if handler is None:
        return None
    message = replace(message, received=message.received or timezone.now())
    return handler, bound(handler, as_asked(handler, message))


def atomic(call: Callable[[], Any]) -> Callable[[], Any]:
    """A sync call in transactions of the databases with ATOMIC_REQUESTS, as those of a view."""
    for alias in connections:
        if connections.settings[alias]["ATOMIC_REQUESTS"]:
            call = transaction.atomic(using=alias)(call)
    return call


class Caller:
    """Calls handlers: sync ones in the caller's thread, async ones in an event loop.

    Each has `seconds` for a call. `watch` sees to the sync ones.
    """

    def __init__(self, seconds: float, watch: Watch) -> None:
        self.seconds, self.watch = seconds, watch
        self._loops: list[Loop] = []
        self._abandoned: set[Task] = set()  # that have not ended
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            loops, self._loops = self._loops, []
        for one in loops:
            one.loop.call_soon_threadsafe(one.loop.stop)

    def stuck(self) -> int:
        """How many async calls were abandoned and have not ended."""
        with self._lock:
            return len(self._abandoned)

    def call(self, handler: Handler, message: Message, job: Any = None) -> None:
        """Call a handler and wait for it. It raises what that raises, DatabaseAway, or HandlerTimeout.

        It raises Abandoned if the caller's thread was replaced meanwhile.
        """
        call = bound(handler, message)
        if handler.is_async:
            self._run(handler, message.topic, call)
            return
        running = self.watch.begin(handler.name, message.topic, job)
        try:
            in_request(atomic(call), running)
        finally:
            self.watch.end(running)

    def _run(self, handler: Handler, topic: str, call: Callable[[], Any]) -> None:
        """Run an async call in a loop that is not blocked, and wait for it."""
        task, future, one = self._start(handler, topic, call)
        concurrent.futures.wait([future], max(0.0, self.seconds - START_SECONDS))
        if not future.done():
            task.late = True
            logger.error(limits.LATE, task.name, self.seconds, task.topic, task.place())
            one.loop.call_soon_threadsafe(task.cancel)
            concurrent.futures.wait([future], limits.GRACE)
        if not future.done():
            logger.error(limits.ABANDONED, task.name, task.topic, task.place())
            with self._lock:
                self._abandoned.add(task)
            future.add_done_callback(lambda _: self._ended(task))
            raise HandlerTimeout
        try:
            future.result()
        except concurrent.futures.CancelledError:
            if task.late:
                raise HandlerTimeout from None
            raise

    def _start(self, handler: Handler, topic: str, call: Callable[[], Any]) -> tuple["Task", Future, "Loop"]:
        while True:
            one, task = self._loop(), Task(handler.name, topic, call)
            future = asyncio.run_coroutine_threadsafe(task.run(), one.loop)
            concurrent.futures.wait([future], min(START_SECONDS, self.seconds))
            if future.done() or not task.withdraw():
                return task, future, one
            self._is_blocked(one)

    def _ended(self, task: "Task") -> None:
        with self._lock:
            self._abandoned.discard(task)

    def _loop(self) -> "Loop":
        """The first loop that is not blocked, so that it is the same one as a rule."""
        with self._lock:
            found = next((one for one in self._loops if not one.blocked), None)
            if found is None:
                found = Loop(f"async handlers {len(self._loops)}")
                self._loops.append(found)
            return found

    def _is_blocked(self, one: "Loop") -> None:
        with self._lock:
            if one.blocked:
                return
            one.blocked = True
        one.loop.call_soon_threadsafe(setattr, one, "blocked", False)
        logger.error(BLOCKED, place(one.thread.ident or 0))


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.blocked = False
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()


@dataclass(eq=False)
class Task:
    """A call of an async handler."""

    name: str
    topic: str
    call: Callable[[], Any]
    connections: list[BaseDatabaseWrapper] = field(default_factory=list)
    late: bool = False
    _task: "asyncio.Task[Any] | None" = None
    _withdrawn: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def run(self) -> None:
        """Call the handler as Django calls an async view. Its queries have a thread of their own."""
        with self._lock:
            if self._withdrawn:
                return
            self._task = asyncio.current_task()
        async with ThreadSensitiveContext():
            try:
                self.connections = await sync_to_async(used)()
                await self.call()
            except (SystemExit, KeyboardInterrupt) as error:  # it would end the loop of all
                raise RuntimeError(f"the handler raised {type(error).__name__}") from error
            except (Exception, asyncio.CancelledError) as error:
                await sync_to_async(check_databases)(error, self.late)
                if self.late:
                    raise HandlerTimeout from error
                raise
            finally:
                await sync_to_async(connections.close_all)()

    def withdraw(self) -> bool:
        """Let it not begin any more; whether it has not yet."""
        with self._lock:
            self._withdrawn = self._task is None
            return self._withdrawn

    def cancel(self) -> None:
        """Interrupt it, in its loop: first the handler, so that it does not hear of the connections."""
        if self._task is not None:
            self._task.cancel()
        shut(files(self.connections))

    def place(self) -> str:
        """Where the handler waits."""
        frames: list[FrameType] = []
        waits: Any = self._task.get_coro() if self._task is not None else None
        while waits is not None:
            if frame := getattr(waits, "cr_frame", None):
                frames.insert(0, frame)
            waits = getattr(waits, "cr_await", None)
        return place_of(frames)


def in_request(call: Callable[[], Any], running: Running | None = None) -> None:
    """Call a sync function as Django calls a view."""
    reset_queries()
    close_old_connections()
    try:
        result = call()
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError("the handler returned a coroutine: write it as async def")
    except (Exception, HandlerTimeout) as error:
        late = running is not None and running.late
        check_databases(error, late)
        if late and isinstance(error, Exception):  # its connection was shut
            raise HandlerTimeout from error
        raise
    finally:
        close_old_connections()
