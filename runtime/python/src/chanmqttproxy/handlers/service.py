"""The handlers of a site as one service: start, run until a signal, drain."""

import contextlib
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from django.db import connections

from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.batches import Batches
from chanmqttproxy.handlers.connection import connect, layer_config, own_prefix
from chanmqttproxy.handlers.databases import prepare_databases
from chanmqttproxy.handlers.metrics import PartitionNumbers, metrics_of, text
from chanmqttproxy.handlers.plain import ChannelReader
from chanmqttproxy.handlers.pool import Limits, Pool
from chanmqttproxy.handlers.reader import Reader
from chanmqttproxy.handlers.registry import Registry
from chanmqttproxy.handlers.stores import Rejected, Store, store_all
from chanmqttproxy.handlers.stream import Keys, Opener
from chanmqttproxy.handlers.subscriptions import Subscriptions
from chanmqttproxy.options import shutdown_timeout

logger = logging.getLogger("chanmqttproxy.handlers")

HANDLERS, STATE = "handlers", "state"  # the streams
CHANNEL = "chanmqttproxy.handlers"  # for handlers of QoS 0
REPORT = 60.0  # seconds between two lines of counts


class Service:
    """All that runs in the process of the handlers."""

    def __init__(self, registry: Registry, stores: Sequence[Store], wrong: int = 0) -> None:
        config = layer_config()
        self.client = connect(config)
        self._own, self._opener = own_prefix(config), Opener(config.get("symmetric_encryption_keys") or ())
        self.limits, self.wrong = Limits(), wrong
        self.sinks: list[Pool | Batches] = []
        self.readers: list[Reader] = []
        self.subscriptions: list[Subscriptions] = []
        self.channel: ChannelReader | None = None
        self._stopped = threading.Event()
        self._failed = False
        self._reported: dict[str, Any] = {}
        if registry.handlers:
            self._add_handlers(registry)
        if stores:
            self._add_stores(stores)

    def _add_handlers(self, registry: Registry) -> None:
        pool = Pool(registry, self.limits)
        self.sinks.append(pool)
        stored = {h.filter: _options(h.options) for h in registry.handlers if h.stored}
        plain = {h.filter: _options(h.options) for h in registry.handlers if not h.stored}
        if stored:
            self._read(HANDLERS, pool, stored)
        if plain:
            self.channel = ChannelReader(CHANNEL, pool)
            target = {"channel": CHANNEL}
            keys = Keys(self._own, HANDLERS)
            self.subscriptions.append(Subscriptions(target, plain, self.client, keys))

    def _add_stores(self, stores: Sequence[Store]) -> None:
        def store(entries: Sequence[Entry]) -> list[Rejected]:
            return store_all(stores, entries)

        wanted: dict[str, dict[str, Any]] = {}
        for one in stores:
            for filter in one.filters:
                if wanted.get(filter, {}).get("retained") != "send":
                    wanted[filter] = {"qos": 1, "payload": "bytes", "retained": one.retained}
        self._read(STATE, Batches(", ".join(one.name for one in stores), store, self.limits), wanted)

    def _read(self, name: str, sink: Pool | Batches, wanted: Mapping[str, dict[str, Any]]) -> None:
        keys = Keys(self._own, name)
        sink.reader = Reader(self.client, keys, self._opener, sink)
        if sink not in self.sinks:
            self.sinks.append(sink)
        self.readers.append(sink.reader)
        # What a handler that is wrong has subscribed to is not known: its messages must go on to come.
        keep = name == HANDLERS and self.wrong > 0
        self.subscriptions.append(Subscriptions({"stream": name}, wanted, self.client, keys, keep))

    def start(self) -> None:
        prepare_databases()
        for sink in self.sinks:
            sink.on_stuck = self._fail
        for part in (*self.sinks, *self.readers, *self.subscriptions):
            part.start()
        if self.channel is not None:
            self.channel.start()

    def wait(self) -> None:
        """Wait until stop is called; counts are logged meanwhile."""
        while not self._stopped.wait(REPORT):
            self.report()

    def stop(self) -> None:
        """Let wait return."""
        self._stopped.set()

    def _fail(self) -> None:
        self._failed = True
        self.stop()

    def stuck(self) -> int:
        """How many calls of handlers do not end."""
        return sum(sink.stuck() for sink in self.sinks)

    def drain(self) -> bool:
        """End what is under way, within the shutdown timeout; whether it did end, and nothing failed."""
        deadline = time.monotonic() + 0.8 * shutdown_timeout()  # the process has to end too
        for part in (*self.subscriptions, *self.readers, *self.sinks):
            part.stop()
        if self.channel is not None:
            self.channel.stop()
        left = [name for sink in self.sinks for name in sink.close(deadline - time.monotonic() - 0.5)]
        if left:
            logger.error(
                "stopping although handlers still run; their messages come again: %s", ", ".join(left)
            )
        for reader in self.readers:
            reader.close(max(0.3, deadline - time.monotonic()))
        self.report()
        with contextlib.suppress(redis.RedisError):
            self.client.close()
        return not left and not self._failed

    def wait_ready(self, seconds: float) -> None:
        """Wait until everything is subscribed to, or for so long."""
        deadline = time.monotonic() + seconds
        while not self._stopped.wait(0.05) and time.monotonic() < deadline:
            if all(one.ready.is_set() for one in self.subscriptions):
                return

    def metrics(self) -> str:
        """The metrics as they are now."""
        partitions: list[PartitionNumbers] | None = []
        try:
            partitions = [one for reader in self.readers for one in reader.numbers()]
        except redis.RedisError:
            partitions = None
        return text(
            metrics_of([sink.numbers() for sink in self.sinks], list(connections), partitions, self.wrong)
        )

    def report(self) -> None:
        """Log what was done, if that has changed."""
        counts: dict[str, int] = {}
        for sink in self.sinks:
            for name, value in vars(sink.counts).items():
                counts[name] = counts.get(name, 0) + value
        if counts != self._reported:
            self._reported = counts
            logger.info("messages: %s", ", ".join(f"{value} {name}" for name, value in counts.items()))


def _options(options: Any) -> dict[str, Any]:
    """What to subscribe with. The payload is decoded here, for each handler in its own way."""
    return {**options.to_wire(), "payload": "bytes"}
