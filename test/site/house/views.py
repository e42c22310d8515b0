from datetime import timedelta

from chanmqttproxy import MqttError, publish
from chanmqttproxy.state import last
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from .models import Lamp, Room, Sensor


def house(request):
    """All rooms, with the newest value of each device at the first paint."""
    values = {message.topic: message.value for message in last("house/#")}
    rooms = list(Room.objects.prefetch_related("lamp_set", "sensor_set"))
    for room in rooms:
        for device in *room.lamp_set.all(), *room.sensor_set.all():
            device.value = values.get(device.topic)
    return render(request, "house/house.html", {"rooms": rooms})


def sensor(request, pk):
    """One sensor, with its readings of the last day."""
    sensor = get_object_or_404(Sensor.objects.select_related("room"), pk=pk)
    newest = last(sensor.topic)
    since = timezone.now() - timedelta(days=1)
    readings = sensor.reading_set.filter(time__gte=since).order_by("-time")[:1000]
    context = {
        "sensor": sensor,
        "value": newest[0].value if newest else None,
        "readings": [[r.time.timestamp(), r.value] for r in reversed(readings)],
    }
    return render(request, "house/sensor.html", context)


@require_POST
def switch(request, pk):
    """Tells a lamp what to be; answers with the reason if the broker does not take it."""
    lamp = get_object_or_404(Lamp.objects.select_related("room"), pk=pk)
    try:
        publish(f"{lamp.topic}/set", request.POST["to"])
    except MqttError as error:
        return JsonResponse({"reason": error.reason}, status=502)
    return HttpResponse(status=204)
