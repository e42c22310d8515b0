"""Patterns: topic filters with names, such as "house/{room}/lamp".

    {room}       one level, as + is; the function gets it as the argument room
    {rest:path}  all levels that follow, as # is: at the end only, and "" where there are none
    {url.room}   the value that Django's URL route gave the consumer; part of the filter
    + and #      as ever, without a name

Of several patterns that match a topic the most specific one takes it. They are compared level
by level from the left: text comes before {name} and +, which come before {rest:path} and #.
"""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chanmqttproxy.errors import PatternError
from chanmqttproxy.filters import check_filter, match_levels

_BRACES = re.compile(r"\{([^{}]*)\}")
_URL = re.compile(r"\{url\.([^{}]*)\}")


@dataclass(frozen=True)
class Pattern:
    """A pattern. Make it with Pattern.parse."""

    text: str
    """As it was written."""
    filter: str
    """The topic filter, in which {url.…} still stands if there is one."""
    names: tuple[tuple[int, str], ...]
    """The levels that have a name, by their position."""

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read a pattern, or raise PatternError."""
        if not isinstance(text, str):
            raise PatternError(f"a pattern must be text, not {type(text).__name__}")
        names: list[tuple[int, str]] = []
        levels = text.split("/")
        for i, level in enumerate(levels):
            if found := _named(level):
                name, levels[i] = found
                if name in dict((n, p) for p, n in names):
                    raise PatternError(f"the name {name!r} is used twice")
                names.append((i, name))
        pattern = cls(text, "/".join(levels), tuple(names))
        try:
            check_filter(_URL.sub("x", pattern.filter))
        except ValueError as error:
            raise PatternError(str(error)) from None
        return pattern

    @property
    def url_names(self) -> frozenset[str]:
        """The names of the URL route's values in it."""
        return frozenset(_URL.findall(self.filter))

    @property
    def arguments(self) -> frozenset[str]:
        """The names of what match returns."""
        return frozenset(name for _, name in self.names)

    @property
    def specificity(self) -> tuple[int, ...]:
        """Of several patterns that match, the one with the least of these is the most specific."""
        return tuple({"+": 1, "#": 2}.get(level, 0) for level in self.filter.split("/"))

    def bind(self, values: Mapping[str, Any]) -> "Pattern":
        """The pattern with the values of the URL route, or PatternError if one can't stand in a filter."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name not in values:
                known = ", ".join(values) or "none"
                raise PatternError(f"{{url.{name}}}: the URL route has no such value (it has: {known})")
            return _level(name, values[name])

        bound = _URL.sub(value, self.filter)
        if bound.startswith("$") and not self.filter.startswith("$"):
            raise PatternError(f"{self.text}: a value of the URL must not begin the topic with '$'")
        try:
            check_filter(bound)
        except ValueError as error:
            raise PatternError(f"{self.text}: {error}") from None
        return Pattern(self.text, bound, self.names)

    def match(self, topic: str) -> dict[str, str] | None:
        """The arguments that the topic gives, or None if the pattern does not match it."""
        levels = topic.split("/")
        wanted = self.filter.split("/")
        if not match_levels(wanted, levels):
            return None
        found = {}
        for i, name in self.names:
            found[name] = "/".join(levels[i:]) if wanted[i] == "#" else levels[i]
        return found


def _named(level: str) -> tuple[str, str] | None:
    """The name of a level, and what stands for it in the filter."""
    braces = [text for text in _BRACES.findall(level) if not text.startswith("url.")]
    rest = _BRACES.sub("", level)
    if "{" in rest or "}" in rest:
        raise PatternError(f"the braces in {level!r} don't fit together")
    for name in _URL.findall(level):
        if not _is_name(name):
            raise PatternError(f"{{url.{name}}}: {name!r} is not a Python name")
    if not braces:
        return None
    name, colon, kind = braces[0].partition(":")
    if level != f"{{{braces[0]}}}":
        raise PatternError(f"{{{braces[0]}}} must be a whole level, as + is, not a part of {level!r}")
    if colon and kind != "path":
        raise PatternError(f"{level}: write {{{name}}} for one level, or {{{name}:path}} for all that follow")
    if not _is_name(name):
        raise PatternError(f"{level}: {name!r} can't be the name of an argument")
    return name, "#" if colon else "+"


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _level(name: str, value: Any) -> str:
    """A value of the URL as a part of one level. MQTT has no way to write a wildcard as text."""
    text = str(value)
    if not text:
        raise PatternError(f"{{url.{name}}}: the value is empty")
    for character in "+#/\0":
        if character in text:
            raise PatternError(
                f"{{url.{name}}}: the value {text[:60]!r} has {character!r}, which can't be in a topic level"
            )
    return text
