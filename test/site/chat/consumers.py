from channels.generic.websocket import AsyncJsonWebsocketConsumer


class RoomConsumer(AsyncJsonWebsocketConsumer):
    """One browser in one room.

    What is typed in the room is published to the topic chat/<room>. What anybody
    publishes there, browsers and devices alike, appears in every browser in the room.
    Both go through the worker that reads the channel "mqtt".
    """

    async def connect(self):
        room = self.scope["url_route"]["kwargs"]["room"]
        self.topic = f"chat/{room}"
        self.group = f"chat_{room}"
        # First into the group, so that no message finds it without us.
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.channel_layer.send(
            "mqtt",
            {
                "type": "mqtt.subscribe",
                "topic": self.topic,
                "group": self.group,
                "qos": 1,
            },
        )
        await self.accept()

    async def disconnect(self, code):
        # No mqtt.unsubscribe: others may still be in the room.
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        """Text typed in the room."""
        await self.channel_layer.send(
            "mqtt",
            {
                "type": "mqtt.publish",
                "publish": {
                    "topic": self.topic,
                    "payload": content["text"],
                    "qos": 1,
                    "retain": False,
                },
            },
        )

    async def mqtt_message(self, event):
        """A message from the broker: topic, payload, qos, retain."""
        message = event["message"]
        payload = message["payload"]
        if isinstance(payload, bytes):  # neither JSON nor text
            payload = payload.hex(" ")
        await self.send_json({"topic": message["topic"], "payload": payload})
