"""Patterns: what they match, and what is no pattern."""

from typing import Any

import pytest

from chanmqttproxy import PatternError, on_mqtt
from chanmqttproxy.marks import marks
from chanmqttproxy.patterns import Pattern


@pytest.mark.parametrize(
    ("pattern", "filter", "topic", "arguments"),
    [
        ("house/{room}/lamp", "house/+/lamp", "house/hall/lamp", {"room": "hall"}),
        ("house/{room}/lamp", "house/+/lamp", "house//lamp", {"room": ""}),
        ("house/{room}/lamp", "house/+/lamp", "house/hall/door", None),
        ("house/{rest:path}", "house/#", "house/hall/lamp", {"rest": "hall/lamp"}),
        ("house/{rest:path}", "house/#", "house", {"rest": ""}),
        ("{all:path}", "#", "a/b", {"all": "a/b"}),
        ("{all:path}", "#", "$SYS/uptime", None),
        ("{first}/+/{rest:path}", "+/+/#", "a/b/c/d", {"first": "a", "rest": "c/d"}),
        ("$SYS/{rest:path}", "$SYS/#", "$SYS/uptime", {"rest": "uptime"}),
        ("house/lamp", "house/lamp", "house/lamp", {}),
    ],
)
def test_match(pattern: str, filter: str, topic: str, arguments: dict[str, str] | None) -> None:
    parsed = Pattern.parse(pattern)
    assert parsed.filter == filter
    assert parsed.match(topic) == arguments


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "must not be empty"),
        ("house/#/lamp", "must be the last level"),
        ("house/{rest:path}/lamp", "must be the last level"),
        ("house/lamp+", "must stand alone"),
        ("house/room-{room}", "must be a whole level"),
        ("house/{room}{more}", "must be a whole level"),
        ("house/{room}/{room}", "twice"),
        ("house/{room:int}", "{room:path} for all that follow"),
        ("house/{class}", "'class' can't be the name of an argument"),
        ("house/{}", "'' can't be the name of an argument"),
        ("house/{url.}", "'' is not a Python name"),
        ("house/{room", "don't fit together"),
        ("house/\n", "U+000A"),
        ("$share/x/house", "the option shared"),
        (7, "must be text, not int"),
    ],
)
def test_no_pattern(pattern: Any, reason: str) -> None:
    with pytest.raises(PatternError) as raised:

        @on_mqtt(pattern)
        def lamp() -> None: ...

    assert reason in str(raised.value)
    assert f"{__file__}:" in str(raised.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("house/hall/lamp", "house/{room}/lamp"),
        ("house/{room}/lamp", "house/{rest:path}"),
        ("house/hall/{what}", "house/{room}/lamp"),
        ("house", "house/{rest:path}"),
        ("house/+", "{all:path}"),
    ],
)
def test_specificity(first: str, second: str) -> None:
    assert Pattern.parse(first).specificity < Pattern.parse(second).specificity


def test_url() -> None:
    pattern = Pattern.parse("house/{url.house}/room-{url.room}/{what}")
    assert pattern.url_names == {"house", "room"}
    bound = pattern.bind({"house": 7, "room": "küche"})
    assert bound.filter == "house/7/room-küche/+"
    assert bound.match("house/7/room-küche/lamp") == {"what": "lamp"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is empty"),
        ("a/b", "'/'"),
        ("+", "'+'"),
        ("a#", "'#'"),
        ("a\0", r"'\x00'"),
        ("a\x1f", "U+001F"),
        ("$SYS", "must not begin the topic with '$'"),
    ],
)
def test_url_value_is_refused(value: str, reason: str) -> None:
    with pytest.raises(PatternError) as raised:
        Pattern.parse("{url.house}/#").bind({"house": value})
    assert reason in str(raised.value)


def test_url_value_is_missing() -> None:
    with pytest.raises(PatternError, match=r"the URL route has no such value \(it has: room\)"):
        Pattern.parse("{url.house}/#").bind({"room": "hall"})


def test_marks() -> None:
    @on_mqtt("house/{room}/lamp", qos=1)
    @on_mqtt("house/{room}/light")
    def lamp(message: Any, room: str) -> None: ...

    first, second = marks(lamp)
    assert (first.pattern.text, second.pattern.text) == ("house/{room}/lamp", "house/{room}/light")
    assert (first.options(qos=0).qos, second.options(qos=1).qos, second.options().qos) == (1, 1, 0)
    first.check(lamp, "message")
    with pytest.raises(PatternError, match=r"it needs def lamp\(self, message, room\)"):
        first.check(lamp, "self", "message")
    assert marks(test_marks) == ()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"qos": 3}, "qos must be 0, 1 or 2, not 3"),
        ({"qos": True}, "qos must be 0, 1 or 2, not True"),
        ({"payload": "xml"}, "payload must be 'auto', 'json', 'text' or 'bytes', not 'xml'"),
        ({"retained": True}, "retained must be 'drop' or 'send', not True"),
        ({"overflow": "park"}, "overflow must be 'wait', 'drop' or 'latest', not 'park'"),
        ({"batch": 1001}, "batch must be a number from 1 to 1000, not 1001"),
        ({"min_interval": -1}, "min_interval must be a number of seconds, not -1"),
        ({"shared": 1}, "shared must be True or False, not 1"),
    ],
)
def test_values_of_options(options: Any, said: str) -> None:
    with pytest.raises(PatternError) as error:
        on_mqtt("house/+", **options)
    assert said in str(error.value) and "test_patterns.py:" in str(error.value)
    on_mqtt("house/+", qos=2, payload="json", retained="send", overflow="drop", batch=1000)
    on_mqtt("house/+", min_interval=0.5, shared=True, no_local=False)


def test_unknown_option() -> None:
    with pytest.raises(PatternError, match="there is no option 'retain'"):
        on_mqtt("house", retain=True)  # type: ignore[call-arg]
    with pytest.raises(PatternError, match="decorates a classmethod, not a function"):
        on_mqtt("house")(classmethod(print))  # type: ignore[type-var]
