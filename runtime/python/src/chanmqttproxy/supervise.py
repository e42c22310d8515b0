"""The MQTT worker and the handlers of the site: two processes under this one.

Signals go to both, and the first that ends takes the other with it. A service manager hears
from this process: READY when both are.
"""

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chanmqttproxy import launch, signals
from chanmqttproxy.document import settings_module
from chanmqttproxy.options import shutdown_timeout

GRACE = 5.0  # seconds beyond the shutdown timeout


def handlers_command(layer: str) -> list[str]:
    """The command line of the handlers' process."""
    command = [sys.executable, "-m", "django", "runmqtt", "--handlers-only", "--settings", settings_module()]
    return [*command, "--layer", layer] if layer else command


def handlers_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the handlers' process: it imports what this one can."""
    return {**environment, "PYTHONPATH": os.pathsep.join([os.getcwd(), *(path for path in sys.path if path)])}


def run(command: list[str], document: Mapping[str, Any], layer: str) -> int:
    """Run the program and the handlers until one ends, and return the exit code."""
    with Notifier(os.environ) as notifier:
        return Pair(notifier).run(command, document, layer)


class Pair:
    """The two processes."""

    def __init__(self, notifier: "Notifier") -> None:
        self.notifier = notifier
        self.processes: list[subprocess.Popen[str]] = []
        self.ended: queue.SimpleQueue[tuple[subprocess.Popen[str], int]] = queue.SimpleQueue()
        self.signalled = 0
        self._lock = threading.Lock()  # so that a process gets a signal once

    def run(self, command: list[str], document: Mapping[str, Any], layer: str) -> int:
        signals.handle(self._signal)
        environment = self.notifier.environment(os.environ)
        with replaced(os.environ, environment):
            self._watch(launch.start(command, document))
            self._watch(launch.start_process(handlers_command(layer), handlers_environment(environment)))
        first, code = self.ended.get()
        if not self.signalled:
            name = "MQTT worker" if first is self.processes[0] else "process of the handlers"
            print(f"The {name} ended with exit code {code}: stopping the other one too.", file=sys.stderr)
            self._send(signal.SIGTERM)
        try:
            _, other = self.ended.get(timeout=shutdown_timeout() + GRACE)
        except queue.Empty:
            for process in self.processes:
                process.kill()
            other = 1
        return as_exit_code(code) or as_exit_code(other)

    def _watch(self, process: "subprocess.Popen[str]") -> None:
        threading.Thread(target=lambda: self.ended.put((process, process.wait())), daemon=True).start()
        with self._lock:
            self.processes.append(process)
            if self.signalled:
                process.send_signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        with self._lock:
            if number == getattr(signal, "SIGHUP", 0):  # the program reads its settings again
                for process in self.processes[:1]:
                    process.send_signal(number)
                return
            self.signalled = number
            self._send(number)

    def _send(self, number: int) -> None:
        for process in self.processes:
            with contextlib.suppress(OSError):
                process.send_signal(number)


def as_exit_code(code: int) -> int:
    """The exit code for one of a process; that is negative if a signal ended it."""
    return code if code >= 0 else 1


@contextlib.contextmanager
def replaced(environ: Any, environment: Mapping[str, str]) -> Any:
    """os.environ with other values for a while."""
    before = dict(environ)
    environ.clear()
    environ.update(environment)
    try:
        yield
    finally:
        environ.clear()
        environ.update(before)


class Notifier:
    """Passes what children tell the service manager (sd_notify(3)) on as this process's own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.address = environ.get("NOTIFY_SOCKET", "")
        self._ready = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._socket: socket.socket | None = None
        if self.address and hasattr(socket, "AF_UNIX"):
            self._folder = tempfile.TemporaryDirectory(prefix="chanmqttproxy-")
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(self._path)
            threading.Thread(target=self._pass_on, daemon=True).start()

    @property
    def _path(self) -> str:
        return str(Path(self._folder.name) / "notify") if self._folder else ""

    def __enter__(self) -> "Notifier":
        return self

    def __exit__(self, *error: Any) -> None:
        if self._socket is not None and self._folder is not None:
            self._socket.close()
            self._folder.cleanup()

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment of children."""
        found = dict(environ)
        if self._socket is not None:
            found["NOTIFY_SOCKET"] = self._path
            found.pop("WATCHDOG_PID", None)  # it is that of this process
        return found

    def _pass_on(self) -> None:
        while self._socket is not None:
            try:
                state = self._socket.recv(65536).decode(errors="replace")
            except OSError:
                return
            lines = [line for line in state.splitlines() if not self._too_early(line)]
            if lines:
                notify(self.address, "\n".join(lines))

    def _too_early(self, line: str) -> bool:
        """Whether a line says that one is ready while the other is not."""
        if line != "READY=1":
            return False
        self._ready += 1
        return self._ready == 1


def notify(address: str, state: str) -> None:
    """Tell the service manager at an address; nothing if there is none."""
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.connect("\0" + address[1:] if address.startswith("@") else address)
        to.send(state.encode())
