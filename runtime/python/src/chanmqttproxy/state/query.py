"""Topics in a database: an MQTT filter as conditions that SQL understands."""

import re

from django.db.models import Q

from chanmqttproxy.filters import check_filter

WILDCARDS = {"+", "#"}


def condition(topic_filter: str, vendor: str) -> Q:
    """The condition that a topic matches a filter, for a database of a vendor ("postgresql").

    The levels before the first wildcard are found by the index; a regular expression
    decides about the others. It raises ValueError if it is no filter.
    """
    check_filter(topic_filter)
    levels = topic_filter.split("/")
    if not WILDCARDS & set(levels):
        return Q(topic=topic_filter)
    before = levels[: next(i for i, level in enumerate(levels) if level in WILDCARDS)]
    exact = Q(topic__regex=expression(levels))
    if not before:
        return exact
    parent, below = "/".join(before), prefix("/".join(before) + "/", vendor)
    return ((Q(topic=parent) | below) if levels[len(before)] == "#" else below) & exact


def prefix(text: str, vendor: str) -> Q:
    """The condition that a topic starts with a text that ends with a slash."""
    if vendor == "sqlite":  # its LIKE uses no index, and does not tell a from A
        return Q(topic__gte=text, topic__lt=text[:-1] + chr(ord("/") + 1))
    return Q(topic__startswith=text)


def expression(levels: list[str]) -> str:
    """A regular expression that means the same to Python and to PostgreSQL.

    A wildcard at the start matches no topic that begins with $ [MQTT-4.7.2-1].
    """
    rest = levels[-1] == "#"
    parts = ["[^/]*" if level == "+" else re.escape(level) for level in (levels[:-1] if rest else levels)]
    start = r"^(?!\$)" if levels[0] in WILDCARDS else "^"
    if not rest:
        return start + "/".join(parts) + r"\Z"
    return start + ("/".join(parts) + r"(/|\Z)" if parts else "")
