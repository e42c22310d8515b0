"""Appends messages to a model of the site: the setting HISTORY.

    CHANMQTTPROXY = {"HISTORY": [{
        "topics": ["house/{room}/temperature"],
        "model": "rooms.Reading",
        "fields": {"room": "room", "celsius": "payload.value", "at": "received"},
    }]}

A field gets a name of the pattern, or topic, payload, qos, retain, received or properties;
payload.a.b is a member of a JSON object. Other fields have their defaults. PostgreSQL gets
the rows by COPY.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connections, models, router

from chanmqttproxy.entry import Entry
from chanmqttproxy.errors import PatternError
from chanmqttproxy.handlers.stores import Rejected, Store
from chanmqttproxy.patterns import Pattern
from chanmqttproxy.payloads import decode

KEYS = ("topics", "model", "fields")
ATTRIBUTES = ("topic", "qos", "retain", "received", "properties")

Getter = Callable[[Entry, Any, Mapping[str, str]], Any]


def histories(setting: Any) -> list[Store]:
    """What the setting asks for. It raises ImproperlyConfigured."""
    if not isinstance(setting, (list, tuple)) or not all(isinstance(one, Mapping) for one in setting):
        raise wrong("it must be a list of dicts")
    return [history(one) for one in setting]


def history(given: Mapping[str, Any]) -> Store:
    if set(given) != set(KEYS):
        raise wrong(
            f"each dict has the keys {', '.join(KEYS)}, this has {', '.join(map(str, given)) or 'none'}"
        )
    try:
        model = apps.get_model(given["model"])
        patterns = sorted((Pattern.parse(text) for text in given["topics"]), key=lambda one: one.specificity)
    except (LookupError, ValueError, PatternError) as error:
        raise wrong(str(error)) from None
    if any(pattern.url_names for pattern in patterns):
        raise wrong("{url.…} is for consumers")
    getters = {str(name): getter(name, source, model, patterns) for name, source in given["fields"].items()}

    def append(entries: list[Entry]) -> list[Rejected]:
        rows, rejected = [], []
        for entry in entries:
            if entry.retain:  # it comes again at each start, if the state has asked for it
                continue
            try:
                rows.append(row(model, patterns, getters, entry))
            except (ValidationError, LookupError, TypeError, ValueError) as error:
                rejected.append(Rejected(entry, f"{type(error).__name__} for {model._meta.label}"))
        insert(model, rows)
        return rejected

    filters = tuple(pattern.filter for pattern in patterns)
    return Store(f"history of {model._meta.label}", filters, append, router.db_for_write(model))


def wrong(reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'CHANMQTTPROXY["HISTORY"]: {reason}.')


def getter(name: Any, source: Any, model: type[models.Model], patterns: Sequence[Pattern]) -> Getter:
    """How a field gets its value of a message."""
    if name not in [field.name for field in model._meta.concrete_fields]:
        raise wrong(f"{model._meta.label} has no field {name!r}")
    first, *path = str(source).split(".")
    if first == "payload":
        return lambda entry, payload, names: member(payload, path)
    if first in ATTRIBUTES and not path:
        return lambda entry, payload, names: getattr(entry, first)
    if all(first in pattern.arguments for pattern in patterns) and not path:
        return lambda entry, payload, names: names[first]
    raise wrong(
        f"the field {name!r} gets {source!r}, which is no name in every pattern, and not payload, "
        f"{', '.join(ATTRIBUTES)}"
    )


def member(payload: Any, path: Sequence[str]) -> Any:
    for key in path:
        payload = payload[key]
    return payload


def row(
    model: type[models.Model], patterns: Sequence[Pattern], getters: Mapping[str, Getter], entry: Entry
) -> models.Model:
    """A message as a row. It raises what a value has against its field."""
    names = next(found for pattern in patterns if (found := pattern.match(entry.topic)) is not None)
    payload = decode(entry.payload)
    values = {name: get(entry, payload, names) for name, get in getters.items()}
    for name, value in values.items():
        values[name] = model._meta.get_field(name).clean(value, None)  # type: ignore[union-attr]
    return model(**values)


def insert(model: type[models.Model], rows: list[models.Model]) -> None:
    """Append rows, without the signals of models."""
    if not rows:
        return
    using = router.db_for_write(model)
    connection = connections[using]
    if connection.vendor == "postgresql" and getattr(connection, "Database", None) and has_copy(connection):
        copy(model, rows, connection)
    else:
        model._base_manager.using(using).bulk_create(rows)


def has_copy(connection: Any) -> bool:
    """Whether the driver is psycopg 3."""
    return str(getattr(connection.Database, "__name__", "")) == "psycopg"


def copy(model: type[models.Model], rows: list[models.Model], connection: Any) -> None:
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    statement = f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as to:
        for one in rows:
            to.write_row([f.get_db_prep_save(f.pre_save(one, True), connection) for f in fields])
