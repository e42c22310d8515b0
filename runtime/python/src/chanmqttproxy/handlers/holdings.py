"""The partitions that this reader has: each has one reader at a time, by a lease in Redis."""

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from chanmqttproxy.handlers import scripts
from chanmqttproxy.handlers.stream import Info, Keys, Partition, current

logger = logging.getLogger("chanmqttproxy.handlers")

LEASE = 1.3  # seconds
START = "0-0"


@dataclass
class Held:
    """A partition whose lease this reader has."""

    until: float  # by this process's clock
    after: str = START  # first comes what a dead reader had taken; ">": then what nobody has
    last: str = START  # the last entry that was taken
    leaving: bool = False


class Holdings:
    """The leases of one reader. `drop` is called with a partition that it has no more."""

    def __init__(self, client: "redis.Redis", keys: Keys, drop: Callable[[Partition], None]) -> None:
        self.client, self.keys, self.drop = client, keys, drop
        self.reader = uuid.uuid4().hex
        self.lock = threading.RLock()
        self.held: dict[Partition, Held] = {}
        self.info: Info | None = None
        self.refused: set[Partition] = set()
        self.complete = False  # all partitions that are to be read are held here
        self._readers = 1
        self._careful_until = 0.0
        self._leases = client.register_script(scripts.LEASES)
        self._release = client.register_script(scripts.RELEASE)

    def holds(self, partition: Any) -> bool:
        """Whether the lease of a partition is certainly held now.

        It takes no lock: a sink asks while it has its own, which it takes inside of ours too.
        """
        held = self.held.get(partition)
        return held is not None and time.monotonic() < held.until

    def readable(self) -> list[Partition]:
        """The partitions to take entries of."""
        with self.lock:
            mine = (p for p, held in self.held.items() if self.holds(p) and not held.leaving)
            return sorted(p for p in mine if p not in self.refused)

    def look_again(self, partition: Partition) -> None:
        """What was taken of a partition is not known for sure: begin with what is pending."""
        with self.lock:
            if (held := self.held.get(partition)) is not None:
                self.drop(partition)
                held.after = held.last = START

    def redis_lost(self) -> None:
        """Redis does not answer. Others may be as blind: who had a partition goes first then."""
        self._careful_until = time.monotonic() + LEASE

    def tick(self, busy: Callable[[Partition], bool], taking: bool) -> None:
        """Renew the leases, give away what is too much, and take what is free if taking.

        A partition that is busy is kept until it is not.
        """
        asked_at = time.monotonic()
        found: Any = self.client.hgetall(self.keys.info)
        self.info = Info.read(self.keys.name, found)
        wanted = self._wanted(self.info)
        with self.lock:
            surplus = len(self.held) - math.ceil(len(wanted) / self._readers)
            excess = sorted(self.held, reverse=True)[: max(0, surplus)]
            for partition, held in self.held.items():
                held.leaving = held.leaving or partition not in wanted or partition in excess
        self._leave(busy)
        with self.lock:
            mine = list(self.held)
        careful = asked_at < self._careful_until
        free = [p for p in wanted if p not in mine] if taking and not careful else []
        self._renew(asked_at, mine, free, max(0, -surplus))
        with self.lock:
            self.complete = set(wanted) <= set(self.held)

    def close(self) -> None:
        """Give all leases back."""
        self._let_go(list(self.held), leave=True)

    def _wanted(self, info: Info | None) -> list[Partition]:
        if info is None:
            return []
        lengths = {}
        for generation, count in info.generations[:-1]:
            for partition in (Partition(generation, number) for number in range(count)):
                length: Any = self.client.xlen(self.keys.of(partition))
                lengths[partition] = int(length)
        return [p for p in current(info, lengths) if p not in self.refused]

    def _renew(self, asked_at: float, mine: list[Partition], free: list[Partition], new: int) -> None:
        keys = [self.keys.readers, *(self.keys.lease(p) for p in mine + free)]
        answer: Any = self._leases(keys=keys, args=[self.reader, int(LEASE * 1000), len(mine), new])
        self._readers = max(1, int(answer[0]))
        with self.lock:
            before = set(self.held)
            for partition, is_mine in zip(mine + free, answer[1:], strict=True):
                if is_mine:
                    self._have(partition, asked_at + LEASE)
                elif self.held.pop(partition, None) is not None:
                    self.drop(partition)
            if before != set(self.held):
                names = " ".join(map(str, sorted(self.held))) or "none"
                logger.info("stream %s: reading the partitions %s", self.keys.name, names)

    def _have(self, partition: Partition, until: float) -> None:
        held = self.held.get(partition)
        if held is None:
            self.held[partition] = Held(until)
            return
        if held.until <= time.monotonic():  # another may have had it
            self.look_again(partition)
        held.until = until

    def _leave(self, busy: Callable[[Partition], bool]) -> None:
        """Give back what is to be left and is not busy."""
        with self.lock:
            leaving = [p for p, held in self.held.items() if held.leaving]
            for partition in leaving:
                self.drop(partition)
            gone = [p for p in leaving if not busy(p)]
            for partition in gone:
                del self.held[partition]
        if gone:
            self._let_go(gone)

    def _let_go(self, partitions: list[Partition], leave: bool = False) -> None:
        keys = [self.keys.readers, *(self.keys.lease(p) for p in partitions)]
        self._release(keys=keys, args=[self.reader, "leave" if leave else ""])
