"""The chat of the Channels tutorial on MQTT, written as for the Python package
chanmqttproxy. Nothing here was changed for this program.
"""

import os

SECRET_KEY = "an example keeps no secrets"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = ["daphne", "channels", "chat"]
ROOT_URLCONF = "mysite.urls"
ASGI_APPLICATION = "mysite.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [("127.0.0.1", int(os.environ.get("SITE_REDIS_PORT", "6379")))]},
    },
}

MQTT_HOST = os.environ.get("SITE_MQTT_HOST", "localhost")
MQTT_USER = os.environ.get("SITE_MQTT_USER", "")
MQTT_PASSWORD = os.environ.get("SITE_MQTT_PASSWORD", "")
MQTT_VERSION = 311
