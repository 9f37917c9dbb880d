#!/usr/bin/env bash
# kafka.sh - a private Kafka for tests, by deploy/kafka/broker.sh.
#
#   kafka.sh start DIR        start a new broker in DIR (or keep the one that runs), print host:port
#   kafka.sh run DIR COMMAND  run a command with WALLETRISK_TEST_KAFKA=host:port and
#                             WALLETRISK_TEST_KAFKA_DIR=DIR; starts the broker again if a
#                             test before left it down (same port, same data)
#   kafka.sh stop DIR         stop it and remove DIR; fine when there is nothing
#
# All tests of a run share the broker: a test makes topics and groups of its own names
# (broker.sh topic DIR NAME PARTITIONS).  One that stops or kills a broker starts its own
# in a folder of its own: broker.sh start OTHER_DIR.
set -euo pipefail
broker=$(cd "$(dirname "$0")/../../deploy/kafka" && pwd)/broker.sh

usage() { sed -n '4,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1 dir=$(realpath -m "$2")
shift 2
case $verb:$# in
start:0) "$broker" start "$dir" ;;
stop:0)
    [ -d "$dir" ] || exit 0
    "$broker" stop "$dir" --kill
    rm -rf "$dir/data" # and only what a broker leaves
    rm -f "$dir"/{server.properties,server.properties.new,server.log,format.log,bootstrap,pid,lock}
    rmdir "$dir" ;;
run:0) usage ;;
run:*)
    WALLETRISK_TEST_KAFKA=$("$broker" start "$dir")
    export WALLETRISK_TEST_KAFKA WALLETRISK_TEST_KAFKA_DIR=$dir
    exec "$@" ;;
*) usage ;;
esac
