from django.contrib import admin

from .models import Lamp, Reading, Room, Sensor


class LampInline(admin.TabularInline):
    model = Lamp
    extra = 0


class SensorInline(admin.TabularInline):
    model = Sensor
    extra = 0


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    inlines = [LampInline, SensorInline]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Reading)
class ReadingAdmin(admin.ModelAdmin):
    list_display = ["sensor", "time", "value"]
    list_filter = ["sensor"]
    date_hierarchy = "time"
