"""What the test broker has of the worker: it carries out commands, and sends events."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer
from django.conf import settings

from chanmqttproxy.client import Answer, Command
from chanmqttproxy.data import Message, Options, Payload, Properties
from chanmqttproxy.document import DICT, channel_name
from chanmqttproxy.filters import check_filter, check_topic, matches
from chanmqttproxy.handlers import adispatch
from chanmqttproxy.patterns import Pattern
from chanmqttproxy.payloads import decode, to_bytes

# The keys of a command that are not options of a subscription, or properties of a message.
_SUBSCRIBE_KEYS = ("type", "topic", "group", "channel", "reply_channel", "id")
_MESSAGE_KEYS = ("topic", "payload", "qos", "retain")


@dataclass(frozen=True)
class Subscription:
    """What a group or a channel has subscribed to."""

    filter: str
    options: Options
    group: str | None = None
    channel: str | None = None


class Refused(Exception):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Layer(InMemoryChannelLayer):  # type: ignore[misc]
    """The layer of the site, on which the worker reads the commands.

    Channels' own is for one event loop. Here a message from another one, as sync code in a thread
    has it, goes to the loop in which consumers wait.
    """

    def __init__(self, worker: "Worker") -> None:
        super().__init__()
        self.worker = worker
        self.loop: asyncio.AbstractEventLoop | None = None

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        if channel == channel_name():
            await self.worker.take(message)
        else:
            await self._in_loop(super().send(channel, message))

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._in_loop(super().group_send(group, message))

    async def receive(self, channel: str) -> Any:
        self.loop = asyncio.get_running_loop()
        return await super().receive(channel)

    async def _in_loop(self, sending: Coroutine[Any, Any, None]) -> None:
        if self.loop is None or not self.loop.is_running() or self.loop is asyncio.get_running_loop():
            await sending
        else:
            self.loop.call_soon_threadsafe(self.loop.create_task, sending)


class Worker:
    """The worker and the broker behind it, without the test's side."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.subscriptions: list[Subscription] = []
        self._connected = True
        self._retained: dict[str, Message] = {}
        self._refusals: list[tuple[str, str, str]] = []
        self._responders: list[tuple[Pattern, Callable[..., Payload]]] = []
        self._waiting: list[Command] = []
        self._queued: list[Message] = []
        self._layer = Layer(self)

    async def take(self, command: Command) -> None:
        """For the layer: carry out a command that came on the worker's channel."""
        answer = await self._answer(command)
        if answer is not None and command.get("reply_channel"):
            await self._layer.send(command["reply_channel"], answer)

    async def _answer(self, command: Command) -> Answer | None:
        """The answer to a command; None while the broker is away."""
        kind = str(command.get("type", "")).replace("_", ".")
        about = {"id": command.get("id"), "command": kind}
        if kind == "mqtt.status":
            return {"type": "mqtt.state", **about, **self._status()}
        message = command.get("publish", command)
        about |= {key: message[key] for key in ("topic", "group", "channel") if key in message}
        try:
            if kind in ("mqtt.publish", "mqtt.request"):
                _check(check_topic, "bad-topic", message)
            elif kind in ("mqtt.subscribe", "mqtt.unsubscribe"):
                _check(check_filter, "bad-filter", message)
            else:
                raise Refused("unknown-type", f"there is no command {kind!r}")
            self._check_allowed(message["topic"])
            if kind == "mqtt.request" and not self._connected:
                raise Refused("timeout", "no response came in time")
            if kind != "mqtt.unsubscribe" and not self._connected:
                self._waiting.append(command)
                return None
            return {**about, **await self._do(kind, command)}
        except Refused as refused:
            return {"type": "mqtt.error", **about, "code": refused.code, "reason": refused.reason}

    async def _do(self, kind: str, command: Command) -> Answer:
        if kind == "mqtt.publish":
            message = _message(command["publish"])
            await self._publish(message, by_site=True)
            return {"type": "mqtt.published", "qos": message.qos}
        if kind == "mqtt.request":
            return {"type": "mqtt.response", "message": await self._respond(_message(command["publish"]))}
        if kind == "mqtt.unsubscribe":
            self._unsubscribe(command)
            return {"type": "mqtt.unsubscribed"}
        subscription = self._subscribe(command)
        if subscription.options.retained == "send":
            await self._send_retained(subscription, command)
        return {"type": "mqtt.subscribed", "qos": subscription.options.qos}

    def _check_allowed(self, topic: str) -> None:
        for filter, code, reason in self._refusals:
            if matches(filter, topic):
                raise Refused(code, reason)

    # Subscriptions.

    def _subscribe(self, command: Mapping[str, Any]) -> Subscription:
        given = {key: value for key, value in command.items() if key not in _SUBSCRIBE_KEYS}
        try:
            options = Options(**given)
        except TypeError as error:
            raise Refused("unknown-key", str(error)) from None
        group, channel = command.get("group"), command.get("channel")
        if not group and not channel:
            raise Refused("missing-key", 'group: this key is missing, or "channel" instead')
        if group and options.retained == "send":
            channel = None  # which only gets the retained messages
        subscription = Subscription(command["topic"], options, group, channel)
        self._unsubscribe({"topic": command["topic"], "group": group, "channel": channel})
        self.subscriptions.append(subscription)
        return subscription

    def _unsubscribe(self, command: Mapping[str, Any]) -> None:
        left = (command["topic"], command.get("group"), command.get("channel"))
        self.subscriptions = [s for s in self.subscriptions if (s.filter, s.group, s.channel) != left]

    async def _send_retained(self, subscription: Subscription, command: Command) -> None:
        """The retained messages: to the channel alone, where there is one."""
        to = subscription
        if command.get("channel"):
            to = replace(subscription, group=None, channel=command["channel"])
        for message in [m for m in self._retained.values() if matches(to.filter, m.topic)]:
            await self._send(to, message)

    # Messages.

    async def _publish(self, message: Message, by_site: bool = False) -> None:
        """Take a message in, as the broker."""
        if by_site:
            self.published.append(message)
        if message.retain:
            self._retained.pop(message.topic, None)
            if message.payload:
                self._retained[message.topic] = message
        live = replace(message, retain=False)
        if self._connected:
            await self._route(live, by_site)
        elif message.qos:
            self._queued.append(live)

    async def _route(self, message: Message, by_site: bool = False) -> None:
        """Send a message to each group and channel once, and to the handlers."""
        targets: dict[tuple[str | None, str | None], Subscription] = {}
        for subscription in sorted(self.subscriptions, key=lambda s: s.options.qos):
            if matches(subscription.filter, message.topic) and not (
                by_site and subscription.options.no_local
            ):
                targets[subscription.group, subscription.channel] = subscription
        for subscription in targets.values():
            await self._send(subscription, message)
        await adispatch(message)
        await asyncio.sleep(0)

    async def _send(self, subscription: Subscription, message: Message) -> None:
        options = subscription.options
        body = {
            "topic": message.topic,
            "payload": decode(message.payload, options.payload),
            "qos": min(message.qos, options.qos),
            "retain": message.retain,
        }
        if message.properties and (properties := message.properties.to_wire()):
            pairs = [list(pair) for pair in _pairs(properties.pop("user_properties", ()))]
            body["properties"] = properties | ({"user_properties": pairs} if pairs else {})
        name = channel_name()
        event: dict[str, Any] = {"type": f"{name}.message", "message": body}
        if options.batch > 1:
            event = {"type": f"{name}.messages", "messages": [body]}
        if subscription.group:
            await self._layer.group_send(subscription.group, event)
        if subscription.channel:
            with contextlib.suppress(ChannelFull):
                await self._layer.send(subscription.channel, event)

    async def _respond(self, message: Message) -> dict[str, Any]:
        """Publish a request, and return the message of its response."""
        topic = f"chanmqttproxy/response/test/{uuid.uuid4().hex}"
        await self._publish(message, by_site=True)
        for pattern, function in self._responders:
            arguments = pattern.match(message.topic)
            if arguments is not None:
                payload = to_bytes(function(message, **arguments))
                return {"topic": topic, "payload": decode(payload), "qos": message.qos, "retain": False}
        raise Refused("timeout", "no response came in time")

    def _status(self) -> dict[str, Any]:
        state = {"broker": "mqtt://test", "version": "5", "since": 0.0}
        reason = None if self._connected else "the test has disconnected it"
        return {"connected": self._connected, **state, "reason": reason}

    async def _tell_status(self) -> None:
        group = setting("MQTT_STATUS_GROUP", "")
        if group:
            await self._layer.group_send(group, {"type": "mqtt.status", **self._status()})


