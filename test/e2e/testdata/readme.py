"""Runs the examples of documents, each as a page of a site, beside a real worker.

    readme.py <Redis URL> <broker's port> <JSON list: of each document, the list of its examples>

An example without a script here is an error, and so is a method of one that no
script calls. Where the broker is to go or come, "broker: stop" or "broker: start"
is printed.
"""

import asyncio
import contextlib
import functools
import inspect
import json
import os
import sys

REDIS, PORT, EXAMPLES = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
SOON = 20  # seconds, for what must come

os.environ.update(
    REDIS_URL=REDIS,
    DJANGO_SETTINGS_MODULE="mysite.settings",
)

import django  # noqa: E402
import redis.asyncio  # noqa: E402

django.setup()

from channels.layers import get_channel_layer  # noqa: E402
from channels.testing import WebsocketCommunicator  # noqa: E402
from channels.worker import Worker  # noqa: E402

example = {}  # what the examples define
scripts = {}  # by the name of the consumer


def script(function):
    scripts[function.__name__] = function
    return function


@contextlib.asynccontextmanager
async def page(name):
    """A browser's connection to a consumer."""
    communicator = WebsocketCommunicator(example[name].as_asgi(), "/")
    connected, _ = await communicator.connect(timeout=SOON)
    assert connected
    yield communicator
    await communicator.disconnect(timeout=SOON)


async def get(communicator):
    return await communicator.receive_json_from(timeout=SOON)


async def gets(communicator, *want):
    for one in want:
        got = await get(communicator)
        assert got == one, f"got {got}, want {one}"


