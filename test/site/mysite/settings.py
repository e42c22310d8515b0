"""The chat of the Channels tutorial, whose rooms talk MQTT.

    pip install -r requirements.txt
    python manage.py runserver

and an MQTT worker for the channel "mqtt" on the same Redis. There is no
database, no user and no session: nothing here but what the chat needs.
"""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "an example keeps no secrets")
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = ["daphne", "channels", "chat"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "mysite.urls"
ASGI_APPLICATION = "mysite.asgi.application"
DATABASES = {}
TIME_ZONE = "UTC"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
    }
]

# The MQTT worker must be given the same layer.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://localhost:6379")]},
    }
}
