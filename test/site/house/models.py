from django.db import models
from django.urls import reverse


class Room(models.Model):
    name = models.CharField(max_length=50)
    slug = models.SlugField(unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class Device(models.Model):
    """Something in a room that talks MQTT."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE)
    name = models.CharField(max_length=50)
    slug = models.SlugField()

    class Meta:
        abstract = True
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["room", "slug"], name="%(class)s_slug_in_room")]

    def __str__(self):
        return f"{self.room}: {self.name}"

    @property
    def topic(self):
        """Where the device publishes what it measures or how it is."""
        return f"house/{self.room.slug}/{self._meta.model_name}/{self.slug}"


class Lamp(Device):
    """It publishes "on" or "off", retained, and obeys what is published to `topic`/set."""


class Sensor(Device):
    """It publishes a number."""

    unit = models.CharField(max_length=10, blank=True)

    def get_absolute_url(self):
        return reverse("sensor", args=[self.pk])


class Reading(models.Model):
    """One value of a sensor: mqtt_handlers.py keeps them."""

    sensor = models.ForeignKey(Sensor, on_delete=models.CASCADE)
    time = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        ordering = ["time"]
        indexes = [models.Index(fields=["sensor", "time"], name="reading_of_sensor")]

    def __str__(self):
        return f"{self.value:g}"
