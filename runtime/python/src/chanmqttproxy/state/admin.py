"""The last messages in the admin: to read and to search, not to change."""

import contextlib
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from chanmqttproxy.state.models import LastMessage
from chanmqttproxy.state.query import WILDCARDS

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[LastMessage]
else:
    ModelAdmin = admin.ModelAdmin

PREVIEW = 80


@admin.register(LastMessage)
class LastMessageAdmin(ModelAdmin):
    list_display = ("topic", "preview", "received", "qos", "retain")
    list_filter = ("retain", "qos", "kind")
    fields = ("topic", "kind", "content", "received", "qos", "retain", "properties")
    readonly_fields = ("content",)
    search_fields = ("topic",)
    search_help_text = "A topic, a part of one, or an MQTT filter: house/+/lamp"
    show_full_result_count = False

    @admin.display(description="payload")
    def preview(self, message: LastMessage) -> str:
        text = self.content(message)
        return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"

    @admin.display(description="payload")
    def content(self, message: LastMessage) -> str:
        payload = message.payload
        return payload.hex(" ") if isinstance(payload, bytes) else str(payload)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LastMessage], search_term: str
    ) -> tuple[QuerySet[LastMessage], bool]:
        topic_filter = search_term.strip()
        if WILDCARDS & set(topic_filter.split("/")):
            with contextlib.suppress(ValueError):  # it is no filter
                matching = LastMessage.objects.matching(topic_filter)
                return queryset.filter(pk__in=matching.order_by().values("pk")), False
        return super().get_search_results(request, queryset, search_term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
