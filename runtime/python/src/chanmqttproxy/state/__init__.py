"""The newest message of each topic, as a model.

Put "chanmqttproxy.state" into INSTALLED_APPS, migrate, and name the topics:
CHANMQTTPROXY = {"STATE": ["house/#"]}. `manage.py runmqtt` then keeps them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chanmqttproxy.state.models import LastMessage

__all__ = ["alast", "last"]


def last(topic_filter: str) -> "list[LastMessage]":
    """The newest message of each topic that matches an MQTT filter ("house/+/lamp"), in the order of
    the topics. It raises ValueError if it is no filter."""
    from chanmqttproxy.state.models import LastMessage

    return list(LastMessage.objects.matching(topic_filter))


async def alast(topic_filter: str) -> "list[LastMessage]":
    """As last, for async code."""
    from chanmqttproxy.state.models import LastMessage

    return [message async for message in LastMessage.objects.matching(topic_filter)]
