from chanmqttproxy.marks import on_mqtt
from ledger.models import Line


@on_mqtt("account/{device}")
def account(message, device):
    Line.objects.create(topic=message.topic, number=message.payload)


@on_mqtt("async/{device}")
async def waits(message, device):
    await Line.objects.acreate(topic=message.topic, number=message.payload)


@on_mqtt("quick/{device}", qos=0)
def quick(message, device):
    Line.objects.create(topic=message.topic, number=message.payload)


@on_mqtt("bad/{device}")
def bad(message, device):
    raise ValueError("no message of this topic is taken")
