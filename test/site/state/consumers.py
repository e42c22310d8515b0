from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from .models import State


class StateConsumer(AsyncConsumer):
    """Keeps the model. It runs in `manage.py runworker state`.

    The MQTT worker subscribes by itself, as chanmqttproxy.yaml says, and sends
    to the channel "state": first the retained values, then what is published.
    """

    async def mqtt_message(self, event):
        topic, payload = event["message"]["topic"], event["message"]["payload"]
        if isinstance(payload, bytes):  # not text
            payload = payload.hex(" ")
        if payload:
            state, _ = await State.objects.aupdate_or_create(
                topic=topic, defaults={"payload": payload}
            )
            change = state.shown()
        else:  # this is how MQTT takes a retained value away
            await State.objects.filter(topic=topic).adelete()
            change = {"topic": topic, "payload": None}
        # After the model: a page that opens now reads it there.
        await self.channel_layer.group_send(
            "state_pages", {"type": "state.changed", "change": change}
        )


class PageConsumer(AsyncJsonWebsocketConsumer):
    """One open page: it gets what is in the model, and then each change."""

    # Joined before connect is called, so that no change is missed.
    groups = ["state_pages"]

    async def connect(self):
        await self.accept()
        async for state in State.objects.order_by("topic"):
            await self.send_json(state.shown())

    async def state_changed(self, event):
        await self.send_json(event["change"])
