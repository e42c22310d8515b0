"""runmqtt --dev: the program with a Redis and a broker, restarted when the settings change."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.utils import autoreload

from chanmqttproxy import launch
from chanmqttproxy.handover import site_settings

# Prints the document of the settings as they are now, in a process of its own.
REREAD = """
import json, sys, django
from chanmqttproxy.document import document
django.setup()
json.dump(document(sys.argv[1]), sys.stdout)
"""


def serve(command: list[str], layer: str, say: Callable[[str], Any]) -> int:
    """Run the program until it ends, and return its exit code."""
    server = Server(command, layer, say)
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: server.process.send_signal(number))
    autoreload.file_changed.connect(server.file_changed)
    reloader = autoreload.get_reloader()
    watch = threading.Thread(target=reloader.run, args=(threading.main_thread(),), daemon=True)
    watch.start()
    return server.wait()


class Server:
    """The running program and the settings that it was started with."""

    def __init__(self, command: list[str], layer: str, say: Callable[[str], Any]) -> None:
        self.command, self.layer, self.say = command, layer, say
        self.document = site_settings(layer)
        self.changing = threading.Lock()

    def start(self) -> None:
        self.process = launch.start(self.command, self.document)

    def wait(self) -> int:
        """Wait until the program ends by itself, not for a restart."""
        while True:
            process = self.process
            code = process.wait()
            with self.changing:
                if process is self.process:
                    return code

    def file_changed(self, sender: Any, file_path: Path, **_: Any) -> bool:
        """Restart the program if the settings differ now. Django itself restarts nothing."""
        changed = self.reread()
        if changed is not None and changed != self.document:
            self.say(f"{file_path} changed the settings: restarting the MQTT worker.")
            with self.changing:
                self.document = changed
                self.process.terminate()
                self.process.wait()
                self.start()
        return True

    def reread(self) -> Any:
        """The document of the settings as the files are now; None if they can't be read."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        script = [sys.executable, "-c", REREAD, self.layer]
        done = subprocess.run(script, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            self.say("The settings can't be read; the MQTT worker keeps the last:\n" + done.stderr[-2000:])
            return None
        return json.loads(done.stdout)
