"""Publishing from views under gunicorn, fifty at a time, with real servers (REAL=core)."""

import asyncio
import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import servers
import worlds

pytestmark = pytest.mark.skipif(servers.KIND != "core", reason="REAL is not core")

REQUESTS, AT_ONCE = 100, 50

SITE = """
import os, django
from django.conf import settings
import servers
settings.configure(
    INSTALLED_APPS=["chanmqttproxy", "channels"], ROOT_URLCONF="site_of_gunicorn", ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS=servers.layer([int(port) for port in os.environ["REDIS_PORTS"].split()]),
)
django.setup()
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
import chanmqttproxy as mqtt

def switch(request, number):
    mqtt.publish(os.environ["TOPIC"], number, timeout=30)
    return HttpResponse(f"{number} by {os.getpid()}")

urlpatterns = [path("<int:number>", switch)]
application = get_wsgi_application()
"""


@pytest.fixture
def world() -> Iterator[worlds.RealWorld]:
    pytest.importorskip("paho.mqtt")
    with servers.running() as found, found.worker():
        world = worlds.RealWorld(found)
        yield world
        world.close()


@contextlib.contextmanager
def gunicorn(world: worlds.RealWorld, folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    """A gunicorn with two workers: its process and its port."""
    pytest.importorskip("gunicorn")
    (folder / "site_of_gunicorn.py").write_text(SITE)
    env = {**os.environ, "TOPIC": world.topic("wsgi"), "REDIS_PORTS": str(world.servers.redis_ports[0])}
    env["PYTHONPATH"] = os.pathsep.join([str(folder), str(Path(__file__).parent), *sys.path])
    port = servers.free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", *options]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*command, "site_of_gunicorn"], cwd=folder, env=env, stdout=log, stderr=log
        )
    try:
        servers.listening(port)
        yield process.pid, port
    except BaseException:
        print((folder / "log").read_text())
        raise
    finally:
        process.terminate()
        process.wait(servers.SOON)


def connections(process: int, port: int) -> set[str]:
    """The TCP connections of a process to a port of this machine."""
    files = {os.readlink(file) for file in Path(f"/proc/{process}/fd").iterdir()}
    rows = [line.split() for line in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]]
    found = {row[9] for row in rows if int(row[2].partition(":")[2], 16) == port}
    return {inode for inode in found if f"socket:[{inode}]" in files}


def workers_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.parametrize(
    "options", [("--preload",), ("--worker-class", "gthread", "--threads", "25")], ids=["prefork", "gthread"]
)
def test_gunicorn(world: worlds.RealWorld, tmp_path: Path, options: tuple[str, ...]) -> None:
    with gunicorn(world, tmp_path, *options) as (main, port):

        def press(number: int) -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{number}", timeout=60) as response:
                return str(response.read().decode())

        with ThreadPoolExecutor(AT_ONCE) as browsers:
            answers = list(browsers.map(press, range(REQUESTS)))
        redis = world.servers.redis_ports[0]
        opened = [connections(worker, redis) for worker in workers_of(main)]
        assert connections(main, redis) == set()
    for number, answer in enumerate(answers):
        assert answer.startswith(f"{number} by ")
    heard = asyncio.run(world.published(REQUESTS))
    assert sorted(int(message.payload) for message in heard) == list(range(REQUESTS))
    assert len(opened) == 2 and any(opened)
    assert not opened[0] & opened[1], "the workers share connections"
