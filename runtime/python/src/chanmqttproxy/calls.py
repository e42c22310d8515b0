"""Calls: publish, request, subscribe, unsubscribe and status, each with an a… twin for async code.

They send a command to the MQTT worker and wait for its answer: for as long as `timeout` says, in
seconds. With wait=False they return when the channel layer has the command.
"""

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

from chanmqttproxy.client import Answer, Command, NoAnswer, transport
from chanmqttproxy.data import Message, OptionKeys, Options, Payload, Properties, Status
from chanmqttproxy.errors import MqttBusy, MqttError, MqttTimeout, PublishRefused, SubscribeRefused
from chanmqttproxy.payloads import encode

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Seconds that the answer to a request may take beyond the time for the response itself.
GRACE = 1


@dataclass(frozen=True)
class _Call:
    """A command, and what may come of it."""

    name: str
    command: Command
    refused: type[MqttError]
    late: str
    topic: str | None = None
    cause: str = "It does not run (start it: manage.py runmqtt), or the broker is unreachable."

    def run(self, timeout: float, wait: bool = True) -> Answer:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            if not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
                raise SynchronousOnlyOperation(
                    f"{self.name}() would block the event loop: await a{self.name}()."
                )
        try:
            return self.judge(transport().call(self.command, timeout, wait))
        except NoAnswer:
            raise self.timeout(timeout, wait) from None

    async def arun(self, timeout: float, wait: bool = True) -> Answer:
        try:
            return self.judge(await transport().acall(self.command, timeout, wait))
        except NoAnswer:
            raise self.timeout(timeout, wait) from None

    def judge(self, answer: Answer) -> Answer:
        """The answer, if it is no error."""
        if answer.get("type") != "mqtt.error":
            return answer
        code, reason = answer["code"], answer["reason"]
        kinds: dict[str, type[MqttError]] = {"timeout": MqttTimeout, "busy": MqttBusy}
        raise kinds.get(code, self.refused)(code, reason, self.topic)

    def timeout(self, seconds: float, wait: bool) -> MqttTimeout:
        if not wait:
            reason = f"Redis has not answered within {seconds:g} s: {self.late}."
        else:
            reason = f"The MQTT worker has not answered within {seconds:g} s: {self.late}. {self.cause}"
        return MqttTimeout("timeout", reason, self.topic)


def publish(
    topic: str,
    payload: Payload = None,
    *,
    qos: int = 1,
    retain: bool = False,
    properties: Properties | None = None,
    timeout: float = 5,
    wait: bool = True,
) -> None:
    """Publish a message: done when the broker has acknowledged it (QoS 1, 2) or it was written (QoS 0).

    payload       text, bytes, None (empty), a dict or list (as JSON), or a number
    properties    Properties(content_type="text/plain", …), under MQTT 5
    timeout       seconds to wait at most
    wait          False: done when Redis has the command; a refusal is only in the worker's log

    It raises PublishRefused, MqttTimeout, MqttBusy or MqttUnavailable; all are MqttErrors. After
    MqttTimeout the message may still be sent. It raises TypeError for another payload,
    ImproperlyConfigured if the channel layer is not in Redis, and SynchronousOnlyOperation in async
    code: there await apublish().
    """
    _publish(topic, payload, qos, retain, properties).run(timeout, wait)


async def apublish(
    topic: str,
    payload: Payload = None,
    *,
    qos: int = 1,
    retain: bool = False,
    properties: Properties | None = None,
    timeout: float = 5,
    wait: bool = True,
) -> None:
    """As publish."""
    await _publish(topic, payload, qos, retain, properties).arun(timeout, wait)


def publish_on_commit(
    topic: str,
    payload: Payload = None,
    *,
    qos: int = 1,
    retain: bool = False,
    properties: Properties | None = None,
    timeout: float = 5,
    wait: bool = False,
    using: str | None = None,
) -> None:
    """Publish when the transaction of the database `using` is committed; at once where there is none.

    The payload is that of now; a wrong one raises TypeError now. What fails after the commit is
    logged by Django, as the commit can't be undone. With wait=True the code that commits waits for
    the answer.
    """
    call = _publish(topic, payload, qos, retain, properties)

    def publish_now() -> None:  # Django logs its name
        call.run(timeout, wait)

    transaction.on_commit(publish_now, using=using, robust=True)


def request(
    topic: str,
    payload: Payload = None,
    *,
    qos: int = 1,
    retain: bool = False,
    properties: Properties | None = None,
    timeout: float = 5,
) -> Message:
    """Publish a message and return the response of the device (MQTT 5).

    It raises MqttTimeout if none comes in `timeout` seconds, and otherwise as publish does.
    """
    call = _request(topic, payload, qos, retain, properties, timeout)
    return Message.from_wire(call.run(timeout + GRACE)["message"])


