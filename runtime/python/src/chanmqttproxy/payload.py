"""The payload of a message as a handler gets it."""

import json
from typing import Any, Literal

PayloadForm = Literal["auto", "json", "text", "bytes"]


def decoded(data: bytes, form: str = "auto") -> Any:
    """What a payload says, as the worker's `payload` option of a subscription means it.

    auto: JSON if it parses, else text if it is UTF-8, else bytes. What is not what was
    asked for comes as bytes.
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
        return json.loads(text)
    except (ValueError, RecursionError):
        return text if form == "auto" else data
