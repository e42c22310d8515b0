"""What calls raise. Each error has a code, which does not change, and a reason for people."""


class MqttError(Exception):
    """A call that failed.

    code      a word that does not change, such as "denied", "bad-topic" or "timeout"
    reason    a sentence for people
    topic     the topic or topic filter of the call, if it had one
    """

    def __init__(self, code: str, reason: str, topic: str | None = None) -> None:
        super().__init__(code, reason, topic)
        self.code = code
        self.reason = reason
        self.topic = topic

    def __str__(self) -> str:
        about = f" ({self.topic})" if self.topic and str(self.topic) not in self.reason else ""
        return f"{self.code}: {self.reason}{about}"


class PublishRefused(MqttError):
    """The worker or the broker has refused a publish or a request: it was not published."""


class SubscribeRefused(MqttError):
    """The worker or the broker has refused a subscribe or an unsubscribe: it had no effect."""


class MqttTimeout(MqttError, TimeoutError):
    """No answer in time. What was asked for may still happen: the command is on its way."""


class MqttBusy(MqttError):
    """Too many commands wait for the worker already: try again later."""


class MqttUnavailable(MqttError):
    """The Redis of the channel layer can't be reached."""


class PatternError(ValueError):
    """A pattern that is no topic filter, or that does not fit the function below it."""
