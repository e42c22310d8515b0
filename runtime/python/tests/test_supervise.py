"""Two processes under one: signals, READY and the exit code."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chanmqttproxy import signals, supervise

# A process that notes what comes, tells the service manager that it is ready, and ends
# with a code, some time after both have started.
SCRIPT = """
import os, signal, socket, sys, time
name, code, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
def note(number, frame):
    os.write(log, (signal.Signals(number).name + "\\n").encode())
    if number != signal.SIGHUP:
        sys.exit(code)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, note)
log = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)  # a buffer is not for signals too
started = os.environ.get("WATCHDOG_PID"), "CHANMQTTPROXY_SETTINGS_FILE" in os.environ
os.write(log, ("started %s %s\\n" % started).encode())
address = os.environ.get("NOTIFY_SOCKET")
if address:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(address)
    s.send(b"READY=1\\nSTATUS=" + os.path.basename(name).encode())
for other in ("program", "handlers"):
    while not os.path.exists(os.path.join(os.path.dirname(name), other)):
        time.sleep(0.01)
time.sleep(seconds)
sys.exit(code)
"""


@pytest.fixture
def own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signals.STOP_SIGNALS}
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


class Run:
    """Runs two scripts in place of the program and the handlers."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch

    def script(self, name: str, code: int, seconds: float) -> list[str]:
        return [sys.executable, "-c", SCRIPT, str(self.folder / name), str(code), str(seconds)]

    def run(self, program: tuple[int, float], handlers: tuple[int, float]) -> int:
        command = self.script("handlers", *handlers)
        self.monkeypatch.setattr(supervise, "handlers_command", lambda layer: command)
        return supervise.run(self.script("program", *program), {"module": "none"}, "")

    def log(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def soon(self, number: int, *more: int) -> threading.Thread:
        """Send signals when both have started: to a thread that is not the main one."""

        def send() -> None:
            while not (self.log("program") and self.log("handlers")):
                time.sleep(0.01)
            for one in (number, *more):
                os.kill(threading.get_native_id() if sys.platform == "linux" else os.getpid(), one)
                while not any(signal.Signals(one).name in line for line in self.log("program")):
                    time.sleep(0.01)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_signals: None) -> Run:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    return Run(tmp_path, monkeypatch)


def test_signals_go_to_both(run: Run) -> None:
    run.soon(signal.SIGHUP, signal.SIGTERM)
    assert run.run((0, 60), (0, 60)) == 0
    assert run.log("program")[1:] == ["SIGHUP", "SIGTERM"]
    assert run.log("handlers")[1:] == ["SIGTERM"]


@pytest.mark.parametrize(
    ("program", "handlers", "code"),
    [((3, 0.5), (0, 60), 3), ((0, 60), (4, 0.5), 4), ((0, 0.5), (0, 60), 0), ((0, 60), (0, 0.5), 0)],
)
def test_the_first_that_ends_takes_the_other_with_it(
    run: Run, program: tuple[int, float], handlers: tuple[int, float], code: int, capfd: Any
) -> None:
    assert run.run(program, handlers) == code
    ended = "MQTT worker" if program[1] < 60 else "process of the handlers"
    assert f"The {ended} ended with exit code" in capfd.readouterr().err


def test_the_exit_code_is_that_of_what_failed_to_stop(run: Run) -> None:
    run.soon(signal.SIGTERM)
    assert run.run((0, 60), (7, 60)) == 7


def test_ready_when_both_are(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "manager"))
    manager.settimeout(60)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "manager"))
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    heard: list[str] = []

    def hear() -> None:
        while "READY=1" not in heard:
            heard.extend(manager.recv(1000).decode().splitlines())
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=hear, daemon=True)
    thread.start()
    assert run.run((0, 60), (0, 60)) == 0
    thread.join(30)
    manager.close()
    assert heard.count("READY=1") == 1
    assert sorted(line for line in heard if line != "READY=1") == ["STATUS=handlers", "STATUS=program"]
    assert run.log("program")[0] == "started None True"
    assert os.environ["NOTIFY_SOCKET"] == str(tmp_path / "manager")
