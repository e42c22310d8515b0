"""For pytest: the fixture mqtt_broker. Pytest finds it by itself where the package is installed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chanmqttproxy.testing import MqttTestBroker


@pytest.fixture
def mqtt_broker() -> "Iterator[MqttTestBroker]":
    """A test broker in place of the channel layer, the worker and the MQTT broker."""
    from chanmqttproxy.testing import MqttTestBroker  # Django has its settings by now

    with MqttTestBroker() as broker:
        yield broker
