"""Ends calls of handlers that run for longer than HANDLER_TIMEOUT.

Python can't end a thread. So a call that is late is interrupted: its database connections are
shut, and HandlerTimeout is raised in it as soon as it runs Python code. One that still does not
end is abandoned: its thread is replaced, and whatever it does later counts for nothing.
"""

import contextlib
import ctypes
import logging
import os
import socket
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

logger = logging.getLogger("chanmqttproxy.handlers")

GRACE = 10.0  # seconds between the interruption of a call and its abandonment

STUCK = 10  # abandoned calls, for each that may run at a time, at which the process ends

STUCK_PROCESS = (
    "%d calls of handlers do not end, even interrupted: this process ends, and what runs it starts it "
    "again. Nothing is lost. Give what the handlers wait for a time limit."
)
LATE = (
    "%s has run for %g s (HANDLER_TIMEOUT) with a message of %.100s: it is interrupted, and called again "
    "later. It was at %s. Give what it waits for a time limit of its own, or raise HANDLER_TIMEOUT."
)
ABANDONED = (
    "%s does not end, even interrupted (topic %.100s): another thread takes its place, and the message is "
    "tried again. It is at %s."
)


class HandlerTimeout(BaseException):
    """Raised in a handler that has run for longer than HANDLER_TIMEOUT.

    It is no Exception, so that a handler which catches everything ends all the same.
    """


class Abandoned(BaseException):
    """Raised at the end of a call that was abandoned: its thread is to end and to do nothing else."""


@dataclass(eq=False)
class Running:
    """A call under way in a thread."""

    name: str
    topic: str
    job: Any
    since: float = field(default_factory=time.monotonic)
    thread: int = field(default_factory=threading.get_ident)
    connections: list[BaseDatabaseWrapper] = field(default_factory=lambda: used())
    late: bool = False
    abandoned: bool = False


_of_thread = threading.local()


def used() -> list[BaseDatabaseWrapper]:
    """The database connections of this thread: those that it has, and those that it makes from now on."""
    _of_thread.connections = found = list(connections.all(initialized_only=True))
    return found


def _created(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    found = getattr(_of_thread, "connections", None)
    if found is not None and connection not in found:
        found.append(connection)


connection_created.connect(_created)


class Watch:
    """Watches the calls of several threads. `abandon` is called, in its own, with each that does not end."""

    def __init__(self, seconds: float, abandon: Callable[[Running], None]) -> None:
        self.seconds, self._abandon = seconds, abandon
        self._running: dict[int, Running] = {}
        self._abandoned: set[Running] = set()  # that have not ended
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def begin(self, name: str, topic: str, job: Any) -> Running:
        """A call begins in this thread. end must follow."""
        running = Running(name, topic, job)
        with self._lock:
            self._running[running.thread] = running
        return running

    def end(self, running: Running) -> None:
        """The call has ended. It raises Abandoned if nobody waits for it any more."""
        while True:
            try:
                with self._lock:
                    self._running.pop(running.thread, None)
                    self._abandoned.discard(running)
                    if running.late:
                        interrupt(running.thread, None)
                break
            except HandlerTimeout:  # it comes only now
                continue
        if running.abandoned:
            raise Abandoned

    def stuck(self) -> int:
        """How many calls were abandoned and have not ended."""
        with self._lock:
            return len(self._abandoned)

    def _watch(self) -> None:
        while not self._stopped.wait(min(self.seconds, GRACE) / 10):
            try:
                self._look(time.monotonic())
            except Exception:
                logger.exception("watching handlers")

    def _look(self, now: float) -> None:
        """Interrupt the calls that are late, and abandon those that were and go on."""
        lines: list[tuple[Any, ...]] = []
        abandoned: list[Running] = []
        with self._lock:  # none of them ends meanwhile
            for one in list(self._running.values()):
                if not one.late and now - one.since >= self.seconds:
                    one.late = True
                    lines.append((LATE, one.name, self.seconds, one.topic, place(one.thread)))
                    duplicates = files(one.connections)
                    interrupt(one.thread, HandlerTimeout)  # before anything wakes it
                    shut(duplicates)
                elif now - one.since >= self.seconds + GRACE:
                    one.abandoned = True
                    lines.append((ABANDONED, one.name, one.topic, place(one.thread)))
                    abandoned.append(one)
                    self._abandoned.add(one)
                    del self._running[one.thread]
        for line in lines:
            logger.error(*line)
        for one in abandoned:
            self._abandon(one)


def interrupt(thread: int, error: type[BaseException] | None) -> None:
    """Raise an error in a thread when it next runs Python code; None: no more."""
    value = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), value)


def files(wrappers: Iterable[BaseDatabaseWrapper]) -> list[socket.socket]:
    """Duplicates of the sockets of connections that another thread has."""
    found = []
    for wrapper in wrappers:
        with contextlib.suppress(Exception):  # there is none, or it has no file
            found.append(socket.socket(fileno=os.dup(wrapper.connection.fileno())))
    return found


def shut(sockets: Iterable[socket.socket]) -> None:
    """Shut connections, so that who has them waits for no answer any more."""
    for one in sockets:
        with one, contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def place(thread: int) -> str:
    """Where a thread is: in the site's own code, and in what that waits for."""
    frame = sys._current_frames().get(thread)
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return place_of(frames)


def place_of(frames: list[FrameType]) -> str:
    """Of frames, the innermost first."""
    if not frames:
        return "an unknown place"
    own = next((frame for frame in frames if of_site(frame.f_code.co_filename)), None)
    inner = spot(frames[0])
    return inner if own is None or own is frames[0] else f"{spot(own)} (inside of that: {inner})"


LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def of_site(file: str) -> bool:
    return not file.startswith(("<", PACKAGE, *LIBRARIES))


def spot(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
