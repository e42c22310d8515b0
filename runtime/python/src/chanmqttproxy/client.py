"""How calls reach the worker: one client for each process, with an event loop and a channel layer
of its own in a thread of its own.

Views, tasks and threads have event loops that come and go, or none. A channel layer takes answers
in one loop only, so all answers of the process come to one channel, and each goes to its caller by
its id. Nothing is opened before the first call. A process that was forked makes a client anew.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import logging
import os
import sys
import threading
import uuid
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

import redis.exceptions
from channels.exceptions import ChannelFull
from channels.layers import channel_layers
from django.core.exceptions import ImproperlyConfigured

from chanmqttproxy.document import channel_name, layer_alias
from chanmqttproxy.errors import MqttBusy, MqttUnavailable

logger = logging.getLogger("chanmqttproxy")

NO_LAYER = (
    "CHANNEL_LAYERS has no layer called {!r}, in which the site and the MQTT worker meet: add one with "
    "channels_redis.core.RedisChannelLayer."
)

IN_MEMORY = (
    "The channel layer is in memory: the MQTT worker is another process and can't reach it. "
    "Use channels_redis.core.RedisChannelLayer; in tests, chanmqttproxy.testing.MqttTestBroker."
)

GREEN = (
    "{} has replaced Python's threads, without which the MQTT worker's answers can't be awaited: run this "
    "with real ones (gunicorn --worker-class gthread --threads 50, celery --pool threads)."
)

# How many commands are written to Redis at the same time: each needs a connection.
WRITERS = 16
# Seconds between two tries while the worker's channel is full, or Redis does not answer.
FULL_PAUSE, AWAY_PAUSE = 0.02, 0.5
# Seconds that a process takes at most to end its client.
CLOSE_TIMEOUT = 2

Command = dict[str, Any]
Answer = dict[str, Any]
T = TypeVar("T")


class NoAnswer(Exception):
    """Nothing has answered in time."""


class Transport(Protocol):
    """What carries commands to a worker. Without wait there is no answer: {}.

    Beside NoAnswer it raises MqttBusy and MqttUnavailable.
    """

    def call(self, command: Command, timeout: float, wait: bool = True) -> Answer: ...

    async def acall(self, command: Command, timeout: float, wait: bool = True) -> Answer: ...


class Client:
    """A transport over the channel layer, for one process."""

    def __init__(self, alias: str, config: Any) -> None:
        self.config = config
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chanmqttproxy", daemon=True)
        self._thread.start()
        self._run(self._open(alias)).result()

    def call(self, command: Command, timeout: float, wait: bool = True) -> Answer:
        future = self._run(self._call(command, timeout, wait))
        try:
            return future.result()
        finally:
            future.cancel()  # where a signal ended the wait

    async def acall(self, command: Command, timeout: float, wait: bool = True) -> Answer:
        return await asyncio.wrap_future(self._run(self._call(command, timeout, wait)))

    def close(self) -> None:
        """End the client. Who still waits for an answer gets a CancelledError."""
        with contextlib.suppress(TimeoutError, concurrent.futures.TimeoutError):
            self._run(self._close()).result(CLOSE_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_TIMEOUT)
        if not self._thread.is_alive():
            self._loop.close()  # channels_redis closes its connections with the loop

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _open(self, alias: str) -> None:
        self._layer: Any = channel_layers.make_backend(alias)
        self._writers = asyncio.Semaphore(WRITERS)
        self._opening = asyncio.Lock()
        self._channel = ""

    async def _close(self) -> None:
        for future in self._waiting.values():
            future.cancel()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        # The last answer may be on its way out of Redis: cut off, it would stay there for good.
        wait_received = getattr(self._layer, "wait_received", None)
        if wait_received is not None:
            await wait_received()

    async def _call(self, command: Command, timeout: float, wait: bool) -> Answer:
        try:
            return await asyncio.wait_for(self._ask(command) if wait else self._send(command), timeout)
        except asyncio.TimeoutError:
            raise NoAnswer from None
        except ChannelFull:
            raise MqttBusy(
                "full",
                f"the channel {channel_name()!r} is full: the MQTT worker does not run (start it: manage.py "
                "runmqtt), or does not keep up",
            ) from None
        except (OSError, redis.exceptions.RedisError) as error:
            reason = f"the Redis of the channel layer can't be reached: {error}"
            raise MqttUnavailable("unavailable", reason) from error

    async def _ask(self, command: Command) -> Answer:
        """Send a command when there is room for it, and wait for its answer."""
        await self._listen()
        key = uuid.uuid4().hex
        future = self._waiting[key] = asyncio.get_running_loop().create_future()
        command = {**command, "reply_channel": self._channel, "id": key}
        try:
            await self._send(command, until_room=True)
            answer: Answer = await future
            return answer
        finally:
            del self._waiting[key]

    async def _send(self, command: Command, until_room: bool = False) -> Answer:
        async with self._writers:
            while True:
                try:
                    await self._layer.send(channel_name(), command)
                    return {}
                except ChannelFull:
                    if not until_room:
                        raise
                    await asyncio.sleep(FULL_PAUSE)

    async def _listen(self) -> None:
        """See that answers are read."""
        async with self._opening:
            if not self._channel:
                self._channel = await self._layer.new_channel()
                self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        away = False
        while True:
            try:
                answer = await self._layer.receive(self._channel)
                away = False
            except (OSError, redis.exceptions.RedisError) as error:
                if not away:
                    logger.warning("the MQTT worker's answers can't be read: Redis is unreachable: %s", error)
                away = True
                await asyncio.sleep(AWAY_PAUSE)
                continue
            except Exception:
                logger.exception("an answer of the MQTT worker can't be read")
                await asyncio.sleep(AWAY_PAUSE)
                continue
            future = self._waiting.get(answer.get("id", ""))
            if future is not None and not future.done():
                future.set_result(answer)


# What a test puts in place of the client.
override: Transport | None = None

_lock = threading.Lock()
_clients: dict[str, Client] = {}
# Those of the parent of a forked process: never used here, and never cleaned up, since they share
# the parent's connections.
_inherited: list[dict[str, Client]] = []


def transport() -> Transport:
    """The transport of this process. It raises ImproperlyConfigured if the layer can't be one."""
    if override is not None:
        return override
    alias = layer_alias()
    config = channel_layers.configs.get(alias)
    if not config:
        raise ImproperlyConfigured(NO_LAYER.format(alias))
    with _lock:
        client = _clients.get(alias)
        if client is not None and client.config is not config:  # a test has changed the settings
            _clients.pop(alias).close()
            client = None
        if client is None:
            if config.get("BACKEND") == "channels.layers.InMemoryChannelLayer":
                raise ImproperlyConfigured(IN_MEMORY)
            if library := replaced_threads():
                raise ImproperlyConfigured(GREEN.format(library))
            client = _clients[alias] = Client(alias, config)
        return client


def replaced_threads() -> str:
    """The library that has put coroutines of its own in place of Python's threads; "" if none has."""
    for library, module, name, what in (
        ("gevent", "gevent.monkey", "is_module_patched", "threading"),
        ("eventlet", "eventlet.patcher", "is_monkey_patched", "thread"),
    ):
        if getattr(sys.modules.get(module), name, lambda _: False)(what):
            return library
    return ""


@atexit.register
def close() -> None:
    """End the clients of this process."""
    with _lock:
        while _clients:
            _clients.popitem()[1].close()


def _forked() -> None:
    global _lock, _clients
    _inherited.append(_clients)
    _lock, _clients = threading.Lock(), {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
