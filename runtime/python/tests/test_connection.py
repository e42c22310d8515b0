"""The handlers' own connection to Redis."""

from typing import Any

import pytest
import redis

from chanmqttproxy.handlers.connection import connect


@pytest.mark.parametrize(
    "host", ["redis://127.0.0.1:1", ("127.0.0.1", 1), {"address": "redis://127.0.0.1:1"}, {"port": 1}]
)
def test_a_redis_that_is_away_is_said_at_once(monkeypatch: pytest.MonkeyPatch, host: Any) -> None:
    def sleep(seconds: float) -> None:
        pytest.fail(f"redis-py waits for {seconds} s before it tries again")

    monkeypatch.setattr("redis.retry.sleep", sleep)
    with pytest.raises(redis.ConnectionError):
        connect({"hosts": [host]}).ping()
