"""MqttMixin: consumers whose methods take MQTT messages by topic."""

import asyncio
import base64
import hashlib
import inspect
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, NoReturn

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import ChannelFull, StopConsumer
from channels.layers import InMemoryChannelLayer

from chanmqttproxy.client import FULL_PAUSE, IN_MEMORY, NO_LAYER
from chanmqttproxy.data import Message, Options
from chanmqttproxy.document import channel_name, layer_alias
from chanmqttproxy.errors import PatternError
from chanmqttproxy.filters import overlap
from chanmqttproxy.marks import Mark, marks
from chanmqttproxy.patterns import Pattern
from chanmqttproxy.payloads import decode

try:
    from channels.db import aclose_old_connections
except ImportError:  # before Channels 4.2, which closes none around an async method

    async def aclose_old_connections() -> None: ...


logger = logging.getLogger("chanmqttproxy")

# Seconds that a connection waits for room on the worker's channel.
SUBSCRIBE_TIMEOUT = 5

# The id of a subscribe of ours, by which its answer is known.
_OURS = "on_mqtt:"


@dataclass(frozen=True)
class Route:
    """A method and one pattern of it."""

    pattern: Pattern
    options: Options
    method: str

    def message(self, given: Mapping[str, Any]) -> Message:
        """The message as this route asks for it. Where filters overlap it came as all of them can use it."""
        message = Message.from_wire(given)
        payload = message.payload
        if isinstance(payload, bytes):
            payload = decode(payload, self.options.payload)
        return replace(message, payload=payload, qos=min(message.qos, self.options.qos))


