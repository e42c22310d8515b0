"""The asgi.py of a site that was written for the replaced package."""

from channels.routing import ChannelNameRouter, ProtocolTypeRouter

from chanmqttproxy import MqttConsumer

application = ProtocolTypeRouter({"channel": ChannelNameRouter({"mqtt": MqttConsumer.as_asgi()})})
