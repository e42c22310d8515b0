"""The test broker, as tests of a site use it."""

import time

from django.test import SimpleTestCase

import chanmqttproxy as mqtt
from chanmqttproxy import Message
from chanmqttproxy.pytest_plugin import mqtt_broker as mqtt_broker
from chanmqttproxy.testing import MqttTestBroker, MqttTestMixin


class LampTest(MqttTestMixin, SimpleTestCase):
    def test_sync(self) -> None:
        mqtt.publish("lamp/set", "on")
        self.assertEqual(self.mqtt.published, [Message("lamp/set", b"on", 1)])
        self.mqtt.refuse("lamp/#")
        with self.assertRaises(mqtt.PublishRefused):
            mqtt.publish("lamp/set", "on")

    async def test_async(self) -> None:
        await mqtt.apublish("lamp/set", "on")
        self.assertEqual(len(self.mqtt.published), 1)


def test_away_and_slow(mqtt_broker: MqttTestBroker) -> None:
    began = time.monotonic()
    mqtt_broker.delay(60, "slow")
    for topic in "slow", "away":
        try:
            mqtt.publish(topic)
        except mqtt.MqttTimeout as error:
            assert "may still be sent" in str(error)
        mqtt_broker.disconnect_sync()
    assert time.monotonic() - began < 30
    assert [message.topic for message in mqtt_broker.published] == ["slow"]
    mqtt_broker.connect_sync()
    assert [message.topic for message in mqtt_broker.published] == ["slow", "away"]


def test_respond(mqtt_broker: MqttTestBroker) -> None:
    mqtt_broker.respond("{room}/get", lambda message, room: f"{room} is warm")
    assert mqtt.request("hall/get").payload == "hall is warm"