async def ask(**command):
    """Sends a command of its own, and returns the answer."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.send("mqtt", {**command, "reply_channel": channel})
    return await asyncio.wait_for(layer.receive(channel), SOON)


async def granted(topic):
    """Waits until the broker has the subscriptions that were asked for before,
    that for this filter among them."""
    of = {"topic": topic, "channel": await get_channel_layer().new_channel()}
    answer = await ask(type="mqtt.subscribe", **of)
    assert answer["type"] == "mqtt.subscribed", answer
    await ask(type="mqtt.unsubscribe", **of)


async def subscriptions():
    """What the worker has stored."""
    async with redis.asyncio.from_url(REDIS, decode_responses=True) as client:
        return await client.hkeys("chanmqttproxy:asgi:mqtt:subscriptions")


async def publish(topic, *payloads, retain=False):
    """What a device does."""
    device = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-h", "127.0.0.1", "-p", PORT, "-q", "1", "-t", topic, "-l",
        *(["-r"] if retain else []),
        stdin=asyncio.subprocess.PIPE,
    )
    await device.communicate("".join(f"{p}\n" for p in payloads).encode())
    assert device.returncode == 0


def message(topic, payload, **more):
    return {"topic": topic, "payload": payload, "qos": 0, "retain": False, **more}


@script
async def HouseConsumer():
    async with page("HouseConsumer") as p, page("HouseConsumer") as q:
        await granted("house/+/temperature")
        await publish("house/hall/temperature", "21.5", "warm")
        for each in p, q:
            await gets(
                each,
                {"topic": "house/hall/temperature", "payload": 21.5},
                {"topic": "house/hall/temperature", "payload": "warm"},
            )


@script
async def LampConsumer():
    async with page("LampConsumer") as p:
        await p.send_json_to({"watch": "hall"})
        await granted("house/hall/lamp")
        await publish("house/hall/lamp", "on")
        await gets(p, message("house/hall/lamp", "on"))
        await p.send_json_to({"watch": "cellar"})
        await granted("house/cellar/lamp")
        await publish("house/hall/lamp", "off")
        await publish("house/cellar/lamp", "on")
        await gets(p, message("house/cellar/lamp", "on"))
    async with asyncio.timeout(SOON):
        while any("/lamp" in s for s in await subscriptions()):
            await asyncio.sleep(0.02)


@script
async def GardenConsumer():
    rose = functools.partial(message, "house/garden/rose")
    await publish("house/garden/rose", "dry", retain=True)
    async with page("GardenConsumer") as first:
        await gets(first, rose("dry", retain=True))
        async with page("GardenConsumer") as second:
            await gets(second, rose("dry", retain=True))
            await publish("house/garden/rose", "wet", retain=True)
            for each in first, second:
                await gets(each, rose("wet"))


@script
async def PowerConsumer():
    async with page("PowerConsumer") as p:
        await granted("house/+/power")
        await publish("house/mains/power", *range(20))
        got = []
        while not got or got[-1] != ["house/mains/power", 19]:
            got += await get(p)
        assert got[0][1] == 0 and len(got) < 10, got


@script
async def StateConsumer():
    worker = asyncio.create_task(
        Worker(example["channels"], ["state"], get_channel_layer()).handle()
    )
    for payload in "off", "on":  # the first was retained before anybody was there
        async with asyncio.timeout(SOON):
            while await example["cache"].aget("house/boiler/state") != payload:
                await asyncio.sleep(0.02)
        await publish("house/boiler/state", "on")
    worker.cancel()


@script
async def AlarmConsumer():
    async with page("AlarmConsumer") as p:
        await granted("house/+/alarm")
        await publish("house/cellar/alarm", "fire")
        await gets(p, "fire")
        denied = await ask(type="mqtt.unsubscribe", topic="house/+/alarm", group="alarms")
        assert denied["code"] == "denied", denied
        denied = await ask(type="mqtt.subscribe", topic="#", group="alarms")
        assert denied["code"] == "denied", denied


@script
async def SwitchConsumer():
    async with page("SwitchConsumer") as p:
        await p.send_json_to({"on": True})


@script
async def DoorConsumer():
    async with page("DoorConsumer") as p:
        await p.send_json_to({"door": "front", "id": "1"})
        await gets(p, {"id": "1", "done": True})
        for door, code in ("safe/inner", "denied"), ("#", "bad-topic"):
            await p.send_json_to({"door": door, "id": door})
            got = await get(p)
            assert got.pop("why"), got
            assert got == {"id": door, "done": False, "code": code}, got


@script
async def MeterConsumer():
    async with page("MeterConsumer") as p:
        await p.send_json_to({"meter": "gas"})
        await gets(p, {"reading": 42})
        await p.send_json_to({"meter": "water"})
        await gets(p, {"error": "timeout"})


@script
async def BrokerConsumer():
    state = await ask(type="mqtt.status", id="7")
    assert set(state) == set("type id command connected broker version since reason".split()), state
    assert state["id"] == "7" and state["version"] == "5", state
    async with page("BrokerConsumer") as p:
        await gets(p, {"connected": True})
        print("broker: stop")
        await gets(p, {"connected": False})
        print("broker: start")
        while not (await get(p))["connected"]:
            pass


@script
async def read_stream():
    class Killed(Exception):
        pass

    got = []

    def handle(message):
        got.append((message["topic"], message["payload"]))
        if len(got) in (2, 4):
            raise Killed

    answer = await ask(type="mqtt.subscribe", topic="house/meter/#", stream="meters", qos=1)
    assert answer["stream"] == "meters", answer
    await publish("house/meter/gas", "1", "2", "3")
    db = redis.Redis.from_url(REDIS)
    for _ in range(2):
        with contextlib.suppress(Killed):
            await asyncio.wait_for(asyncio.to_thread(example["read_stream"], db, "meters", handle), SOON)
    assert got == [("house/meter/gas", n) for n in (1, 2, 2, 3)], got
    answer = await ask(type="mqtt.unsubscribe", topic="house/meter/#", stream="meters")
    assert answer["type"] == "mqtt.unsubscribed", answer


@script
async def LightConsumer():
    await publish("house/attic/light", "dim", retain=True)
    async with page("LightConsumer") as p:
        await gets(p, {"room": "attic", "light": "dim"})
        await granted("house/+/light")
        await publish("house/hall/light", "on")
        await gets(p, {"room": "hall", "light": "on"})
        await p.send_json_to({"room": "hall", "light": "off"})
        await p.send_json_to({"room": "hall/secret", "light": "off"})
        await gets(p, {"error": "denied"})


called = set()


def noted(name, method):
    @functools.wraps(method)
    async def call(*args, **arguments):
        called.add(name)
        return await method(*args, **arguments)

    return call


def load():
    """Runs the examples, and has the calls of their methods noted. Returns the
    consumers, and the names of the methods."""
    consumers, methods = [], []
    for document in EXAMPLES:
        own = {"__name__": "examples"}  # each document is read alone
        for text in document:
            before = set(own)
            exec(compile(text, "an example of a document", "exec"), own)
            new = [n for n in own if n not in before and (n.endswith("Consumer") or n == "read_stream") and own[n].__module__ == "examples"]
            assert new, f"no consumer and no reader, so nothing to test, in\n{text}"
            consumers += new
        example.update(own)
    for name in consumers:
        for attribute, method in list(vars(example[name]).items()):
            if inspect.iscoroutinefunction(method):
                methods.append(f"{name}.{attribute}")
                setattr(example[name], attribute, noted(methods[-1], method))
    return consumers, methods


async def main():
    consumers, methods = load()
    assert set(consumers) == set(scripts), f"examples without a script, or scripts without an example: {set(consumers) ^ set(scripts)}"
    for name in consumers:
        print(name)
        await scripts[name]()
    assert called == set(methods), f"no script calls {set(methods) - called}"


asyncio.run(main())
