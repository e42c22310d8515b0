"""Signals of the process, handled whatever the main thread waits for.

Python calls its own signal handlers in the main thread. When the system gives a signal to
another thread, a main thread that waits for a lock or for a child does not wake up for it.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable

# The signals at which the program and what runs beside it end. A closed terminal sends SIGHUP.
STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

_open: list[object] = []  # sockets, until the end of the process


def handle(function: Callable[[int], None]) -> None:
    """Call a function with each of the stop signals from now on, in a thread of its own.

    Processes that are forked later have the default signals again. It is for the main thread.
    """
    read, write = sockets = socket.socketpair()
    _open.append(sockets)
    write.setblocking(False)
    for number in STOP_SIGNALS:
        signal.signal(number, _nothing)
    signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_default)

    def hear() -> None:
        while numbers := read.recv(16):
            for number in numbers:
                if number in STOP_SIGNALS:
                    function(number)

    threading.Thread(target=hear, name="signals", daemon=True).start()


def _nothing(number: int, frame: object) -> None:
    """Python notes a signal in the socket only if there is a handler."""


def _default() -> None:
    signal.set_wakeup_fd(-1)
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is _nothing:
            signal.signal(number, signal.SIG_DFL)