def setting(name: str, default: Any) -> Any:
    """A setting of the dict CHANMQTTPROXY."""
    found = {str(key).upper(): value for key, value in (getattr(settings, DICT, None) or {}).items()}
    return found.get(name, default)


def _check(check: Callable[[str], None], code: str, message: Mapping[str, Any]) -> None:
    if "topic" not in message:
        raise Refused("missing-key", "topic: this key is missing")
    try:
        check(message["topic"])
    except ValueError as error:
        raise Refused(code, f"topic: {error}") from None


def _message(given: Mapping[str, Any]) -> Message:
    """The message of a publish, with the worker's defaults."""
    properties = {key: value for key, value in given.items() if key not in _MESSAGE_KEYS}
    properties["user_properties"] = _pairs(properties.get("user_properties", ()))
    try:
        found = Properties.from_wire(properties)
        if unknown := properties.keys() - Properties.__dataclass_fields__.keys():
            raise Refused("unknown-key", f"publish.{min(unknown)}: there is no such key")
        payload = to_bytes(given.get("payload"))
    except TypeError as error:
        raise Refused("bad-type", str(error)) from None
    return Message(
        topic=given["topic"],
        payload=payload,
        qos=given.get("qos", 2),
        retain=given.get("retain", True),
        properties=found if found != Properties() else None,
    )


def _pairs(given: Any) -> list[tuple[str, str]]:
    """User properties as pairs."""
    if not isinstance(given, Mapping):
        return [(key, value) for key, value in given]
    values: Iterable[tuple[str, Any]] = given.items()
    return [(key, one) for key, value in values for one in ([value] if isinstance(value, str) else value)]
