"""The Django app of the last messages."""

from django.apps import AppConfig


class StateConfig(AppConfig):
    name = "chanmqttproxy.state"
    label = "chanmqttproxy_state"
    verbose_name = "MQTT state"
    default_auto_field = "django.db.models.BigAutoField"
