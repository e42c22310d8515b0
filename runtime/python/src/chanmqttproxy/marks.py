"""@on_mqtt: which topics a consumer's method or a handler takes. It only leaves a mark there."""

import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from chanmqttproxy.data import Decode, OptionKeys, Options, Overflow, Retained
from chanmqttproxy.errors import PatternError
from chanmqttproxy.patterns import Pattern

if TYPE_CHECKING:
    from typing_extensions import Unpack

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_on_mqtt"

MAX_BATCH = 1000

# The options that take one of a few values.
_CHOICES: dict[str, tuple[Any, ...]] = {
    "qos": (0, 1, 2),
    "retained": get_args(Retained),
    "payload": get_args(Decode),
    "overflow": get_args(Overflow),
}

# The modules of handlers. What is wrong in one is found at its import, and raised by who asks for
# its handlers, so that the others in it can run.
HANDLERS_MODULE = "mqtt_handlers"

# All marks, with the module and the name of what they stand above.
_recorded: "list[tuple[str, str, Mark]]" = []
# What is wrong in modules of handlers.
_wrong: list[tuple[str, PatternError]] = []


class MarkOptions(OptionKeys, total=False):
    """What @on_mqtt takes beside the pattern."""


@dataclass(frozen=True)
class Mark:
    """One @on_mqtt."""

    pattern: Pattern
    given: Mapping[str, Any]
    """The options as they were written."""
    where: str
    """File and line of the decorator."""

    def options(self, qos: int = 0) -> Options:
        """The options of the subscription; qos is that of a mark that names none."""
        names = {field.name for field in fields(Options)}
        return Options(**{"qos": qos, **{name: value for name, value in self.given.items() if name in names}})

    def error(self, reason: str) -> PatternError:
        """An error of this mark, which says where it is."""
        return PatternError(f"{self.where}: @on_mqtt({self.pattern.text!r}): {reason}")

    def check(self, function: Callable[..., Any], *before: str) -> None:
        """Raise PatternError if the function can't be called with what comes before the names of the
        pattern ("self", "message"), and with these names."""
        names = [name for _, name in self.pattern.names]
        try:
            inspect.signature(function).bind(*before, **dict.fromkeys(names))
        except TypeError as error:
            wanted = f"def {function.__name__}({', '.join((*before, *names))})"
            raise self.error(f"it needs {wanted}: {error}") from None


def on_mqtt(pattern: str, **options: "Unpack[MarkOptions]") -> Callable[[F], F]:
    """Mark a method of a consumer with MqttMixin, or a function in mqtt_handlers.py, as what takes
    the messages of a pattern's topics.

        @on_mqtt("house/{room}/lamp")
        def lamp(message, room): ...

    {room} stands for one level (+), {rest:path} at the end for all further ones (#); the function gets
    both as arguments. {url.room} is the value of that name in the URL of a consumer's page. Below
    several marks a function takes the topics of all. `options` are those of Options; the QoS of a
    handler is 1 by default, that of a consumer 0.

    It raises PatternError, with file and line, if the pattern is no topic filter, or does not fit the
    function. Handlers that are wrong are left out instead: manage.py check and runmqtt say so.
    """
    caller = sys._getframe(1)
    where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    module = str(caller.f_globals.get("__name__"))
    is_handler = module.rpartition(".")[2] == HANDLERS_MODULE and caller.f_code.co_name == "<module>"

    def leave_mark(function: F) -> F:
        try:
            _leave(function, _mark(pattern, options, where))
        except PatternError as error:
            if not is_handler:
                raise
            _wrong.append((module, error))
        return function

    if not is_handler:
        _mark(pattern, options, where)  # so that it raises here
    return leave_mark


def _mark(pattern: str, options: Mapping[str, Any], where: str) -> Mark:
    try:
        parsed = Pattern.parse(pattern)
    except PatternError as error:
        raise PatternError(f"{where}: @on_mqtt({pattern!r}): {error}") from None
    mark = Mark(parsed, dict(options), where)
    for name, value in mark.given.items():
        if name not in MarkOptions.__annotations__:
            raise mark.error(f"there is no option {name!r} ({', '.join(MarkOptions.__annotations__)})")
        if wanted := _wanted(name, value):
            raise mark.error(f"{name} must be {wanted}, not {value!r}")
    return mark


def _leave(function: Callable[..., Any], mark: Mark) -> None:
    if not inspect.isfunction(function):
        raise mark.error(f"it decorates a {type(function).__name__}, not a function")
    setattr(function, _ATTRIBUTE, (mark, *marks(function)))
    _recorded.append((function.__module__, function.__qualname__, mark))


def _wanted(name: str, value: Any) -> str:
    """What the value of an option must be; "" if it is that. The worker has the same rules."""
    choices = _CHOICES.get(name, ())
    if choices:
        is_right = value in choices and not isinstance(value, bool)
        return "" if is_right else f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
    if name == "batch":
        return "" if type(value) is int and 1 <= value <= MAX_BATCH else f"a number from 1 to {MAX_BATCH}"
    if name == "min_interval":
        is_right = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf
        return "" if is_right else "a number of seconds"
    return "" if isinstance(value, bool) else "True or False"


def marks(function: Any) -> tuple[Mark, ...]:
    """The marks of a function or method, from the top; none if it has none."""
    found: tuple[Mark, ...] = getattr(function, _ATTRIBUTE, ())
    return found


def recorded(module: str) -> list[tuple[Mark, str]]:
    """The marks of a module's functions, with their names: also of those that a later one replaced."""
    return [(mark, name) for of, name, mark in _recorded if of == module and "." not in name]


def wrong(module: str) -> list[PatternError]:
    """What was found wrong when a module of handlers was imported."""
    return [error for of, error in _wrong if of == module]
