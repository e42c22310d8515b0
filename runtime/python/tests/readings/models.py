"""A model that messages are appended to."""

import datetime

from django.db import models


class Reading(models.Model):
    """A temperature of a room."""

    room: "models.CharField[str, str]" = models.CharField(max_length=20)
    celsius: "models.FloatField[float, float]" = models.FloatField()
    at: "models.DateTimeField[datetime.datetime, datetime.datetime]" = models.DateTimeField()
    source: "models.CharField[str, str]" = models.CharField(max_length=10, default="mqtt")
