"""Payloads: as a command carries them, as the broker has them, and as Python gets them."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from chanmqttproxy.data import Decode


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


def to_bytes(payload: Any) -> bytes:
    """What the broker gets of a payload."""
    carried = encode(payload)
    if isinstance(carried, bytes):
        return carried
    return b"" if carried is None else str(carried).encode()


def decode(data: bytes, form: Decode = "auto") -> Any:
    """The payload of a message, as the option `payload` of a subscription has it.

    auto: JSON if it parses, else text if it is UTF-8, else bytes. What is not what another form
    asks for comes as bytes, too.
    """
    if form == "bytes":
        return data
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    if form == "text":
        return text
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        return text if form == "auto" else data


def _integer(digits: str) -> int | str:
    """An integer; as text where the channel layer can't carry it."""
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else digits
