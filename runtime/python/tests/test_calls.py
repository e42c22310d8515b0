"""Calls: the commands that they send, and what they make of the answers. No server is needed."""

import datetime
import decimal
import sys
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import transaction
from django.test import override_settings
from django.utils.functional import lazystr

import chanmqttproxy as mqtt
from chanmqttproxy import client, payloads


class FakeTransport:
    """Answers each command with what the test has set."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | Exception = {"type": "mqtt.published"}
        self.calls: list[tuple[dict[str, Any], float, bool]] = []

    def call(self, command: dict[str, Any], timeout: float, wait: bool = True) -> dict[str, Any]:
        self.calls.append((command, timeout, wait))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if wait else {}

    async def acall(self, command: dict[str, Any], timeout: float, wait: bool = True) -> dict[str, Any]:
        return self.call(command, timeout, wait)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTransport]:
    transport = FakeTransport()
    monkeypatch.setattr(client, "override", transport)
    yield transport


def error(code: str) -> dict[str, Any]:
    return {"type": "mqtt.error", "code": code, "reason": "because"}


def test_publish(fake: FakeTransport) -> None:
    mqtt.publish("house/lamp", {"on": True})
    command = {"topic": "house/lamp", "payload": '{"on": true}', "qos": 1, "retain": False}
    assert fake.calls == [({"type": "mqtt.publish", "publish": command}, 5, True)]
    properties = mqtt.Properties(message_expiry=60, user_properties={"page": "lamp"})
    mqtt.publish("a", None, qos=0, retain=True, properties=properties, timeout=1, wait=False)
    command = {"topic": "a", "payload": None, "qos": 0, "retain": True}
    command |= {"message_expiry": 60, "user_properties": {"page": "lamp"}}
    assert fake.calls[1] == ({"type": "mqtt.publish", "publish": command}, 1, False)
    with pytest.raises(TypeError, match=r"Properties\(content_type"):
        mqtt.publish("a", properties={"content_type": "text/plain"})  # type: ignore[arg-type]


def test_request(fake: FakeTransport) -> None:
    message: dict[str, Any] = {"topic": "response", "payload": 21.5, "qos": 1, "retain": False}
    fake.answer = {
        "type": "mqtt.response",
        "message": message | {"properties": {"user_properties": [["a", "b"]]}},
    }
    response = mqtt.request("house/get", "?", timeout=2)
    assert (response.payload, response.properties) == (21.5, mqtt.Properties(user_properties=(("a", "b"),)))
    command, timeout, _wait = fake.calls[0]
    assert (command["type"], command["timeout"], timeout) == ("mqtt.request", 2, 3)


def test_subscribe(fake: FakeTransport) -> None:
    mqtt.subscribe("house/#", group="house", channel="c", qos=1, retained="send", batch=1)
    mqtt.unsubscribe("house/#", channel="c", wait=False)
    subscribe = {"type": "mqtt.subscribe", "topic": "house/#", "group": "house", "channel": "c"}
    assert fake.calls[0][0] == {**subscribe, "qos": 1, "retained": "send"}
    assert fake.calls[1] == ({"type": "mqtt.unsubscribe", "topic": "house/#", "channel": "c"}, 5, False)
    with pytest.raises(TypeError, match="group=… or channel=…"):
        mqtt.subscribe("house/#")
    with pytest.raises(TypeError, match="qoss"):
        mqtt.subscribe("house/#", group="house", qoss=1)  # type: ignore[call-arg]


def test_status(fake: FakeTransport) -> None:
    fake.answer = {"type": "mqtt.state", "connected": False, "broker": None, "version": None}
    fake.answer |= {"since": 0.5, "reason": "away"}
    since = datetime.datetime(1970, 1, 1, 0, 0, 0, 500_000, datetime.timezone.utc)
    assert mqtt.status() == mqtt.Status(False, since=since, reason="away")


@pytest.mark.parametrize(
    ("answer", "raised", "text"),
    [
        (error("denied"), mqtt.PublishRefused, "denied: because (house)"),
        (error("busy"), mqtt.MqttBusy, "busy: because (house)"),
        (error("timeout"), mqtt.MqttTimeout, "timeout: because (house)"),
        (
            client.NoAnswer(),
            mqtt.MqttTimeout,
            "may still be sent. It does not run (start it: manage.py runmqtt), or the broker is unreachable",
        ),
    ],
)
def test_errors(fake: FakeTransport, answer: Any, raised: type[Exception], text: str) -> None:
    fake.answer = answer
    with pytest.raises(raised) as caught:
        mqtt.publish("house")
    assert text in str(caught.value)
    assert isinstance(caught.value, mqtt.MqttError)
    assert caught.value.topic == "house"


def test_subscribe_is_refused(fake: FakeTransport) -> None:
    fake.answer = error("bad-filter")
    with pytest.raises(mqtt.SubscribeRefused, match="bad-filter: because"):
        mqtt.unsubscribe("a/#/b", group="g")


async def in_a_loop(fake: FakeTransport) -> None:
    await mqtt.apublish("house")
    await mqtt.asubscribe("house", group="g")
    await mqtt.aunsubscribe("house", group="g")
    assert [command["type"] for command, _, _ in fake.calls] == [
        "mqtt.publish",
        "mqtt.subscribe",
        "mqtt.unsubscribe",
    ]
    with pytest.raises(SynchronousOnlyOperation, match=r"would block the event loop: await apublish"):
        mqtt.publish("house")
    fake.answer = {"type": "mqtt.state", "connected": True}
    assert (await mqtt.astatus()).connected
    fake.answer = client.NoAnswer()
    with pytest.raises(mqtt.MqttTimeout):
        await mqtt.arequest("house")


def test_async(fake: FakeTransport) -> None:
    import asyncio

    asyncio.run(in_a_loop(fake))


@pytest.mark.parametrize(
    ("payload", "carried"),
    [
        ("on", "on"),
        (b"\xff", b"\xff"),
        (bytearray(b"\xff"), b"\xff"),
        (memoryview(b"\xff"), b"\xff"),
        (True, True),
        (2**64 - 1, 2**64 - 1),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (1.5, 1.5),
        (None, None),
        (lazystr("lazy"), "lazy"),
        (decimal.Decimal("21.50"), "21.50"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"käse": decimal.Decimal("1.5")}, '{"käse": "1.5"}'),
        ((1, None), "[1, null]"),
    ],
)
def test_payload(payload: Any, carried: Any) -> None:
    encoded = payloads.encode(payload)
    assert (encoded, type(encoded)) == (carried, type(carried))


@pytest.mark.parametrize("payload", [{1, 2}, object(), {"a": {1}}, {b"a": 1}])
def test_no_payload(payload: Any) -> None:
    with pytest.raises(TypeError, match="This can't be published"):
        mqtt.publish("house", payload)


def test_on_commit(fake: FakeTransport) -> None:
    changing = ["on"]
    with transaction.atomic():
        mqtt.publish_on_commit("house/lamp", changing)
        changing.append("off")
        assert fake.calls == []
    assert fake.calls[0][0]["publish"]["payload"] == '["on"]'
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        mqtt.publish_on_commit("house/lamp", "never")
        _ = 1 / 0
    fake.answer = mqtt.MqttBusy("full", "logged, since the commit can't be undone")
    mqtt.publish_on_commit("house/lamp", "logged")
    assert len(fake.calls) == 2


@pytest.mark.parametrize(
    ("module", "name"), [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")]
)
def test_threads_that_are_none(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    patched: Any = ModuleType(module)
    setattr(patched, name, lambda what: what in ("thread", "threading"))
    monkeypatch.setitem(sys.modules, module, patched)
    with pytest.raises(ImproperlyConfigured, match=module.partition(".")[0] + " has replaced .* gthread"):
        mqtt.publish("a", wait=False)


def test_layer_in_memory() -> None:
    with (
        override_settings(CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}),
        pytest.raises(ImproperlyConfigured, match=r"is in memory.*MqttTestBroker"),
    ):
        mqtt.publish("house")
    with (
        override_settings(CHANNEL_LAYERS={}),
        pytest.raises(ImproperlyConfigured, match="no layer called 'default'"),
    ):
        mqtt.status()


def test_redis_is_away() -> None:
    layer = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
    }
    with override_settings(CHANNEL_LAYERS={"default": layer}):
        for wait in True, False:
            with pytest.raises(mqtt.MqttUnavailable, match="the Redis of the channel layer"):
                mqtt.publish("house", wait=wait)
