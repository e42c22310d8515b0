"""What many sites do: a paho client whose callback writes the row."""

import datetime
import os

import django

django.setup()

import paho.mqtt.client as paho  # noqa: E402
from house.models import Reading, Sensor  # noqa: E402


def keep(client, userdata, message):
    _house, room, _kind, sensor = message.topic.split("/")
    for found in Sensor.objects.filter(room__slug=room, slug=sensor):
        Reading.objects.create(
            sensor=found, time=datetime.datetime.now(datetime.UTC), value=float(message.payload)
        )


host, port = os.environ["MQTT_HOST"].split(":")
client = paho.Client(paho.CallbackAPIVersion.VERSION2)
client.on_connect = lambda *_: client.subscribe("house/+/sensor/+", 1)
client.on_message = keep
client.connect(host, int(port))
client.loop_forever()
