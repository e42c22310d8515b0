"""Numbers of the handlers' process, in the text format of Prometheus."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PREFIX = "chanmqttproxy_handler_"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """A metric of one name, and its values by labels."""

    name: str
    help: str
    values: tuple[tuple[Labels, float], ...]

    @property
    def kind(self) -> str:
        return "counter" if self.name.endswith("_total") else "gauge"


@dataclass(frozen=True)
class SinkNumbers:
    """What one sink of messages has done, and what waits in it."""

    name: str
    handled: int
    failed: int
    retried: int
    dead: int
    dropped: int
    waiting: tuple[int, int]  # messages and bytes, those under way among them
    limits: tuple[int, int]
    under_way: int
    stuck: int
    databases_away: frozenset[str]


@dataclass(frozen=True)
class PartitionNumbers:
    """What is in a partition of a stream, and whether it is read here."""

    stream: str
    name: str
    messages: int
    oldest_seconds: float
    held: int  # 1 or 0


def metrics_of(
    sinks: Iterable[SinkNumbers],
    databases: Iterable[str],
    partitions: Iterable[PartitionNumbers] | None,
    wrong: int = 0,
) -> list[Metric]:
    """All metrics; partitions are None while Redis is away."""
    sinks, partitions_now = list(sinks), list(partitions or ())
    away = frozenset(alias for sink in sinks for alias in sink.databases_away)

    def by_sink(name: str, help: str, value: str, index: int | None = None) -> Metric:
        numbers = ((sink, getattr(sink, value)) for sink in sinks)
        values = ((({"of": sink.name}), n if index is None else n[index]) for sink, n in numbers)
        return Metric(name, help, tuple(values))

    def by_partition(name: str, help: str, value: str) -> Metric:
        labelled = (({"stream": p.stream, "partition": p.name}, getattr(p, value)) for p in partitions_now)
        return Metric(name, help, tuple(labelled))

    results = [
        ({"of": sink.name, "result": result}, getattr(sink, result))
        for sink in sinks
        for result in ("handled", "dead", "dropped")
    ]
    return [
        Metric("messages_total", "Messages that are done with, by what became of them.", tuple(results)),
        by_sink("failures_total", "Tries that failed.", "failed"),
        by_sink("retries_total", "Failed tries after which a message is to be tried again.", "retried"),
        by_sink("messages_waiting", "Messages that this process has taken and not handled.", "waiting", 0),
        by_sink("messages_limit", "How many messages may wait.", "limits", 0),
        by_sink("waiting_bytes", "Bytes of the messages that wait.", "waiting", 1),
        by_sink("waiting_limit_bytes", "How many bytes may wait.", "limits", 1),
        by_sink("messages_in_flight", "Messages that are with a handler now.", "under_way"),
        by_sink("messages_stuck", "Calls that do not end, though they were interrupted.", "stuck"),
        Metric(
            "database_connected",
            "0 while handlers wait for this database.",
            tuple(({"database": alias}, int(alias not in away)) for alias in sorted({*databases, *away})),
        ),
        Metric("wrong", "Handlers that are left out, since something is wrong with them.", (({}, wrong),)),
        Metric("redis_connected", "1 if Redis answers.", (({}, int(partitions is not None)),)),
        by_partition("stream_lag", "Messages of a partition that are not done.", "messages"),
        by_partition("stream_lag_seconds", "Age of the oldest message that is not done.", "oldest_seconds"),
        by_partition("stream_held", "1 if this process reads the partition.", "held"),
    ]


def text(metrics: Iterable[Metric]) -> str:
    """Metrics in the text format."""
    lines = []
    for metric in metrics:
        name = PREFIX + metric.name
        lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
        lines += [f"{name}{_labels(labels)} {value!r}" for labels, value in metric.values]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
