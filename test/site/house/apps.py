from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "house"
    default_auto_field = "django.db.models.BigAutoField"
