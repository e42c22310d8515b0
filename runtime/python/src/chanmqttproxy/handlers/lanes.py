"""Which message is handled next: in order in each topic, several topics at once."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from chanmqttproxy.entry import Entry


@dataclass
class Job:
    """A message that waits for its handler, or is with it."""

    entry: Entry
    source: Any = None  # the partition that it is from; None: nobody wants to know what became of it
    size: int = 0
    body: bytes = b""  # as it was stored
    tries: int = 0  # that failed
    given_up: str = ""  # why it is to be a dead letter


@dataclass
class _Lane:
    """The messages of one topic. The first is the one under way."""

    jobs: deque[Job] = field(default_factory=deque)
    taken: bool = False
    waits: bool = False


class Lanes:
    """Messages by topic. One message of a topic is under way at a time; the others wait for it.

    It takes the time as a value, and is not safe for threads.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._ready: deque[str] = deque()
        self._waiting: list[tuple[float, int, str]] = []
        self._held: dict[str, dict[str, None]] = {}  # topics, by what they wait for
        self._order = 0
        self.count = 0
        self.size = 0

    def put(self, job: Job) -> None:
        """Add a message behind the others of its topic."""
        lane = self._lanes.setdefault(job.entry.topic, _Lane())
        lane.jobs.append(job)
        self.count += 1
        self.size += job.size
        if len(lane.jobs) == 1:
            self._ready.append(job.entry.topic)

    def take(self, now: float) -> Job | None:
        """The next message to handle. done or retry must follow."""
        self._wake(now)
        while self._ready:
            lane = self._lanes.get(self._ready.popleft())
            if lane is not None and lane.jobs and not lane.taken and not lane.waits:
                lane.taken = True
                return lane.jobs[0]
        return None

    def next_at(self) -> float | None:
        """When the first message is due whose topic waits; None if none does."""
        return self._waiting[0][0] if self._waiting else None

    def done(self, job: Job) -> None:
        """A message that was taken is handled, or given up: the next of its topic may follow."""
        topic = job.entry.topic
        lane = self._lanes[topic]
        lane.jobs.popleft()
        lane.taken = False
        self._forget(job)
        self._again(topic, lane)

    def retry(self, job: Job, at: float) -> None:
        """A message that was taken is to be handled again at a time; its topic waits until then."""
        topic = job.entry.topic
        lane = self._lanes[topic]
        lane.taken, lane.waits = False, True
        self._order += 1
        heapq.heappush(self._waiting, (at, self._order, topic))

    def hold(self, job: Job, reason: str) -> None:
        """A message that was taken is to be handled again once what it waits for is released."""
        lane = self._lanes[job.entry.topic]
        lane.taken, lane.waits = False, True
        self._held.setdefault(reason, {})[job.entry.topic] = None

    def release(self, reason: str) -> None:
        """What topics are held for is there."""
        for topic in self._held.pop(reason, ()):
            self._go_on(topic)

    def drop(self, source: Any) -> None:
        """Forget the messages of a partition that nobody has taken."""
        for topic in list(self._lanes):
            lane = self._lanes[topic]
            first = [lane.jobs.popleft()] if lane.taken else []
            gone = [job for job in lane.jobs if job.source == source]
            lane.jobs = deque(first + [job for job in lane.jobs if job.source != source])
            for job in gone:
                self._forget(job)
            if not lane.jobs:
                del self._lanes[topic]

    def busy(self, source: Any) -> bool:
        """Whether a message of a partition is under way."""
        return any(lane.taken and lane.jobs[0].source == source for lane in self._lanes.values())

    def taken(self) -> list[Job]:
        """The messages that are under way."""
        return [lane.jobs[0] for lane in self._lanes.values() if lane.taken]

    def _forget(self, job: Job) -> None:
        self.count -= 1
        self.size -= job.size

    def _wake(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            self._go_on(heapq.heappop(self._waiting)[2])

    def _go_on(self, topic: str) -> None:
        lane = self._lanes.get(topic)
        if lane is not None and lane.waits:
            lane.waits = False
            self._again(topic, lane)

    def _again(self, topic: str, lane: _Lane) -> None:
        if lane.jobs:
            self._ready.append(topic)
        else:
            del self._lanes[topic]
