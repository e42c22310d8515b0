"""manage.py runmqtt: the MQTT worker with the site's settings."""

import sys
from typing import Any

from django.core.management import BaseCommand, CommandParser
from django.core.management.base import SystemCheckError

from chanmqttproxy import dev, handover, launch
from chanmqttproxy.checks import TAG


class Command(BaseCommand):
    help = "Runs the MQTT worker. Options after -- are for the program: runmqtt -- --log-level debug"
    requires_system_checks = ()  # handle runs ours
    leave_locale_alone = True

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--dev",
            action="store_true",
            help="also start an MQTT broker and a Redis, if the settings name localhost and none runs there",
        )
        how.add_argument(
            "--check",
            action="store_true",
            help="show what it would connect to, and whether that answers",
        )
        parser.add_argument("--layer", default="", help="alias of the channel layer, if not the default")
        parser.add_argument("options", nargs="*", help="options of the program, after --")

    def handle(self, *args: Any, **options: Any) -> None:
        extra, layer = options["options"], options["layer"]
        self.check_settings()
        if options["dev"]:
            command = handover.program("dev", "--serve", *extra)
            sys.exit(dev.serve(command, layer, self.stderr.write))
        verb = ["check", "--connect"] if options["check"] else ["run"]
        sys.exit(launch.become(handover.program(*verb, *extra), handover.site_settings(layer)))

    def check_settings(self) -> None:
        """Check the installation; an error ends the command with exit code 2."""
        try:
            self.check(tags=[TAG])
        except SystemCheckError as error:
            error.returncode = 2
            raise
