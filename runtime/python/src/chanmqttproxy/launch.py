"""Starts the program with a document of settings."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from chanmqttproxy.binary import BinaryNotFound

VARIABLE = "CHANMQTTPROXY_SETTINGS"


def replace_process(command: list[str], environment: Mapping[str, str]) -> int:
    """Become the program, so that signals and service managers see one process.

    Windows can't: there the program is a child, and its exit code is returned.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and so would the program
        try:
            os.execve(command[0], command, environment)
        except OSError as error:
            print(f"starting {command[0]}: {error.strerror}", file=sys.stderr)
            return 2
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the child by itself
    return subprocess.Popen(command, env=environment).wait()


def environment_with(document: Mapping[str, Any]) -> tuple[dict[str, str], list[int]]:
    """The environment that hands a document of settings to the program.

    Passwords are in the document. It is in a file without a name, which the program can
    read again at a reload, and which no list of processes shows; the descriptors returned
    must be inherited. Where the system has no such files it is in the environment.
    """
    environment = {k: v for k, v in os.environ.items() if k not in (VARIABLE, VARIABLE + "_FILE")}
    text = json.dumps(document)
    try:
        descriptor = os.memfd_create("chanmqttproxy-settings")
    except (AttributeError, OSError):  # another system, or a sandbox that refuses it
        return {**environment, VARIABLE: text}, []
    with os.fdopen(descriptor, "w", closefd=False) as file:
        file.write(text)
    return {**environment, VARIABLE + "_FILE": f"/proc/self/fd/{descriptor}"}, [descriptor]


def become(command: list[str], document: Mapping[str, Any]) -> int:
    """Become the program, with a document of settings."""
    environment, descriptors = environment_with(document)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    return replace_process(command, environment)


def start(command: list[str], document: Mapping[str, Any], **options: Any) -> "subprocess.Popen[str]":
    """Start the program as a child, which gets only the signals that we send it.

    It raises BinaryNotFound where the system can't run the program.
    """
    environment, descriptors = environment_with(document)
    try:
        return start_process(command, environment, pass_fds=descriptors, **options)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def start_process(
    command: list[str], environment: Mapping[str, str], **options: Any
) -> "subprocess.Popen[str]":
    """Start a child, which gets only the signals that we send it, and ends with us.

    It raises BinaryNotFound where the system can't run it.
    """
    if os.name == "nt":
        options.pop("pass_fds", None)
    else:
        # A terminal sends Ctrl-C to the whole group, and a second signal ends the program at once.
        options["start_new_session"] = True
    if sys.platform == "linux":
        options["preexec_fn"] = _end_with_parent()
    try:
        return subprocess.Popen(command, env=environment, text=True, **options)
    except OSError as error:
        raise BinaryNotFound(f"starting {command[0]}: {error.strerror}") from None


def _end_with_parent() -> Callable[[], Any] | None:
    """What a child does first, so that the system sends it SIGTERM when the thread that
    started it has ended, as it does with a killed process (prctl(2))."""
    try:
        import ctypes
    except ImportError:  # Python may be built without it
        return None
    libc, pr_set_pdeathsig = ctypes.CDLL(None), 1
    return lambda: libc.prctl(pr_set_pdeathsig, signal.SIGTERM)
