#!/bin/sh
# After an installation or an upgrade, of either kind of package. The service is not
# started: it needs settings first. One that runs goes on with the new program.
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers chanmqttproxy.conf
elif ! id chanmqttproxy >/dev/null 2>&1; then
  useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin chanmqttproxy
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart chanmqttproxy.service
fi
