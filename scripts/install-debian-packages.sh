#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs Debian packages that are missing: as root, otherwise it says which to install and goes on.
set -euo pipefail

has() {
    case $1 in
        chromium) command -v chromium ;;
        postgresql) ls /usr/lib/postgresql/*/bin/initdb ;;
        redis-server) command -v redis-server ;;
        *) false ;;
    esac >/dev/null 2>&1
}

missing=()
for package in "$@"; do
    has "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not installed: ${missing[*]}. To run the tests that need them: sudo apt install ${missing[*]}" >&2
    exit 0
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# Without starting the services: the tests run servers of their own.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
apt-get update -qq
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
