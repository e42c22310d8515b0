"""The program beside a Channels worker in this process: when one ends, so does the other."""

import _thread
import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

from chanmqttproxy import launch

STOP_SECONDS = 15  # the program's own SHUTDOWN_TIMEOUT is 10 s


class Companion:
    """The running program. It is stopped when this process ends, and the other way round."""

    def __init__(self, command: list[str], document: Mapping[str, Any]) -> None:
        self.process = launch.start(command, document)
        self.stopping = False
        signal.signal(signal.SIGTERM, self._interrupt)
        signal.signal(signal.SIGINT, self._interrupt)  # a background job may start with it ignored
        atexit.register(self._stop)
        threading.Thread(target=self._watch, daemon=True).start()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt  # Channels' worker ends in order then

    def _watch(self) -> None:
        self.process.wait()
        if not self.stopping:
            code = self.process.returncode
            print(f"The MQTT worker ended with exit code {code}: stopping this one too.", file=sys.stderr)
            _thread.interrupt_main(signal.SIGTERM)

    def _stop(self) -> None:
        ended_first = self.process.poll() is not None
        self.stopping = True
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = 1
        if code != 0 or ended_first:
            sys.stdout.flush()
            os._exit(code if code > 0 else 1)  # an atexit function can't set the exit code otherwise
