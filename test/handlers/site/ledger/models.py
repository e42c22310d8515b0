from django.db import models


class Line(models.Model):
    """A message that a handler was given, in the order in which they were committed."""

    topic = models.CharField(max_length=100)
    number = models.IntegerField()
