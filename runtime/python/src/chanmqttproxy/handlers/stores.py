"""What stores messages without code of the site: the settings STATE and HISTORY."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction

from chanmqttproxy.entry import Entry
from chanmqttproxy.filters import check_filter, matches
from chanmqttproxy.options import of_dict

STATE_APP = "chanmqttproxy.state"


@dataclass(frozen=True)
class Rejected:
    """A message that can't be stored as it is."""

    entry: Entry
    reason: str


@dataclass(frozen=True)
class Store:
    """A function that stores messages of some topics, and returns those that it can't store."""

    name: str
    filters: tuple[str, ...]
    function: Callable[[list[Entry]], list[Rejected]]
    using: str = "default"
    retained: str = "drop"
    """Whether it wants the retained messages at the start, as the option of a subscription."""

    def store(self, entries: Sequence[Entry]) -> list[Rejected]:
        """Store those of the entries that it is for."""
        mine = [entry for entry in entries if any(matches(one, entry.topic) for one in self.filters)]
        return self.function(mine) if mine else []


def store_all(stores: Sequence[Store], entries: Sequence[Entry]) -> list[Rejected]:
    """Store messages in all stores, or raise and store them in none."""
    with contextlib.ExitStack() as stack:
        for using in sorted({one.using for one in stores}):
            stack.enter_context(transaction.atomic(using=using))
        return [rejected for one in stores for rejected in one.store(entries)]


def stores() -> list[Store]:
    """What the settings ask for. It raises ImproperlyConfigured."""
    found = []
    if filters := filters_of("STATE", of_dict("STATE")):
        if not apps.is_installed(STATE_APP):
            raise ImproperlyConfigured(f'CHANMQTTPROXY["STATE"] needs {STATE_APP!r} in INSTALLED_APPS.')
        from chanmqttproxy.state.models import LastMessage
        from chanmqttproxy.state.store import keep

        found.append(Store("state", filters, keep, router.db_for_write(LastMessage), "send"))
    if setting := of_dict("HISTORY"):
        from chanmqttproxy.handlers.history import histories

        found += histories(setting)
    return found


def filters_of(name: str, value: object) -> tuple[str, ...]:
    """A list of topic filters. It raises ImproperlyConfigured."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        raise ImproperlyConfigured(
            f'CHANMQTTPROXY["{name}"] must be a list of topic filters, as in ["house/#"].'
        )
    for entry in value:
        try:
            check_filter(entry)
        except (ValueError, AttributeError) as error:
            raise ImproperlyConfigured(f'CHANMQTTPROXY["{name}"]: {entry!r}: {error}') from None
    return tuple(value)
