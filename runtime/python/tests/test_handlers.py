"""Which handlers there are, and which one takes a topic."""

import sys
import types
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig
from django.core.management import CommandError, call_command

from chanmqttproxy import launch, marks, supervise
from chanmqttproxy.data import Message
from chanmqttproxy.entry import Entry
from chanmqttproxy.errors import PatternError
from chanmqttproxy.handlers import adispatch, dispatch, process, registry
from chanmqttproxy.handlers.call import message_of
from chanmqttproxy.handlers.registry import Registry, discover, of_module

HEAD = "from chanmqttproxy.marks import on_mqtt\nseen = []\n"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs apps whose mqtt_handlers.py has the texts, after its first two lines."""

    def install(**texts: str) -> list[types.ModuleType]:
        configs = []
        for name, text in texts.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").touch()
            (tmp_path / name / "mqtt_handlers.py").write_text(HEAD + text)
            monkeypatch.delitem(sys.modules, f"{name}.mqtt_handlers", raising=False)
            configs.append(AppConfig.create(name))
        monkeypatch.setattr(registry, "apps", types.SimpleNamespace(get_app_configs=lambda: configs))
        return [sys.modules[name] for name in texts]

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(marks, "_recorded", [])
    monkeypatch.setattr(marks, "_wrong", [])
    yield install
    for module in [name for name in sys.modules if name.partition(".")[0].startswith("app_")]:
        del sys.modules[module]


def names(registry: Registry, *topics: str) -> list[str]:
    return [handler.name if (handler := registry.find(topic)) else "" for topic in topics]


def test_the_most_specific_pattern_takes_a_topic(app: Any) -> None:
    app(
        app_a="""
@on_mqtt("house/{rest:path}")
def rest(message, rest): pass
@on_mqtt("house/{room}/lamp")
@on_mqtt("garden/lamp")
def lamp(message, room=""): pass
""",
        app_b="""
@on_mqtt("house/hall/lamp", qos=2, payload="bytes")
async def hall(message): pass
@on_mqtt("quick/+", qos=0)
def quick(message): pass
""",
        app_c="from app_a.mqtt_handlers import lamp\n",
    )
    found = discover()
    topics = (
        "house/hall/lamp",
        "house/attic/lamp",
        "house",
        "garden/lamp",
        "quick/x",
        "other",
        "$house/x/lamp",
    )
    assert names(found, *topics) == [
        "app_b.hall",
        "app_a.lamp",
        "app_a.rest",
        "app_a.lamp",
        "app_b.quick",
        "",
        "",
    ]
    by_name = {handler.filter: handler for handler in found.handlers}
    assert [by_name[f].options.qos for f in ("house/#", "house/hall/lamp", "quick/+")] == [1, 2, 0]
    assert by_name["house/hall/lamp"].is_async and not by_name["quick/+"].stored


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('@on_mqtt("a/#/b")\ndef f(message): pass', "must be the last level"),
        ('@on_mqtt("a/{room}")\ndef f(message): pass', "it needs def f(message, room)"),
        ('@on_mqtt("a/{url.room}")\ndef f(message): pass', "is for consumers"),
        ('@on_mqtt("a", batch=3)\ndef f(message): pass', "batch is for consumers"),
        ('@on_mqtt("a", qos=3)\ndef f(message): pass', "qos must be 0, 1 or 2"),
        ('@on_mqtt("a", overflow="latest")\ndef f(message): pass', "wait"),
        (
            '@on_mqtt("a")\ndef f(message): pass\n@on_mqtt("b")\ndef f(message): pass',
            "give each a name of its own",
        ),
        (
            '@on_mqtt("a/+")\ndef f(message): pass\n@on_mqtt("a/{x}")\ndef g(message, x): pass',
            "takes the same topics",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(app: Any, text: str, reason: str) -> None:
    app(app_bad=text)
    with pytest.raises(PatternError, match=r"app_bad/mqtt_handlers.py:\d+: @on_mqtt\(") as error:
        discover()
    assert reason in str(error.value)
    if not discover([]).handlers:  # none is right
        with pytest.raises(CommandError) as ended:
            call_command("runmqtt")
        assert ended.value.returncode == 2 and reason in str(ended.value)


def test_what_is_wrong_stops_no_other_handler(app: Any) -> None:
    app(
        app_f="""
