"""The process of the handlers: manage.py runmqtt --handlers-only."""

import atexit
import contextlib
import faulthandler
import logging
import os
import sys
import threading
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from chanmqttproxy import client, signals
from chanmqttproxy.handlers import http
from chanmqttproxy.handlers.registry import Registry, discover
from chanmqttproxy.handlers.service import Service
from chanmqttproxy.handlers.stores import Store, stores
from chanmqttproxy.options import shutdown_timeout
from chanmqttproxy.supervise import notify

logger = logging.getLogger("chanmqttproxy.handlers")

READY_WAIT = 5.0  # seconds; the worker may come later
CLOSE = 0.5  # seconds for the client, whose Redis may be away
HANG = 4.0  # seconds beyond the shutdown timeout, after which a process that hangs says where, and ends

NONE = 'no app has handlers in an mqtt_handlers.py, and CHANMQTTPROXY has neither "STATE" nor "HISTORY"'


WRONG = "%s. It is left out; the other handlers run. Messages that no other takes become dead letters."


def found(errors: list[Exception]) -> tuple[Registry, list[Store]]:
    """The handlers and the stores of the site. What is wrong is left out: the list gets why.

    It raises CommandError if no handler is right, or the settings of a store are wrong.
    """
    try:
        registry, wanted = discover(errors), stores()
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=2) from None
    if errors and not registry.handlers and not wanted:
        raise CommandError("\n".join(map(str, errors)), returncode=2)
    return registry, wanted


def run() -> int:
    """Run the handlers until a signal comes, and end the process; the exit code if there are none."""
    errors: list[Exception] = []
    registry, wanted = found(errors)
    if not registry.handlers and not wanted:
        print(f"There is nothing to run: {NONE}.", file=sys.stderr)
        return 0
    log_to_stderr()
    for error in errors:
        logger.error(WRONG, error, exc_info=error.__cause__)
    try:
        service, at = Service(registry, wanted, len(errors)), http.address()
    except ImproperlyConfigured as fault:
        raise CommandError(str(fault), returncode=2) from None
    if at is not None:
        serve_metrics(service, at)

    def stop(number: int) -> None:
        if stopped:  # a second signal
            os._exit(1)
        stopped.append(number)
        faulthandler.dump_traceback_later(shutdown_timeout() + HANG, exit=True)
        service.stop()

    stopped: list[int] = []
    signals.handle(stop)
    service.start()
    names = [handler.name for handler in registry.handlers] + [store.name for store in wanted]
    logger.info("handlers run: %s", ", ".join(dict.fromkeys(names)))
    service.wait_ready(READY_WAIT)
    notify(os.environ.get("NOTIFY_SOCKET", ""), "READY=1")
    service.wait()
    code = 0 if service.drain() else 1
    closing = threading.Thread(target=client.close, name="closing", daemon=True)
    closing.start()
    closing.join(CLOSE)
    if not code and not closing.is_alive() and not service.stuck():  # else something may wait for ever
        with contextlib.suppress(Exception):
            atexit._run_exitfuncs()  # of the site
    end(code)


def end(code: int) -> NoReturn:
    """End the process at once: a busy machine takes seconds to free all that Python has."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve_metrics(service: Service, at: tuple[str, int]) -> None:
    """Serve the metrics. It raises CommandError if it can't listen there."""
    try:
        http.Server(at, service.metrics).start()
    except OSError as error:
        raise CommandError(f"{http.SETTING}: listening at port {at[1]}: {error.strerror}") from None


def log_to_stderr() -> None:
    """Show what the handlers log, unless LOGGING says where it goes."""
    ours = logging.getLogger("chanmqttproxy")
    if not ours.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        ours.addHandler(handler)
        ours.setLevel(os.environ.get("LOG_LEVEL", "info").upper())
