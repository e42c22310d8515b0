"""What becomes of Django's settings, as far as the program itself reads it."""

import enum
import json
import os
import re
import ssl
import subprocess
import urllib.parse
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.utils.functional import SimpleLazyObject, lazystr

from chanmqttproxy import launch
from chanmqttproxy.binary import find_binary
from chanmqttproxy.document import document

CORE = "channels_redis.core.RedisChannelLayer"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"


def layer(backend: str = CORE, **config: Any) -> dict[str, Any]:
    return {"default": {"BACKEND": backend, "CONFIG": config}}


def program(*arguments: str) -> tuple[int, str]:
    """The exit code and the output of the program with the settings."""
    process = launch.start(
        [str(find_binary()), *arguments], document(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    out, _ = process.communicate()
    return process.returncode, out


class Host(enum.Enum):
    CACHE = "redis://cache:6380/3"


TAKEN = {
    "tuple": (layer(hosts=[("cache", 6380)]), "cache:6380, database 0"),
    "tuple of tuples": (layer(hosts=(("cache", "6380"),)), "cache:6380"),
    "URL": (layer(hosts=["redis://:pw@cache:6380/3"]), "cache:6380, database 3"),
    "lazy text": (layer(hosts=[lazystr("redis://cache:6380/3")]), "database 3"),
    "lazy object": (layer(hosts=SimpleLazyObject(lambda: ["redis://cache:6380"])), "cache:6380"),
    "enumeration": (layer(hosts=[Host.CACHE]), "database 3"),
    "parsed URL": (layer(hosts=[urllib.parse.urlparse("redis://cache:6380/3")]), "database 3"),
    "TLS": (layer(hosts=[{"address": "rediss://cache:6380", "ssl_cert_reqs": ssl.CERT_NONE}]), "TLS"),
    "TLS none": (layer(hosts=[{"address": "rediss://cache", "ssl_cert_reqs": None}]), "TLS"),
    "socket": (layer(hosts=[{"path": Path("/run/redis.sock")}]), "/run/redis.sock"),
    "Sentinel": (
        layer(hosts=[{"sentinels": [("a", 26379), ("b", 26379)], "master_name": "m"}]),
        "database 0",
    ),
    "keys in bytes": (layer(hosts=["redis://cache"], symmetric_encryption_keys=[b"k\xc3\xa9y"]), "encrypted"),
    "numbers": (layer(capacity=200, expiry=30, group_expiry=3600, prefix="site"), "capacity 200"),
    "patterns": (
        layer(channel_capacity={"http.*": 20, re.compile(r"^ws\.[a-z]+$", re.I): 30}),
        '20 for "http.*", 30 for "^ws',
    ),
    "callables": (layer(PUBSUB, on_disconnect=print, on_reconnect=print), "pub/sub"),
    "test configuration": ({"default": {"BACKEND": CORE, "TEST_CONFIG": object()}}, "localhost:6379"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_layer_is_taken(name: str) -> None:
    layers, want = TAKEN[name]
    with override_settings(CHANNEL_LAYERS=layers):
        code, out = program("check")
    assert code == 0, out
    assert want in out


REFUSED = {
    "object": (
        layer(hosts=[{"connection_class": object}]),
        r'\["hosts"\]\[0\]\["connection_class"\]: a Python object',
    ),
    "context": (layer(hosts=[{"ssl_context": ssl.create_default_context()}]), "SSLContext"),
    "bytes": (layer(symmetric_encryption_keys=[b"\xff"]), r'\["symmetric_encryption_keys"\]\[0\]: bytes'),
    "no layer": ({}, "CHANNEL_LAYERS has no layer called 'default'"),
    "keys": ({"default": {7: 1}}, "the key 7 is not text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_json_cannot_hold_is_an_error(name: str) -> None:
    layers, want = REFUSED[name]
    with override_settings(CHANNEL_LAYERS=layers), pytest.raises(ImproperlyConfigured, match=want):
        document()


def test_secrets_are_not_masked() -> None:
    class Secret(str):
        def __str__(self) -> str:
            return "**********"

    with override_settings(MQTT_PASSWORD=Secret("open sesame")):
        assert document()["MQTT_PASSWORD"] == "open sesame"


def test_program_names_the_setting() -> None:
    with override_settings(
        SETTINGS_MODULE="mysite.settings", MQTT_PORT="high", CHANMQTTPROXY={"MQTT_KEEPALIV": 3}
    ):
        code, out = program("check")
    assert code == 2
    assert 'MQTT_PORT (mysite.settings): "high" is not a whole number' in out
    assert (
        'CHANMQTTPROXY["MQTT_KEEPALIV"] (mysite.settings): no such setting; did you mean MQTT_KEEPALIVE?'
        in out
    )


def test_dict_holds_everything_else() -> None:
    values = {"MQTT_KEEPALIVE": timedelta(minutes=2), "mqtt_will_topic": "gone", "MQTT_TLS_INSECURE": True}
    with override_settings(MQTT_HOST=["one", "two"], MQTT_PORT=1884, CHANMQTTPROXY=values):
        code, out = program("config", "print")
    assert code == 0, out
    assert 'mqtt_keepalive: "120"' in out
    assert 'mqtt_host: "one,two"' in out
    assert "mqtt_tls_insecure: true" in out


def test_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = {"default": {"BACKEND": object}, "mqtt": layer(hosts=["redis://other"])["default"]}
    with override_settings(CHANNEL_LAYERS=layers):
        assert document("mqtt")["CHANNEL_LAYERS"]["default"]["CONFIG"] == {"hosts": ["redis://other"]}
        monkeypatch.setenv("MQTT_CHANNEL_LAYER", "mqtt")
        assert program("check")[0] == 0


def test_secrets_are_in_no_list_of_processes() -> None:
    with override_settings(MQTT_USER="site", MQTT_PASSWORD="open sesame"):
        environment, descriptors = launch.environment_with(document())
    try:
        assert "sesame" not in json.dumps(environment)
        assert len(descriptors) == 1
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_without_memfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with override_settings(MQTT_HOST="elsewhere"):
        code, out = program("check")
    assert code == 0 and "mqtt://elsewhere:1883" in out
