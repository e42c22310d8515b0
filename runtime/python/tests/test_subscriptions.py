"""What handlers subscribe to, while the worker comes and goes."""

import time
from typing import Any

import pytest

from chanmqttproxy import client
from chanmqttproxy.client import NoAnswer
from chanmqttproxy.errors import MqttBusy
from chanmqttproxy.handlers import subscriptions
from chanmqttproxy.handlers.stream import Keys
from chanmqttproxy.handlers.subscriptions import Subscriptions


class Worker:
    """Has no answer at first, then no room, then an error of its own; then it answers."""

    def __init__(self) -> None:
        self.outcomes: list[Exception] = [NoAnswer(), NoAnswer(), MqttBusy("full", "no room"), OSError("bug")]
        self.asked: list[Any] = []

    def call(self, command: Any, timeout: float, wait: bool = True) -> Any:
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.asked.append(command)
        return {"type": "mqtt.subscribed"}

    async def acall(self, command: Any, timeout: float, wait: bool = True) -> Any:
        raise NotImplementedError


class Picky(Worker):
    """Has no answer for one filter, as a broker that hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes = []
        self.hangs = True

    def call(self, command: Any, timeout: float, wait: bool = True) -> Any:
        if command["type"] == "mqtt.status":
            return {"type": "mqtt.state", "connected": True}
        self.asked.append((command["topic"], command.get("retained")))
        if command["topic"] == "bad" and self.hangs:
            raise NoAnswer
        return {"type": "mqtt.subscribed"}


class Notes:
    """A Redis with a note of what was subscribed to."""

    def __init__(self) -> None:
        self.noted: dict[bytes, bytes] = {}

    def hgetall(self, key: str) -> dict[bytes, bytes]:
        return dict(self.noted)

    def hset(self, key: str, filter: str, options: str) -> None:
        self.noted[filter.encode()] = options.encode()


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch) -> Picky:
    worker = Picky()
    monkeypatch.setattr(client, "override", worker)
    monkeypatch.setattr(subscriptions, "LOOK", 0.01)
    monkeypatch.setattr(subscriptions, "RENEW", 0.01)
    return worker


WANTED = {"bad": {"retained": "send"}, "good": {"retained": "send"}}
KEYS = Keys("chanmqttproxy:", "handlers")


def test_a_filter_without_answer_holds_up_no_other(picky: Picky, caplog: pytest.LogCaptureFixture) -> None:
    notes: Any = Notes()
    waits = Subscriptions({"stream": "handlers"}, WANTED, notes, KEYS)
    waits.start()
    eventually(lambda: len(picky.asked) > 4)
    assert waits.ready.is_set()
    assert picky.asked[:4] == [("bad", "send"), ("good", "send"), ("bad", "send"), ("bad", "send")]
    assert caplog.text.count("has not answered the subscription to bad") == 1
    picky.hangs = False
    eventually(lambda: len(notes.noted) == 2)
    waits.stop()
    waits.close(30)


def test_retained_messages_come_once(picky: Picky) -> None:
    """Although a subscription that nobody keeps is asked for again and again."""
    picky.hangs = False
    no_redis: Any = None
    waits = Subscriptions({"channel": "handlers"}, WANTED, no_redis, KEYS)
    waits.start()
    eventually(lambda: len(picky.asked) > 4)
    waits.stop()
    waits.close(30)
    assert picky.asked[:4] == [("bad", "send"), ("good", "send"), ("bad", "drop"), ("good", "drop")]


def eventually(is_so: Any) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "it never was so"
        time.sleep(0.01)


def test_a_worker_that_comes_later(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker()
    monkeypatch.setattr(client, "override", worker)
    monkeypatch.setattr(subscriptions, "LOOK", 0.01)
    no_redis: Any = None
    wanted = {"a/#": {"qos": 0}}
    waits = Subscriptions({"channel": "handlers"}, wanted, no_redis, Keys("chanmqttproxy:", "handlers"))
    waits.start()
    assert waits.ready.wait(30)
    waits.stop()
    waits.close(30)
    assert worker.asked == [{"type": "mqtt.subscribe", "topic": "a/#", "channel": "handlers", "qos": 0}]
    assert caplog.text.count("start it: manage.py runmqtt") == 1
    assert "can't subscribe yet: full: no room" in caplog.text
