"""What stores messages without code of the site: the settings STATE and HISTORY."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from chanmqttproxy.entry import Entry
from chanmqttproxy.filters import check_filter, matches
from chanmqttproxy.options import given

STATE_APP = "chanmqttproxy.state"


@dataclass(frozen=True)
class Store:
    """A function that stores messages of some topics."""

    name: str
    filters: tuple[str, ...]
    function: Callable[[list[Entry]], Any]

    def store(self, entries: Sequence[Entry]) -> None:
        """Store those of the entries that it is for."""
        mine = [entry for entry in entries if any(matches(one, entry.topic) for one in self.filters)]
        if mine:
            self.function(mine)


def stores() -> list[Store]:
    """What the settings ask for. It raises ImproperlyConfigured."""
    found = []
    if filters := filters_of("STATE", given("STATE")):
        if not apps.is_installed(STATE_APP):
            raise ImproperlyConfigured(f'CHANMQTTPROXY["STATE"] needs {STATE_APP!r} in INSTALLED_APPS.')
        from chanmqttproxy.state.store import keep

        found.append(Store("state", filters, keep))
    return found


def filters_of(name: str, value: Any) -> tuple[str, ...]:
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
