"""`manage.py runmqtt` runs these for each message, whether or not a page is open."""

from chanmqttproxy import on_mqtt

from .models import Reading, Sensor


@on_mqtt("house/{room}/sensor/{sensor}", qos=1)
def reading(message, room, sensor):
    """Keeps what a sensor has measured, for the plot."""
    for found in Sensor.objects.filter(room__slug=room, slug=sensor):
        Reading.objects.create(sensor=found, time=message.received, value=float(message.payload))
