from django.db import models


class State(models.Model):
    """What was last published to one topic."""

    topic = models.CharField(max_length=500, primary_key=True)
    payload = models.TextField()
    updated = models.DateTimeField(auto_now=True)

    def shown(self):
        """What a page gets of it."""
        return {
            "topic": self.topic,
            "payload": self.payload,
            "updated": self.updated.isoformat(timespec="seconds"),
        }
