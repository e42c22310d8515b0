"""MqttMixin: what is wrong at import, and what a connection does."""

import logging
from typing import Any

import pytest
from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from django.test import override_settings
from worlds import Page

from chanmqttproxy import Message, MqttMixin, PatternError, on_mqtt
from chanmqttproxy.checks import IN_MEMORY
from chanmqttproxy.pytest_plugin import mqtt_broker as mqtt_broker
from chanmqttproxy.testing import MqttTestBroker


class RoomPage(MqttMixin, AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    @on_mqtt("house/{url.room}/lamp")
    @on_mqtt("news")
    async def lamp(self, message: Message) -> None:
        await self.send_json(message.payload)


class ClosedPage(RoomPage):
    async def connect(self) -> None:
        raise DenyConnection


def test_wrong_classes() -> None:
    with pytest.raises(TypeError, match="MqttMixin must come before"):

        class Behind(AsyncJsonWebsocketConsumer, MqttMixin):  # type: ignore[misc]
            pass

    with pytest.raises(PatternError, match=r"test_consumers.py:\d+: .* needs async def lamp"):

        class Blocking(MqttMixin, AsyncJsonWebsocketConsumer):  # type: ignore[misc]
            @on_mqtt("lamp")
            def lamp(self, message: Message) -> None: ...

    with pytest.raises(PatternError, match=r"needs def lamp"):

        class Async(MqttMixin, JsonWebsocketConsumer):  # type: ignore[misc]
            @on_mqtt("lamp")
            async def lamp(self, message: Message) -> None: ...

    with pytest.raises(PatternError, match=r"test_consumers.py:\d+ takes the same topics"):

        class Twice(MqttMixin, AsyncJsonWebsocketConsumer):  # type: ignore[misc]
            @on_mqtt("house/{room}")
            async def one(self, message: Message, room: str) -> None: ...

            @on_mqtt("house/+")
            async def two(self, message: Message) -> None: ...

    with pytest.raises(PatternError, match=r"it needs def lamp\(self, message, room\)"):

        class Nameless(MqttMixin, AsyncJsonWebsocketConsumer):  # type: ignore[misc]
            @on_mqtt("house/{room}")
            async def lamp(self, message: Message) -> None: ...


async def test_many_pages(mqtt_broker: MqttTestBroker) -> None:
    """A group for each filter, whoever asks for it."""
    async with Page(RoomPage, room="hall"), Page(RoomPage, room="hall"), Page(RoomPage, room=7):
        subscribed = sorted(subscription.filter for subscription in mqtt_broker.subscriptions)
        assert subscribed == ["house/7/lamp", "house/hall/lamp", "news"]
        assert len({subscription.group for subscription in mqtt_broker.subscriptions}) == 3


@pytest.mark.parametrize("room", ["+", "a/b", "#", "", "a\0"])
async def test_bad_value_of_the_url(
    mqtt_broker: MqttTestBroker, caplog: pytest.LogCaptureFixture, room: Any
) -> None:
    page = Page(RoomPage, room=room)
    assert await page.connect() == "websocket.close"
    await page.connection.wait(60)
    assert mqtt_broker.subscriptions == []
    assert "RoomPage: the connection is closed: {url.room}: the value" in caplog.text


@pytest.mark.parametrize(
    ("layers", "answer", "said"),
    [
        ({}, "websocket.close", "the connection is closed: CHANNEL_LAYERS has no layer called 'default'"),
        ({"default": {"BACKEND": IN_MEMORY}}, "websocket.accept", "RoomPage: The channel layer is in memory"),
    ],
)
async def test_layer_that_no_worker_reads(
    caplog: pytest.LogCaptureFixture, layers: Any, answer: str, said: str
) -> None:
    with override_settings(CHANNEL_LAYERS=layers):
        page = Page(RoomPage, room="hall")
        assert await page.connect() == answer
        await page.__aexit__()
    assert said in caplog.text


async def test_what_connect_refuses(mqtt_broker: MqttTestBroker) -> None:
    page = Page(ClosedPage, room="hall")
    assert await page.connect() == "websocket.close"
    assert mqtt_broker.subscriptions == []
    await page.__aexit__()


async def test_refused_subscribe(mqtt_broker: MqttTestBroker, caplog: pytest.LogCaptureFixture) -> None:
    mqtt_broker.refuse("house/#", reason="not that house")
    with caplog.at_level(logging.ERROR):
        async with Page(RoomPage, room="hall") as page:
            await mqtt_broker.deliver("news", "none")
            assert await page.get() == "none"
    assert "RoomPage: subscribing to house/hall/lamp: denied: not that house" in caplog.text
