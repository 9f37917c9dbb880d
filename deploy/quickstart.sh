#!/usr/bin/env bash
# From a fresh Debian 12 to a scored graph and a serving API: installs packages, builds,
# creates the embedded database, loads the sample, labels, scores, prints the ten riskiest
# wallets with reasons, writes a GraphML file and leaves the API on loopback.
# Safe to repeat: what is there is kept, nothing is loaded twice.
#   deploy/quickstart.sh [--port N]     port of the API (8080; 0 = any free one)
#   deploy/quickstart.sh --stop         stop the API that it started
set -euo pipefail
cd "$(dirname "$0")/.."
port=8080 home=build/quickstart
pid_file=$home/api.pid url_file=$home/api.url

is_ours() { # the process in the pid file is an API of this checkout
    [ -s "$pid_file" ] && [ "$(readlink "/proc/$(cat "$pid_file")/exe" 2>/dev/null)" = "$PWD/build/product/bin/walletrisk-api" ]
}
stop() {
    if is_ours; then
        kill -TERM "$(cat "$pid_file")"
        for _ in $(seq 100); do is_ours || break; sleep 0.1; done
        echo "stopped"
    else
        echo "not running"
    fi
    rm -f "$pid_file" "$url_file"
}
while [ $# -gt 0 ]; do
    case $1 in
    --port) port=$2; shift 2 ;;
    --stop) stop; exit 0 ;;
    *) echo "quickstart.sh: unknown option '$1' (--port N, --stop)" >&2; exit 2 ;;
    esac
done
step() { printf '\n== %s\n' "$*"; }

step "packages"
deploy/packages.sh build
step "build"
mkdir -p "$home"
if ! { cmake --preset product && cmake --build --preset product; } >"$home/build.log" 2>&1; then
    grep -E 'error|FAILED|CMake Error' "$home/build.log" | head -20
    echo "quickstart.sh: the build failed, see $home/build.log" >&2
    exit 1
fi
api/web/install.sh >>"$home/build.log" 2>&1 || echo "without the page /docs: see $home/build.log"
bin=$PWD/build/product/bin
export WALLETRISK_DSN=sqlite:$PWD/$home/walletrisk.db WALLETRISK_DATA_DIR=$PWD/data

step "database"
"$bin/walletrisk" migrate
step "sample data"
"$bin/walletrisk-ingest" file data/sample/transfers.csv.gz
"$bin/walletrisk" labels load data/sample/labels.csv
step "score"
"$bin/walletrisk" score
step "the ten riskiest wallets"
"$bin/walletrisk" top --limit 10
step "GraphML"
worst=$("$bin/walletrisk" top --limit 1 --unlabelled --json | python3 -c 'import json,sys; w = json.load(sys.stdin)[0]; print(w["chain"], w["address"])')
# shellcheck disable=SC2086
"$bin/walletrisk" export $worst --hops 2 --out "$home/neighbourhood.graphml"

step "API"
if is_ours && curl -fsS -o /dev/null "$(cat "$url_file")/health/live"; then
    curl -fsS -o /dev/null -X POST "$(cat "$url_file")/reload-graph?wait=true"
    echo "already serving, graph reloaded"
else
    rm -f "$url_file"
    setsid "$bin/walletrisk-api" --http-port "$port" --ready-file "$PWD/$url_file" >>"$home/api.log" 2>&1 </dev/null &
    echo $! >"$pid_file"
    for _ in $(seq 300); do [ -s "$url_file" ] && break; is_ours || break; sleep 0.1; done
    [ -s "$url_file" ] || { tail -5 "$home/api.log" >&2; echo "quickstart.sh: the API did not start" >&2; exit 1; }
fi
url=$(cat "$url_file")
for _ in $(seq 300); do curl -fsS -o /dev/null "$url/health/ready" 2>/dev/null && break; sleep 0.1; done
cat <<END
serving  $url
try      curl '$url/scores/top?limit=3'
docs     $url/docs
log      $home/api.log
graph    $home/neighbourhood.graphml
stop     deploy/quickstart.sh --stop
END
