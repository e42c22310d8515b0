"""The settings of test/site, as in production."""

from mysite.settings import *

DEBUG = False
CHANMQTTPROXY = {}  # no last values: what is measured is one handler
