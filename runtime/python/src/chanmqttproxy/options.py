"""Settings that only Python reads. They are in the dict CHANMQTTPROXY too, or in the environment."""

import os
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

DICT = "CHANMQTTPROXY"

# The number settings of handlers, with their defaults. Times are seconds.
NUMBERS: dict[str, float] = {
    "HANDLER_CONCURRENCY": 4,
    "HANDLER_TIMEOUT": 60,
    "HANDLER_TRIES": 5,
    "HANDLER_BACKOFF": 0.5,
    "HANDLER_BACKOFF_MAX": 30,
    "HANDLER_BUFFER": 1000,
    "HANDLER_BUFFER_BYTES": 16777216,
}

# What is not handed to the program.
PYTHON_ONLY = ("STATE", "HISTORY", "HANDLER_HTTP_LISTEN", *NUMBERS)


def of_dict(name: str) -> Any:
    """The value of a setting in the dict; None if there is none."""
    others = {str(key).upper(): value for key, value in (getattr(settings, DICT, None) or {}).items()}
    return others.get(name)


def given(name: str) -> Any:
    """The value of a setting: of the environment, else of the dict; None if there is none."""
    return os.environ.get(name) or of_dict(name)


def number(name: str) -> float:
    """A number setting of handlers; above 0. It raises ImproperlyConfigured if it is none."""
    value = given(name)
    if value is None:
        return NUMBERS[name]
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = 0
    if not 0 < found < 1e12:
        raise ImproperlyConfigured(f"{name} is {value!r}, but must be a number above 0.")
    return found


def shutdown_timeout() -> float:
    """SHUTDOWN_TIMEOUT in seconds; as the program, it takes "10s" too."""
    value = str(given("SHUTDOWN_TIMEOUT") or 10)
    try:
        return float(value.removesuffix("s"))
    except ValueError:
        return 10.0  # the program itself says what is wrong with it
