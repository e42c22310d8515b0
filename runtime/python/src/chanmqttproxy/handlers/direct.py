"""Calls a handler without a worker: for tests."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.utils import timezone

from chanmqttproxy.data import Message
from chanmqttproxy.handlers.registry import Handler, discover
from chanmqttproxy.payloads import decode


def call_of(message: Message) -> tuple[Handler, Callable[[], Any]] | None:
    """The handler that takes a message's topic, and its call; None if none does.

    A payload of bytes is what the broker has: the handler gets it as it asks for it.
    """
    handler = discover().find(message.topic)
    if handler is None:
        return None
    arguments = handler.mark.pattern.match(message.topic) or {}
    payload = message.payload
    if isinstance(payload, bytes):
        payload = decode(payload, handler.options.payload)
    qos = min(message.qos, handler.options.qos)
    message = replace(message, payload=payload, qos=qos, received=message.received or timezone.now())
    if not handler.is_async:
        return handler, lambda: handler.function(message, **arguments)

    async def call() -> None:
        await handler.function(message, **arguments)

    return handler, call
