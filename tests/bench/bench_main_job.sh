#!/usr/bin/env bash
# The main job in one command: a simulated CSV into SQLite, labels, a scoring run, the top.
#   tests/bench/bench_main_job.sh [TRANSFERS] [FOLDER]     (10000000, a temporary one; release build)
# Prints seconds and peak memory of each command, of the run its phases too.
set -euo pipefail
cd "$(dirname "$0")/../.."
transfers=${1:-10000000} bin=$PWD/build/release/bin
dir=$(mktemp -d -p "${2:-${TMPDIR:-/tmp}}")
trap 'rm -rf "$dir"' EXIT
export WALLETRISK_DSN=sqlite:$dir/w.db WALLETRISK_DATA_DIR=$PWD/data

phase() { # NAME COMMAND...
    local name=$1
    shift
    if ! /usr/bin/time -o "$dir/used" -f '%e %M' "$@" >"$dir/$name.out" 2>"$dir/$name.log"; then
        tail -5 "$dir/$name.log" >&2
        exit 1
    fi
    awk -v name="$name" '{ printf "%-9s %8.1f s  %7.0f MB\n", name, $1, $2 / 1024 }' "$dir/used"
}

phase simulate "$bin/walletrisk-ingest" simulate --transfers "$transfers" --lookalikes 50 \
    --out "$dir/t.csv" --labels "$dir/l.csv" --truth "$dir/truth.csv"
phase migrate "$bin/walletrisk" migrate
phase load "$bin/walletrisk-ingest" file "$dir/t.csv"
phase labels "$bin/walletrisk" labels load "$dir/l.csv"
phase score "$bin/walletrisk" score
phase top "$bin/walletrisk" top --limit 3
cat "$dir/load.out"
cat "$dir/score.out" "$dir/top.out"
ls -sh "$dir/t.csv" "$dir/w.db"
"$bin/walletrisk" runs --limit 1 --json | python3 -c '
import json, sys
for part, phases in json.load(sys.stdin)["detail"].items():
    if part.startswith("phases"):
        print(part + ":", ", ".join("%s %.1f s" % (p["name"], p["seconds"]) for p in phases))'
