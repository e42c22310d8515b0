from django.urls import path

from .consumers import HouseConsumer, LightConsumer

websocket_urlpatterns = [
    path("ws/house/", HouseConsumer.as_asgi()),
    path("ws/lights/", LightConsumer.as_asgi()),
]
