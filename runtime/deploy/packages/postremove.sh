#!/bin/sh
# After a removal. The user stays, as Debian's and Fedora's rules have it: its number is
# not to be given to another.
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
