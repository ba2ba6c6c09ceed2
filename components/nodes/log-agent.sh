#!/bin/sh
# Install the agent of Simple Log Service. It starts itself, and collects the logs that the machine
# group of its user-defined identity lists. Arguments: the installer's URL, the project's region.
set -eu
if [ -e /etc/init.d/loongcollectord ]; then
  exit 0
fi
installer=$(mktemp)
trap 'rm -f "$installer"' EXIT
curl --fail --silent --show-error --location --max-time 300 --output "$installer" "$1"
bash "$installer" install "$2"
