"""The real thing for tests: Redis, mosquitto and the worker, as processes.

REAL says which channel layer: core, hosts (two of Redis), pubsub or encrypted. Without it no
server is started.
"""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.test import override_settings

import chanmqttproxy as mqtt
from chanmqttproxy import client
from chanmqttproxy.document import document
from chanmqttproxy.launch import _end_with_parent, start

KIND = os.environ.get("REAL", "")
SOON = 60.0  # seconds, for what must come


def free_port() -> int:
    """A port that nobody listens on, nor gets by chance: the system gives others to connections."""
    while True:
        port = random.SystemRandom().randrange(11000, 32000)
        with contextlib.suppress(OSError), socket.socket() as found:
            found.bind(("127.0.0.1", port))
            return port


class Process:
    """A server, which can be stopped and started again."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.start()

    def start(self) -> None:
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, preexec_fn=_end_with_parent(), **quiet)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(SOON)


def listening(port: int) -> None:
    """Wait until something listens at the port."""
    until = time.monotonic() + SOON
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < until, f"nothing listens at port {port}"
        time.sleep(0.02)


def program(name: str) -> str:
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert path, f"no {name} on this machine: run test/run, which installs it"
    return path


def layer(ports: list[int]) -> dict[str, Any]:
    """CHANNEL_LAYERS of this run."""
    backend = "pubsub.RedisPubSubChannelLayer" if KIND == "pubsub" else "core.RedisChannelLayer"
    config: dict[str, Any] = {"hosts": [f"redis://127.0.0.1:{port}" for port in ports]}
    if KIND == "encrypted":
        config["symmetric_encryption_keys"] = ["open sesame"]
    return {"default": {"BACKEND": f"channels_redis.{backend}", "CONFIG": config}}


class Servers:
    """What runs, and where."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis_ports = [free_port() for _ in range(2 if KIND == "hosts" else 1)]
        self.broker_port = free_port()
        redis = program("redis-server")
        self.redis = [
            Process(redis, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
            for port in self.redis_ports
        ]
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            "max_inflight_messages 1000\n"
        )
        self.broker = Process(program("mosquitto"), "-c", str(config))
        for port in (self.broker_port, *self.redis_ports):
            listening(port)

    def settings(self) -> dict[str, Any]:
        return {
            "CHANNEL_LAYERS": layer(self.redis_ports),
            "MQTT_HOST": f"127.0.0.1:{self.broker_port}",
            "CHANMQTTPROXY": {"MQTT_ALLOW_SUBSCRIBE": "t/#", "MQTT_ALLOW_PUBLISH": "t/#"},
        }

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        """The worker runs, and is connected."""
        log = open(self.folder / "worker.log", "wb")  # noqa: SIM115
        worker = start([str(mqtt.find_binary()), "run"], document(), stdout=log, stderr=log)
        try:
            connected()
            yield
        finally:
            worker.terminate()
            worker.wait(SOON)
            log.close()

    def stop(self) -> None:
        for process in (self.broker, *self.redis):
            process.stop()


def connected() -> None:
    """Wait until the worker is connected to the broker.

    A pub/sub layer loses what is asked before the worker listens.
    """
    until = time.monotonic() + SOON
    while True:
        with contextlib.suppress(mqtt.MqttTimeout):
            if mqtt.status(timeout=2).connected:
                return
        assert time.monotonic() < until, "the worker does not connect to the broker"
        time.sleep(0.05)


@contextlib.contextmanager
def running() -> Iterator[Servers]:
    """Servers, and Django's settings for them, but no worker."""
    with tempfile.TemporaryDirectory() as folder:
        servers = Servers(Path(folder))
        try:
            with override_settings(**servers.settings()):
                yield servers
        finally:
            client.close()
            servers.stop()
