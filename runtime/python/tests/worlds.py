"""The two worlds in which a scenario must go the same way: the test broker, and real servers."""

import asyncio
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import servers
from asgiref import testing
from channels.layers import get_channel_layer

import chanmqttproxy as mqtt
from chanmqttproxy.patterns import Pattern
from chanmqttproxy.payloads import to_bytes
from chanmqttproxy.testing import MqttTestBroker


class World:
    """A site's surroundings. Topics of a test begin with t/<the test's own>/."""

    def __init__(self) -> None:
        self.own = uuid.uuid4().hex[:12]

    def topic(self, rest: str) -> str:
        return f"t/{self.own}/{rest}"

    async def deliver(self, rest: str, payload: Any = None, **options: Any) -> None:
        """A device publishes."""
        raise NotImplementedError

    async def published(self, count: int) -> list[mqtt.Message]:
        """What the broker got of the site, in order, when it is so much."""
        raise NotImplementedError

    def respond(self, rest: str, function: Callable[..., Any]) -> None:
        """A device answers requests."""
        raise NotImplementedError

    async def disconnect(self) -> None:
        raise NotImplementedError

    async def connect(self) -> None:
        raise NotImplementedError

    async def granted(self, filter: str) -> None:
        """Wait until the broker has what was asked for before, this filter among it."""
        channel = f"granted.{self.own}"
        await mqtt.asubscribe(filter, channel=channel, timeout=servers.SOON)
        await mqtt.aunsubscribe(filter, channel=channel, timeout=servers.SOON)


class TestWorld(World):
    __test__ = False

    def __init__(self, broker: MqttTestBroker) -> None:
        super().__init__()
        self.broker = broker
        broker.refuse("secret/#")

    async def deliver(self, rest: str, payload: Any = None, **options: Any) -> None:
        await self.broker.deliver(self.topic(rest), payload, **options)

    async def published(self, count: int) -> list[mqtt.Message]:
        assert len(self.broker.published) == count, self.broker.published
        return self.broker.published

    def respond(self, rest: str, function: Callable[..., Any]) -> None:
        self.broker.respond(self.topic(rest), function)

    async def disconnect(self) -> None:
        await self.broker.disconnect()

    async def connect(self) -> None:
        await self.broker.connect()


