"""Keeps the newest message of each topic, many in one statement."""

import base64
import json
import logging
from collections.abc import Iterable
from typing import Any

from django.db import Error, InterfaceError, OperationalError, router, transaction

from chanmqttproxy.entry import Entry
from chanmqttproxy.state.models import MAX_TOPIC_BYTES, LastMessage
from chanmqttproxy.state.signals import updated

logger = logging.getLogger("chanmqttproxy.state")

COLUMNS = [field.name for field in LastMessage._meta.local_concrete_fields if not field.primary_key]


def keep(entries: Iterable[Entry]) -> int:
    """Store the newest entry of each topic, in one transaction, and return how many.

    What the database refuses is stored as bytes, or logged and left out. It raises the
    database's error only where that could take nothing at all.
    """
    rows = [row for _, row in sorted(newest(entries).items())]
    if not rows:
        return 0
    try:
        upsert(rows)
    except (OperationalError, InterfaceError):
        raise
    except (Error, ValueError) as error:
        logger.debug("storing %d messages one by one: %s", len(rows), error)
        rows = [row for row in rows if stored_alone(row)]
    return len(rows)


def newest(entries: Iterable[Entry]) -> dict[str, LastMessage]:
    """The newest entry of each topic as a row; entries are in order."""
    last = {entry.topic: entry for entry in entries}
    rows = {}
    for topic, entry in last.items():
        if len(topic.encode()) <= MAX_TOPIC_BYTES:
            rows[topic] = row(entry)
        else:
            logger.warning("a topic of more than %d bytes is not kept: %.60s…", MAX_TOPIC_BYTES, topic)
    return rows


def row(entry: Entry) -> LastMessage:
    kind, value = classified(entry.payload)
    return LastMessage(
        topic=entry.topic,
        kind=kind,
        value=value,
        binary=entry.payload if kind == LastMessage.BINARY else None,
        qos=entry.qos,
        retain=entry.retain,
        properties={key: plain(value) for key, value in entry.properties.items()},
        received=entry.received,
    )


def plain(value: Any) -> Any:
    """A property as JSON can hold it: bytes are base64."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def classified(data: bytes) -> tuple[str, Any]:
    """The kind of a payload, and its value unless that is binary.

    PostgreSQL has no NUL in text and no NaN in JSON.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return LastMessage.BINARY, None
    if b"\0" in data or b"\\u0000" in data:
        return LastMessage.BINARY, None
    try:
        return LastMessage.JSON, json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return LastMessage.TEXT, text


def refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def upsert(rows: list[LastMessage]) -> None:
    """Store rows and, once they are committed, send the signal."""
    using = router.db_for_write(LastMessage)
    with transaction.atomic(using=using):
        LastMessage.objects.using(using).bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["topic"],
            update_fields=[name for name in COLUMNS if name != "topic"],
        )
        transaction.on_commit(lambda: announce(rows), using=using)


def announce(rows: list[LastMessage]) -> None:
    for receiver, answer in updated.send_robust(LastMessage, messages=rows):
        if isinstance(answer, Exception):
            logger.error("a receiver of the signal `updated` failed: %r", receiver, exc_info=answer)


def stored_alone(row: LastMessage) -> bool:
    """Store a row by itself, as bytes if the database does not take the value."""
    try:
        upsert([row])
    except (OperationalError, InterfaceError):
        raise
    except (Error, ValueError):
        return stored_as_bytes(row)
    return True


def stored_as_bytes(row: LastMessage) -> bool:
    text = row.value if row.kind == row.TEXT else json.dumps(row.value)
    row.kind, row.value = row.BINARY, None
    row.binary = text.encode(errors="surrogatepass")
    try:
        upsert([row])
    except (OperationalError, InterfaceError):
        raise
    except (Error, ValueError) as error:
        logger.error("the last message of %s can't be kept: %s", row.topic, error)
        return False
    return True
