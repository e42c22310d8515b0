"""What goes in and comes out of calls, consumers and handlers."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict

# What can be published: text as UTF-8, bytes as they are, dicts and lists as JSON, None as an
# empty payload; numbers and booleans as str() writes them.
Payload = Any

Retained = Literal["drop", "send"]
Decode = Literal["auto", "json", "text", "bytes"]
Overflow = Literal["wait", "drop", "latest"]

UserProperties = Mapping[str, str | Sequence[str]] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Properties:
    """The properties of a message (MQTT 5). user_properties arrive as pairs."""

    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    user_properties: UserProperties = ()
    message_expiry: int | None = None
    payload_format: int | None = None

    @classmethod
    def from_wire(cls, given: Mapping[str, Any]) -> "Properties":
        """The properties of an event; keys that a later worker adds are left out."""
        known = {field.name: given[field.name] for field in fields(cls) if field.name in given}
        pairs = known.pop("user_properties", ())
        return cls(**known, user_properties=tuple((str(key), str(value)) for key, value in pairs))

    def to_wire(self) -> dict[str, Any]:
        """The keys of a command."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if value not in (None, ())}


@dataclass(frozen=True)
class Message:
    """A message from the broker."""

    topic: str
    payload: Any
    qos: int = 0
    retain: bool = False
    properties: Properties | None = None
    # For a handler, which may run later: when the worker got the message.
    received: datetime.datetime | None = field(default=None, compare=False)

    @classmethod
    def from_wire(cls, given: Mapping[str, Any]) -> "Message":
        """The message of an event."""
        properties = given.get("properties")
        return cls(
            topic=given["topic"],
            payload=given["payload"],
            qos=given.get("qos", 0),
            retain=given.get("retain", False),
            properties=Properties.from_wire(properties) if properties else None,
        )


class OptionKeys(TypedDict, total=False):
    """The keys of Options, as keyword arguments."""

    qos: int
    retained: Retained
    payload: Decode
    overflow: Overflow
    batch: int
    min_interval: float
    no_local: bool
    shared: bool


@dataclass(frozen=True)
class Options:
    """How messages of a subscription come; runtime/command/README.md explains each."""

    qos: int = 0
    retained: Retained = "drop"
    payload: Decode = "auto"
    overflow: Overflow = "wait"
    batch: int = 1
    min_interval: float = 0
    no_local: bool = False
    shared: bool = False

    def to_wire(self) -> dict[str, Any]:
        """The keys of a command: those that differ from the defaults, which are the worker's."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }


@dataclass(frozen=True)
class Status:
    """The worker's connection to the broker: now, or the last one."""

    connected: bool
    broker: str | None = None
    version: str | None = None
    since: datetime.datetime | None = None
    reason: str | None = None

    @classmethod
    def from_wire(cls, given: Mapping[str, Any]) -> "Status":
        """The state as an answer or an event of MQTT_STATUS_GROUP has it."""
        since = given.get("since")
        return cls(
            connected=bool(given["connected"]),
            broker=given.get("broker"),
            version=given.get("version"),
            since=None if since is None else datetime.datetime.fromtimestamp(since, datetime.timezone.utc),
            reason=given.get("reason"),
        )
