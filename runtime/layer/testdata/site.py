"""A site's side of a layer: does what a test asks for, with the real channels_redis."""
import asyncio, base64, json, math, sys
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

layers = {}


async def open_layer(name, backend, config):
    kind = RedisPubSubChannelLayer if backend == "pubsub" else RedisChannelLayer
    layers[name] = kind(**config)


async def send(name, channel, messages):
    for m in messages:
        await layers[name].send(channel, unpack(m))


async def join(name, groups):
    channel = await layers[name].new_channel()
    for g in groups:
        await layers[name].group_add(g, channel)
    return channel


async def leave(name, group, channel):
    await layers[name].group_discard(group, channel)


async def receive(name, channel, count):
    return [pack(await layers[name].receive(channel)) for _ in range(count)]


async def count(name, channel, count):
    """Reads so many events whose payloads count, and says where they don't."""
    for i in range(count):
        m = await layers[name].receive(channel)
        if m["message"]["payload"] != i:
            return i
    return count


def pack(v):
    """What JSON has no form for is a map with one key that begins with $."""
    if isinstance(v, bytes):
        return {"$bytes": base64.b64encode(v).decode()}
    if isinstance(v, float) and not math.isfinite(v):
        return {"$float": str(v)}
    if isinstance(v, dict):
        return {k: pack(e) for k, e in v.items()}
    return [pack(e) for e in v] if isinstance(v, list) else v


def unpack(v):
    if isinstance(v, dict):
        return base64.b64decode(v["$bytes"]) if "$bytes" in v else {k: unpack(e) for k, e in v.items()}
    return [unpack(e) for e in v] if isinstance(v, list) else v


async def answer(line):
    q = json.loads(line)
    a = {"id": q["id"]}
    try:
        a["result"] = await globals()[q["do"]](*q["with"])
    except Exception as e:
        a["error"] = repr(e)
    print(json.dumps(a), flush=True)


async def main():
    lines = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tasks = set()
    while line := await lines.readline():
        tasks.add(asyncio.create_task(answer(line)))


asyncio.run(main())
