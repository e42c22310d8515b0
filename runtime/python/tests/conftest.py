"""Django with the app, and the installed program."""

import asyncio
import inspect
import os

import django
import pytest
from django.conf import settings

LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("TEST_REDIS_URL", "redis://localhost:6379")]},
    }
}
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}


def pytest_configure() -> None:
    settings.configure(
        SECRET_KEY="a test keeps no secrets",
        INSTALLED_APPS=[
            "chanmqttproxy",
            "channels",
            "chanmqttproxy.state",
            "readings",
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
        ],
        CHANNEL_LAYERS=LAYERS,
        DATABASES={"default": SQLITE},
        TEMPLATES=[
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
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ROOT_URLCONF="admin_urls",
        USE_TZ=True,
    )
    django.setup()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run async tests, each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
