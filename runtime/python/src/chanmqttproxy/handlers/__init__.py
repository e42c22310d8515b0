"""Handlers: functions of a site that get the messages of topics, without a browser.

They are in the mqtt_handlers.py of its apps, marked with @on_mqtt; `manage.py runmqtt` runs them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chanmqttproxy.data import Message

__all__ = ["adispatch", "dispatch"]


def dispatch(message: "Message") -> bool:
    """Call the handler that takes a message's topic, in this thread; False if there is none.

    For tests and for repairs: it needs no worker. What the handler raises is raised. An async
    handler is run to its end.
    """
    from asgiref.sync import async_to_sync

    from chanmqttproxy.handlers.call import call_of

    found = call_of(message)
    if found is None:
        return False
    handler, call = found
    if handler.is_async:
        async_to_sync(call)()
    else:
        call()
    return True


async def adispatch(message: "Message") -> bool:
    """As dispatch, for async code. A sync handler runs in the thread of the caller's queries."""
    from asgiref.sync import sync_to_async

    from chanmqttproxy.handlers.call import call_of

    found = await sync_to_async(call_of)(message)
    if found is None:
        return False
    handler, call = found
    await (call() if handler.is_async else sync_to_async(call)())
    return True
