#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests on Debian's own PostgreSQL and Redis, started here on private sockets and stopped in any case.
# Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | head -n 1 || true)
redis_server=$(command -v redis-server || true)
if [ -z "$postgres_bin" ] || [ -z "$redis_server" ]; then
    echo "Debian's servers are missing: apt install postgresql redis-server" >&2
    exit 1
fi

folder=$(mktemp -d /tmp/wms-servers-XXXXXX)
# PostgreSQL refuses to run as root.
as_user() { "$@"; }
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$folder"
    as_user() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
fi

redis_pid=
stop() {
    status=$?
    trap - EXIT INT TERM
    [ -z "$redis_pid" ] || kill "$redis_pid" 2>/dev/null || true
    (cd / && as_user "$postgres_bin/pg_ctl" -D "$folder/pg" -m immediate -s stop) 2>/dev/null || true
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM

(
    cd /
    as_user "$postgres_bin/initdb" -D "$folder/pg" -U postgres --auth=trust --encoding=UTF8 --no-sync >/dev/null
    # The cluster is thrown away: it need not survive a power cut. One socket, no port.
    as_user "$postgres_bin/pg_ctl" -D "$folder/pg" -l "$folder/pg.log" -s -w \
        -o "-k $folder -c listen_addresses= -c fsync=off -c full_page_writes=off" start
)
"$redis_server" --port 0 --unixsocket "$folder/redis.sock" --save '' --appendonly no \
    --maxmemory-policy noeviction --logfile "$folder/redis.log" --dir /tmp &
redis_pid=$!
for _ in $(seq 100); do [ -S "$folder/redis.sock" ] && break || sleep 0.1; done

export WMS_TEST_DATABASE_URL="postgresql://postgres@/postgres?host=$folder"
export WMS_TEST_REDIS_URL="unix://$folder/redis.sock"
"$postgres_bin/postgres" --version
"$redis_server" --version | cut -d' ' -f1-3
if [ $# -gt 0 ]; then .venv/bin/python -m pytest "$@"; else .venv/bin/python -m pytest -n 2; fi
