"""System checks: manage.py check, and before runmqtt."""

import difflib
import importlib.metadata
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from chanmqttproxy import launch
from chanmqttproxy.binary import (
    BOTH_INSTALLED,
    REINSTALL,
    BinaryNotFound,
    find_binary,
    package_version,
    replaced_is_installed,
)
from chanmqttproxy.document import DICT, NAMES, channel_name, document, layer_alias, plain
from chanmqttproxy.handlers.registry import discover

# TAG has the checks of the installation: the commands run them too. SETTINGS_TAG has those
# of the settings: at a start the program makes them itself. Only what breaks the whole
# site is an error.
TAG = "chanmqttproxy"
SETTINGS_TAG = "chanmqttproxy_settings"

IN_MEMORY = "channels.layers.InMemoryChannelLayer"

Message = checks.CheckMessage


def register() -> None:
    for check in (check_install, check_redis, check_names, check_environment, check_channel):
        checks.register(check, TAG)
    checks.register(check_settings, SETTINGS_TAG)
    checks.register(check_handlers, SETTINGS_TAG)
    checks.register(check_encryption, SETTINGS_TAG, deploy=True)


def check_install(**_kwargs: Any) -> Iterator[Message]:
    """The packages and the program."""
    if replaced_is_installed():
        yield checks.Error(BOTH_INSTALLED, id="chanmqttproxy.E001")
    try:
        shown = subprocess.run([str(find_binary()), "version"], capture_output=True, text=True, timeout=10)
    except (BinaryNotFound, OSError, subprocess.TimeoutExpired) as error:
        yield checks.Warning(str(error), id="chanmqttproxy.W002")
        return
    words, version = shown.stdout.split(), package_version()
    if version and words[1:2] != [f"v{version}"]:
        yield checks.Warning(
            f"{find_binary()} is {' '.join(words[:2])}, but the package is {version}.",
            hint=f"Run: {REINSTALL}",
            id="chanmqttproxy.W003",
        )
    names = [config.name for config in apps.get_app_configs()]
    if "channels" in names and names.index("channels") < names.index(TAG):
        yield checks.Warning(
            "'chanmqttproxy' is below 'channels' in INSTALLED_APPS: manage.py runworker is that of Channels.",
            hint="Put 'chanmqttproxy' above 'channels'.",
            id="chanmqttproxy.W004",
        )


def check_redis(**_kwargs: Any) -> Iterator[Message]:
    """The version of redis-py, where the settings leave its time-out as it is."""
    version = importlib.metadata.version("redis")
    if int(version.partition(".")[0]) < 8 or all("socket_timeout" in host for host in hosts()):
        return
    yield checks.Warning(
        f"redis-py {version} gives up reading after 5 s, as long as channels_redis waits for a message: "
        "consumers that hear nothing end.",
        hint="Run: pip install 'redis<8'",
        id="chanmqttproxy.W011",
    )


def hosts() -> list[Any]:
    """The hosts of the layer."""
    layers = getattr(settings, "CHANNEL_LAYERS", None) or {}
    config = (layers.get(layer_alias()) or {}).get("CONFIG") or {}
    found = config.get("hosts")
    return list(found) if isinstance(found, (list, tuple)) and found else [""]


def check_handlers(**_kwargs: Any) -> Iterator[Message]:
    """What is wrong with mqtt_handlers.py, as runmqtt would say it."""
    errors: list[Exception] = []
    discover(errors)
    for wrong in errors:
        yield checks.Warning(f"{wrong}.", hint="runmqtt leaves it out.", id="chanmqttproxy.W012")


def check_settings(**_kwargs: Any) -> Iterator[Message]:
    """What the program finds wrong with the settings."""
    if backend() == IN_MEMORY:
        if not settings.DEBUG:
            yield checks.Warning(
                "The channel layer is in memory: the MQTT worker is another process and can't reach it.",
                hint="Use channels_redis.core.RedisChannelLayer.",
                id="chanmqttproxy.W010",
            )
        return
    for fault in ask()[1]:
        yield checks.Warning(fault, id="chanmqttproxy.W005")


def backend() -> Any:
    layers = getattr(settings, "CHANNEL_LAYERS", None) or {}
    return (layers.get(layer_alias()) or {}).get("BACKEND")


