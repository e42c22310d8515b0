"""What many sites do in twenty lines: paho in a thread, and group_send."""

import asyncio
import json
import os

import django

django.setup()

import paho.mqtt.client as paho  # noqa: E402
from asgiref.sync import async_to_sync  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402

layer = get_channel_layer()


def on_message(client, userdata, message):
    event = {"topic": message.topic, "payload": json.loads(message.payload), "qos": message.qos}
    group = "bench_" + message.topic.split("/")[1]
    async_to_sync(layer.group_send)(group, {"type": "mqtt.message", "message": event})


async def publish_all():
    while True:
        command = await layer.receive("mqtt")
        if "publish" in command:
            client.publish(**command["publish"])


client = paho.Client(paho.CallbackAPIVersion.VERSION2)
client.on_connect = lambda *_: client.subscribe("bench/#", 1)
client.on_message = on_message
client.connect("127.0.0.1", int(os.environ["MQTT_PORT"]))
client.loop_start()
asyncio.run(publish_all())