async def arequest(
    topic: str,
    payload: Payload = None,
    *,
    qos: int = 1,
    retain: bool = False,
    properties: Properties | None = None,
    timeout: float = 5,
) -> Message:
    """As request."""
    call = _request(topic, payload, qos, retain, properties, timeout)
    return Message.from_wire((await call.arun(timeout + GRACE))["message"])


def subscribe(
    filter: str,
    *,
    group: str | None = None,
    channel: str | None = None,
    timeout: float = 5,
    wait: bool = True,
    **options: "Unpack[OptionKeys]",
) -> None:
    """Subscribe a group or a channel to a topic filter: done when the broker has granted it.

    The members of the group get events of the type "mqtt.message", with batch "mqtt.messages".
    `options` are those of Options.
    The subscription is kept until unsubscribe, or until the group has had no member for 5 minutes.

    It raises SubscribeRefused, MqttTimeout, MqttBusy or MqttUnavailable, and otherwise as publish
    does. After MqttTimeout the subscription may still take effect.
    """
    _subscribe(filter, group, channel, Options(**options)).run(timeout, wait)


async def asubscribe(
    filter: str,
    *,
    group: str | None = None,
    channel: str | None = None,
    timeout: float = 5,
    wait: bool = True,
    **options: "Unpack[OptionKeys]",
) -> None:
    """As subscribe."""
    await _subscribe(filter, group, channel, Options(**options)).arun(timeout, wait)


def unsubscribe(
    filter: str,
    *,
    group: str | None = None,
    channel: str | None = None,
    timeout: float = 5,
    wait: bool = True,
) -> None:
    """End a subscription of a group or a channel. It raises as subscribe does."""
    _unsubscribe(filter, group, channel).run(timeout, wait)


async def aunsubscribe(
    filter: str,
    *,
    group: str | None = None,
    channel: str | None = None,
    timeout: float = 5,
    wait: bool = True,
) -> None:
    """As unsubscribe."""
    await _unsubscribe(filter, group, channel).arun(timeout, wait)


def status(*, timeout: float = 5) -> Status:
    """The worker's connection to the broker. It raises MqttTimeout if no worker answers in `timeout`
    seconds, and otherwise MqttBusy or MqttUnavailable."""
    return Status.from_wire(_status().run(timeout))


async def astatus(*, timeout: float = 5) -> Status:
    """As status."""
    return Status.from_wire(await _status().arun(timeout))


def _publish(topic: str, payload: Payload, qos: int, retain: bool, properties: Properties | None) -> _Call:
    message = _message(topic, payload, qos, retain, properties)
    command = {"type": "mqtt.publish", "publish": message}
    return _Call("publish", command, PublishRefused, "the message may still be sent", topic)


def _request(
    topic: str, payload: Payload, qos: int, retain: bool, properties: Properties | None, timeout: float
) -> _Call:
    message = _message(topic, payload, qos, retain, properties)
    command = {"type": "mqtt.request", "publish": message, "timeout": timeout}
    return _Call("request", command, PublishRefused, "the request may still be sent", topic)


def _message(
    topic: str, payload: Payload, qos: int, retain: bool, properties: Properties | None
) -> dict[str, object]:
    if properties is not None and not isinstance(properties, Properties):
        raise TypeError('Give properties as Properties(content_type="text/plain", …) of chanmqttproxy')
    return {
        "topic": topic,
        "payload": encode(payload),
        "qos": qos,
        "retain": retain,
        **(properties.to_wire() if properties else {}),
    }


def _subscribe(filter: str, group: str | None, channel: str | None, options: Options) -> _Call:
    command = {"type": "mqtt.subscribe", "topic": filter, **_target(group, channel), **options.to_wire()}
    return _Call("subscribe", command, SubscribeRefused, "the subscription may still take effect", filter)


def _unsubscribe(filter: str, group: str | None, channel: str | None) -> _Call:
    command = {"type": "mqtt.unsubscribe", "topic": filter, **_target(group, channel)}
    return _Call("unsubscribe", command, SubscribeRefused, "the subscription may still end", filter)


def _target(group: str | None, channel: str | None) -> dict[str, str]:
    if not group and not channel:
        raise TypeError("Name who gets the messages: group=… or channel=…")
    return {key: name for key, name in (("group", group), ("channel", channel)) if name}


def _status() -> _Call:
    cause = "It does not run: start it with manage.py runmqtt."
    return _Call("status", {"type": "mqtt.status"}, MqttError, "its state is unknown", cause=cause)
