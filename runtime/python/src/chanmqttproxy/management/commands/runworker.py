"""Channels' runworker, with the MQTT worker in place of a consumer for its channel."""

from typing import Any

from channels.management.commands.runworker import Command as RunWorker

from chanmqttproxy import handover


class Command(RunWorker):  # type: ignore[misc]
    help = "Runs a worker for channels; for the channel of MQTT commands, the MQTT worker."

    def handle(self, *args: Any, **options: Any) -> None:
        wanted, others = handover.split(options["channels"])
        if wanted:
            handover.run_worker(others, handover.alias(options), self.stdout.write)
        options["channels"] = others
        super().handle(*args, **options)
