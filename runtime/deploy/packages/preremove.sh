#!/bin/sh
# Before a removal. An upgrade comes here too: dpkg says "upgrade", rpm that one is left.
set -e
case "$1" in
  remove | 0) [ ! -d /run/systemd/system ] || systemctl disable --now chanmqttproxy.service ;;
esac
