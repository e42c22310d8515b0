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
from typing import Any, NoReturn

from chanmqttproxy import launch, signals

STOP_SECONDS = 15  # the program's own SHUTDOWN_TIMEOUT is 10 s


class Companion:
    """The running program. It is stopped when this process ends, and the other way round."""

    def __init__(self, command: list[str], document: Mapping[str, Any]) -> None:
        self.process = launch.start(command, document)
        self.stopping = False
        self.code = 0  # with which this process ends
        for number in signals.STOP_SIGNALS:
            signal.signal(number, self._end)
        atexit.register(self._stop)
        threading.Thread(target=self._watch, daemon=True).start()

    def _end(self, number: int, frame: FrameType | None) -> NoReturn:
        if self.stopping:  # a second signal
            self.process.kill()
            os._exit(1)
        self.stopping = True
        raise SystemExit(self.code)  # Channels' worker ends in order

    def _watch(self) -> None:
        code = self.process.wait()
        if not self.stopping:
            print(f"The MQTT worker ended with exit code {code}: stopping this one too.", file=sys.stderr)
            self.code = code if code > 0 else 1
            _thread.interrupt_main(signal.SIGTERM)

    def _stop(self) -> None:
        self.stopping = True
        if os.name != "nt":  # there Ctrl-C has reached the program, and this would kill it
            self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = 1
        if code != 0 and self.code == 0:
            sys.stdout.flush()
            os._exit(code if code > 0 else 1)  # an atexit function can't set the exit code otherwise
