"""Calls a view that publishes, in threads of one process, and prints how often a second.

views.py WHO THREADS SECONDS: "worker" calls the site's view; else the same view publishes
with a paho client of the process.
"""

import json
import os
import sys
import threading
import time

import django

django.setup()

import house.views  # noqa: E402
import paho.mqtt.client as paho  # noqa: E402
from django.test import Client  # noqa: E402

who, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
if who != "worker":
    host, port = os.environ["MQTT_HOST"].split(":")
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect(host, int(port))
    client.loop_start()

    def publish(topic, payload):
        client.publish(topic, payload, qos=1).wait_for_publish(5)

    house.views.publish = publish

done = [0] * threads


def press(browser):
    return browser.post("/lamps/1/switch/", {"to": "on"}).status_code


def call(i):
    browser = Client(SERVER_NAME="localhost")
    while time.monotonic() < end:
        assert press(browser) == 204
        done[i] += 1


for _ in range(10):  # the worker starts
    if press(Client(SERVER_NAME="localhost")) == 204:
        break
else:
    sys.exit("no publish came through")

began = time.monotonic()
end = began + seconds
workers = [threading.Thread(target=call, args=[i]) for i in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(json.dumps({"msgs_per_s": sum(done) / (time.monotonic() - began)}))
