"""Which databases are away, by what the tries of several handlers have found."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class _Known:
    away: bool
    since: float


class Outages:
    """Says of each result of a try whether it is news.

    A try that began before the last news about a database tells nothing newer about it.
    Times are of one clock, in seconds. It is not safe for threads.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def lost(self, alias: str, began: float, now: float) -> bool:
        """A try that began then has not reached a database; whether that is news."""
        return self._note(alias, True, began, now)

    def reached(self, aliases: Iterable[str], began: float, now: float) -> list[str]:
        """A try that began then has reached these databases; those of them that were away until now."""
        return [alias for alias in sorted(aliases) if self._note(alias, False, began, now)]

    def away(self) -> list[str]:
        """The databases that are away."""
        return sorted(alias for alias, known in self._known.items() if known.away)

    def _note(self, alias: str, away: bool, began: float, now: float) -> bool:
        known = self._known.get(alias, _Known(False, began))
        if known.away == away or began < known.since:
            return False
        self._known[alias] = _Known(away, now)
        return True
