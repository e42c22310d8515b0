"""The system checks, each with what it is for."""

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest
from django.core import checks as django_checks
from django.test import override_settings

from chanmqttproxy import binary, checks
from chanmqttproxy.errors import PatternError
from chanmqttproxy.handlers.registry import ImportFailed


def found(deploy: bool = False) -> dict[str, str]:
    """The messages of our checks, by their number."""
    messages = django_checks.run_checks(
        tags=[checks.TAG, checks.SETTINGS_TAG], include_deployment_checks=deploy
    )
    return {str(message.id): f"{message.msg} {message.hint or ''}" for message in messages}


def test_nothing_to_say() -> None:
    assert found(deploy=True) == {}


def test_replaced_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.distribution

    def distribution(name: str) -> Any:
        return real("django") if name == binary.REPLACED else real(name)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    assert "pip uninstall chanmqttproxy" in found()["chanmqttproxy.E001"]


def test_program_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binary, "_candidates", lambda: iter([tmp_path / "none"]))
    assert "was not found" in found()["chanmqttproxy.W002"]


def test_program_may_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "chanmqttproxy"
    program.write_text("")
    monkeypatch.setattr(binary, "_candidates", lambda: iter([program]))
    assert "chmod +x" in found()["chanmqttproxy.W002"]


def test_old_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "package_version", lambda: "9.9.9")
    assert "the package is 9.9.9" in found()["chanmqttproxy.W003"]


def test_order_of_apps() -> None:
    with override_settings(INSTALLED_APPS=["channels", "chanmqttproxy"]):
        assert "above 'channels'" in found()["chanmqttproxy.W004"]


def test_faults_of_the_program() -> None:
    with override_settings(MQTT_PORT=0):
        assert "MQTT_PORT" in found()["chanmqttproxy.W005"]


def test_layer_in_memory() -> None:
    memory = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    with override_settings(CHANNEL_LAYERS=memory, DEBUG=False):
        assert set(found()) == {"chanmqttproxy.W010"}
    with override_settings(CHANNEL_LAYERS=memory, DEBUG=True):
        assert found() == {}


def test_redis_that_gives_up_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "8.1.0" if name == "redis" else real(name)
    )
    assert "pip install 'redis<8'" in found()["chanmqttproxy.W011"]
    host = {"address": "redis://localhost:6379", "socket_timeout": None}
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [host]}}
    with override_settings(CHANNEL_LAYERS={"default": layer}):
        assert "chanmqttproxy.W011" not in found()


@pytest.mark.parametrize(
    ("error", "said"),
    [(PatternError("a.py:3: no filter"), "a.py:3: no filter."), (ImportFailed("a.py: x"), "a.py: x.")],
)
def test_handlers_that_are_wrong(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    def discover(errors: list[Exception]) -> None:
        errors.append(error)

    monkeypatch.setattr(checks, "discover", discover)
    assert said in found()["chanmqttproxy.W012"]


def test_misspelt() -> None:
    with override_settings(MQTT_USERNAME="u"):
        assert "Did you mean MQTT_USER?" in found()["chanmqttproxy.W006"]
    with override_settings(CHANMQTT_PROXY={}):
        assert "Did you mean CHANMQTTPROXY?" in found()["chanmqttproxy.W006"]
    with override_settings(MQTT_USERNAME="u", MQTT_USER="u", MQTT_QOS=1):
        assert found() == {}


def test_environment_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_HOST", "one")
    monkeypatch.setenv("MQTT_PORT", "1884")
    with override_settings(MQTT_HOST="two", MQTT_PORT=1884):
        assert set(found()) == {"chanmqttproxy.W007"}


def test_environment_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_HOST", "one,two")
    monkeypatch.setenv("HTTP_ACT", "true")
    monkeypatch.setenv(
        "CHANNEL_LAYERS", json.dumps({"default": {"BACKEND": "x", "CONFIG": {"hosts": [["a", 1]]}}})
    )
    layers = {"default": {"BACKEND": "x", "CONFIG": {"hosts": [("a", 1)]}}}
    with override_settings(MQTT_HOST=["one", "two"], CHANMQTTPROXY={"http_act": True}, CHANNEL_LAYERS=layers):
        assert "chanmqttproxy.W007" not in found()
    layers = {"default": {"BACKEND": "x", "CONFIG": {"hosts": [("b", 1)]}}}
    with override_settings(CHANNEL_LAYERS=layers):
        assert "CHANNEL_LAYERS differs" in found()["chanmqttproxy.W007"]


@pytest.mark.parametrize("layers", [None, {"default": None}])
def test_no_layer(layers: Any) -> None:
    with override_settings(CHANNEL_LAYERS=layers):
        assert "no layer called 'default'" in found()["chanmqttproxy.W005"]


def test_channel_that_nobody_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = tmp_path / "consumers.py"
    code.write_text('send("mqtt", {})')
    monkeypatch.setattr(checks, "site_files", lambda folder: [code])
    with override_settings(MQTT_CHANNEL_NAME="devices"):
        assert "'devices'" in found()["chanmqttproxy.W008"]
        code.write_text('send("devices", {})')
        assert found() == {}
        code.unlink()  # as the lock of an editor, which leads nowhere
        assert set(found()) == {"chanmqttproxy.W008"}


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        ("broker.example.org", True),
        ("mqtts://broker.example.org", False),
        ("127.0.0.2", False),
        ("ws://h/m", True),
    ],
)
def test_encryption(host: str, warned: bool) -> None:
    with override_settings(MQTT_HOST=host):
        assert ("chanmqttproxy.W009" in found(deploy=True)) == warned
        assert found() == {}
