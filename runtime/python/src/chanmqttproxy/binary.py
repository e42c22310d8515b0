"""Finds the program that the package contains."""

import importlib.metadata
import importlib.util
import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

DISTRIBUTION = "chanmqttproxy-go"
REPLACED = "chanmqttproxy"
PROGRAM = "chanmqttproxy.exe" if os.name == "nt" else "chanmqttproxy"

REINSTALL = f"pip install --force-reinstall --no-deps {DISTRIBUTION}"
BOTH_INSTALLED = (
    f"The packages {REPLACED!r} and {DISTRIBUTION!r} are both installed and share one folder. "
    f"Run: pip uninstall {REPLACED} && {REINSTALL}"
)

NOT_WHOLE = (
    f"The package {DISTRIBUTION!r} is not whole: uninstalling the package {REPLACED!r} removed "
    f"files from the folder that both shared. Run: {REINSTALL}"
)


class BinaryNotFound(Exception):
    """The program is not found, or can't be run. The text says what to do."""


def find_binary() -> Path:
    """The path of the chanmqttproxy program that belongs to this package.

    It raises BinaryNotFound if there is none, or if it is not executable.
    """
    for path in _candidates():
        if path.is_file():
            if not os.access(path, os.X_OK):
                raise BinaryNotFound(f"{path} is not executable. Run: chmod +x {path}")
            return path
    raise BinaryNotFound(
        f"The program {PROGRAM} of the package {DISTRIBUTION!r} was not found. Run: {REINSTALL}. "
        "A zipapp can't hold it: install the package beside the zipapp, or put the program on PATH."
    )


def package_version() -> str:
    """The version of the installed package, or "" if no package is installed."""
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return ""


def replaced_is_installed() -> bool:
    """Whether the Python package that this one replaces is installed."""
    try:
        importlib.metadata.distribution(REPLACED)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def is_whole() -> bool:
    """Whether the files still exist that uninstalling the replaced package removes."""
    package, consumer = (importlib.util.find_spec(f"chanmqttproxy{name}") for name in ("", ".mqttconsumer"))
    return package is not None and package.origin is not None and consumer is not None


def _candidates() -> Iterator[Path]:
    """Each place where an installer may have put the program, the most certain first."""
    yield from _recorded()
    package = Path(__file__).resolve().parent
    folder = "Scripts" if os.name == "nt" else "bin"
    yield package.parent / folder / PROGRAM  # pip install --target
    yield Path(sysconfig.get_path("scripts")) / PROGRAM
    for prefix in (sys.prefix, sys.base_prefix, site.getuserbase()):
        yield Path(prefix) / folder / PROGRAM
    if found := shutil.which(PROGRAM):
        yield Path(found)


def _recorded() -> Iterator[Path]:
    """Where the installer recorded it."""
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name == PROGRAM:
            yield Path(str(file.locate())).resolve()
