"""MQTT's rules for topics and topic filters (MQTT 5, 4.7), as the worker has them."""

import itertools

# The longest text that MQTT carries, and the most levels that the worker takes.
MAX_BYTES = 65535
MAX_LEVELS = 200


def check_topic(topic: str) -> None:
    """Raise ValueError if no message can be published to the topic."""
    _check_text("a topic", topic)
    for wildcard in "+#":
        if wildcard in topic:
            raise ValueError(f"a topic to publish to must not contain the wildcard {wildcard!r}")


def check_filter(text: str) -> None:
    """Raise ValueError if the filter can't be subscribed to."""
    _check_text("a topic filter", text)
    levels = text.split("/")
    for i, level in enumerate(levels):
        if len(level) > 1 and ("+" in level or "#" in level):
            raise ValueError("the wildcards + and # must stand alone between slashes, as in a/+/b or a/#")
        if level == "#" and i < len(levels) - 1:
            raise ValueError("the wildcard # must be the last level, as in a/#")
    if levels[0] == "$share":
        raise ValueError("$share/… can't be subscribed to: use the option shared")


def matches(filter: str, topic: str) -> bool:
    """Whether the filter matches the topic."""
    return match_levels(filter.split("/"), topic.split("/"))


def match_levels(wanted: list[str], levels: list[str]) -> bool:
    """Whether a filter matches a topic, both cut at their slashes."""
    if wanted[0] in ("+", "#") and levels[0].startswith("$"):  # [MQTT-4.7.2-1]
        return False
    if wanted[-1] == "#":  # "a/#" matches "a" too
        wanted = wanted[:-1]
        if len(levels) < len(wanted):
            return False
    elif len(levels) != len(wanted):
        return False
    return all(want in ("+", level) for want, level in zip(wanted, levels, strict=False))


def overlap(a: str, b: str) -> bool:
    """Whether there is a topic that both filters match."""
    if (_wild_first(a) and b.startswith("$")) or (_wild_first(b) and a.startswith("$")):
        return False
    for x, y in itertools.zip_longest(_explicit(a), _explicit(b)):
        if x == "#" or y == "#":
            return True
        if x is None or y is None or (x != y and "+" not in (x, y)):
            return False
    return True


def _wild_first(filter: str) -> bool:
    return filter.startswith(("+", "#"))


def _explicit(filter: str) -> list[str]:
    """The levels; "#" and "/#" as filters whose "#" may stand for nothing, as the empty text is no topic."""
    return {"#": "+/#", "/#": "/+/#"}.get(filter, filter).split("/")


def _check_text(what: str, text: str) -> None:
    if not text:
        raise ValueError(f"{what} must not be empty")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{what} must be valid UTF-8") from None
    if size > MAX_BYTES:
        raise ValueError(f"{what} must be at most {MAX_BYTES} bytes long in UTF-8, this is {size}")
    for character in text:
        if _refused(ord(character)):
            raise ValueError(f"{what} must not contain the character U+{ord(character):04X}")
    if text.count("/") >= MAX_LEVELS:
        raise ValueError(f"{what} must have at most {MAX_LEVELS} levels, this has {text.count('/') + 1}")


def _refused(code: int) -> bool:
    """Control characters and noncharacters (MQTT 5, 1.5.4)."""
    control = code <= 0x1F or 0x7F <= code <= 0x9F
    return control or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
