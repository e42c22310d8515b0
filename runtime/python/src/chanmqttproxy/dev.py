"""runmqtt --dev: the program with a Redis and a broker, restarted when the settings change."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.utils import autoreload

from chanmqttproxy import launch, signals, supervise
from chanmqttproxy.handlers.registry import discover, handler_files
from chanmqttproxy.handover import site_settings
from chanmqttproxy.options import shutdown_timeout

LOOK = 1.0  # seconds between two looks for new files
HANDLERS_FIRST = 2.0  # seconds that the handlers have to end before the program

# Prints the document of the settings as they are now, in a process of its own. The site
# may print too: that goes elsewhere.
REREAD = """
import json, sys
out, sys.stdout = sys.stdout, sys.stderr
import django
from chanmqttproxy.document import document
django.setup()
json.dump(document(sys.argv[1]), out)
"""


def serve(command: list[str], layer: str, say: Callable[[str], Any], with_handlers: bool = True) -> int:
    """Run the program, and the handlers beside it, until the program ends; return its exit code."""
    handlers = HandlersProcess(layer, say) if with_handlers else None
    server = Server(command, layer, say)
    if os.name != "nt":
        signals.handle(lambda number: stop(number, server, handlers))
    else:  # there Ctrl-C reaches the program by itself
        for number in signals.STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    autoreload.file_changed.connect(server.file_changed)
    reloader = autoreload.get_reloader()
    watch = threading.Thread(target=reloader.run, args=(threading.main_thread(),), daemon=True)
    watch.start()
    if handlers is None:
        return server.run()
    handlers.start()
    autoreload.file_changed.connect(handlers.file_changed)
    threading.Thread(target=handlers.look_for_files, args=(reloader.extra_files,), daemon=True).start()
    try:
        return server.run()
    finally:
        handlers.stop()


def stop(number: int, server: "Server", handlers: "HandlersProcess | None") -> None:
    """Pass a signal on to the program; the first one when the handlers have ended, which need its Redis."""
    if handlers is not None and not server.signalled:
        handlers.end(HANDLERS_FIRST)
    server.stop(number)


class HandlersProcess:
    """The process of the handlers, started again when a Python file changes."""

    def __init__(self, layer: str, say: Callable[[str], Any]) -> None:
        self.layer, self.say = layer, say
        self.process: subprocess.Popen[str] | None = None
        self._changing = threading.Lock()

    def start(self) -> None:
        discover([])  # so that what they import is watched; the process itself says what is wrong
        command = supervise.handlers_command(self.layer)
        self.process = launch.start_process(command, supervise.handlers_environment(os.environ))

    def stop(self) -> None:
        """End it in order, or at once if that takes too long."""
        if self.process is not None and not self.end(shutdown_timeout() + supervise.GRACE):
            self.process.kill()

    def end(self, seconds: float) -> bool:
        """Let it end; whether it has within so many seconds."""
        if self.process is None:
            return True
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def file_changed(self, sender: Any, file_path: Path, **_: Any) -> bool:
        if file_path.suffix == ".py":
            with self._changing:
                self.say(f"{file_path} changed: restarting the handlers.")
                self.stop()
                self.start()
        return True

    def look_for_files(self, watched: set[Path]) -> None:
        """Watch each mqtt_handlers.py, also one that can't be imported. A new one is as one that changed."""
        watched |= set(handler_files())
        while True:
            time.sleep(LOOK)
            for path in set(handler_files()) - watched:
                watched.add(path)
                self.file_changed(None, path)


class Server:
    """The running program and the settings that it was started with.

    The main thread alone starts and awaits programs. The thread that watches the files
    leaves the next settings and ends the program that has the old ones.
    """

    def __init__(self, command: list[str], layer: str, say: Callable[[str], Any]) -> None:
        self.command, self.layer, self.say = command, layer, say
        self.document: Any = site_settings(layer)
        self.next: Any = None
        self.process: subprocess.Popen[str] | None = None
        self.signalled = 0  # the last signal that came; 0: none
        self._lock = threading.Lock()  # so that a program gets a signal once

    def run(self) -> int:
        """Run programs, one after the other, until one ends by itself or at a signal."""
        while True:
            with self._lock:
                self.process = process = launch.start(self.command, self.document)
                if self.signalled:  # it came while nobody was there to get it
                    process.send_signal(self.signalled)
            code = process.wait()
            if self.signalled or self.next is None:
                return code
            self.document, self.next = self.next, None

    def stop(self, number: int) -> None:
        """Pass a signal on to the program."""
        with self._lock:
            self.signalled = signal.SIGTERM if number != signal.SIGINT else number
            if self.process is not None:
                self.process.send_signal(self.signalled)

    def file_changed(self, sender: Any, file_path: Path, **_: Any) -> bool:
        """Restart the program if the settings differ now. Django itself restarts nothing."""
        try:
            changed = self.reread()
        except (OSError, ValueError) as error:
            self.say(f"The settings can't be read; the MQTT worker keeps the last: {error}")
            return True
        if changed != self.document and self.takes(changed) and self.process is not None:
            self.say(f"{file_path} changed the settings: restarting the MQTT worker.")
            self.next = changed
            self.process.terminate()
        return True

    def reread(self) -> Any:
        """The document of the settings as the files are now. It raises ValueError if they
        can't be read."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        script = [sys.executable, "-c", REREAD, self.layer]
        done = subprocess.run(script, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise ValueError(done.stderr[-2000:])
        return json.loads(done.stdout)

    def takes(self, document: Any) -> bool:
        """Whether the program takes these settings. If not, it says why."""
        check = launch.start([self.command[0], "check"], document, stdout=subprocess.DEVNULL)
        return check.wait() == 0
