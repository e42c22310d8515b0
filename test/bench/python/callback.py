"""What many sites do: a paho client whose callback writes the row."""

import datetime
import os

import django

django.setup()

import paho.mqtt.client as paho  # noqa: E402
from chanmqttproxy.state.models import LastMessage  # noqa: E402
from house.models import Reading, Sensor  # noqa: E402


def keep(client, userdata, message):
    _house, room, _kind, sensor = message.topic.split("/")
    for found in Sensor.objects.filter(room__slug=room, slug=sensor):
        Reading.objects.create(
            sensor=found, time=datetime.datetime.now(datetime.UTC), value=float(message.payload)
        )


def keep_last(client, userdata, message):
    values = {"kind": LastMessage.JSON, "value": int(message.payload), "qos": message.qos}
    values |= {"retain": message.retain, "received": datetime.datetime.now(datetime.UTC)}
    LastMessage.objects.update_or_create(topic=message.topic, defaults=values)


wanted = "state/#" if os.environ.get("BENCH_STATE") else "house/+/sensor/+"
host, port = os.environ["MQTT_HOST"].split(":")
client = paho.Client(paho.CallbackAPIVersion.VERSION2)
client.on_connect = lambda *_: client.subscribe(wanted, 1)
client.on_message = keep_last if os.environ.get("BENCH_STATE") else keep
client.connect(host, int(port))
client.loop_forever()
