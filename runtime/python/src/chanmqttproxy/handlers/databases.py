"""The databases of the site, as handlers meet them: one that is away is no fault of a message."""

import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, ProgrammingError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from chanmqttproxy.handlers.outages import Outages

logger = logging.getLogger("chanmqttproxy.handlers")

# Seconds that a new connection may take, where the site's OPTIONS do not say. A server that accepts
# and does not answer, as one that is just stopping, holds psycopg up for 130 s otherwise.
CONNECT_SECONDS = 5

PAUSE, PAUSE_MAX = 0.1, 2.0  # seconds between two attempts to reach a database again
STEADY = 10.0  # a database that stays for so long is looked for quickly again when it goes


class DatabaseAway(Exception):
    """A database that the handler uses can't be reached, or lacks migrations: no fault of the message."""

    def __init__(self, alias: str, reason: str, migrations: bool = False) -> None:
        super().__init__(f"the database {alias!r} {reason}")
        self.alias, self.migrations = alias, migrations

    @property
    def over(self) -> str:
        """What to say when it is over."""
        what = "has its migrations now" if self.migrations else "is reachable again"
        return f"the database {self.alias!r} {what}"


def limit_connects() -> None:
    """Give new connections of this process a time limit, where the site gives them none."""
    for alias in connections:
        connection = connections[alias]
        if connection.vendor == "postgresql" and "PGCONNECT_TIMEOUT" in os.environ:
            continue
        if connection.vendor in ("postgresql", "mysql"):
            connection.settings_dict["OPTIONS"].setdefault("connect_timeout", CONNECT_SECONDS)


def check_databases(error: BaseException, always: bool = False) -> None:
    """Raise DatabaseAway if an error comes of a database that can't be reached or lacks migrations.

    Errors that are no database's are not looked into, except always.
    """
    kinds = (OperationalError, InterfaceError, ProgrammingError)
    if not always and not any(isinstance(cause, kinds) for cause in causes(error)):
        return
    for connection in connections.all(initialized_only=True):
        try:
            connection.close_if_unusable_or_obsolete()
            connection.ensure_connection()
        except (OperationalError, InterfaceError) as reason:
            raise DatabaseAway(connection.alias, f"is unreachable: {str(reason).strip()}") from error
        if lacks_migrations(connection):
            raise DatabaseAway(connection.alias, "lacks migrations: run manage.py migrate", True) from error


def lacks_migrations(connection: BaseDatabaseWrapper) -> bool:
    """Whether manage.py migrate has something to do, as when a container starts before it has run."""
    if connection.in_atomic_block:  # a test's; a query may break it
        return False
    try:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Exception:  # the migrations themselves are wrong: that is for migrate to say
        return False


def causes(error: BaseException | None) -> list[BaseException]:
    """An error and what it came of."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


class Databases:
    """Knows which databases are away. A thread for each tries to reach it again.

    So no handler has to try: a server that does not answer holds up that thread alone.
    `returned` is called with the alias of a database that is back.
    """

    def __init__(self, returned: Callable[[str], None]) -> None:
        self._returned = returned
        self._outages = Outages()
        self._lock = threading.Lock()  # while it is logged too: the lines are in order
        self._pauses: dict[str, tuple[float, float]] = {}  # by alias: the last pause, and when that was
        self._stopped = threading.Event()

    def lost(self, away: DatabaseAway, began: float) -> None:
        """A try that began then, by the monotonic clock, has not reached a database."""
        with self._lock:
            if not self._outages.lost(away.alias, began, time.monotonic()):
                return
            logger.error("%s. Handlers that need it wait, and go on by themselves.", away)
        name = f"looking for the database {away.alias}"
        threading.Thread(target=self._look, args=(away,), name=name, daemon=True).start()

    def is_away(self, alias: str) -> bool:
        with self._lock:
            return alias in self._outages.away()

    def away(self) -> frozenset[str]:
        """The databases that are away."""
        with self._lock:
            return frozenset(self._outages.away())

    def stop(self) -> None:
        self._stopped.set()

    def _look(self, away: DatabaseAway) -> None:
        pause, last = self._pauses.get(away.alias, (0.0, 0.0))
        pause = min(2 * pause, PAUSE_MAX) if time.monotonic() - last < STEADY and pause else PAUSE
        while not self._stopped.wait(pause):
            if usable(away):
                self._pauses[away.alias] = (pause, time.monotonic())
                with self._lock:
                    self._outages.returned(away.alias, time.monotonic())
                    logger.warning("%s", away.over)
                self._returned(away.alias)
                return
            pause = min(2 * pause, PAUSE_MAX)


def usable(away: DatabaseAway) -> bool:
    """Whether a database that was away can be used, by a connection of its own."""
    connection = connections[away.alias]
    try:
        connection.close()
        connection.ensure_connection()
        return not (away.migrations and lacks_migrations(connection))
    except Exception:
        return False
    finally:
        connection.close()
