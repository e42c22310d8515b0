"""Django's settings as the document that the program reads.

The program checks what the values mean. Here they only become JSON. A value that can't
is an error that names its key.
"""

import datetime
import enum
import math
import os
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import LazyObject, Promise, empty

from chanmqttproxy import options

# The settings of the program with a name of their own in Django's settings. All others are
# in the dict CHANMQTTPROXY, since a site may have other MQTT_… settings for its own clients.
NAMES = (
    "MQTT_HOST",
    "MQTT_PORT",
    "MQTT_USER",
    "MQTT_PASSWORD",
    "MQTT_VERSION",
    "MQTT_CHANNEL_NAME",
)
DICT = options.DICT

# Keys of a layer that mean nothing outside Python.
PYTHON_ONLY = ("TEST_CONFIG", "on_disconnect", "on_reconnect")


def document(layer: str = "") -> dict[str, Any]:
    """The settings of the site; layer is the alias of its channel layer.

    It raises ImproperlyConfigured if a value can't be handed over.
    """
    found: dict[str, Any] = {"module": settings_module()}
    for name in (*NAMES, DICT):
        if hasattr(settings, name):
            found[name] = plain(for_the_program(getattr(settings, name)), name)
    found["CHANNEL_LAYERS"] = {"default": channel_layer(layer or layer_alias())}
    return found


def for_the_program(value: Any) -> Any:
    """A setting without what only Python reads of the dict."""
    if not isinstance(value, Mapping):
        return value
    return {key: entry for key, entry in value.items() if str(key).upper() not in options.PYTHON_ONLY}


def settings_module() -> str:
    return str(getattr(settings, "SETTINGS_MODULE", None) or "settings.configure()")


def layer_alias() -> str:
    """The alias of the layer to use: MQTT_CHANNEL_LAYER, or "default"."""
    name = "MQTT_CHANNEL_LAYER"
    return str(os.environ.get(name) or getattr(settings, name, "default"))


def channel_name() -> str:
    """The channel on which the site sends commands."""
    name = "MQTT_CHANNEL_NAME"
    others = {str(key).upper(): value for key, value in (getattr(settings, DICT, None) or {}).items()}
    return str(os.environ.get(name) or getattr(settings, name, "") or others.get(name) or "mqtt")


def channel_layer(alias: str) -> Any:
    """One layer of CHANNEL_LAYERS as JSON can hold it."""
    layers = getattr(settings, "CHANNEL_LAYERS", None) or {}
    if not layers.get(alias):
        raise ImproperlyConfigured(
            f"CHANNEL_LAYERS has no layer called {alias!r}. The MQTT worker and the site meet in Redis: "
            'set it to {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", '
            '"CONFIG": {"hosts": ["redis://localhost:6379"]}}}.'
        )
    return plain(layers[alias], f'CHANNEL_LAYERS["{alias}"]')


def plain(value: Any, path: str) -> Any:
    """A value as JSON can hold it; path is what it is called in an error."""
    value = unwrapped(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ImproperlyConfigured(f"{path}: {value} is not a number that the MQTT worker can take.")
    if value is None or isinstance(value, (bool, int, float)):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return mapping(value, path)
    if isinstance(value, (Sequence, AbstractSet)) and not isinstance(value, (bytes, bytearray)):
        return [plain(entry, f"{path}[{i}]") for i, entry in enumerate(value)]
    return scalar(value, path)


def unwrapped(value: Any) -> Any:
    """The value behind Django's lazy values, enumerations and parsed URLs."""
    if isinstance(value, LazyObject):
        if value.__dict__.get("_wrapped") is empty:
            value._setup()
        value = value.__dict__["_wrapped"]
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (urllib.parse.ParseResult, urllib.parse.SplitResult)):
        return value.geturl()
    return value


def mapping(value: Mapping[Any, Any], path: str) -> Any:
    if any(isinstance(key, re.Pattern) for key in value):
        return capacities(value, path)
    found = {}
    for key, entry in value.items():
        key = unwrapped(key)
        if not isinstance(key, str):
            raise ImproperlyConfigured(f"{path}: the key {key!r} is not text.")
        if key not in PYTHON_ONLY:
            found[str.__str__(key)] = plain(entry, f'{path}["{key}"]')
    return found


def capacities(value: Mapping[Any, Any], path: str) -> list[list[Any]]:
    """channel_capacity with compiled patterns, as pairs in their order."""
    pairs = []
    for key, capacity in value.items():
        name: Any = key
        if isinstance(key, re.Pattern):
            name = {
                "regex": plain(key.pattern, path),
                "ignore_case": bool(key.flags & re.IGNORECASE),
            }
        pairs.append([name, plain(capacity, f'{path}["{key}"]')])
    return pairs


def scalar(value: Any, path: str) -> Any:
    if isinstance(value, os.PathLike):
        return plain(os.fspath(value), path)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise ImproperlyConfigured(
                f"{path}: bytes that are not UTF-8 can't be handed to the MQTT worker. Give text, "
                "here and in every process of the site."
            ) from None
    raise ImproperlyConfigured(
        f"{path}: a Python object ({type(value).__module__}.{type(value).__qualname__}) can't be handed "
        "to the MQTT worker. Give text, numbers, lists and dicts; a URL as str(url)."
    )
