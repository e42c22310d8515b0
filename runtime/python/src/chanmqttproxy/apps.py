"""The Django app: commands and system checks."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from chanmqttproxy import checks
from chanmqttproxy.binary import NOT_WHOLE, is_whole


class ChanmqttproxyConfig(AppConfig):
    name = "chanmqttproxy"
    verbose_name = "MQTT worker"

    def ready(self) -> None:
        if not is_whole():
            raise ImproperlyConfigured(NOT_WHOLE)
        checks.register()
