"""Which databases are away, by what tries of several handlers have found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class _Known:
    away: bool
    since: float


class Outages:
    """Says of a try that failed whether that is news.

    A try that began before the last news about a database tells nothing newer about it.
    Times are of one clock, in seconds. It is not safe for threads.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def lost(self, alias: str, began: float, now: float) -> bool:
        """A try that began then has not reached a database; whether that is news."""
        known = self._known.get(alias, _Known(False, began))
        if known.away or began < known.since:
            return False
        self._known[alias] = _Known(True, now)
        return True

    def returned(self, alias: str, now: float) -> None:
        """A database can be reached again."""
        self._known[alias] = _Known(False, now)

    def away(self) -> list[str]:
        """The databases that are away."""
        return sorted(alias for alias, known in self._known.items() if known.away)
