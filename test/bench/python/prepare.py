"""Makes a room with a lamp and BENCH_TOPICS sensors."""

import os

import django

django.setup()

from house.models import Lamp, Room, Sensor  # noqa: E402

room = Room.objects.create(name="Bench", slug="bench")
Lamp.objects.create(pk=1, room=room, name="Lamp", slug="lamp")
Sensor.objects.bulk_create(
    Sensor(room=room, name=f"s{i}", slug=f"s{i}") for i in range(int(os.environ["BENCH_TOPICS"]))
)
