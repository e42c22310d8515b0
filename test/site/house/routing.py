from django.urls import path

from .consumers import HouseConsumer

websocket_urlpatterns = [path("ws/house/", HouseConsumer.as_asgi())]
