"""A site with one page: its WebSocket gets each event of a subscription as one frame."""

import django

django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class Page(AsyncJsonWebsocketConsumer):
    groups = ["bench_page"]

    async def connect(self):
        wanted = self.scope["url_route"]["kwargs"]
        command = {"type": "mqtt.subscribe", "topic": wanted["name"] + "/#", "group": "bench_page"}
        command |= {"qos": 1, "batch": wanted["batch"], "reply_channel": self.channel_name}
        await self.channel_layer.send("mqtt", command)
        await self.accept()

    async def mqtt_subscribed(self, event):
        await self.send_json([])

    async def mqtt_message(self, event):
        await self.show([event["message"]])

    async def mqtt_messages(self, event):
        await self.show(event["messages"])

    async def show(self, messages):
        await self.send_json([[m["topic"], m["payload"]] for m in messages])


site = URLRouter([path("<name>/<int:batch>/", Page.as_asgi())])
application = ProtocolTypeRouter({"websocket": site})
