"""What handlers subscribe to, while the worker comes and goes."""

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
