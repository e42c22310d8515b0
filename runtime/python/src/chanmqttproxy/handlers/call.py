"""Calls one handler, with database connections as Django has them around a request."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import (
    InterfaceError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connections,
    reset_queries,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from chanmqttproxy.data import Message, Properties
from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.registry import Handler, discover
from chanmqttproxy.payloads import decode


class DatabaseAway(Exception):
    """A database that the handler uses can't be reached, or lacks migrations: no fault of the message."""

    def __init__(self, alias: str, reason: str) -> None:
        super().__init__(f"the database {alias!r} {reason}")
        self.alias = alias


def message_of(entry: Entry, handler: Handler) -> Message:
    """What the handler gets of a stored message."""
    return as_asked(
        handler,
        Message(
            topic=entry.topic,
            payload=entry.payload,
            qos=entry.qos,
            retain=entry.retain,
            properties=Properties.from_wire(entry.properties) if entry.properties else None,
            received=entry.received,
        ),
    )


def as_asked(handler: Handler, message: Message) -> Message:
    """A message as the handler asks for it. A payload of bytes is what the broker has."""
    payload = message.payload
    if isinstance(payload, bytes):
        payload = decode(payload, handler.options.payload)
    return replace(message, payload=payload, qos=min(message.qos, handler.options.qos))


def bound(handler: Handler, message: Message) -> Callable[[], Any]:
    """The call of a handler; it is async if that is."""
    arguments = handler.mark.pattern.match(message.topic) or {}
    if not handler.is_async:
        return lambda: handler.function(message, **arguments)

    async def call() -> None:
        await handler.function(message, **arguments)

    return call


def call_of(message: Message) -> tuple[Handler, Callable[[], Any]] | None:
    """The handler that takes a message's topic, and its call; None if none does."""
    handler = discover().find(message.topic)
    if handler is None:
        return None
    message = replace(message, received=message.received or timezone.now())
    return handler, bound(handler, as_asked(handler, message))


def atomic(call: Callable[[], Any]) -> Callable[[], Any]:
    """A sync call in transactions of the databases with ATOMIC_REQUESTS, as those of a view."""
    for alias in connections:
        if connections.settings[alias]["ATOMIC_REQUESTS"]:
            call = transaction.atomic(using=alias)(call)
    return call


class Caller:
    """Calls handlers: sync ones in the caller's thread, async ones in a thread with a loop for all."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="async handlers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)

    def call(self, handler: Handler, message: Message) -> None:
        """Call a handler and wait for it. It raises what that raises, or DatabaseAway."""
        call = bound(handler, message)
        if handler.is_async:
            self.run(as_request(call))
        else:
            in_request(atomic(call))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


def in_request(call: Callable[[], Any]) -> None:
    """Call a sync function as Django calls a view."""
    before()
    try:
        result = call()
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError("the handler returned a coroutine: write it as async def")
    except Exception as error:
        check_databases(error)
        raise
    finally:
        close_old_connections()


async def as_request(call: Callable[[], Any]) -> None:
    """Call an async function as Django calls an async view. Its queries have a thread of their own."""
    async with ThreadSensitiveContext():
        try:
            await call()
        except (SystemExit, KeyboardInterrupt) as error:  # it would end the loop of all
            raise RuntimeError(f"the handler raised {type(error).__name__}") from error
        except Exception as error:
            await sync_to_async(check_databases)(error)
            raise
        finally:
            await sync_to_async(connections.close_all)()


def before() -> None:
    reset_queries()
    close_old_connections()


def check_databases(error: BaseException) -> None:
    """Raise DatabaseAway if an error comes of a database that can't be reached or lacks migrations."""
    kinds = (OperationalError, InterfaceError, ProgrammingError)
    if not any(isinstance(cause, kinds) for cause in causes(error)):
        return
    for connection in connections.all(initialized_only=True):
        try:
            connection.close_if_unusable_or_obsolete()
            connection.ensure_connection()
        except (OperationalError, InterfaceError) as reason:
            raise DatabaseAway(connection.alias, f"is unreachable: {str(reason).strip()}") from error
        if lacks_migrations(connection):
            raise DatabaseAway(connection.alias, "lacks migrations: run manage.py migrate") from error


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
