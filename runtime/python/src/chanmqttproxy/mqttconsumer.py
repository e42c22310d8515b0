"""The consumer that an asgi.py of the replaced package names. It does nothing here.

The worker is another process, which reads the channel itself. Where Channels' own
`runworker` was started for that channel, the program takes over at this place: Channels
imports the site's application before it reads a command.
"""

from typing import Any

from channels.consumer import AsyncConsumer
from django.core.exceptions import ImproperlyConfigured

from chanmqttproxy import handover

WRONG_WORKER = (
    "The channel {0!r} is read by the MQTT worker, not by this process. Put 'chanmqttproxy' above "
    "'channels' in INSTALLED_APPS, then start: manage.py runworker {0}"
)


class MqttConsumer(AsyncConsumer):  # type: ignore[misc]
    """Stands in asgi.py for the channel of the MQTT worker, and handles nothing."""

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        handover.from_channels_runworker()
        return super().as_asgi(**initkwargs)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise ImproperlyConfigured(WRONG_WORKER.format(scope.get("channel", "mqtt")))
