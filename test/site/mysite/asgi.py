import os

from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
# Before the imports that need Django's apps to be loaded.
django_application = get_asgi_application()

import chat.routing  # noqa: E402
import state.routing  # noqa: E402

websocket_urlpatterns = (
    chat.routing.websocket_urlpatterns + state.routing.websocket_urlpatterns
)

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns)),
        "channel": ChannelNameRouter(state.routing.channels),  # runworker
    }
)
