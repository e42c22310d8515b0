"""What a site sees, the same with the test broker as with the worker and a broker (REAL=core …)."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import servers
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.layers import channel_layers
from worlds import Listener, Page, RealWorld, TestWorld, World

import chanmqttproxy as mqtt
from chanmqttproxy import MqttMixin, on_mqtt
from chanmqttproxy.testing import MqttTestBroker


@pytest.fixture(scope="module")
def real() -> Iterator[servers.Servers]:
    with servers.running() as found, found.worker():
        yield found


@pytest.fixture(
    params=["test", pytest.param("real", marks=pytest.mark.skipif(not servers.KIND, reason="no REAL"))]
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "test":
        with MqttTestBroker() as broker:
            yield TestWorld(broker)
    else:
        channel_layers.backends.clear()  # the locks of a layer belong to the event loop of one test
        real = RealWorld(request.getfixturevalue("real"))
        yield real
        real.close()


@pytest.mark.parametrize(
    ("payload", "sent"),
    [
        ("küche", "küche".encode()),
        (b"\xff\x00", b"\xff\x00"),
        ({"on": True, "ä": None}, '{"on": true, "ä": null}'.encode()),
        ([1, 2.5], b"[1, 2.5]"),
        (7, b"7"),
        (1.5, b"1.5"),
        (1e22, b"1e+22"),
        (True, b"True"),
        (None, b""),
        (2**70, str(2**70).encode()),
    ],
)
async def test_publish(world: World, payload: Any, sent: bytes) -> None:
    await mqtt.apublish(world.topic("x"), payload)
    await mqtt.apublish(world.topic("y"), payload, qos=0, retain=True)
    assert await world.published(2) == [
        mqtt.Message(world.topic("x"), sent, 1),
        mqtt.Message(world.topic("y"), sent, 0, True),
    ]


async def test_publish_properties(world: World) -> None:
    properties = mqtt.Properties(content_type="text/plain", user_properties={"a": ["1", "2"], "b": "3"})
    await mqtt.apublish(world.topic("x"), "x", properties=properties)
    (message,) = await world.published(1)
    assert message.properties == mqtt.Properties(
        content_type="text/plain", user_properties=(("a", "1"), ("a", "2"), ("b", "3"))
    )


async def test_refused(world: World) -> None:
    for call, raised, code in [
        (mqtt.apublish("t/#"), mqtt.PublishRefused, "bad-topic"),
        (mqtt.apublish(""), mqtt.PublishRefused, "bad-topic"),
        (mqtt.apublish("secret/x"), mqtt.PublishRefused, "denied"),
        (mqtt.arequest("secret/x"), mqtt.PublishRefused, "denied"),
        (mqtt.asubscribe("t/#/x", group="g"), mqtt.SubscribeRefused, "bad-filter"),
        (mqtt.asubscribe("secret/#", group="g"), mqtt.SubscribeRefused, "denied"),
        (mqtt.aunsubscribe("", group="g"), mqtt.SubscribeRefused, "bad-filter"),
    ]:
        with pytest.raises(raised) as caught:
            await call
        assert isinstance(caught.value, mqtt.MqttError)
        assert caught.value.code == code


async def test_answers(world: World) -> None:
    async with Listener() as listener:
        topic = world.topic("x")
        publish = {"topic": topic, "payload": "x", "qos": 1, "retain": False}
        assert await listener.ask(type="mqtt.publish", publish=publish) == {
            "type": "mqtt.published",
            "command": "mqtt.publish",
            "topic": topic,
            "qos": 1,
        }
        subscription = {"topic": topic, "group": f"g.{world.own}"}
        assert await listener.ask(type="mqtt_subscribe", qos=1, **subscription) == {
            "type": "mqtt.subscribed",
            "command": "mqtt.subscribe",
            "qos": 1,
            **subscription,
        }
        assert await listener.ask(type="mqtt.unsubscribe", **subscription) == {
            "type": "mqtt.unsubscribed",
            "command": "mqtt.unsubscribe",
            **subscription,
        }
        bad: list[tuple[dict[str, Any], str]] = [
            ({"type": "mqtt.frobnicate"}, "unknown-type"),
            ({"type": "mqtt.publish", "publish": {"payload": "x"}}, "missing-key"),
            ({"type": "mqtt.publish", "publish": {"topic": topic, "qoss": 1}}, "unknown-key"),
            ({"type": "mqtt.subscribe", "topic": topic}, "missing-key"),
            ({"type": "mqtt.subscribe", "topic": topic, "group": "g", "qoss": 1}, "unknown-key"),
        ]
        for command, code in bad:
            answer = await listener.ask(**command)
            assert (answer["type"], answer["code"]) == ("mqtt.error", code), answer


async def test_defaults_of_a_command(world: World) -> None:
    async with Listener() as listener:
        await listener.ask(type="mqtt.publish", publish={"topic": world.topic("x")})
    assert await world.published(1) == [mqtt.Message(world.topic("x"), b"", 2, True)]


NAN = pytest.approx(float("nan"), nan_ok=True)
BIG = "18446744073709551616"  # beyond 64 bits


@pytest.mark.parametrize(
    ("payload", "auto", "as_json", "as_text"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}, {"a": [1, None]}, '{"a": [1, null]}'),
        (b"[NaN]", [NAN], [NAN], "[NaN]"),
        (b"21.5", 21.5, 21.5, "21.5"),
        (b"on", "on", b"on", "on"),
        (b"", "", b"", ""),
        (b"\xff", b"\xff", b"\xff", b"\xff"),
        (b'"x"', "x", "x", '"x"'),
        (f"[{BIG}, 18446744073709551615]".encode(), [BIG, 2**64 - 1], [BIG, 2**64 - 1], None),
        (BIG.encode(), BIG, BIG, BIG),
    ],
)
async def test_payload(world: World, payload: bytes, auto: Any, as_json: Any, as_text: Any) -> None:
    as_text = payload.decode() if as_text is None else as_text
    forms: dict[Any, Any] = {"auto": auto, "json": as_json, "text": as_text, "bytes": payload}
    for form, want in forms.items():
        async with Listener() as listener:
            await mqtt.asubscribe(world.topic(form), channel=listener.channel, payload=form)
            await world.deliver(form, payload)
            assert (await listener.message())["payload"] == want, form


async def test_event(world: World) -> None:
    async with Listener() as listener:
        await mqtt.asubscribe(world.topic("+"), channel=listener.channel, qos=1)
        properties = mqtt.Properties(content_type="text/plain", user_properties=(("a", "1"),))
        await world.deliver("x", "on", qos=2, properties=properties)
        body = {"topic": world.topic("x"), "payload": "on", "qos": 1, "retain": False}
        body["properties"] = {"content_type": "text/plain", "user_properties": [["a", "1"]]}
        assert await listener.event() == {"type": "mqtt.message", "message": body}
        message = mqtt.Message.from_wire(body)
        assert message.properties == properties


async def test_batch(world: World) -> None:
    async with Listener() as listener:
        await mqtt.asubscribe(world.topic("x"), channel=listener.channel, batch=10)
        await world.deliver("x", "on")
        event = await listener.event()
        assert event["type"] == "mqtt.messages"
        assert [message["payload"] for message in event["messages"]] == ["on"]


async def test_retained(world: World) -> None:
    await world.deliver("a", "old", retain=True)
    await world.deliver("b", "gone", retain=True)
    await world.deliver("b", "", retain=True)
    async with Listener() as first, Listener() as second:
        group = f"g.{world.own}"
        for listener in first, second:
            await first.layer.group_add(group, listener.channel)
        await mqtt.asubscribe(world.topic("a"), group=group)  # drops it
        await world.deliver("a", "live", retain=True)
        for listener in first, second:
            message = await listener.message()
            assert (message["payload"], message["retain"]) == ("live", False)
        await mqtt.asubscribe(world.topic("+"), group=group, channel=second.channel, retained="send")
        message = await second.message()
        assert (message["topic"], message["payload"], message["retain"]) == (world.topic("a"), "live", True)
        await world.deliver("c", "after")
        for listener in first, second:
            assert (await listener.message())["payload"] == "after"


async def test_overlapping(world: World) -> None:
    async with Listener() as listener:
        one, two = f"one.{world.own}", f"two.{world.own}"
        for group in one, two:
            await listener.layer.group_add(group, listener.channel)
        await mqtt.asubscribe(world.topic("#"), group=one)
        await mqtt.asubscribe(world.topic("+"), group=one)
        await world.deliver("x", "once")
        assert (await listener.message())["payload"] == "once"
        await mqtt.asubscribe(world.topic("x"), group=two)
        await world.deliver("x", "twice")
        assert [(await listener.message())["payload"] for _ in range(2)] == ["twice", "twice"]
        await mqtt.aunsubscribe(world.topic("x"), group=two)
        await world.deliver("x", "last")
        await world.deliver("y", "end")
        assert [(await listener.message())["payload"] for _ in range(2)] == ["last", "end"]


async def test_own_publish(world: World) -> None:
    async with Listener() as listener:
        await mqtt.asubscribe(world.topic("x"), channel=listener.channel)
        await mqtt.asubscribe(world.topic("y"), channel=listener.channel, no_local=True)
        await mqtt.apublish(world.topic("y"), "not to us")
        await mqtt.apublish(world.topic("x"), "own")
        assert (await listener.message())["payload"] == "own"
        await world.deliver("y", "other")
        assert (await listener.message())["payload"] == "other"


async def test_request(world: World) -> None:
    world.respond("{room}/get", lambda message, room: {"room": room, "of": message.payload.decode()})
    response = await mqtt.arequest(world.topic("hall/get"), "temperature")
    assert response.payload == {"room": "hall", "of": "temperature"}
    with pytest.raises(mqtt.MqttTimeout, match="no response came in time"):
        await mqtt.arequest(world.topic("nobody"), timeout=0.2)


async def test_status(world: World) -> None:
    status = await mqtt.astatus()
    assert (status.connected, status.version, status.reason) == (True, "5", None)


async def test_threads(world: World) -> None:
    """An answer finds its thread, whatever loops there are."""

    def publish(number: int) -> None:
        if number % 2:
            mqtt.publish(world.topic("x"), number, timeout=servers.SOON)
        else:
            asyncio.run(mqtt.apublish(world.topic("x"), number, timeout=servers.SOON))
        with pytest.raises(mqtt.PublishRefused):
            mqtt.publish("t/#", number, timeout=servers.SOON)

    with ThreadPoolExecutor(40) as pool:
        await asyncio.gather(
            *(asyncio.get_running_loop().run_in_executor(pool, publish, n) for n in range(40))
        )
    assert sorted(int(message.payload) for message in await world.published(40)) == list(range(40))


async def test_order(world: World) -> None:
    every = 1 if servers.KIND == "hosts" else 10  # channels_redis spreads commands over the hosts

    def publish() -> None:
        for number in range(50):
            mqtt.publish(world.topic("x"), number, wait=number % every == 0, timeout=servers.SOON)

    await asyncio.to_thread(publish)
    assert [int(message.payload) for message in await world.published(50)] == list(range(50))


class HousePage(MqttMixin, AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    @on_mqtt("t/{url.own}/{room}/lamp", retained="send")
    @on_mqtt("t/{url.own}/{room}/light")
    async def lamp(self, message: mqtt.Message, room: str) -> None:
        await self.send_json(["lamp", room, message.payload])

    @on_mqtt("t/{url.own}/hall/lamp", qos=1)
    async def hall(self, message: mqtt.Message) -> None:
        await self.send_json(["hall", message.payload, message.qos])

    @on_mqtt("t/{url.own}/{rest:path}", batch=5)
    async def rest(self, message: mqtt.Message, rest: str) -> None:
        await self.send_json(["rest", rest, message.payload])


async def test_page(world: World) -> None:
    await world.deliver("attic/lamp", "dim", retain=True)
    async with Page(HousePage, own=world.own) as p, Page(HousePage, own=world.own) as q:
        for each in p, q:
            assert await each.get() == ["lamp", "attic", "dim"]
        for rest, payload, want in [
            ("cellar/lamp", "on", ["lamp", "cellar", "on"]),
            ("hall/lamp", "on", ["hall", "on", 1]),
            ("hall/light", "off", ["lamp", "hall", "off"]),
            ("a/b/c", b"\xff", ["rest", "a/b/c", "/w=="]),
        ]:
            await world.deliver(rest, payload, qos=1)
            for each in p, q:
                assert await each.get() == want


class SyncPage(MqttMixin, JsonWebsocketConsumer):  # type: ignore[misc]
    @on_mqtt("t/{url.own}/{room}/lamp")
    def lamp(self, message: mqtt.Message, room: str) -> None:
        self.send_json([room, message.payload])


async def test_sync_page(world: World) -> None:
    async with Page(SyncPage, own=world.own) as p:
        await world.granted(world.topic("+/lamp"))
        await world.deliver("hall/lamp", b"\xff")
        assert await p.get() == ["hall", "/w=="]


class LeavingPage(HousePage):
    async def receive_json(self, content: Any, **_more: Any) -> None:
        await self.close()


async def test_page_leaves(world: World) -> None:
    """A page that has gone is in no group."""
    async with Page(LeavingPage, own=world.own) as p:
        await world.granted(world.topic("#"))
        await world.deliver("hall/light", "on")
        assert await p.get() == ["lamp", "hall", "on"]
    async with Listener() as listener:
        await mqtt.asubscribe(world.topic("#"), channel=listener.channel)
        await world.deliver("hall/light", "off")
        await listener.message()


class OldPage(MqttMixin, AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """A page with a group of its own beside the patterns."""

    groups = ("old",)

    async def connect(self) -> None:
        await self.channel_layer.group_add(self.scope["url_route"]["kwargs"]["own"], self.channel_name)
        await self.accept()

    @on_mqtt("t/{url.own}/lamp")
    async def lamp(self, message: mqtt.Message) -> None:
        await self.send_json(["lamp", message.payload])

    async def mqtt_message(self, event: Any) -> None:
        await self.send_json(["old", event["message"]["payload"]])


async def test_what_no_pattern_takes(world: World) -> None:
    async with Page(OldPage, own=world.own) as p:
        await mqtt.asubscribe(world.topic("door"), group=world.own)
        await world.granted(world.topic("lamp"))
        await world.deliver("door", "open")
        assert await p.get() == ["old", "open"]
        await world.deliver("lamp", "on")
        assert await p.get() == ["lamp", "on"]


async def test_broker_is_away(world: World) -> None:
    await world.disconnect()
    assert not (await mqtt.astatus()).connected
    with pytest.raises(mqtt.MqttTimeout, match="may still be sent"):
        await mqtt.apublish(world.topic("x"), "late", retain=True, timeout=0.5)
    async with Listener() as listener:
        with pytest.raises(mqtt.MqttTimeout, match="may still take effect"):
            await mqtt.asubscribe(world.topic("x"), channel=listener.channel, retained="send", timeout=0.5)
        await world.connect()
        assert (await listener.message())["payload"] == "late"