def check_names(**_kwargs: Any) -> Iterator[Message]:
    """Settings that look like a misspelt name of ours."""
    for name in difflib.get_close_matches(DICT, dir(settings), 3, 0.85):
        if name != DICT and not hasattr(settings, DICT):
            yield checks.Warning(
                f"The MQTT worker does not read {name}.",
                hint=f"Did you mean {DICT}?",
                id="chanmqttproxy.W006",
            )
    given = {name.removeprefix("MQTT_") for name in dir(settings) if name.startswith("MQTT_")}
    known = {name.removeprefix("MQTT_") for name in NAMES}
    for name in sorted(given - known):
        near = difflib.get_close_matches(name, known - given, 1, 0.65)
        if near:
            yield checks.Warning(
                f"The MQTT worker has no setting MQTT_{name}.",
                hint=f"Did you mean MQTT_{near[0]}? All other settings of it belong in the dict {DICT}.",
                id="chanmqttproxy.W006",
            )


def check_environment(**_kwargs: Any) -> Iterator[Message]:
    """Settings that the environment overrides."""
    values = {name: getattr(settings, name) for name in NAMES if hasattr(settings, name)}
    values.update({str(key).upper(): value for key, value in dict_of_settings().items()})
    values["CHANNEL_LAYERS"] = getattr(settings, "CHANNEL_LAYERS", None)
    for name, value in values.items():
        given = os.environ.get(name)
        if given and value not in (None, "") and not same(name, given, value):
            yield checks.Warning(
                f"{name} differs between the environment and the settings. The environment counts.",
                hint="Set it in only one of them.",
                id="chanmqttproxy.W007",
            )


def same(name: str, given: str, value: Any) -> bool:
    """Whether a variable of the environment says what a setting says."""
    try:
        value = plain(value, name)
        if name == "CHANNEL_LAYERS":
            default = json.loads(given)["default"]
            return bool(default == plain(settings.CHANNEL_LAYERS[layer_alias()], name))
    except (ImproperlyConfigured, ValueError, LookupError, TypeError):
        return True  # check_settings says what is wrong
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return str(value).lower() == given.lower() if isinstance(value, bool) else str(value) == given


def dict_of_settings() -> dict[Any, Any]:
    value = getattr(settings, DICT, {})
    return value if isinstance(value, dict) else {}


def check_channel(**_kwargs: Any) -> Iterator[Message]:
    """MQTT_CHANNEL_NAME, where no code of the site names that channel."""
    name = channel_name()
    if name == "mqtt":
        return
    sources = [path for config in apps.get_app_configs() for path in site_files(Path(config.path))]
    if sources and not any(mentions(path, name) for path in sources):
        yield checks.Warning(
            f"MQTT_CHANNEL_NAME is {name!r}, and no file of the site's apps names that channel.",
            hint=f"Send commands to it: channel_layer.send({name!r}, …). Without the setting it is 'mqtt'.",
            id="chanmqttproxy.W008",
        )


def site_files(folder: Path) -> list[Path]:
    """The Python files of an app; none if pip installed it."""
    if {"site-packages", "dist-packages"} & set(folder.parts) or folder == Path(__file__).parent:
        return []
    skipped = {".venv", "venv", "node_modules"}
    return [path for path in folder.rglob("*.py") if not skipped & set(path.parts)]


def mentions(path: Path, name: str) -> bool:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return False
    return f'"{name}"' in text or f"'{name}'" in text or "MQTT_CHANNEL_NAME" in text


def check_encryption(**_kwargs: Any) -> Iterator[Message]:
    """Connections to other machines that are not encrypted."""
    plan, _faults = ask()
    for line in plan:
        words = line.split()
        if words[:1] != ["broker"] or len(words) < 2:
            continue
        scheme, _, rest = words[1].partition("://")
        host = rest.rstrip(",").rpartition(":")[0].strip("[]")
        local = host == "localhost" or host.startswith("127.") or host == "::1"
        if scheme in ("mqtt", "ws") and not local:
            yield checks.Warning(
                f"The connection to the MQTT broker {host} is not encrypted.",
                hint="Give MQTT_HOST as mqtts://… (or wss://…).",
                id="chanmqttproxy.W009",
            )


def ask() -> tuple[list[str], list[str]]:
    """What the program would connect to, and what is wrong with the settings, a line each."""
    try:
        command = [str(find_binary()), "check"]
        process = launch.start(command, document(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except ImproperlyConfigured as error:
        return [], [str(error)]
    except (BinaryNotFound, OSError):
        return [], []  # check_install reports it
    out, problems = process.communicate()
    if process.returncode == 0:
        return out.splitlines(), []
    lines = [line.strip() for line in problems.splitlines()]
    return out.splitlines(), lines[1:] or lines
