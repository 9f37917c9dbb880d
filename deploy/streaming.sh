#!/usr/bin/env bash
# The streaming engine on one machine, as README "Streaming in five minutes" types it: a
# broker, a PostgreSQL, the sample data scored, a consumer and the API.  Safe to repeat:
# what runs is kept, nothing is loaded twice.  Everything is below build/streaming.
#   deploy/streaming.sh start [--port N] [--bin DIR]   port of the API (8080; 0 = any free one);
#                                     DIR has the programs: no packages, no build
#   deploy/streaming.sh status        what runs, and where every source stands
#   deploy/streaming.sh stop          stop all of it; the data stays
set -euo pipefail
cd "$(dirname "$0")/.."
home=$PWD/build/streaming
stream='--seed 8 --transfers 30000 --start 2025-03-02 --days 60'

usage() { sed -n '5,8s/^# \{0,3\}//p' deploy/streaming.sh >&2; exit 2; }
die() { echo "streaming.sh: $*" >&2; exit 1; }
step() { printf '\n== %s\n' "$*"; }

is_ours() { # $1 = program: the process in its pid file is the one that we started
    pid=$(cat "$home/$1.pid" 2>/dev/null) && [ -n "$pid" ] &&
        [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$(cat "$home/bin" 2>/dev/null)/$1" ]
}

launch() { # $1 = program, then its flags; kept when it runs
    local program=$1
    shift
    if is_ours "$program"; then return; fi
    setsid "$bin/$program" "$@" >>"$home/$program.log" 2>&1 </dev/null &
    echo $! >"$home/$program.pid"
    for _ in $(seq 50); do is_ours "$program" && return; sleep 0.1; done # exec takes a moment
    tail -3 "$home/$program.log" >&2
    die "$program did not start"
}

end() { # $1 = program
    if is_ours "$1"; then
        kill -TERM "$pid"
        for _ in $(seq 300); do is_ours "$1" || break; sleep 0.1; done
        ! is_ours "$1" || die "$1 (process $pid) still runs half a minute after SIGTERM"
        echo "stopped $1"
    fi
    rm -f "$home/$1.pid"
}

build() {
    step "packages"
    deploy/packages.sh build kafka postgres
    step "build"
    if ! { cmake --preset product && cmake --build --preset product; } >"$home/build.log" 2>&1; then
        grep -E 'error|FAILED|CMake Error' "$home/build.log" | head -20
        die "the build failed, see $home/build.log"
    fi
}

servers() {
    step "broker"
    deploy/kafka/broker.sh start "$home/kafka"
    deploy/kafka/broker.sh topic "$home/kafka" transactions.raw 4
    step "database"
    WALLETRISK_DSN=$(deploy/postgres/server.sh start "$home/postgres")
    WALLETRISK_KAFKA_BROKERS=$(cat "$home/kafka/bootstrap")
    export WALLETRISK_DSN WALLETRISK_KAFKA_BROKERS WALLETRISK_DATA_DIR=$PWD/data
    "$bin/walletrisk" migrate
}

records() {
    step "sample data, labels"
    "$bin/walletrisk-ingest" file data/sample/transfers.csv.gz
    # shellcheck disable=SC2086
    "$bin/walletrisk-ingest" simulate $stream --out /dev/null --labels "$home/labels.csv"
    "$bin/walletrisk" labels load data/sample/labels.csv "$home/labels.csv"
}

programs() { # $1 = port
    step "consumer, API"
    launch walletrisk-ingest kafka
    if ! is_ours walletrisk-api; then rm -f "$home/url"; fi
    launch walletrisk-api --http-port "$1" --ready-file "$home/url"
    for _ in $(seq 300); do [ -s "$home/url" ] && break; is_ours walletrisk-api || break; sleep 0.1; done
    [ -s "$home/url" ] || { tail -5 "$home/walletrisk-api.log" >&2; die "the API did not start"; }
    url=$(cat "$home/url")
    for _ in $(seq 600); do curl -fsS -o /dev/null "$url/health/ready" 2>/dev/null && break; sleep 0.1; done
    if ! curl -fsS -o /dev/null "$url/scores/top?limit=1" 2>/dev/null; then
        curl -fsS -o /dev/null -X POST "$url/run-score?wait=true"
    fi
    curl -fsS -o /dev/null "$url/scores/top?limit=1" || die "no scores, see $home/walletrisk-api.log"
}

start() {
    local port=8080
    bin=''
    while [ $# -gt 0 ]; do
        case $1:$# in
        --port:1 | --bin:1) usage ;;
        --port:*) port=$2; shift 2 ;;
        --bin:*) bin=$(realpath "$2"); shift 2 ;;
        *) usage ;;
        esac
    done
    mkdir -p "$home"
    if [ -z "$bin" ]; then bin=$PWD/build/product/bin; build; fi
    echo "$bin" >"$home/bin"
    servers
    records
    programs "$port"
    cat <<END

serving  $url
produce  $bin/walletrisk-ingest produce --brokers $WALLETRISK_KAFKA_BROKERS --simulate $stream --rate 3000
watch    deploy/streaming.sh status; curl $url/ingestion/status
logs     build/streaming/*.log
stop     deploy/streaming.sh stop
END
}

status() {
    local all=0 p
    printf 'broker      '; deploy/kafka/broker.sh status "$home/kafka" || all=1
    printf 'PostgreSQL  '; deploy/postgres/server.sh status "$home/postgres" || all=1
    for p in walletrisk-ingest walletrisk-api; do
        if is_ours "$p"; then echo "$p  running pid $pid"; else echo "$p  not running"; all=1; fi
    done
    if [ "$all" = 0 ]; then
        WALLETRISK_DSN=$(deploy/postgres/server.sh dsn "$home/postgres") \
            "$(cat "$home/bin")/walletrisk-ingest" status || all=1
    fi
    return "$all"
}

stop() {
    end walletrisk-api
    end walletrisk-ingest
    echo "broker: $(deploy/kafka/broker.sh stop "$home/kafka")"
    echo "PostgreSQL: $(deploy/postgres/server.sh stop "$home/postgres")"
    rm -f "$home/url"
}

case ${1:-}:$# in
start:*) shift; start "$@" ;;
status:1) status ;;
stop:1) stop ;;
*) usage ;;
esac