@on_mqtt("a/#/b")
def no_filter(message): pass
@on_mqtt("a")
def right(message): pass
@on_mqtt("a")
def same_topics(message): pass
@on_mqtt("b/{x}")
def no_argument(message): pass
@on_mqtt("c", qos=3)
def no_option(message): pass
@on_mqtt("d")
def twice(message): pass
@on_mqtt("e")
def twice(message): pass
""",
        app_g='@on_mqtt("a/+")\ndef also_right(message): pass',
    )
    errors: list[Exception] = []
    handlers, stores = process.found(errors)
    assert [handler.name for handler in handlers.handlers] == [
        "app_f.right",
        "app_f.twice",
        "app_g.also_right",
    ]
    assert not stores
    lines = [int(str(error).partition("mqtt_handlers.py:")[2].partition(":")[0]) for error in errors]
    assert sorted(lines) == [4, 8, 10, 12, 14]
    with pytest.raises(PatternError):
        dispatch(Message("a", ""))  # a test of the site must not pass


def test_an_import_error_of_a_site_is_its_own(app: Any) -> None:
    app(app_import="import nothing_of_this_name")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        discover()
    said = r"app_import/mqtt_handlers.py:3: importing app_import.mqtt_handlers: ModuleNotFoundError"
    with pytest.raises(CommandError, match=said):
        call_command("runmqtt")


def test_an_import_error_stops_no_other_handler(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    app(app_import="import nothing_of_this_name", app_right='@on_mqtt("a")\ndef right(message): pass')
    errors: list[Exception] = []
    handlers, _ = process.found(errors)
    assert [handler.name for handler in handlers.handlers] == ["app_right.right"]
    assert isinstance(errors[0].__cause__, ModuleNotFoundError)


def test_dispatch(app: Any) -> None:
    import asyncio

    app(
        app_d="""
@on_mqtt("a/{x}")
def one(message, x): seen.append((x, message.payload)); assert message.received
@on_mqtt("b/{y}")
async def two(message, y): seen.append((y, message.payload))
@on_mqtt("bad")
def bad(message): raise ValueError("bad")
"""
    )
    assert dispatch(Message("a/1", "p")) and dispatch(Message("b/2", "q")) and not dispatch(Message("c", ""))
    assert asyncio.run(adispatch(Message("b/3", "r"))) and asyncio.run(adispatch(Message("a/4", "s")))
    assert sys.modules["app_d.mqtt_handlers"].seen == [("1", "p"), ("2", "q"), ("3", "r"), ("4", "s")]
    with pytest.raises(ValueError, match="bad"):
        dispatch(Message("bad", ""))


def test_of_module_takes_decorated_functions() -> None:
    source = (
        HEAD
        + """
import functools
def twice(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)
    return call
@twice
@on_mqtt("a")
def f(message): pass
class Consumer:
    @on_mqtt("b")
    def b(self, message): pass
"""
    )
    module = types.ModuleType("decorated")
    exec(compile(source, "decorated.py", "exec"), module.__dict__)
    assert [handler.name for handler in of_module(module, [])] == ["decorated.f"]


def test_runmqtt_with_handlers(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Any] = []

    def start(how: str) -> Any:
        return lambda command, *rest: lines.append((how, command[1:]))

    monkeypatch.setattr(launch, "become", start("alone"))
    monkeypatch.setattr(supervise, "run", start("both"))

    def started(*arguments: str) -> None:
        with pytest.raises(SystemExit):
            call_command("runmqtt", *arguments)

    app(app_e='@on_mqtt("a")\ndef f(message): pass')
    started()
    started("--no-handlers")
    app(app_f="")
    started()
    assert lines == [("both", ["run"]), ("alone", ["run"]), ("alone", ["run"])]


def test_a_message_tells_when_the_worker_got_it(app: Any) -> None:
    app(app_e='@on_mqtt("a/{x}")\ndef one(message, x): pass\n')
    handler, received = discover().find("a/1"), datetime(2026, 1, 2, tzinfo=timezone.utc)
    assert handler is not None
    assert message_of(Entry("a/1", b"1", 0, False, received), handler).received == received