class MqttMixin:
    """For a WebSocket consumer, async or sync: methods below @on_mqtt take the messages of their topics.

        class LampConsumer(MqttMixin, AsyncJsonWebsocketConsumer):
            @on_mqtt("house/{url.house}/{room}/lamp", retained="send")
            async def lamp(self, message, room): ...

    It comes before the consumer among the bases. At connect the consumer joins a group for each
    pattern, and leaves it when it ends; consumers with the same patterns share one subscription. Where
    connect() closes the connection it subscribes to nothing. A method gets a Message, and what the
    pattern names. Of several patterns that match, the most specific one takes the message; what none
    takes goes to mqtt_message(event), as in any consumer. A subscription that is refused is logged.
    A value of the URL that can't be in a topic closes the connection, and is logged.

    Patterns of one consumer that overlap should have the same batch, min_interval and overflow: those
    of one of them hold for all.
    """

    channel_layer: Any
    channel_name: str
    scope: Any
    _mqtt_routes: ClassVar[tuple[Route, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if issubclass(cls, AsyncConsumer):
            if cls.__mro__.index(MqttMixin) > cls.__mro__.index(AsyncConsumer):
                raise TypeError(f"{cls.__name__}: MqttMixin must come before the consumer among its bases")
            cls._mqtt_routes = tuple(_routes(cls))

    _mqtt_bound: tuple[Route, ...] = ()
    _mqtt_groups: Mapping[str, list[Route]] = {}
    _mqtt_closed = False
    _mqtt_held: list[Any] | None = None
    """What connect() has sent, until the commands are on their way."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def hold(event: Any) -> None:
            if event["type"] == "websocket.close":
                self._mqtt_closed = True
            if self._mqtt_held is None:
                await send(event)
            else:
                self._mqtt_held.append(event)

        self._mqtt_send = send
        consumer: Any = super()
        try:
            await consumer.__call__(scope, receive, hold)
        finally:
            await self._mqtt_leave()

    async def dispatch(self, message: Any) -> None:
        kind = str(message.get("type", "")).replace(".", "_")
        if kind == "websocket_connect":
            await self._mqtt_connect(message)
        elif kind == f"{channel_name()}_message":
            await self._mqtt_deliver(message, [message["message"]])
        elif kind == f"{channel_name()}_messages":
            await self._mqtt_deliver(message, message["messages"])
        elif kind in ("mqtt_subscribed", "mqtt_error") and str(message.get("id", "")).startswith(_OURS):
            if kind == "mqtt_error":
                self._mqtt_log(
                    f"subscribing to {message.get('topic')}: {message['code']}: {message['reason']}"
                )
        else:
            await self._mqtt_dispatch(message)

    @classmethod
    def encode_json(cls, content: Any) -> Any:
        """For JSON consumers: bytes become their base64, as the worker has it where a layer is JSON."""
        consumer: Any = super()
        return consumer.encode_json(_printable(content))

    async def _mqtt_connect(self, message: Any) -> None:
        if self.channel_layer is None:
            await self._mqtt_refuse(NO_LAYER.format(layer_alias()))
        if type(self.channel_layer) is InMemoryChannelLayer:  # that of MqttTestBroker is another class
            self._mqtt_log(IN_MEMORY)
        values = self.scope.get("url_route", {}).get("kwargs", {})
        try:
            bound = [replace(route, pattern=route.pattern.bind(values)) for route in self._mqtt_routes]
        except PatternError as error:
            await self._mqtt_refuse(str(error))
        self._mqtt_bound = tuple(sorted(bound, key=lambda route: route.pattern.specificity))
        self._mqtt_groups = _groups(self._mqtt_bound)
        for group in self._mqtt_groups:  # before connect, so that what it reads is not older
            await self.channel_layer.group_add(group, self.channel_name)
        self._mqtt_held = []
        await self._mqtt_dispatch(message)
        if self._mqtt_closed:
            await self._mqtt_leave()
        try:
            await asyncio.wait_for(self._mqtt_subscribe(), SUBSCRIBE_TIMEOUT)
        except (ChannelFull, asyncio.TimeoutError):
            await self._mqtt_refuse(f"the channel {channel_name()!r} is full: does the MQTT worker run?")
        held, self._mqtt_held = self._mqtt_held, None
        for event in held:
            await self._mqtt_send(event)

    async def _mqtt_subscribe(self) -> None:
        for group, routes in self._mqtt_groups.items():
            for route in routes:
                target = {"group": group}
                if route.options.retained == "send":
                    target["channel"] = self.channel_name
                command = {"type": "mqtt.subscribe", "topic": route.pattern.filter, **target}
                command |= route.options.to_wire()
                command |= {"reply_channel": self.channel_name, "id": _OURS + route.method}
                await self._mqtt_command(command)

    async def _mqtt_command(self, command: Mapping[str, Any]) -> None:
        while True:
            try:
                await self.channel_layer.send(channel_name(), dict(command))
                return
            except ChannelFull:
                await asyncio.sleep(FULL_PAUSE)

    async def _mqtt_leave(self) -> None:
        groups, self._mqtt_groups = self._mqtt_groups, {}
        for group in groups:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def _mqtt_deliver(self, event: Mapping[str, Any], messages: Iterable[Any]) -> None:
        others = []
        for given in messages:
            if found := self._mqtt_find(given["topic"]):
                route, arguments = found
                message = route.message(given)
                await self._mqtt_run(getattr(self, route.method), message, **arguments)
            else:
                others.append(given)
        if others and "messages" in event:
            await self._mqtt_dispatch({**event, "messages": others})
        elif others:
            await self._mqtt_dispatch(event)

    def _mqtt_find(self, topic: str) -> tuple[Route, dict[str, str]] | None:
        """What takes the messages of a topic, and the arguments that the topic gives."""
        for route in self._mqtt_bound:
            arguments = route.pattern.match(topic)
            if arguments is not None:
                return route, arguments
        return None

    async def _mqtt_run(self, method: Any, *args: Any, **kwargs: Any) -> None:
        if getattr(self, "_sync", False):
            await database_sync_to_async(method)(*args, **kwargs)
        else:
            await aclose_old_connections()
            await method(*args, **kwargs)

    async def _mqtt_dispatch(self, message: Any) -> None:
        consumer: Any = super()
        await consumer.dispatch(message)

    async def _mqtt_refuse(self, reason: str) -> NoReturn:
        """Close the connection, and end the consumer."""
        self._mqtt_log(f"the connection is closed: {reason}")
        await self._mqtt_send({"type": "websocket.close"})
        raise StopConsumer

    def _mqtt_log(self, text: str) -> None:
        logger.error("%s.%s: %s", type(self).__module__, type(self).__qualname__, text)


def _routes(consumer: type) -> Iterable[Route]:
    """What the methods of a consumer take. It raises PatternError if they can't."""
    seen: dict[str, Mark] = {}
    known = {field.name for field in fields(Options)}
    is_sync = getattr(consumer, "_sync", False)
    for name, method in inspect.getmembers(consumer, inspect.isfunction):
        for mark in marks(method):
            mark.check(method, "self", "message")
            if is_sync == inspect.iscoroutinefunction(method):
                wanted = "def" if is_sync else "async def"
                raise mark.error(f"{consumer.__name__} needs {wanted} {name}")
            for option in mark.given:
                if option not in known:
                    raise mark.error(f"the option {option!r} is for mqtt_handlers.py, not for a consumer")
            if other := seen.get(mark.pattern.filter):
                raise mark.error(f"{other.where} takes the same topics")
            seen[mark.pattern.filter] = mark
            yield Route(mark.pattern, mark.options(), name)


def _groups(routes: Iterable[Route]) -> dict[str, list[Route]]:
    """A group for each filter, so that all who ask for the same are in it. Filters that overlap share
    one: the worker sends a message to a group once, however many of its filters match."""
    parts: list[list[Route]] = []
    for route in routes:
        near = [part for part in parts if any(overlap(route.pattern.filter, r.pattern.filter) for r in part)]
        parts = [part for part in parts if part not in near]
        parts.append([*(r for part in near for r in part), route])
    asked = [_asked(part) for part in parts]
    return {_group_name(part): part for part in asked}


def _asked(routes: list[Route]) -> list[Route]:
    """What the worker is asked for, for routes of one group: a message must do for each of them."""
    qos = max(route.options.qos for route in routes)
    forms = {route.options.payload for route in routes}
    payload = forms.pop() if len(forms) == 1 else "bytes"
    return [replace(r, options=replace(r.options, qos=qos, payload=payload)) for r in routes]


def _group_name(routes: Iterable[Route]) -> str:
    """The same for the same filters with the same options; retained messages are for one channel alone."""
    asked = sorted(
        (r.pattern.filter, sorted(replace(r.options, retained="drop").to_wire().items())) for r in routes
    )
    return "mqtt." + hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]


def _printable(content: Any) -> Any:
    """The content with text in place of bytes."""
    if isinstance(content, (bytes, bytearray, memoryview)):
        return base64.b64encode(content).decode()
    if isinstance(content, Mapping):
        return {key: _printable(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_printable(value) for value in content]
    return content