class RealWorld(World):
    """Needs paho-mqtt, as the device."""

    def __init__(self, running: servers.Servers) -> None:
        super().__init__()
        self.servers = running
        self.heard: queue.Queue[mqtt.Message] = queue.Queue()
        self.all: list[mqtt.Message] = []
        self.responders: list[tuple[Pattern, Callable[..., Any]]] = []
        self.device = self._device()

    def _device(self) -> Any:
        from paho.mqtt import client
        from paho.mqtt.subscribeoptions import SubscribeOptions

        device = client.Client(client.CallbackAPIVersion.VERSION2, protocol=client.MQTTv5)
        subscribed = threading.Event()
        options = SubscribeOptions(qos=2, noLocal=True, retainAsPublished=True, retainHandling=2)
        device.on_message = self._on_message
        device.on_subscribe = lambda *_: subscribed.set()
        device.on_connect = lambda *_: device.subscribe(self.topic("#"), options=options)
        device.reconnect_delay_set(0.1, 0.5)
        device.connect("127.0.0.1", self.servers.broker_port)
        device.loop_start()
        assert subscribed.wait(servers.SOON)
        return device

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        given = message.properties.json() if message.properties else {}
        if "CorrelationData" in given:
            return self._respond(message)
        names = {"ContentType": "content_type", "UserProperty": "user_properties"}
        found = {names[name]: value for name, value in given.items() if name in names}
        if "user_properties" in found:
            found["user_properties"] = tuple(map(tuple, found["user_properties"]))
        properties = mqtt.Properties(**found) if found else None
        self.heard.put(mqtt.Message(message.topic, message.payload, message.qos, message.retain, properties))

    def _respond(self, message: Any) -> None:
        for pattern, function in self.responders:
            arguments = pattern.match(message.topic)
            if arguments is not None:
                payload = to_bytes(function(mqtt.Message(message.topic, message.payload), **arguments))
                properties = message.properties
                topic, properties.ResponseTopic = properties.ResponseTopic, ""
                answer = self._properties(correlation=properties.CorrelationData)
                self.device.publish(topic, payload, qos=1, properties=answer)

    @staticmethod
    def _properties(given: mqtt.Properties | None = None, correlation: bytes | None = None) -> Any:
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties: Any = Properties(PacketTypes.PUBLISH)
        if correlation is not None:
            properties.CorrelationData = correlation
        if given is not None and given.content_type:
            properties.ContentType = given.content_type
        if given is not None and given.user_properties:
            properties.UserProperty = list(given.user_properties)
        return properties

    async def deliver(self, rest: str, payload: Any = None, **options: Any) -> None:
        properties = self._properties(options.pop("properties", None))
        info = self.device.publish(self.topic(rest), to_bytes(payload), properties=properties, **options)
        await asyncio.to_thread(info.wait_for_publish, servers.SOON)

    async def published(self, count: int) -> list[mqtt.Message]:
        while len(self.all) < count:
            self.all.append(await asyncio.to_thread(self.heard.get, timeout=servers.SOON))
        await asyncio.sleep(0.05)
        assert self.heard.empty()
        return self.all

    def respond(self, rest: str, function: Callable[..., Any]) -> None:
        self.responders.append((Pattern.parse(self.topic(rest)), function))

    async def disconnect(self) -> None:
        self.servers.broker.stop()
        await self._status(False)

    async def connect(self) -> None:
        self.servers.broker.start()
        servers.listening(self.servers.broker_port)
        await self._status(True)

    async def _status(self, connected: bool) -> None:
        until = time.monotonic() + servers.SOON
        while (await mqtt.astatus()).connected is not connected:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)

    def close(self) -> None:
        self.device.disconnect()
        self.device.loop_stop()


_communicator: Any = testing.ApplicationCommunicator


class Page:
    """A browser's connection to a consumer, with values of its URL."""

    def __init__(self, consumer: Any, **values: Any) -> None:
        scope = {"type": "websocket", "path": "/", "headers": [], "url_route": {"kwargs": values}}
        self.connection: Any = _communicator(consumer.as_asgi(), scope)

    async def connect(self) -> str:
        """The type of what the consumer says first."""
        await self.connection.send_input({"type": "websocket.connect"})
        return str((await self.connection.receive_output(servers.SOON))["type"])

    async def send(self, content: Any) -> None:
        await self.connection.send_input({"type": "websocket.receive", "text": json.dumps(content)})

    async def get(self) -> Any:
        event = await self.connection.receive_output(servers.SOON)
        return json.loads(event["text"])

    async def __aenter__(self) -> "Page":
        assert await self.connect() == "websocket.accept"
        return self

    async def __aexit__(self, *_error: Any) -> None:
        await self.connection.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.connection.wait(servers.SOON)


class Listener:
    """A channel of this process, and what comes there."""

    async def __aenter__(self) -> "Listener":
        self.layer: Any = get_channel_layer()
        self.channel = await self.layer.new_channel()
        return self

    async def __aexit__(self, *_error: Any) -> None: ...

    async def event(self) -> dict[str, Any]:
        event: dict[str, Any] = await asyncio.wait_for(self.layer.receive(self.channel), servers.SOON)
        return event

    async def message(self) -> dict[str, Any]:
        message: dict[str, Any] = (await self.event())["message"]
        return message

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command by hand, and return its answer without its id."""
        await self.layer.send("mqtt", {**command, "reply_channel": self.channel, "id": "1"})
        answer = await self.event()
        assert answer.pop("id") == "1"
        return answer
