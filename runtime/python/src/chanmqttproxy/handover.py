"""From a `runworker` for the MQTT worker's channel to the program."""

import sys
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from chanmqttproxy import launch
from chanmqttproxy.binary import BOTH_INSTALLED, BinaryNotFound, find_binary, replaced_is_installed
from chanmqttproxy.companion import Companion
from chanmqttproxy.document import channel_name, document


def program(*arguments: str) -> list[str]:
    """The command line of the program. It raises CommandError if there is no program."""
    if replaced_is_installed():
        print(BOTH_INSTALLED, file=sys.stderr)
    try:
        return [str(find_binary()), *arguments]
    except BinaryNotFound as error:
        raise CommandError(str(error), returncode=2) from None


def site_settings(layer: str) -> dict[str, Any]:
    """The document of the settings. It raises CommandError if one can't be handed over."""
    try:
        return document(layer)
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=2) from None


def split(channels: Iterable[str]) -> tuple[bool, list[str]]:
    """Whether the MQTT worker's channel is among the channels, and the list of the others."""
    ours, others = channel_name(), list(channels)
    wanted = ours in others
    return wanted, [channel for channel in others if channel != ours]


def run_worker(others: list[str], layer: str, write: Any) -> None:
    """Become the program; or, with other channels, start it beside this worker and return."""
    command, settings = program("run"), site_settings(layer)
    if not others:
        sys.exit(launch.become(command, settings))
    write(f"The MQTT worker runs beside this one for {', '.join(others)}; when one ends, so does the other.")
    try:
        Companion(command, settings)
    except BinaryNotFound as error:
        raise CommandError(str(error), returncode=2) from None


def alias(options: Mapping[str, Any]) -> str:
    """The layer that a `runworker` asks for; "" where it is the one that Channels fills in."""
    layer = options.get("layer") or ""
    return "" if layer == DEFAULT_CHANNEL_LAYER else str(layer)


def from_channels_runworker() -> None:
    """Hand over where Channels' own `runworker` is importing the site's application."""
    frame = _runworker_frame()
    if frame is None:
        return
    options = frame.f_locals["options"]
    wanted, others = split(options["channels"])
    if wanted:
        options["channels"] = others
        stdout = frame.f_locals["self"].stdout
        run_worker(others, alias(options), stdout.write)


def _runworker_frame() -> FrameType | None:
    """The call of Channels' command in the stack, if it is there."""
    module = sys.modules.get("channels.management.commands.runworker")
    frame: FrameType | None = sys._getframe() if module else None
    while frame is not None and module is not None:
        if frame.f_code is module.Command.handle.__code__:
            return frame
        frame = frame.f_back
    return None
