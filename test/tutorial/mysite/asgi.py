import os

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from chanmqttproxy import MqttConsumer
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django_asgi_app = get_asgi_application()

import chat.routing  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_asgi_app,
        "websocket": URLRouter(chat.routing.websocket_urlpatterns),
        "channel": ChannelNameRouter({"mqtt": MqttConsumer.as_asgi()}),
    }
)
