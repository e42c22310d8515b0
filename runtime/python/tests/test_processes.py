"""Calls from all kinds of processes, with real servers (REAL=core …)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from django.test import override_settings

import chanmqttproxy as mqtt

pytestmark = pytest.mark.skipif(not servers.KIND, reason="REAL is not set")

SETTINGS = """
import os, django
from django.conf import settings
import servers
settings.configure(
    INSTALLED_APPS=["chanmqttproxy", "channels"],
    CHANNEL_LAYERS=servers.layer([int(port) for port in os.environ["REDIS_PORTS"].split()]),
)
django.setup()
import chanmqttproxy as mqtt
"""

FORKED = """
mqtt.publish("t/fork", "parent")  # the connections are there before the fork
for number in range(3):
    if not os.fork():
        mqtt.publish("t/fork", "child", timeout=30)
        mqtt.publish("t/fork", "child", timeout=30)
        os._exit(0)
    mqtt.publish("t/fork", "parent", timeout=30)
for number in range(3):
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
mqtt.publish("t/fork", "parent", timeout=30)
"""

CELERY = """
from celery import Celery
url = f"redis://127.0.0.1:{os.environ['REDIS_PORTS'].split()[0]}/5"
app = Celery(broker=url, backend=url)
app.conf.broker_connection_retry_on_startup = True

@app.task(name="lamp")
def lamp(number):
    mqtt.publish("t/celery", number, timeout=30)
    return os.getpid()

mqtt.status(timeout=30)  # also in the parent, before it forks
"""


@pytest.fixture(scope="module")
def real() -> Iterator[servers.Servers]:
    with servers.running() as found, found.worker():
        yield found


def environment(real: servers.Servers) -> dict[str, str]:
    ports = " ".join(map(str, real.redis_ports))
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return {**os.environ, "REDIS_PORTS": ports, "PYTHONPATH": path}


def test_forked(real: servers.Servers) -> None:
    script = [sys.executable, "-c", SETTINGS + FORKED]
    done = subprocess.run(script, env=environment(real), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_command_leaves_nothing(real: servers.Servers) -> None:
    """A short process ends its client: its last answer does not stay in Redis."""
    script = [sys.executable, "-c", SETTINGS + "mqtt.publish('t/short', 1, timeout=30)"]
    done = subprocess.run(script, env=environment(real), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    import redis

    for port in real.redis_ports:
        assert redis.Redis(port=port).keys("asgispecific*inflight") == []


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_celery(real: servers.Servers, tmp_path: Path, pool: str) -> None:
    pytest.importorskip("celery")
    (tmp_path / "tasks.py").write_text(SETTINGS + CELERY)
    env = environment(real)
    env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tasks",
        "worker",
        "-P",
        pool,
        "-c",
        "4",
        "-l",
        "warning",
    ]
    with open(tmp_path / "log", "wb") as log:
        worker = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=log, stderr=log)
    caller = SETTINGS + CELERY + "results = [lamp.delay(n) for n in range(40)]\n"
    caller += "print(len({r.get(timeout=60) for r in results}))\n"
    try:
        done = subprocess.run(
            [sys.executable, "-c", caller], env=env, capture_output=True, text=True, timeout=180
        )
    finally:
        worker.terminate()
        worker.wait(60)
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
    assert int(done.stdout) >= 1 if pool == "prefork" else int(done.stdout) == 1


def test_no_worker(real: servers.Servers) -> None:
    """No worker reads a layer of another prefix."""
    layers = servers.layer(real.redis_ports)
    layers["default"]["CONFIG"]["prefix"] = "other"
    with override_settings(CHANNEL_LAYERS=layers):
        began = time.monotonic()
        with pytest.raises(mqtt.MqttTimeout, match="start it: manage"):
            mqtt.publish("t/x", timeout=0.5)
        assert time.monotonic() - began < 10
        if servers.KIND != "pubsub":
            with pytest.raises(mqtt.MqttBusy, match="is full"):
                for _ in range(300):
                    mqtt.publish("t/x", wait=False)
