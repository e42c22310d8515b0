import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
# Before the imports that need Django's apps to be loaded.
django_application = get_asgi_application()

import chat.routing  # noqa: E402
import house.routing  # noqa: E402

websocket_urlpatterns = chat.routing.websocket_urlpatterns + house.routing.websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns)),
    }
)
