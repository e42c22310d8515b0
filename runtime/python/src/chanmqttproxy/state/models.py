"""The newest message of each topic."""

import datetime
from typing import Any

from django.db import connections, models

from chanmqttproxy.state.query import condition

# PostgreSQL's indexes take no value of more than 2,704 bytes.
MAX_TOPIC_BYTES = 2600


class LastMessages(models.QuerySet["LastMessage"]):
    """A set of last messages."""

    def matching(self, topic_filter: str) -> "LastMessages":
        """Those whose topic matches an MQTT filter ("house/+/lamp").

        The levels before the first wildcard are looked up in the index. It raises ValueError if
        it is no filter.
        """
        return self.filter(condition(topic_filter, connections[self.db].vendor))


class LastMessageManager(models.Manager["LastMessage"]):
    def get_queryset(self) -> LastMessages:
        return LastMessages(self.model, using=self._db)

    def matching(self, topic_filter: str) -> LastMessages:
        """The last messages whose topic matches an MQTT filter ("house/+/lamp")."""
        return self.get_queryset().matching(topic_filter)


class LastMessage(models.Model):
    """The newest message of a topic, as `CHANMQTTPROXY["STATE"]` keeps it.

    payload       what JSON says, text or bytes
    kind          which of them: "json", "text" or "binary"
    qos, retain, properties, received    as those of Message
    """

    JSON, TEXT, BINARY = "json", "text", "binary"

    topic: "models.CharField[str, str]" = models.CharField(max_length=MAX_TOPIC_BYTES, unique=True)
    kind: "models.CharField[str, str]" = models.CharField(
        max_length=6, choices=[(kind, kind) for kind in (JSON, TEXT, BINARY)]
    )
    value: "models.JSONField[Any, Any]" = models.JSONField(
        null=True, help_text="The payload, if it is JSON or text."
    )
    binary: "models.BinaryField[bytes | None, bytes | None]" = models.BinaryField(
        null=True, help_text="The payload, if it is neither."
    )
    qos: "models.PositiveSmallIntegerField[int, int]" = models.PositiveSmallIntegerField()
    retain: "models.BooleanField[bool, bool]" = models.BooleanField()
    properties: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    received: "models.DateTimeField[datetime.datetime, datetime.datetime]" = models.DateTimeField(
        db_index=True
    )

    objects = LastMessageManager()

    class Meta:
        verbose_name = "last message"
        ordering = ("topic",)

    def __str__(self) -> str:
        return str(self.topic)

    @property
    def payload(self) -> Any:
        """The payload as a consumer gets it: what JSON says, text or bytes."""
        return bytes(self.binary or b"") if self.kind == self.BINARY else self.value
