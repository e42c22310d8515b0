"""The last messages: what is kept, and what is found."""

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections
from django.test import RequestFactory, override_settings
from django.utils import timezone as django_timezone
from readings.models import Reading

from chanmqttproxy.entry import Entry
from chanmqttproxy.filters import matches
from chanmqttproxy.handlers.call import in_request
from chanmqttproxy.handlers.databases import DatabaseAway, usable
from chanmqttproxy.handlers.stores import store_all, stores
from chanmqttproxy.state import alast, last
from chanmqttproxy.state.admin import LastMessageAdmin
from chanmqttproxy.state.models import LastMessage
from chanmqttproxy.state.query import condition
from chanmqttproxy.state.signals import updated
from chanmqttproxy.state.store import keep

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "")


def databases() -> dict[str, Any]:
    """SQLite, and PostgreSQL where there is one."""
    found: dict[str, Any] = {"sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    if POSTGRES:
        address = POSTGRES.removeprefix("postgres://postgres@").removesuffix("/postgres")
        host, _, port = address.rpartition(":")
        engine = "django.db.backends.postgresql"
        found["postgresql"] = {
            "ENGINE": engine,
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": host,
            "PORT": port,
        }
    return found


@pytest.fixture(params=sorted(databases()))
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with the tables, in place of the default one."""
    connections["default"].close()
    before = connections.settings["default"]
    connections.settings["default"] = connections.configure_settings({"default": databases()[request.param]})[
        "default"
    ]
    del connections["default"]
    call_command("migrate", "chanmqttproxy_state", verbosity=0)
    try:
        yield request.param
    finally:
        if request.param == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connections["default"].close()
        connections.settings["default"] = before
        del connections["default"]


def entry(topic: str, payload: bytes = b"on", **more: Any) -> Entry:
    values: dict[str, Any] = {"qos": 1, "retain": False, "received": NOW, **more}
    return Entry(topic=topic, payload=payload, **values)


def test_the_newest_of_a_topic_is_kept(database: str) -> None:
    heard: list[list[str]] = []

    def receiver(messages: list[LastMessage], **kwargs: Any) -> None:
        heard.append([f"{message.topic} {message.payload}" for message in messages])

    updated.connect(receiver)
    try:
        assert keep([entry("a", b"1"), entry("b", b"x"), entry("a", b'{"v": 2}')]) == []
        assert keep([entry("a", b"3", qos=2, retain=True, properties={"correlation_data": b"\1"})]) == []
        assert keep([]) == []
    finally:
        updated.disconnect(receiver)
    assert heard == [["a {'v': 2}", "b x"], ["a 3"]]
    assert LastMessage.objects.count() == 2
    found = LastMessage.objects.get(topic="a")
    assert (found.payload, found.qos, found.retain, found.received) == (3, 2, True, NOW)
    assert found.properties == {"correlation_data": "AQ=="}


@pytest.mark.parametrize(
    ("payload", "kind", "value"),
    [
        (b"", "text", ""),
        (b"on", "text", "on"),
        (b"21.5", "json", 21.5),
        (b"null", "json", None),
        (b'{"a": ["\xc3\xa4"]}', "json", {"a": ["ä"]}),
        (b"NaN", "text", "NaN"),
        (b"1e400", "binary", b"Infinity"),
        (b"\xff\x00", "binary", b"\xff\x00"),
        (b"on\0", "binary", b"on\0"),
        (b'"\\u0000"', "binary", b'"\\u0000"'),
        (b"9" * 5000, None, None),
        (b"[" * 100_000, None, None),
        (b'"\\ud800"', None, None),
    ],
)
def test_payloads(database: str, payload: bytes, kind: str | None, value: Any) -> None:
    """Whatever a device sends is kept, and the others of its batch with it."""
    assert keep([entry("a", payload), entry("b", b"on")]) == []
    found = LastMessage.objects.get(topic="a")
    if kind is not None:
        assert (found.kind, found.payload) == (kind, value)
    assert LastMessage.objects.get(topic="b").payload == "on"


def test_topics_that_no_index_takes(database: str) -> None:
    topics = ["x" * 2600, "ö" * 1300, "y" * 2601, "Ä/ß/%_\\' \"", "$SYS/x"]
    rejected = keep([entry(topic) for topic in topics])
    assert [one.entry.topic for one in rejected] == [topics[2]]
    assert "more than 2600 bytes" in rejected[0].reason
    assert {message.topic for message in last("#")} == {topics[0], topics[1], topics[3]}


TOPICS = [
    "house", "house/", "house/hall", "house/hall/lamp", "house/hall/lamp/set", "House/hall/lamp",
    "house//lamp", "house0", "house.", "house/hall\n/lamp", "/", "//", "/house", "$SYS", "$SYS/house", "hous",
    "house/ä+ö/lamp", "house/%/lamp", "house/_/lamp", "a.b/c", "aXb/c", "house/$x/lamp",
]  # fmt: skip
FILTERS = [
    "#", "+", "+/#", "+/+", "/#", "/+", "//", "house", "house/#", "house/+", "house/+/lamp", "house/+/lamp/#",
    "house/hall/#", "house/hall/lamp", "+/hall/lamp", "+/+/+", "$SYS/#", "$SYS/+", "house/%/lamp",
    "house/_/+", "a.b/+", "+/lamp", "house/+/#", "house//#", "house/$x/+",
]  # fmt: skip


def test_matching_is_the_rule_of_mqtt(database: str) -> None:
    keep([entry(topic) for topic in TOPICS])
    for topic_filter in FILTERS:
        found = [message.topic for message in LastMessage.objects.matching(topic_filter)]
        assert sorted(found) == sorted(t for t in TOPICS if matches(topic_filter, t)), topic_filter


def test_matching_uses_the_index(database: str) -> None:
    keep([entry(f"house/{n}/lamp") for n in range(1000)])
    keep([entry(f"other/{n}/lamp") for n in range(1000)])
    with connection.cursor() as cursor:
        if database == "postgresql":
            cursor.execute("ANALYZE; SET enable_seqscan = off")
    plan = LastMessage.objects.filter(condition("house/7/+", connection.vendor)).order_by().explain()
    assert "index" in plan.lower() and "topic" in plan, plan


def test_last_in_one_line(database: str) -> None:
    keep([entry("house/hall/lamp"), entry("house/hall/heat", b"21")])
    assert [message.payload for message in last("house/+/heat")] == [21]
    if database == "postgresql":  # SQLite's memory is that of one thread

        async def found() -> list[LastMessage]:
            return await alast("house/+/lamp")

        assert [message.topic for message in asyncio.run(found())] == ["house/hall/lamp"]


def test_prune(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    now = django_timezone.now()
    old, new = now - timedelta(days=31), now - timedelta(days=29)
    keep([entry("a/old", received=old), entry("a/new", received=new), entry("b/old", received=old)])
    call_command("prunemqtt", "--days", "30", "--filter", "a/#")
    assert "Deleted 1 " in capsys.readouterr().out
    assert [message.topic for message in last("#")] == ["a/new", "b/old"]
    with pytest.raises(CommandError, match="--filter: the wildcard # must be the last level"):
        call_command("prunemqtt", "--days", "30", "--filter", "a/#/b")
    with pytest.raises(ValueError, match="the wildcard # must be the last level"):
        last("a/#/b")


def test_admin_shows_and_changes_nothing(database: str) -> None:
    call_command("migrate", "contenttypes", verbosity=0)
    keep([entry("house/hall/lamp", b"<b>on</b>"), entry("house/hall/heat", b"\xff"), entry("other", b"1")])
    model_admin = LastMessageAdmin(LastMessage, admin.site)

    def page(query: str = "", key: str = "") -> str:
        request = RequestFactory().get("/admin/" + query)
        request.user = User(is_superuser=True, is_staff=True, is_active=True)
        view = model_admin.change_view(request, key) if key else model_admin.changelist_view(request)
        return str(view.render().rendered_content)  # type: ignore[attr-defined]

    assert all(
        text in page() for text in ("house/hall/lamp", "&lt;b&gt;on&lt;/b&gt;", "ff", "3 last messages")
    )
    assert "Add last message" not in page() and "delete_selected" not in page()
    found = page("?q=house/%2B/lamp")
    assert "house/hall/lamp" in found and "house/hall/heat" not in found
    assert "house/hall/heat" in page("?q=heat")
    assert "house/hall/lamp" not in page("?q=%23/lamp")  # no filter, but a text to look for
    lamp = page(key=str(LastMessage.objects.get(topic="house/hall/lamp").pk))
    assert "&lt;b&gt;on&lt;/b&gt;" in lamp and 'name="_save"' not in lamp


HISTORY: dict[str, Any] = {
    "topics": ["house/{room}/heat", "house/{room}/heat/+"],
    "model": "readings.Reading",
    "fields": {"room": "room", "celsius": "payload.celsius", "at": "received"},
}


def test_history(database: str) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Reading)
    with override_settings(CHANMQTTPROXY={"STATE": ["house/#"], "HISTORY": [HISTORY]}):
        found = stores()
    rejected = store_all(
        found,
        [
            entry("house/hall/heat", b'{"celsius": 21.5}'),
            entry("house/hall/heat/2", b'{"celsius": "22"}'),
            entry("house/hall/heat", b'{"fahrenheit": 70}'),
            entry("house/hall/heat", b'{"celsius": "warm"}'),
            entry("house/hall/heat", b"on"),
            entry("house/" + "x" * 21 + "/heat", b'{"celsius": 1}'),
            entry("house/hall/lamp", b"on"),
            entry("house/attic/heat", b'{"celsius": 1}', retain=True),  # the value of the start
        ],
    )
    rows = Reading.objects.order_by("pk").values_list("room", "celsius", "at", "source")
    assert list(rows) == [("hall", 21.5, NOW, "mqtt"), ("hall", 22.0, NOW, "mqtt")]
    assert LastMessage.objects.get(topic="house/attic/heat").retain
    reasons = [one.reason.removesuffix(" for readings.Reading") for one in rejected]
    assert reasons == ["KeyError", "ValidationError", "TypeError", "ValidationError"]
    assert {message.topic for message in last("house/hall/+")} == {"house/hall/heat", "house/hall/lamp"}


def test_history_of_many(database: str) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Reading)
    with override_settings(CHANMQTTPROXY={"HISTORY": [HISTORY]}):
        found = stores()
    assert store_all(found, [entry(f"house/{i}/heat", b'{"celsius": %d}' % i) for i in range(2500)]) == []
    assert list(Reading.objects.order_by("pk").values_list("celsius", flat=True)) == list(range(2500))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"more": 1}, "each dict has the keys topics, model, fields"),
        ({"model": "readings.Nothing"}, "Nothing"),
        ({"topics": ["a/#/b"]}, "last level"),
        ({"fields": {"nothing": "room"}}, "no field 'nothing'"),
        ({"fields": {"room": "house"}}, "which is no name in every pattern"),
        ({"topics": ["a/{room}", "b"]}, "which is no name in every pattern"),
    ],
)
def test_history_that_is_wrong(change: dict[str, Any], reason: str) -> None:
    settings = override_settings(CHANMQTTPROXY={"HISTORY": [{**HISTORY, **change}]})
    with settings, pytest.raises(ImproperlyConfigured, match="HISTORY") as error:
        stores()
    assert reason in str(error.value)


@pytest.mark.parametrize("state", [{"a": 1}, [1], ["a/#/b"]])
def test_state_that_is_wrong(state: Any) -> None:
    with (
        override_settings(CHANMQTTPROXY={"STATE": state}),
        pytest.raises(ImproperlyConfigured, match="STATE"),
    ):
        stores()


def test_tables_that_are_not_made_yet(database: str) -> None:
    one = entry("house/x", b"1")
    call_command("migrate", "chanmqttproxy_state", "zero", verbosity=0)
    with pytest.raises(DatabaseAway, match="'default' lacks migrations"):
        in_request(lambda: keep([one]))
    call_command("migrate", "chanmqttproxy_state", verbosity=0)
    with pytest.raises(DatabaseAway):  # the tables of the other apps are not there either
        in_request(lambda: User.objects.count())
    in_request(lambda: keep([one]))
    assert LastMessage.objects.count() == 1


def test_a_table_before_makemigrations(database: str) -> None:
    """The app "readings" has no migrations."""
    call_command("migrate", verbosity=0)
    with pytest.raises(DatabaseAway, match="has no table readings_reading: run") as away:
        in_request(lambda: Reading.objects.count())
    assert not usable(away.value)
    call_command("migrate", run_syncdb=True, verbosity=0)
    in_request(lambda: Reading.objects.count())


def test_a_mistake_is_no_missing_table(database: str) -> None:
    """Although there are migrations to be applied."""

    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELEC 1")

    with pytest.raises(DatabaseError):
        in_request(query)
