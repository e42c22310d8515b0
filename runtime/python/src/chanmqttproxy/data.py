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
    """The properties of a message (MQTT 5)."""

    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    user_properties: UserProperties = ()
    """A dict of texts or lists of texts, or pairs of texts. They arrive as pairs."""
    message_expiry: int | None = None
    """Seconds for which the broker keeps the message for who is away; None: without end."""
    payload_format: int | None = None
    """1: the payload is UTF-8 text; 0: it may be anything."""

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
    """What JSON says, if it is JSON; else text, if it is UTF-8; else bytes. The option `payload` can
    ask for one of them."""
    qos: int = 0
    """That with which it came; at most the QoS of the subscription."""
    retain: bool = False
    """True for a message that the broker had kept; False for one that came just now."""
    properties: Properties | None = None
    """None if the publisher has set none, or the broker speaks MQTT 3.1.1."""
    received: datetime.datetime | None = field(default=None, compare=False)
    """When the worker got it, in UTC; for handlers, which may run later. None in a consumer."""

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
    """How the messages of a subscription come."""

    qos: int = 0
    """They come with at most this QoS."""
    retained: Retained = "drop"
    """"send": the messages that the broker has kept come first."""
    payload: Decode = "auto"
    """"auto": what JSON says, else text, else bytes. "json", "text" and "bytes" ask for one of them;
    a payload that is not that comes as bytes."""
    overflow: Overflow = "wait"
    """What happens to messages while a process has no room for more: they wait for at most as long as
    the channel layer keeps messages, or are dropped ("drop"), or only the newest of each topic waits
    ("latest")."""
    batch: int = 1
    """How many messages that wait at the same time may come as one event; at most 1000."""
    min_interval: float = 0
    """Seconds in which at most one message of a topic comes, the newest."""
    no_local: bool = False
    """True: without what the worker itself has published."""
    shared: bool = False
    """True: all sessions of the workers share the messages, for more than one connection can carry."""

    def to_wire(self) -> dict[str, Any]:
        """The keys of a command: those that differ from the defaults, which are the worker's."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }


@dataclass(frozen=True)
class Status:
    """The worker's connection to the broker: the present one, or else the last one."""

    connected: bool
    broker: str | None = None
    """Its URL. None if there was no connection yet."""
    version: str | None = None
    """The MQTT version that they speak: "5" or "3.1.1"."""
    since: datetime.datetime | None = None
    """Since when it is connected, or is not; in UTC."""
    reason: str | None = None
    """Why it is not connected."""

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
