"""The MQTT worker of a Django Channels site: the binary, and what starts it with Django's settings.

`MqttConsumer` is here so that an `asgi.py` written for the Python package of this name
works unchanged. Django is imported only when a name needs it.
"""

from typing import TYPE_CHECKING, Any

from chanmqttproxy.binary import BinaryNotFound, find_binary

if TYPE_CHECKING:
    from chanmqttproxy.mqttconsumer import MqttConsumer

__all__ = ["BinaryNotFound", "MqttConsumer", "find_binary"]


def __getattr__(name: str) -> Any:
    if name == "MqttConsumer":
        from chanmqttproxy.mqttconsumer import MqttConsumer

        return MqttConsumer
    if name == "__version__":
        from chanmqttproxy.binary import package_version

        return package_version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
