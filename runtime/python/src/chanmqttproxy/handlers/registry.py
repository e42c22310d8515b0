"""The handlers of a site: which there are, and which of them takes a topic."""

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from chanmqttproxy.data import Options
from chanmqttproxy.errors import PatternError
from chanmqttproxy.filters import matches
from chanmqttproxy.handlers.watch import of_site
from chanmqttproxy.marks import HANDLERS_MODULE, Mark, marks, recorded, wrong

# The options of a subscription that make no sense for handlers, as the stream refuses them.
NOT_FOR_STREAMS = ("batch", "min_interval", "no_local", "shared")


@dataclass(frozen=True)
class Handler:
    """A function with one of its patterns."""

    name: str
    function: Callable[..., Any]
    mark: Mark
    options: Options

    @property
    def filter(self) -> str:
        return self.mark.pattern.filter

    @property
    def stored(self) -> bool:
        """Whether its messages wait in a stream; those of QoS 0 do not."""
        return self.options.qos > 0

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)


class Registry:
    """The handlers of a site, by topic."""

    def __init__(self, handlers: Iterable[Handler] = ()) -> None:
        self.handlers: list[Handler] = []
        self._exact: dict[str, Handler] = {}
        self._wild: list[Handler] = []
        for handler in handlers:
            self.add(handler)

    def add(self, handler: Handler) -> None:
        """Add a handler. It raises PatternError if another takes the same topics."""
        for other in self.handlers:
            if other.filter == handler.filter:
                raise handler.mark.error(f"{other.name} ({other.mark.where}) takes the same topics already")
        self.handlers.append(handler)
        if {"+", "#"} & set(handler.filter.split("/")):
            self._wild.append(handler)
            self._wild.sort(key=lambda handler: handler.mark.pattern.specificity)
        else:
            self._exact[handler.filter] = handler

    def find(self, topic: str) -> Handler | None:
        """The handler that takes a topic: of those whose pattern matches, the most specific one."""
        found = self._exact.get(topic)
        if found is None:
            found = next((handler for handler in self._wild if matches(handler.filter, topic)), None)
        return found


class ImportFailed(Exception):
    """A module of handlers can't be imported. Its cause is what the import raised."""


def discover(errors: list[Exception] | None = None) -> Registry:
    """The handlers in the mqtt_handlers.py of each app.

    Where a pattern or a function is wrong, it raises PatternError with file and line; where a module
    can't be imported, what that raises. With a list it leaves that handler or module out, and adds
    PatternError or ImportFailed to the list.
    """
    registry, found = Registry(), list[Exception]()
    for config in apps.get_app_configs():
        if module_has_submodule(config.module, HANDLERS_MODULE):
            name = f"{config.name}.{HANDLERS_MODULE}"
            try:
                module = importlib.import_module(name)
            except Exception as error:
                if errors is None:
                    raise
                found.append(import_failed(name, config.path, error))
                continue
            for handler in of_module(module, found):
                try:
                    registry.add(handler)
                except PatternError as error:
                    found.append(error)
    if errors is not None:
        errors += found
    elif found:
        raise found[0]
    return registry


def handler_files() -> list[Path]:
    """The mqtt_handlers.py of each app that has one."""
    files = (Path(config.path) / f"{HANDLERS_MODULE}.py" for config in apps.get_app_configs())
    return [file for file in files if file.is_file()]


def import_failed(name: str, folder: str, error: Exception) -> ImportFailed:
    """What to say of a module of handlers in a folder that can't be imported."""
    where = str(Path(folder) / f"{HANDLERS_MODULE}.py")
    for frame in traceback.extract_tb(error.__traceback__):
        if of_site(frame.filename):
            where = f"{frame.filename}:{frame.lineno}"
    failed = ImportFailed(f"{where}: importing {name}: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed


def of_module(module: ModuleType, errors: list[Exception]) -> list[Handler]:
    """The handlers that a module defines, in the order of their lines. What is wrong goes to the list."""
    found, seen = [], set[str]()
    errors += wrong(module.__name__)
    for function in list(vars(module).values()):
        if not callable(function) or not marks(function) or function.__module__ != module.__name__:
            continue
        for mark in marks(function):
            seen.add(mark.where)
            try:
                found.append(handler_of(module, function, mark))
            except PatternError as error:
                errors.append(error)
    for mark, name in recorded(module.__name__):
        if mark.where not in seen:
            reason = f"another handler further down is called {name} too: give each a name of its own"
            errors.append(mark.error(reason))
    return sorted(found, key=lambda handler: int(handler.mark.where.rpartition(":")[2]))


def handler_of(module: ModuleType, function: Callable[..., Any], mark: Mark) -> Handler:
    """A function with a mark as a handler."""
    if mark.pattern.url_names:
        raise mark.error("a handler has no URL: {url.…} is for consumers")
    for name in NOT_FOR_STREAMS:
        if name in mark.given:
            raise mark.error(f"the option {name} is for consumers")
    mark.check(function, "message")
    options = mark.options(qos=1)
    if options.overflow == "latest":
        raise mark.error('overflow "latest" is for consumers: a handler has "wait" or "drop"')
    app = module.__name__.removesuffix("." + HANDLERS_MODULE)
    return Handler(f"{app}.{function.__name__}", function, mark, options)
