"""Tests without servers: a broker and a worker in the process of the test.

    async with MqttTestBroker() as mqtt:
        await mqtt.deliver("house/hall/lamp", "on")     # what a device does
        assert mqtt.published == [Message("house/hall/lamp/set", b"off", qos=1)]

The site's channel layer is Channels' in-memory layer meanwhile, and calls, consumers and handlers
meet this broker. `overflow`, `min_interval` and `shared` have no effect here.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import channel_layers

from chanmqttproxy import client
from chanmqttproxy.client import Answer, Command, NoAnswer
from chanmqttproxy.data import Message, Payload, Properties
from chanmqttproxy.document import layer_alias
from chanmqttproxy.filters import check_topic, matches
from chanmqttproxy.patterns import Pattern
from chanmqttproxy.payloads import to_bytes
from chanmqttproxy.testing.worker import Subscription, Worker, setting

__all__ = ["MqttTestBroker", "MqttTestMixin", "Subscription"]


class MqttTestBroker(Worker):
    """A broker for a test: `async with` or `with` it.

    published        what the site has published: Messages in their order, with the payload as bytes
    subscriptions    what it is subscribed to: Subscriptions
    """

    def __init__(self) -> None:
        super().__init__()
        self._delays: list[tuple[str, float]] = []
        self._before: tuple[Any, Any] = (None, None)

    # What a test does.

    async def deliver(
        self,
        topic: str,
        payload: Payload = None,
        *,
        qos: int = 0,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> None:
        """A device publishes: groups, channels and handlers get it. What a handler raises is raised.

        While the broker is away it keeps messages of QoS 1 and 2. It raises ValueError if no message
        can be published to the topic.
        """
        check_topic(topic)
        await self._publish(Message(topic, to_bytes(payload), qos, retain, properties))

    def deliver_sync(self, topic: str, payload: Payload = None, **options: Any) -> None:
        """As deliver, for sync tests."""
        async_to_sync(self.deliver)(topic, payload, **options)

    def retain(self, topic: str, payload: Payload, *, qos: int = 0) -> None:
        """The broker has a retained message from before the test."""
        self._retained[topic] = Message(topic, to_bytes(payload), qos, True)

    def refuse(self, filter: str, code: str = "denied", reason: str = "refused by the test") -> None:
        """Refuse publishes to the topics of a filter, and subscribes to a filter within it."""
        self._refusals.append((filter, code, reason))

    def delay(self, seconds: float, filter: str = "#") -> None:
        """Answer publishes and subscribes of a filter's topics so much later; where the caller waits
        less than that, it gets MqttTimeout at once."""
        self._delays.append((filter, seconds))

    def respond(self, pattern: str, function: Callable[..., Payload]) -> None:
        """Answer requests: function(message, **names of the pattern) returns the payload of the response."""
        self._responders.append((Pattern.parse(pattern), function))

    async def disconnect(self) -> None:
        """The broker is away: publishes and subscribes have no answer until connect, so that a call
        raises MqttTimeout, at once."""
        self._connected = False
        await self._tell_status()

    async def connect(self) -> None:
        """The broker is there again: what has waited for it happens now."""
        self._connected = True
        await self._tell_status()
        commands, self._waiting = self._waiting, []
        for command in commands:
            await self.take(command)
        messages, self._queued = self._queued, []
        for message in messages:
            await self._route(message)

    def disconnect_sync(self) -> None:
        """As disconnect, for sync tests."""
        async_to_sync(self.disconnect)()

    def connect_sync(self) -> None:
        """As connect, for sync tests."""
        async_to_sync(self.connect)()

    def __enter__(self) -> "MqttTestBroker":
        self._before = channel_layers.set(layer_alias(), self._layer), client.override
        client.override = self
        for subscription in setting("SUBSCRIPTIONS", ()):
            self._subscribe(subscription)
        return self

    def __exit__(self, *_error: Any) -> None:
        layer, client.override = self._before
        if layer is None:
            channel_layers.backends.pop(layer_alias(), None)
        else:
            channel_layers.set(layer_alias(), layer)

    async def __aenter__(self) -> "MqttTestBroker":
        return self.__enter__()

    async def __aexit__(self, *error: Any) -> None:
        self.__exit__(*error)

    # What calls and the layer do.

    def call(self, command: Command, timeout: float, wait: bool = True) -> Answer:
        """For calls: carry out a command."""
        return async_to_sync(self.acall)(command, timeout, wait)

    async def acall(self, command: Command, timeout: float, wait: bool = True) -> Answer:
        """As call, for async code."""
        answer = await self._answer(command)
        if not wait:
            return {}
        delay = max((s for filter, s in self._delays if _within(command, filter)), default=0)
        if answer is None or delay > timeout:
            raise NoAnswer
        if delay:
            await asyncio.sleep(delay)
        return answer


class MqttTestMixin:
    """For Django's TestCases: the test has a broker, self.mqtt.

    Put it before TestCase among the bases. Handlers run in the test's transaction.
    """

    mqtt: MqttTestBroker

    def setUp(self) -> None:
        case: Any = super()
        case.setUp()
        self.mqtt = MqttTestBroker()
        self.mqtt.__enter__()
        this: Any = self
        this.addCleanup(self.mqtt.__exit__)


def _within(command: Command, filter: str) -> bool:
    topic = command.get("publish", command).get("topic")
    return topic is not None and matches(filter, topic)
