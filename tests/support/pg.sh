#!/usr/bin/env bash
# pg.sh - a private PostgreSQL 15 for tests, by deploy/postgres/server.sh.
#
#   pg.sh start DIR        a new one (or the one that runs), print its DSN
#   pg.sh dsn DIR          print the DSN again
#   pg.sh run DIR COMMAND  run a command with WALLETRISK_TEST_PG_DSN set to it
#   pg.sh crash DIR        stop it the way a power cut does (-m immediate); data stays
#   pg.sh up DIR           start it again, same port, same data
#   pg.sh stop DIR         stop and remove everything; fine when there is nothing
#
# Without fsync, and its files in the temporary folder: nobody misses them.
set -euo pipefail
server=$(cd "$(dirname "$0")/../../deploy/postgres" && pwd)/server.sh
export WR_PG_HOME=${TMPDIR:-/tmp}

usage() { sed -n '4,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1 dir=$2
shift 2
case $verb:$# in
start:0)
    "$server" status "$dir" >/dev/null || "$server" remove "$dir"
    "$server" start "$dir" --no-fsync ;;
dsn:0) "$server" dsn "$dir" ;;
crash:0) "$server" stop "$dir" --immediate ;;
up:0) "$server" dsn "$dir" >/dev/null && "$server" start "$dir" --no-fsync ;;
stop:0) "$server" remove "$dir" ;;
run:0) usage ;;
run:*)
    WALLETRISK_TEST_PG_DSN=$("$server" dsn "$dir")
    export WALLETRISK_TEST_PG_DSN
    unset WR_PG_HOME
    exec "$@" ;;
*) usage ;;
esac
