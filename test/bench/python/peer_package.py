"""The older Python package, as its description on PyPI sets it up."""

import django

django.setup()

from channels.routing import ChannelNameRouter, ProtocolTypeRouter  # noqa: E402
from chanmqttproxy import MqttConsumer  # noqa: E402

application = ProtocolTypeRouter({"channel": ChannelNameRouter({"mqtt": MqttConsumer.as_asgi()})})
