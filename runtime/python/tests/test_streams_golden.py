"""The entries of streams that the worker's own tests have recorded are read as what they say."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from chanmqttproxy.handlers.stream import FORMAT, GROUP, Opener, partition_of

GOLDEN = json.loads((Path(__file__).parents[3] / "test" / "golden" / "streams.json").read_text())


def raw(value: Any) -> bytes:
    """Text, or recorded bytes, as bytes."""
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


def is_text(topic: str) -> bool:
    """Whether a str can be such a topic."""
    return base64.b64decode(topic).decode(errors="ignore").encode() == base64.b64decode(topic)


def is_raw(recorded: dict[str, Any]) -> bool:
    """Whether the payload is one that handlers get: text or bytes."""
    payload = recorded["event"]["message"]["payload"]
    return isinstance(payload, str) or (isinstance(payload, dict) and set(payload) == {"base64"})


TOPICS = [row for row in GOLDEN["partitions"] if is_text(row["topic_b64"])]
ENTRIES = [recorded for recorded in GOLDEN["entries"] if is_raw(recorded)]


def test_format() -> None:
    assert (GOLDEN["format"], GOLDEN["group"]) == (FORMAT, GROUP)


@pytest.mark.parametrize("row", TOPICS, ids=lambda row: row["topic_b64"])
def test_partitions(row: dict[str, Any]) -> None:
    topic = base64.b64decode(row["topic_b64"]).decode()
    assert {n: partition_of(topic, int(n)) for n in row["of"]} == row["of"]


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("recorded", ENTRIES, ids=lambda recorded: recorded["name"])
def test_entries(recorded: dict[str, Any], encrypted: bool) -> None:
    opener = Opener(["another", "new"] if encrypted else [])
    body = recorded["encrypted"].encode() if encrypted else base64.b64decode(recorded["body_b64"])
    entry = opener.entry("1700000000000-0", {b"v": b"1", b"b": b"1", b"body": body})
    message = recorded["event"]["message"]
    topic = message["topic"]
    assert entry.topic == (topic if isinstance(topic, str) else raw(topic).decode(errors="replace"))
    assert entry.payload == raw(message["payload"])
    assert (entry.qos, entry.retain) == (message["qos"], message["retain"])
    assert set(entry.properties) == set(message.get("properties", {}))
