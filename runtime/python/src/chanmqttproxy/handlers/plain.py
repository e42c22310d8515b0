"""Messages of QoS 0: by a channel of the layer, which keeps nothing.

They are lost when the queue of the channel is full, when a process is killed, and while no
handlers run for longer than the layer keeps messages.
"""

import asyncio
import contextlib
import logging
import threading
from datetime import datetime, timezone
from typing import Any

from channels.layers import channel_layers

from chanmqttproxy.document import layer_alias
from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.lanes import Job
from chanmqttproxy.handlers.pool import Pool

logger = logging.getLogger("chanmqttproxy.handlers")

PAUSE = 0.5  # while Redis is away


class ChannelReader:
    """A thread that reads a channel for a pool."""

    def __init__(self, channel: str, pool: Pool) -> None:
        self.channel, self.pool = channel, pool
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="channel reader", daemon=True)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
        self._thread.join(1)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._read())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)

    async def _read(self) -> None:
        layer = channel_layers.make_backend(layer_alias())
        fails = False
        while True:
            try:
                event = await layer.receive(self.channel)
            except Exception as error:
                if not fails:
                    logger.warning("the channel %s can't be read; trying again: %s", self.channel, error)
                fails = True
                await asyncio.sleep(PAUSE)
                continue
            fails = False
            job = job_of(event)
            if job is not None:
                self.pool.offer(job)


def job_of(event: Any) -> Job | None:
    """A message of the worker; None if it is none."""
    try:
        message = event["message"]
        payload = message["payload"]
        entry = Entry(
            topic=message["topic"],
            payload=payload.encode() if isinstance(payload, str) else bytes(payload),
            qos=message["qos"],
            retain=message["retain"],
            received=datetime.now(timezone.utc),
            properties=message.get("properties") or {},
        )
    except (KeyError, TypeError, ValueError) as error:
        logger.error(
            "an event of type %.60r is no message of the worker: %s", _type(event), type(error).__name__
        )
        return None
    return Job(entry, None, len(entry.payload))


def _type(event: Any) -> Any:
    return event.get("type") if isinstance(event, dict) else type(event).__name__
