"""Keeps the newest message of each topic, many in one statement."""

import base64
import datetime
import json
import logging
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import (
    Error,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connections,
    router,
    transaction,
)

from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.stores import Rejected
from chanmqttproxy.state.models import MAX_TOPIC_BYTES, LastMessage
from chanmqttproxy.state.signals import updated

TOO_LONG = f"the last message of a topic of more than {MAX_TOPIC_BYTES} bytes is not kept"

# Errors that no other value would help: the database is away, or a table is missing.
NOT_OF_A_VALUE = (OperationalError, InterfaceError, ProgrammingError)

logger = logging.getLogger("chanmqttproxy.state")

COLUMNS = [field.name for field in LastMessage._meta.local_concrete_fields if not field.primary_key]


class Row(NamedTuple):
    """The columns of a last message."""

    topic: str
    kind: str
    value: Any
    binary: bytes | None
    qos: int
    retain: bool
    properties: dict[str, Any]
    received: datetime.datetime


# How PostgreSQL gets each of them.
TYPES = ("text", "text", "text", "bytea", "smallint", "boolean", "text", "timestamptz")
INSERT = """
INSERT INTO {table} ({columns})
SELECT topic, kind, value::jsonb, "binary", qos, retain, properties::jsonb, received
FROM unnest({arrays}) AS incoming ({columns})
ON CONFLICT (topic) DO UPDATE SET {updates}
"""


def keep(entries: Iterable[Entry]) -> list[Rejected]:
    """Store the newest entry of each topic, in one transaction, and return what can't be kept.

    What the database does not take is stored as bytes, if that helps. It raises the
    database's error only where that can take nothing at all.
    """
    last = {entry.topic: entry for entry in entries}
    rejected = [Rejected(e, TOO_LONG) for e in last.values() if len(e.topic.encode()) > MAX_TOPIC_BYTES]
    for one in rejected:
        del last[one.entry.topic]
    rows = [row(entry) for _, entry in sorted(last.items())]
    if not rows:
        return rejected
    try:
        upsert(rows)
    except NOT_OF_A_VALUE:
        raise
    except (Error, ValueError) as error:
        logger.debug("storing %d messages one by one: %s", len(rows), error)
        refused = {row.topic: reason for row in rows if (reason := stored_alone(row))}
        rejected += [Rejected(last[topic], reason) for topic, reason in refused.items()]
    return rejected


def row(entry: Entry) -> Row:
    kind, value = classified(entry.payload)
    return Row(
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


def upsert(rows: list[Row]) -> None:
    """Store rows and, once they are committed, send the signal."""
    using = router.db_for_write(LastMessage)
    with transaction.atomic(using=using):
        if connections[using].vendor == "postgresql":
            insert_arrays(rows, connections[using])
        else:
            LastMessage.objects.using(using).bulk_create(
                [LastMessage(**row._asdict()) for row in rows],
                update_conflicts=True,
                unique_fields=["topic"],
                update_fields=[name for name in Row._fields if name != "topic"],
            )
        if updated.has_listeners(LastMessage):
            transaction.on_commit(lambda: announce(rows), using=using)


def insert_arrays(rows: list[Row], connection: Any) -> None:
    """Store rows with one array for each column: half the work of a parameter for each value."""
    quote = connection.ops.quote_name
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    for i, name in enumerate(Row._fields):
        if name == "value":
            columns[i] = [None if row.kind == LastMessage.BINARY else json.dumps(row.value) for row in rows]
        elif name == "properties":
            columns[i] = [json.dumps(row.properties) for row in rows]
    statement = INSERT.format(
        table=quote(LastMessage._meta.db_table),
        columns=", ".join(map(quote, Row._fields)),
        arrays=", ".join(f"%s::{name}[]" for name in TYPES),
        updates=", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in Row._fields[1:]),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)


def announce(rows: list[Row]) -> None:
    messages = [LastMessage(**row._asdict()) for row in rows]
    for receiver, answer in updated.send_robust(LastMessage, messages=messages):
        if isinstance(answer, Exception):
            logger.error("a receiver of the signal `updated` failed: %r", receiver, exc_info=answer)


def stored_alone(row: Row) -> str:
    """Store a row by itself, as bytes if the database does not take the value; why not, if not."""
    try:
        upsert([row])
    except NOT_OF_A_VALUE:
        raise
    except (Error, ValueError):
        text = row.value if row.kind == LastMessage.TEXT else json.dumps(row.value)
        data = text.encode(errors="surrogatepass")
        try:
            upsert([row._replace(kind=LastMessage.BINARY, value=None, binary=data)])
        except NOT_OF_A_VALUE:
            raise
        except (Error, ValueError) as error:
            return f"{type(error).__name__} for the last message"
    return ""
