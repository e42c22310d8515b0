"""A site that talks MQTT: a house with lamps and sensors, and the chat of the Channels
tutorial at /chat/.

    pip install -r requirements.txt ../../runtime/python
    python manage.py migrate
    python manage.py loaddata house     # rooms, lamps and sensors
    python manage.py runmqtt --dev      # the MQTT worker and the handlers, a broker, a Redis
    python manage.py runserver          # in another terminal
    python manage.py devices            # in a third: plays the lamps and sensors

The pages need no login; `python manage.py createsuperuser` makes one for /admin/.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("SECRET_KEY", "an example keeps no secrets")
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "daphne",
    "chanmqttproxy",
    "chanmqttproxy.state",  # the newest message of each topic
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "chat",
    "house",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "mysite.urls"
ASGI_APPLICATION = "mysite.asgi.application"
STATIC_URL = "static/"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

if "PGDATABASE" in os.environ:  # PGHOST, PGUSER, … are read by PostgreSQL's library
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "OPTIONS": {"connect_timeout": 5},
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DATABASE", BASE_DIR / "site.sqlite3"),
            # Several processes write: each waits for the other.
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        }
    }

# The MQTT worker reads these too.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://localhost:6379")]},
    }
}
MQTT_HOST = os.environ.get("MQTT_HOST", "localhost")
CHANMQTTPROXY = {
    "STATE": ["house/#"],
    "MQTT_STATUS_GROUP": "broker",  # pages say when the broker is away
}
