"""A consumer of mqttasgi that passes messages on to groups, and publishes what is asked for."""

import asyncio
import json

import django

django.setup()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from mqttasgi.consumers import MqttConsumer  # noqa: E402


class Bridge(MqttConsumer):
    async def connect(self):
        await self.subscribe("bench/#", qos=1)
        self.publishing = asyncio.create_task(self.publish_all())

    async def receive(self, mqtt_message):
        event = {"topic": mqtt_message["topic"], "qos": mqtt_message["qos"]}
        event["payload"] = json.loads(mqtt_message["payload"])
        group = "bench_" + event["topic"].split("/")[1]
        await self.channel_layer.group_send(group, {"type": "mqtt.message", "message": event})

    async def publish_all(self):
        while True:
            command = await self.channel_layer.receive("mqtt")
            if "publish" in command:
                await self.publish(**command["publish"])

    async def disconnect(self):
        self.publishing.cancel()


application = ProtocolTypeRouter({"mqtt": Bridge.as_asgi()})
