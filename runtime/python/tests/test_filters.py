"""MQTT's rules, against the vectors that the worker is tested with too."""

import contextlib
import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chanmqttproxy import filters

VECTORS = json.loads((Path(__file__).parents[3] / "test/golden/filters.json").read_text())


def test_match() -> None:
    for filter, topic, want in VECTORS["match"]:
        assert filters.matches(filter, topic) == want, (filter, topic)


def test_valid() -> None:
    def valid(check: Callable[[str], None], text: str) -> bool:
        with contextlib.suppress(ValueError):
            check(text)
            return True
        return False

    for text, as_topic, as_filter in VECTORS["valid"]:
        assert valid(filters.check_topic, text) == as_topic, text
        assert valid(filters.check_filter, text) == as_filter, text


def test_limits() -> None:
    filters.check_filter("a" * 65535)
    filters.check_topic("/" * 199)
    for bad in "a" * 65536, "/" * 200, "\ud800":
        with pytest.raises(ValueError):
            filters.check_filter(bad)


def paths(levels: list[str], longest: int) -> list[str]:
    """All paths of 1 to longest levels, but the empty one."""
    found = ["/".join(p) for n in range(1, longest + 1) for p in itertools.product(levels, repeat=n)]
    return [path for path in found if path]


def digest(a: list[str], b: list[str], holds: Callable[[str, str], bool]) -> str:
    bits = "".join("01"[holds(x, y)] for x in a for y in b)
    return hashlib.sha256(bits.encode()).hexdigest()


def test_every() -> None:
    every = VECTORS["every"]
    wanted = ["#", "/#"] + [f for path in paths(every["filter_levels"], 3) for f in (path, path + "/#")]
    topics = paths(every["topic_levels"], 4)
    assert digest(wanted, topics, filters.matches) == every["filter_matches_topic"]
    assert digest(wanted, wanted, filters.overlap) == every["filter_overlaps_filter"]
