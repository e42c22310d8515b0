"""What calls raise. Each error has a code, which does not change, and a reason for people."""


class MqttError(Exception):
    """A call that failed. `code` is one of the table in runtime/command/README.md, `reason` says why."""

    def __init__(self, code: str, reason: str, topic: str | None = None) -> None:
        super().__init__(code, reason, topic)
        self.code = code
        self.reason = reason
        self.topic = topic

    def __str__(self) -> str:
        about = f" ({self.topic})" if self.topic and self.topic not in self.reason else ""
        return f"{self.code}: {self.reason}{about}"


class PublishRefused(MqttError):
    """The worker or the broker refused a publish or a request."""


class SubscribeRefused(MqttError):
    """The worker or the broker refused a subscribe or an unsubscribe."""


class MqttTimeout(MqttError, TimeoutError):
    """No answer in time. What was asked for may still happen: the command is on its way."""


class MqttBusy(MqttError):
    """No room for more: try again later."""


class MqttUnavailable(MqttError):
    """The channel layer can't be reached."""


class PatternError(ValueError):
    """A pattern that is no topic filter, or that does not fit the function below it."""
