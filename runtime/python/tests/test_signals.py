"""Signals, whichever thread the system gives them to."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs to signal one thread of a process")

# It sends SIGTERM to a thread that sleeps, and so does the system now and then.
WAITS = """
import os, signal, threading, time
from chanmqttproxy import signals

stopped = threading.Event()
signals.handle(lambda number: print(number) or stopped.set())
sleeps = threading.Thread(target=time.sleep, args=(60,), daemon=True)
sleeps.start()
threading.Timer(0.2, os.kill, (sleeps.native_id, signal.SIGTERM)).start()
stopped.wait(60)
"""

FORKS = """
import os, signal, threading, time
from chanmqttproxy import signals

signals.handle(print)
heard, says = os.pipe()
child = os.fork()
if not child:
    os.write(says, b"x")
    time.sleep(60)
    os._exit(0)
os.read(heard, 1)
os.kill(child, signal.SIGTERM)
print("child", os.WTERMSIG(os.waitpid(child, 0)[1]))
"""


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-uc", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_signal_that_another_thread_got() -> None:
    assert run(WAITS) == str(int(signal.SIGTERM))


def test_a_signal_to_a_child_is_its_own() -> None:
    assert run(FORKS) == f"child {int(signal.SIGTERM)}"
