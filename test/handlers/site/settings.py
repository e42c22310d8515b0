"""A site whose handlers write what devices send into a database."""

import os

SECRET_KEY = "a test keeps no secrets"
INSTALLED_APPS = ["chanmqttproxy", "channels", "chanmqttproxy.state", "ledger"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}
MQTT_HOST = os.environ.get("BROKER", "localhost")
CHANMQTTPROXY = {"STATE": ["state/#"], "HANDLER_BACKOFF": 0.1, "HANDLER_TRIES": 3}

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", ":memory:")}}
if port := os.environ.get("POSTGRES_PORT"):
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": port,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
