"""Subscribes for handlers: at the start, and again when Redis has lost it."""

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

import redis

from chanmqttproxy.client import NoAnswer, transport
from chanmqttproxy.errors import MqttError
from chanmqttproxy.handlers.stream import Keys

logger = logging.getLogger("chanmqttproxy.handlers")

TIMEOUT = 5.0
LOOK = 2.0  # seconds between two looks whether it is still there
RENEW = 60.0  # what is not stored in a stream is asked for again after so many seconds

NO_WORKER = (
    "the MQTT worker does not answer, handlers wait for it: it does not run (start it: manage.py runmqtt), "
    "or the broker is unreachable"
)

LATE = "the broker has not answered the subscription to %s: its handler gets nothing until then"

Options = dict[str, Any]


class Subscriptions:
    """What the handlers of one target want: a stream, or a channel.

    What a stream has subscribed to is noted in Redis. So a start takes back what no handler
    wants any more, and a Redis that has lost everything is noticed.
    """

    def __init__(
        self,
        target: Options,
        wanted: Mapping[str, Options],
        client: "redis.Redis",
        keys: Keys,
        keep: bool = False,
    ) -> None:
        """With keep, nothing is unsubscribed."""
        self.keep = keep
        self.target, self.wanted, self.client, self.keys = target, dict(wanted), client, keys
        self.ready = threading.Event()  # all is subscribed to, or refused
        self.refused: dict[str, str] = {}
        self._stopping = threading.Event()
        self._late: set[str] = set()  # what the broker has not answered
        self._reason = ""  # why it is not subscribed yet, as it was logged
        self._thread = threading.Thread(target=self._forever, name="subscriptions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def close(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _forever(self) -> None:
        first = True
        while not self._stopping.is_set():
            try:
                noted = self._noted()
                if first or not noted:
                    self._subscribe(self.wanted, again=not first)
                    self._unsubscribe(noted)
                    self._is_ready(first)
                    first = False
                elif self._late:
                    self._subscribe({filter: self.wanted[filter] for filter in self._late})
            except NoAnswer:
                self._wait_for(NO_WORKER)
            except (MqttError, redis.RedisError) as error:
                self._wait_for(f"handlers can't subscribe yet: {error}")
            except Exception:
                if not self._stopping.is_set():  # at the end the client is closed
                    logger.exception("subscribing for handlers")
            self._stopping.wait(LOOK if self._stored or not self.ready.is_set() else RENEW)

    def _wait_for(self, reason: str) -> None:
        if reason != self._reason:
            logger.warning("%s: %s", self._name, reason)
        self._reason = reason

    def _is_ready(self, first: bool) -> None:
        self.ready.set()
        count = len(self.wanted) - len(self.refused) - len(self._late)
        if first or (self._stored and count):  # Redis had lost it
            logger.info("%s: subscribed to %d topic filters", self._name, count)

    @property
    def _name(self) -> str:
        return " ".join(self.target.values())

    @property
    def _stored(self) -> bool:
        """Whether Redis has a note of it; a channel has none."""
        return "stream" in self.target

    def _noted(self) -> dict[str, str]:
        """The filters that were subscribed to, with their options."""
        if not self._stored:
            return {}
        found: Any = self.client.hgetall(self.keys.filters)
        return {filter.decode(): options.decode() for filter, options in found.items()}

    def _subscribe(self, wanted: Mapping[str, Options], again: bool = False) -> None:
        """Subscribe to filters. One that the broker does not answer holds up no other."""
        late = set()
        for filter, options in wanted.items():
            if self._stopping.is_set():
                return
            if again and not self._stored:  # else the retained messages would come each time
                options = {**options, "retained": "drop"}
            try:
                self._ask_for(filter, options)
            except NoAnswer:
                if not self._answer({"type": "mqtt.status"}).get("connected"):
                    raise
                late.add(filter)
        for filter in late - self._late:
            logger.warning(LATE, filter)
        self._late = late

    def _unsubscribe(self, noted: Mapping[str, str]) -> None:
        """Unsubscribe from what was subscribed to, and is not wanted any more."""
        for filter in () if self.keep else sorted(noted.keys() - self.wanted.keys()):
            self._answer({"type": "mqtt.unsubscribe", "topic": filter, **self.target})
            self.client.hdel(self.keys.filters, filter)
            logger.info("no handler takes %s any more: unsubscribed", filter)

    def _ask_for(self, filter: str, options: Options) -> None:
        answer = self._answer({"type": "mqtt.subscribe", "topic": filter, **self.target, **options})
        if answer.get("type") == "mqtt.error":
            reason = f"{answer.get('code')}: {answer.get('reason')}"
            if self.refused.get(filter) != reason:
                logger.error(
                    "the subscription to %s is refused (%s): its handler gets nothing", filter, reason
                )
            self.refused[filter] = reason
            return
        self.refused.pop(filter, None)
        if self._stored:
            self.client.hset(self.keys.filters, filter, json.dumps(options, sort_keys=True))

    def _answer(self, command: Options) -> Options:
        answer = transport().call(command, TIMEOUT)
        if self._reason == NO_WORKER:
            logger.warning("%s: the MQTT worker answers now", self._name)
        self._reason = ""
        return answer
