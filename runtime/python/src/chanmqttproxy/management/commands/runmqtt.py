"""manage.py runmqtt: the MQTT worker with the site's settings."""

import os
import sys
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.core.management.base import SystemCheckError

from chanmqttproxy import dev, handover, launch, supervise
from chanmqttproxy.checks import TAG
from chanmqttproxy.handlers import process


class Command(BaseCommand):
    help = (
        "Runs the MQTT worker, and the handlers of the site beside it. "
        "Options after -- are for the program: runmqtt -- --log-level debug"
    )
    requires_system_checks = ()  # handle runs ours
    leave_locale_alone = True

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--dev",
            action="store_true",
            help="also start an MQTT broker and a Redis, where the settings name localhost and none runs",
        )
        how.add_argument(
            "--check",
            action="store_true",
            help="show which broker and which Redis it would use, and whether they answer",
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--no-handlers",
            action="store_true",
            help="run only the worker, not the functions in mqtt_handlers.py",
        )
        which.add_argument(
            "--handlers-only",
            action="store_true",
            help="run only the handlers; this can run on any number of machines",
        )
        parser.add_argument("--layer", default="", help="alias of the channel layer, if it is not default")
        parser.add_argument("options", nargs="*", help="options of the program chanmqttproxy, after --")

    def handle(self, *args: Any, **options: Any) -> None:
        extra, layer = options["options"], options["layer"]
        if layer:
            os.environ["MQTT_CHANNEL_LAYER"] = layer  # for the calls of handlers too
        self.check_settings()
        if options["handlers_only"]:
            self.refuse(options, "dev", "check")
            sys.exit(process.run())
        with_handlers = not options["no_handlers"]
        if options["dev"]:
            command = handover.program("dev", "--serve", *extra)
            sys.exit(dev.serve(command, layer, self.stderr.write, with_handlers))
        registry, stores = process.found([]) if with_handlers else (None, [])
        settings = handover.site_settings(layer)
        if options["check"]:
            sys.exit(launch.become(handover.program("check", "--connect", *extra), settings))
        command = handover.program("run", *extra)
        if stores or (registry is not None and registry.handlers):
            sys.exit(supervise.run(command, settings, layer))
        sys.exit(launch.become(command, settings))

    def refuse(self, options: dict[str, Any], *names: str) -> None:
        """End the command if one of these options is given too."""
        for name in names:
            if options[name]:
                raise CommandError(f"--{name} is not for --handlers-only.", returncode=2)

    def check_settings(self) -> None:
        """Check the installation; an error ends the command with exit code 2."""
        try:
            self.check(tags=[TAG])
        except SystemCheckError as error:
            error.returncode = 2
            raise
