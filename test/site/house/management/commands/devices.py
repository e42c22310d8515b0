import random
import time
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from django.conf import settings
from django.core.management.base import BaseCommand

from house.models import Lamp, Sensor


class Command(BaseCommand):
    help = "Plays the lamps and sensors of the house, for who has none."

    def add_arguments(self, parser):
        parser.add_argument("--every", type=float, default=5, help="seconds")

    def handle(self, *args, every, **options):
        broker = urlsplit(f"//{settings.MQTT_HOST}")
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.on_connect = lambda *_: client.subscribe("house/+/lamp/+/set", 1)
        client.on_message = obey
        client.connect(broker.hostname, broker.port or 1883)
        client.loop_start()
        for lamp in Lamp.objects.select_related("room"):
            client.publish(lamp.topic, "off", qos=1, retain=True)
        values = {s.topic: 20.0 for s in Sensor.objects.select_related("room")}
        while True:
            for topic in values:
                values[topic] += random.uniform(-0.5, 0.5)
                client.publish(topic, f"{values[topic]:.1f}", qos=1)
            time.sleep(every)


def obey(client, userdata, message):
    """Does as the lamp is told, and says so."""
    lamp = message.topic.removesuffix("/set")
    client.publish(lamp, message.payload, qos=1, retain=True)
