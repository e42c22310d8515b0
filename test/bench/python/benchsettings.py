"""The settings of test/site, as in production."""

import os

from mysite.settings import *

DEBUG = False
# What is measured is one handler, or the last values.
CHANMQTTPROXY = {"STATE": ["state/#"]} if os.environ.get("BENCH_STATE") else {}
