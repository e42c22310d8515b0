from chanmqttproxy.testing import MqttTestBroker
from channels.testing import WebsocketCommunicator
from django.test import TestCase, TransactionTestCase

from .consumers import HouseConsumer, LightConsumer
from .models import Lamp, Reading


class HouseTest(TestCase):
    fixtures = ["house"]

    def test_button_publishes(self):
        lamp = Lamp.objects.get(slug="table")
        with MqttTestBroker() as mqtt:
            answer = self.client.post(f"/lamps/{lamp.pk}/switch/", {"to": "on"})
        self.assertEqual(answer.status_code, 204)
        [sent] = mqtt.published
        self.assertEqual((sent.topic, sent.payload), ("house/kitchen/lamp/table/set", b"on"))

    def test_button_shows_refusal(self):
        lamp = Lamp.objects.get(slug="alarm")
        with MqttTestBroker() as mqtt:
            mqtt.refuse("house/cellar/#", reason="Not authorized")
            answer = self.client.post(f"/lamps/{lamp.pk}/switch/", {"to": "on"})
        self.assertEqual((answer.status_code, answer.json()), (502, {"reason": "Not authorized"}))

    def test_reading_is_kept(self):
        with MqttTestBroker() as mqtt:
            mqtt.deliver_sync("house/hall/sensor/temperature", "21.5")
            mqtt.deliver_sync("house/hall/sensor/unknown", "1")
        self.assertEqual([str(reading) for reading in Reading.objects.all()], ["21.5"])


class PageTest(TransactionTestCase):  # Channels closes connections, which would end TestCase's transaction
    async def test_page_follows(self):
        async with MqttTestBroker() as mqtt:
            page = WebsocketCommunicator(HouseConsumer.as_asgi(), "/ws/house/")
            await page.connect()
            self.assertEqual(await page.receive_json_from(), {"values": {}})
            self.assertEqual(await page.receive_json_from(), {"connected": True})
            await mqtt.deliver("house/hall/lamp/ceiling", "on")
            self.assertEqual(
                await page.receive_json_from(), {"topic": "house/hall/lamp/ceiling", "payload": "on"}
            )
            await page.disconnect()

    async def test_lights(self):
        async with MqttTestBroker() as mqtt:
            await mqtt.deliver("house/hall/light", "off", retain=True)
            mqtt.refuse("house/cellar/#")
            page = WebsocketCommunicator(LightConsumer.as_asgi(), "/ws/lights/")
            await page.connect()
            self.assertEqual(await page.receive_json_from(), {"room": "hall", "light": "off"})
            await page.send_json_to({"room": "hall", "light": "on"})
            await page.send_json_to({"room": "cellar", "light": "on"})
            self.assertEqual(await page.receive_json_from(), {"error": "denied"})
            await mqtt.disconnect()
            await page.send_json_to({"room": "hall", "light": "off"})
            self.assertEqual(await page.receive_json_from(), {"error": "timeout"})
            self.assertEqual([sent.topic for sent in mqtt.published], ["house/hall/set"])
            await page.disconnect()
