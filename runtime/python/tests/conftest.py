"""Django with the app, and the installed program."""

import django
from django.conf import settings

LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [("localhost", 6379)]},
    }
}


def pytest_configure() -> None:
    settings.configure(
        SECRET_KEY="a test keeps no secrets",
        INSTALLED_APPS=["chanmqttproxy", "channels"],
        CHANNEL_LAYERS=LAYERS,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
    )
    django.setup()
