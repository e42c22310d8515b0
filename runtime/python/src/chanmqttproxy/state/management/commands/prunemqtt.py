"""manage.py prunemqtt: deletes the last messages of topics that have long been silent."""

from datetime import timedelta
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chanmqttproxy.state.models import LastMessage

AT_ONCE = 1000


class Command(BaseCommand):
    help = "Deletes the last message of each topic that has had none for so many days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=float, required=True, help="age from which they are deleted")
        parser.add_argument("--filter", default="#", help="only topics that match this MQTT filter")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 0:
            raise CommandError("--days must not be negative.")
        before = timezone.now() - timedelta(days=options["days"])
        try:
            matching = LastMessage.objects.matching(options["filter"])
        except ValueError as error:
            raise CommandError(f"--filter: {error}") from None
        old = matching.filter(received__lt=before).order_by()
        deleted = 0
        while keys := list(old.values_list("pk", flat=True)[:AT_ONCE]):
            # One that has come meanwhile is new, and stays.
            count, _ = LastMessage.objects.filter(pk__in=keys, received__lt=before).delete()
            deleted += count
        self.stdout.write(
            f"Deleted {deleted} last messages that are older than {before:%Y-%m-%d %H:%M:%S %Z}."
        )
