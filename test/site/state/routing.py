from django.urls import path

from .consumers import PageConsumer, StateConsumer

websocket_urlpatterns = [
    path("ws/state/", PageConsumer.as_asgi()),
]

channels = {"state": StateConsumer.as_asgi()}
