"""The consumer that an asgi.py of the replaced package names. It does nothing here.

The worker is another process, which reads the channel itself. Where Channels' own
`runworker` was started for that channel, the program takes over at this place: Channels
imports the site's application before it reads a command.
"""

import sys
from typing import Any

from channels.consumer import AsyncConsumer
from channels.layers import get_channel_layer

from chanmqttproxy import handover
from chanmqttproxy.document import layer_alias

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
        """End the worker that reads this channel, and put back what it has read."""
        channel = scope.get("channel", "mqtt")
        layer = get_channel_layer(layer_alias())
        if layer is not None:
            await layer.send(channel, await receive())
        print(WRONG_WORKER.format(channel), file=sys.stderr)
        raise SystemExit(2)
