"""Metrics of handlers: their text, and over HTTP."""

import os
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from chanmqttproxy.handlers import http, metrics

SINK = metrics.SinkNumbers(
    name="handlers",
    handled=12345678,
    failed=2,
    retried=1,
    dead=1,
    dropped=0,
    waiting=(3, 400),
    limits=(1000, 16777216),
    under_way=2,
    stuck=1,
    databases_away=frozenset({"other"}),
)


def test_text() -> None:
    partition = metrics.PartitionNumbers("handlers", "1:0", 7, 1.25, 1)
    lines = metrics.text(metrics.metrics_of([SINK], ["default", "other"], [partition], 2)).splitlines()
    for wanted in (
        "# TYPE chanmqttproxy_handler_messages_total counter",
        'chanmqttproxy_handler_messages_total{of="handlers",result="handled"} 12345678',
        'chanmqttproxy_handler_messages_stuck{of="handlers"} 1',
        "chanmqttproxy_handler_wrong 2",
        'chanmqttproxy_handler_failures_total{of="handlers"} 2',
        'chanmqttproxy_handler_messages_waiting{of="handlers"} 3',
        'chanmqttproxy_handler_waiting_limit_bytes{of="handlers"} 16777216',
        "# TYPE chanmqttproxy_handler_messages_in_flight gauge",
        'chanmqttproxy_handler_database_connected{database="default"} 1',
        'chanmqttproxy_handler_database_connected{database="other"} 0',
        "chanmqttproxy_handler_redis_connected 1",
        'chanmqttproxy_handler_stream_lag{stream="handlers",partition="1:0"} 7',
        'chanmqttproxy_handler_stream_lag_seconds{stream="handlers",partition="1:0"} 1.25',
    ):
        assert wanted in lines


def test_text_without_redis() -> None:
    assert "chanmqttproxy_handler_redis_connected 0\n" in metrics.text(metrics.metrics_of([SINK], [], None))


def test_labels_are_escaped() -> None:
    metric = metrics.Metric("x", "Help.", (({"name": 'a"b\\c\nd'}, 1),))
    assert metrics.text([metric]).splitlines()[2] == r'chanmqttproxy_handler_x{name="a\"b\\c\nd"} 1'


def test_http() -> None:
    server = http.Server(("127.0.0.1", 0), lambda: "metrics\n")
    server.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        assert answer.read() == b"metrics\n"
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/", timeout=30)
    with pytest.raises(OSError):
        http.Server(("127.0.0.1", server.server_address[1]), str)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ("", None),
        (":9101", ("", 9101)),
        ("127.0.0.1:9101", ("127.0.0.1", 9101)),
        ("[::1]:9101", ("::1", 9101)),
    ],
)
def test_address(value: str | None, wanted: object) -> None:
    with override_settings(CHANMQTTPROXY={"HANDLER_HTTP_LISTEN": value}):
        assert http.address() == wanted


@pytest.mark.parametrize("value", ["9101", ":http", ":-1", ":70000", "host"])
def test_no_address(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HANDLER_HTTP_LISTEN", value)
    with pytest.raises(ImproperlyConfigured, match=r'HANDLER_HTTP_LISTEN is .*, but must look like ":9101"'):
        http.address()


def test_readme() -> None:
    """Each metric is in README.md."""
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for metric in metrics.metrics_of([SINK], [], []):
        assert f"`{metric.name}" in readme, metric.name


def test_alerts() -> None:
    """What the alert rules ask the handlers for is there."""
    rules = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"
    if not rules.exists():
        pytest.skip("the source distribution has no alert rules")
    asked = set(re.findall(metrics.PREFIX + "([a-z_]+)", rules.read_text()))
    assert asked and asked <= {metric.name for metric in metrics.metrics_of([SINK], [], [])}
