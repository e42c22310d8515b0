"""MQTT for Django Channels.

    publish, request, subscribe, unsubscribe, status    calls; with an a in front for async code
    publish_on_commit                                   publishes when a transaction is committed
    MqttMixin, on_mqtt                                  consumers and handlers that take messages by topic
    Message, Properties, Options, Status                what comes out, and what goes in
    MqttError and its subclasses, PatternError          what is raised
    find_binary, BinaryNotFound                         the program, which is the MQTT worker
    MqttConsumer                                        for an old asgi.py; it does nothing

Django is imported only when a name needs it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from chanmqttproxy.binary import BinaryNotFound, find_binary

if TYPE_CHECKING:
    from chanmqttproxy.calls import (
        apublish,
        arequest,
        astatus,
        asubscribe,
        aunsubscribe,
        publish,
        publish_on_commit,
        request,
        status,
        subscribe,
        unsubscribe,
    )
    from chanmqttproxy.consumers import MqttMixin
    from chanmqttproxy.data import Message, Options, Properties, Status
    from chanmqttproxy.errors import (
        MqttBusy,
        MqttError,
        MqttTimeout,
        MqttUnavailable,
        PatternError,
        PublishRefused,
        SubscribeRefused,
    )
    from chanmqttproxy.marks import on_mqtt
    from chanmqttproxy.mqttconsumer import MqttConsumer

# Where each name is that is imported when it is used.
_MODULES = {
    "calls": (
        "apublish",
        "arequest",
        "astatus",
        "asubscribe",
        "aunsubscribe",
        "publish",
        "publish_on_commit",
        "request",
        "status",
        "subscribe",
        "unsubscribe",
    ),
    "consumers": ("MqttMixin",),
    "data": ("Message", "Options", "Properties", "Status"),
    "errors": (
        "MqttBusy",
        "MqttError",
        "MqttTimeout",
        "MqttUnavailable",
        "PatternError",
        "PublishRefused",
        "SubscribeRefused",
    ),
    "marks": ("on_mqtt",),
    "mqttconsumer": ("MqttConsumer",),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BinaryNotFound",
    "Message",
    "MqttBusy",
    "MqttConsumer",
    "MqttError",
    "MqttMixin",
    "MqttTimeout",
    "MqttUnavailable",
    "Options",
    "PatternError",
    "Properties",
    "PublishRefused",
    "Status",
    "SubscribeRefused",
    "apublish",
    "arequest",
    "astatus",
    "asubscribe",
    "aunsubscribe",
    "find_binary",
    "on_mqtt",
    "publish",
    "publish_on_commit",
    "request",
    "status",
    "subscribe",
    "unsubscribe",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"chanmqttproxy.{_WHERE[name]}"), name)
    if name == "__version__":
        from chanmqttproxy.binary import package_version

        return package_version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
