"""What is published, as the channel layer can carry it."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


def encode(payload: Any) -> str | bytes | int | float | bool | None:
    """The payload as a command carries it; the bytes at the broker are those that the worker makes of
    the payload itself. It raises TypeError if it can't be published."""
    if payload is None or isinstance(payload, (bool, float)):
        return payload
    if isinstance(payload, int):
        return int(payload) if -(2**63) <= payload < 2**64 else str(int(payload))
    if isinstance(payload, str):
        return str.__str__(payload)
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    try:
        if isinstance(payload, (Mapping, list, tuple)):
            plain = dict(payload) if isinstance(payload, Mapping) else payload
            return json.dumps(plain, cls=DjangoJSONEncoder, ensure_ascii=False)
        text = DjangoJSONEncoder().default(payload)
    except (TypeError, ValueError) as error:
        raise TypeError(f"This can't be published: {error}") from None
    return str(text)
