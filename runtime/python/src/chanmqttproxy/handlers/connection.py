"""A connection to the Redis where the worker keeps its own keys: the first host of the layer."""

from collections.abc import Mapping
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from chanmqttproxy.document import channel_name, layer_alias

IN_MEMORY = (
    "The channel layer {!r} is {}: handlers get their messages from Redis. Use "
    '"channels_redis.core.RedisChannelLayer"; in tests, chanmqttproxy.testing needs no Redis.'
)

# A Redis that does not answer for 5 s is away. Whoever uses the client tries again by itself, and
# soon: redis-py would wait for seconds in between, also while the process stops.
OPTIONS: dict[str, Any] = {
    "socket_timeout": 5.0,
    "socket_connect_timeout": 5.0,
    "retry": Retry(NoBackoff(), 0),
}


def layer_config(alias: str = "") -> dict[str, Any]:
    """CONFIG of the layer. It raises ImproperlyConfigured if that is not in Redis."""
    alias = alias or layer_alias()
    layer = (getattr(settings, "CHANNEL_LAYERS", None) or {}).get(alias) or {}
    backend = str(layer.get("BACKEND") or "not set")
    if "memory" in backend.lower() or not layer:
        raise ImproperlyConfigured(IN_MEMORY.format(alias, backend))
    return dict(layer.get("CONFIG") or {})


def own_prefix(config: Mapping[str, Any]) -> str:
    """What the names of the worker's own keys begin with."""
    return f"chanmqttproxy:{config.get('prefix', 'asgi')}:{channel_name()}:"


def connect(config: Mapping[str, Any]) -> "redis.Redis":
    """A client of the first host of a layer. It connects at its first command."""
    hosts = config.get("hosts") or ["redis://localhost:6379"]
    host = hosts[0]
    if isinstance(host, (tuple, list)):
        return redis.Redis(host=str(host[0]), port=int(host[1]), **OPTIONS)
    if not isinstance(host, Mapping):
        return redis.Redis.from_url(str(host), **OPTIONS)
    options: dict[str, Any] = {**OPTIONS, **host}
    if "address" in options:
        return redis.Redis.from_url(str(options.pop("address")), **options)
    if "master_name" in options:
        return _of_sentinels(options)
    if "path" in options:
        options["unix_socket_path"] = options.pop("path")
    return redis.Redis(**options)


def _of_sentinels(options: dict[str, Any]) -> "redis.Redis":
    master = options.pop("master_name")
    sentinels = [tuple(address) for address in options.pop("sentinels")]
    kwargs = options.pop("sentinel_kwargs", None) or dict(OPTIONS)
    found: redis.Redis = Sentinel(sentinels, sentinel_kwargs=kwargs).master_for(  # type: ignore[no-untyped-call]
        master, **options
    )
    return found
