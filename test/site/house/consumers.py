from chanmqttproxy import MqttError, MqttMixin, apublish, on_mqtt
from chanmqttproxy.state import alast
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class HouseConsumer(MqttMixin, AsyncJsonWebsocketConsumer):
    """One open page: it gets the newest value of each device, and then each new one."""

    groups = ["broker"]  # MQTT_STATUS_GROUP

    async def connect(self):
        await self.accept()
        newest = await alast("house/#")
        await self.send_json({"values": {m.topic: m.value for m in newest}})
        await self.channel_layer.send("mqtt", {"type": "mqtt.status", "reply_channel": self.channel_name})

    @on_mqtt("house/{room}/{kind}/{device}", retained="send", overflow="latest")
    async def device(self, message, room, kind, device):
        await self.send_json({"topic": message.topic, "payload": message.payload})

    async def mqtt_status(self, event):
        await self.send_json({"connected": event["connected"]})

    mqtt_state = mqtt_status  # the answer has the same keys


# README.md shows this one.
class LightConsumer(MqttMixin, AsyncJsonWebsocketConsumer):
    @on_mqtt("house/{room}/light", retained="send")
    async def light(self, message, room):
        await self.send_json({"room": room, "light": message.payload})

    async def receive_json(self, content):  # {"room": "hall", "light": "on"}
        try:
            await apublish(f"house/{content['room']}/set", content["light"])
        except MqttError as error:  # refused, or the broker is unreachable
            await self.send_json({"error": error.code})
