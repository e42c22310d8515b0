"""Two examples of a site that talks MQTT: the chat of the Channels tutorial, and a
page that shows the state of a house.

    pip install -r requirements.txt ../../runtime/python
    python manage.py migrate
    python manage.py runmqtt --dev -- --config chanmqttproxy.yaml  # the MQTT worker, a broker, a Redis
    python manage.py runserver          # in another terminal
    python manage.py runworker state    # in a third: for the page /state/

There is no user and no session: nothing here but what the two need.
"""

import os
from pathlib import Path

SECRET_KEY = os.environ.get("SECRET_KEY", "an example keeps no secrets")
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = ["daphne", "chanmqttproxy", "channels", "chat", "state"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "mysite.urls"
ASGI_APPLICATION = "mysite.asgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get(
            "DATABASE", Path(__file__).resolve().parent.parent / "site.sqlite3"
        ),
    }
}
TIME_ZONE = "UTC"
USE_TZ = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
    }
]

# The MQTT worker reads it too.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://localhost:6379")]},
    }
}
