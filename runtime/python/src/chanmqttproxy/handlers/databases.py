"""The databases of the site, as handlers meet them: one that is away is no fault of a message."""

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, ProgrammingError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from chanmqttproxy.handlers.outages import Outages

logger = logging.getLogger("chanmqttproxy.handlers")

# Seconds that a new connection may take, where the site's OPTIONS do not say. A server that accepts
# and does not answer, as one that is just stopping, holds psycopg up for 130 s otherwise.
CONNECT_SECONDS = 5
# Seconds that a connection is kept, where the site keeps none: with ASGI it must not (CONN_MAX_AGE),
# but threads that handle one message after the other would connect anew for each.
KEEP_SECONDS = 60

# What says that a table, a column or a schema is missing: codes of PostgreSQL and MySQL, texts of SQLite.
NO_TABLE = ("42P01", "42703", "3F000", 1146, 1054)
NO_TABLE_IN_SQLITE = re.compile("no such (table|column)|has no column named")

PAUSE, PAUSE_MAX = 0.1, 2.0  # seconds between two attempts to reach a database again
STEADY = 10.0  # a database that stays for so long is looked for quickly again when it goes


class DatabaseAway(Exception):
    """A database that the handler uses can't be reached, or is not migrated: no fault of the message."""

    def __init__(self, alias: str, reason: str, lacks: "Lack | None" = None) -> None:
        super().__init__(f"the database {alias!r} {reason}")
        self.alias, self.lacks = alias, lacks

    @property
    def over(self) -> str:
        """What to say when it is over."""
        what = "is migrated now" if self.lacks else "is reachable again"
        return f"the database {self.alias!r} {what}"


@dataclass(frozen=True)
class Lack:
    """What a database lacks: migrations that are there to be applied, or a table of a model."""

    migrations: bool = False
    table: str = ""

    @property
    def reason(self) -> str:
        if self.migrations:
            return "lacks migrations: run manage.py migrate"
        return f"has no table {self.table}: run manage.py makemigrations and manage.py migrate"


def prepare_databases() -> None:
    """Keep this process's connections, and limit connecting, where the site does not say otherwise."""
    for alias in connections:
        connection = connections[alias]
        settings = connection.settings_dict
        if settings["CONN_MAX_AGE"] == 0 and not settings["OPTIONS"].get("pool"):  # Django takes one of them
            settings["CONN_MAX_AGE"] = KEEP_SECONDS
            settings["CONN_HEALTH_CHECKS"] = True
        if connection.vendor == "postgresql" and "PGCONNECT_TIMEOUT" in os.environ:
            continue
        if connection.vendor in ("postgresql", "mysql"):
            settings["OPTIONS"].setdefault("connect_timeout", CONNECT_SECONDS)


def check_databases(error: BaseException, late: bool = False) -> None:
    """Raise DatabaseAway if an error comes of a database that can't be reached or is not migrated.

    Errors that are no database's are not looked into, except where the call was late: then its
    connections were shut, which Django may not have noticed.
    """
    kinds = (OperationalError, InterfaceError, ProgrammingError)
    if not late and not any(isinstance(cause, kinds) for cause in causes(error)):
        return
    for connection in connections.all(initialized_only=True):
        try:
            if late and not connection.in_atomic_block:
                connection.close()
            connection.close_if_unusable_or_obsolete()
            connection.ensure_connection()
        except (OperationalError, InterfaceError) as reason:
            raise DatabaseAway(connection.alias, f"is unreachable: {str(reason).strip()}") from error
        if lack := lack_of(connection, error):
            raise DatabaseAway(connection.alias, lack.reason, lack) from error


def lack_of(connection: BaseDatabaseWrapper, error: BaseException) -> Lack | None:
    """What migrate would make of what an error says that the database has not.

    As when a container starts before migrate has run, or a model is new. A database that has no
    migrations at all may be one that is never migrated: there only a missing table of a model counts.
    """
    if connection.in_atomic_block or not is_about_tables(error):  # a test's; a query may break it
        return None
    text = " ".join(map(str, causes(error)))
    table = next((name for name in missing_tables(connection) if name in text), "")
    pending, applied = migrations(connection)
    if pending and (applied or table):
        return Lack(migrations=True)
    return Lack(table=table) if table else None


def is_about_tables(error: BaseException) -> bool:
    """Whether an error says that a table or a column is missing."""
    for cause in causes(error):
        codes = (getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None), *cause.args[:1])
        if any(code in NO_TABLE for code in codes) or NO_TABLE_IN_SQLITE.search(str(cause)):
            return True
    return False


def missing_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """The tables of models that a database does not have, the longest name first."""
    tables = connection.introspection
    try:
        there = set(tables.table_names(include_views=True))
        wanted = tables.django_table_names()
        missing = [name for name in wanted if tables.identifier_converter(name) not in there]
    except Exception:  # it is away again
        return []
    return sorted(missing, key=len, reverse=True)


def migrations(connection: BaseDatabaseWrapper) -> tuple[bool, bool]:
    """Whether manage.py migrate has something to do, and whether it has done something before."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        return bool(pending), bool(executor.loader.applied_migrations)
    except Exception:  # the migrations themselves are wrong: that is for migrate to say
        return False, False


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
        if away.lacks is None:
            return True
        if away.lacks.migrations:
            return not migrations(connection)[0]
        return away.lacks.table not in missing_tables(connection)
    except Exception:
        return False
    finally:
        connection.close()
