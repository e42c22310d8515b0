"""What the commands start, and what they say where they can't."""

import sys
from typing import Any

import pytest
from channels.routing import ChannelNameRouter
from django.core.management import CommandError, call_command
from django.test import override_settings

import chanmqttproxy
from chanmqttproxy import binary, handover, launch
from chanmqttproxy.mqttconsumer import MqttConsumer


class Started(Exception):
    """The program would have been started."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Command lines of the program, none of which is run."""
    lines: list[Any] = []

    def become(command: list[str], document: Any) -> int:
        lines.append(command[1:])
        raise Started

    monkeypatch.setattr(launch, "become", become)
    return lines


def test_runmqtt(started: list[Any]) -> None:
    with pytest.raises(Started):
        call_command("runmqtt", "--", "--log-level", "debug")
    with pytest.raises(Started):
        call_command("runmqtt", "--check")
    assert started == [["run", "--log-level", "debug"], ["check", "--connect"]]


def test_runworker(started: list[Any]) -> None:
    with pytest.raises(Started):
        call_command("runworker", "mqtt")
    assert started == [["run"]]


def test_runworker_with_another_name(started: list[Any]) -> None:
    with override_settings(MQTT_CHANNEL_NAME="devices"), pytest.raises(Started):
        call_command("runworker", "devices")


def test_runworker_beside_another(monkeypatch: pytest.MonkeyPatch) -> None:
    beside: list[Any] = []
    monkeypatch.setattr(handover, "Companion", lambda command, document: beside.append(command[1:]))
    read = watch_channels(monkeypatch)
    with override_settings(ASGI_APPLICATION="test_commands.application"):
        call_command("runworker", "other", "mqtt")
        call_command("runworker", "other")
    assert beside == [["run"]]
    assert read == [["other"], ["other"]]


def test_channels_own_runworker(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A site without our app: its application is imported before a command is read."""
    from channels.management.commands import runworker

    read = watch_channels(monkeypatch)
    monkeypatch.delitem(sys.modules, "old_asgi", raising=False)
    with override_settings(ASGI_APPLICATION="old_asgi.application"), pytest.raises(Started):
        call_command(runworker.Command(), "mqtt")
    assert started == [["run"]]
    assert read == []


def test_channels_own_runworker_beside_another(monkeypatch: pytest.MonkeyPatch) -> None:
    from channels.management.commands import runworker

    beside: list[Any] = []
    monkeypatch.setattr(handover, "Companion", lambda command, document: beside.append(command[1:]))
    read = watch_channels(monkeypatch)
    monkeypatch.delitem(sys.modules, "old_asgi", raising=False)
    with override_settings(ASGI_APPLICATION="old_asgi.application"):
        call_command(runworker.Command(), "mqtt", "other")
    assert beside == [["run"]]
    assert read == [["other"]]


def watch_channels(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The channels that Channels' own workers would have read."""
    from channels.worker import Worker

    read: list[list[str]] = []
    monkeypatch.setattr(Worker, "run", lambda self: read.append(list(self.channels)))
    return read


async def application(scope: Any, receive: Any, send: Any) -> None:
    """An application for workers of other channels."""


def test_consumer_is_inert() -> None:
    class Mine(chanmqttproxy.MqttConsumer):
        pass

    assert chanmqttproxy.MqttConsumer is MqttConsumer
    ChannelNameRouter({"mqtt": Mine.as_asgi()})


def test_consumer_ends_a_worker_of_its_channel(capsys: pytest.CaptureFixture[str]) -> None:
    """asgi.py was imported before: the command goes back, and one sentence says what to do."""
    import asyncio

    from channels.layers import get_channel_layer

    async def receive() -> dict[str, Any]:
        return {"type": "mqtt.publish"}

    async def put_back() -> Any:
        with pytest.raises(SystemExit):
            await MqttConsumer.as_asgi()({"type": "channel", "channel": "mqtt"}, receive, None)
        layer = get_channel_layer()
        assert layer is not None
        return await layer.receive("mqtt")

    memory = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    with override_settings(CHANNEL_LAYERS=memory):
        assert asyncio.run(put_back()) == {"type": "mqtt.publish"}
    assert "Put 'chanmqttproxy' above 'channels'" in capsys.readouterr().err


def test_runworker_takes_the_alias_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def document(layer: str) -> dict[str, Any]:
        asked.append(layer)
        return {}

    monkeypatch.setattr(handover, "document", document)
    monkeypatch.setattr(launch, "become", lambda command, document: 0)
    for arguments in (["mqtt"], ["mqtt", "--layer", "other"]):
        with pytest.raises(SystemExit):
            call_command("runworker", *arguments)
    assert asked == ["", "other"]


def test_runworker_of_a_name_in_the_dict(started: list[Any]) -> None:
    with override_settings(CHANMQTTPROXY={"mqtt_channel_name": "devices"}), pytest.raises(Started):
        call_command("runworker", "devices")


def test_without_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "_candidates", lambda: iter([]))
    with pytest.raises(CommandError, match="not found") as error:
        call_command("runmqtt")
    assert error.value.returncode == 2
