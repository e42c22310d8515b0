"""A stream of the worker in Redis: its keys, its info, its entries."""

import base64
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import msgpack

from chanmqttproxy.entry import Entry

FORMAT = "1"
GROUP = "handlers"
# All readers of a stream have one name in the group: a lease lets one read a partition at a
# time, and what a dead one had taken then is what the next one finds as its own.
READER = "reader"

NEWER = "the stream {} has format {}, and this package reads {}: update the package chanmqttproxy-go"


class NewerFormat(Exception):
    """The worker writes a format that this package does not know."""


class Unreadable(Exception):
    """An entry that is no message."""


@dataclass(frozen=True, order=True)
class Partition:
    """A part of a stream, which one reader has at a time."""

    generation: int
    number: int

    def __str__(self) -> str:
        return f"{self.generation}:{self.number}"


@dataclass(frozen=True)
class Info:
    """What a stream says of itself."""

    generations: tuple[tuple[int, int], ...] = ()
    dead_messages: int = 1000
    dead_bytes: int = 16777216

    @classmethod
    def read(cls, name: str, found: Mapping[bytes, bytes]) -> "Info | None":
        """The info of a stream, or None if there is no stream. It raises NewerFormat."""
        texts = {key.decode(): value.decode() for key, value in found.items()}
        if not texts:
            return None
        if texts.get("format") != FORMAT:
            raise NewerFormat(NEWER.format(name, texts.get("format"), FORMAT))
        pairs = (pair.split(":") for pair in texts.get("generations", "").split())
        return cls(
            tuple((int(generation), int(number)) for generation, number in pairs),
            int(texts.get("dead_messages", cls.dead_messages)),
            int(texts.get("dead_bytes", cls.dead_bytes)),
        )


@dataclass(frozen=True)
class Keys:
    """The names of a stream's keys."""

    own: str
    name: str

    @property
    def info(self) -> str:
        return f"{self.own}stream:{self.name}"

    @property
    def dead(self) -> str:
        return f"{self.info}:dead"

    @property
    def readers(self) -> str:
        """When the readers that are there are to be thought dead, in ms."""
        return f"{self.info}:readers"

    @property
    def filters(self) -> str:
        """What the handlers have subscribed to."""
        return f"{self.info}:reader-filters"

    def of(self, partition: Partition) -> str:
        return f"{self.info}:{partition}"

    def lease(self, partition: Partition) -> str:
        return f"{self.info}:reader-lease:{partition}"


def current(info: Info, lengths: Mapping[Partition, int]) -> list[Partition]:
    """The partitions to read: those of the first generation that has entries, else of the last."""
    for generation, count in info.generations:
        partitions = [Partition(generation, number) for number in range(count)]
        last = (generation, count) == info.generations[-1]
        if last or any(lengths.get(partition, 0) for partition in partitions):
            return partitions
    return []


def partition_of(topic: str, count: int) -> int:
    """The number of the partition that the worker puts a topic into."""
    return zlib.crc32(topic.encode()) % count


class Opener:
    """Decodes entries; secrets are the layer's symmetric_encryption_keys."""

    def __init__(self, secrets: Iterable[str | bytes] = ()) -> None:
        keys = [base64.urlsafe_b64encode(hashlib.sha256(secret_bytes(s)).digest()) for s in secrets]
        self._fernet: Any = None
        if keys:
            from cryptography.fernet import Fernet, MultiFernet

            self._fernet = MultiFernet([Fernet(key) for key in keys])

    def entry(self, id: str, fields: Mapping[bytes, bytes]) -> Entry:
        """The message of an entry. It raises NewerFormat or Unreadable."""
        if fields.get(b"v") != b"1":
            raise NewerFormat(
                f"an entry has version {fields.get(b'v')!r}: update the package chanmqttproxy-go"
            )
        try:
            body = fields[b"body"]
            if self._fernet is not None:
                body = self._fernet.decrypt(body)
            message = msgpack.unpackb(body)["message"]
            topic, payload = message["topic"], message["payload"]
            return Entry(
                topic=topic.decode(errors="replace") if isinstance(topic, bytes) else topic,
                payload=payload.encode() if isinstance(payload, str) else bytes(payload),
                qos=message["qos"],
                retain=message["retain"],
                received=datetime.fromtimestamp(int(id.partition("-")[0]) / 1000, timezone.utc),
                properties=message.get("properties") or {},
                id=id,
            )
        except Exception as error:  # whatever is not the worker's
            raise Unreadable(type(error).__name__) from error


def secret_bytes(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret
