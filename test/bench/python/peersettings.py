"""A site that has nothing but a channel layer."""

import os

SECRET_KEY = "a measurement keeps no secrets"
INSTALLED_APPS = ["channels"]
USE_TZ = True
ASGI_APPLICATION = os.environ["BENCH_ASGI"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}
MQTT_HOST = os.environ["MQTT_HOST"]  # the older package uses port 1883 there
MQTT_USER = MQTT_PASSWORD = ""
