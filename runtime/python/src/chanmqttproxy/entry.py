"""A message as it comes out of a stream."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A message of a device, with its payload as it was sent."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    received: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    id: str = ""
