#!/usr/bin/env bash
# The main job in one command: a simulated CSV into SQLite, labels, a scoring run, the top.
#   tests/bench/bench_main_job.sh [TRANSFERS] [FOLDER]     (10000000, a temporary one; release build)
#   LEARN_FROM=1000000 tests/bench/bench_main_job.sh …     then also: a model learned from a world of
#       so many transfers, and the big one scored by it
# Prints seconds and peak memory of each command, of the runs their phases too.
set -euo pipefail
cd "$(dirname "$0")/../.."
transfers=${1:-10000000} learn_from=${LEARN_FROM:-0} bin=$PWD/build/release/bin
dir=$(mktemp -d -p "${2:-${TMPDIR:-/tmp}}")
trap 'rm -rf "$dir"' EXIT
export WALLETRISK_DATA_DIR=$PWD/data

phase() { # NAME COMMAND...
    local name=$1
    shift
    if ! /usr/bin/time -o "$dir/used" -f '%e %M' "$@" >"$dir/$name.out" 2>"$dir/$name.log"; then
        tail -5 "$dir/$name.log" >&2
        exit 1
    fi
    awk -v name="$name" '{ printf "%-9s %8.1f s  %7.0f MB\n", name, $1, $2 / 1024 }' "$dir/used"
}

fill() { # SUFFIX TRANSFERS SEED: a world into the store w<SUFFIX>.db, which is the one from here on
    export WALLETRISK_DSN=sqlite:$dir/w$1.db
    phase "simulate$1" "$bin/walletrisk-ingest" simulate --transfers "$2" --seed "$3" --lookalikes 50 \
        --out "$dir/t$1.csv" --labels "$dir/l$1.csv" --truth "$dir/truth$1.csv"
    phase "migrate$1" "$bin/walletrisk" migrate
    phase "load$1" "$bin/walletrisk-ingest" file "$dir/t$1.csv"
    phase "labels$1" "$bin/walletrisk" labels load "$dir/l$1.csv"
}

phases_of_newest_run() {
    "$bin/walletrisk" runs --limit 1 --json | python3 -c '
import json, sys
for part, phases in json.load(sys.stdin)["detail"].items():
    if part.startswith("phases"):
        print(part + ":", ", ".join("%s %.1f s" % (p["name"], p["seconds"]) for p in phases))'
}

if [ "$learn_from" -gt 0 ]; then
    fill 2 "$learn_from" 2
    phase train "$bin/walletrisk" train --labels "$dir/truth2.csv" --out "$dir/model"
fi
fill '' "$transfers" 1
phase score "$bin/walletrisk" score
phase top "$bin/walletrisk" top --limit 3
cat "$dir/load.out" "$dir/score.out" "$dir/top.out"
ls -sh "$dir/t.csv" "$dir/w.db"
phases_of_newest_run
if [ "$learn_from" -gt 0 ]; then
    phase import "$bin/walletrisk" models import "$dir/model"
    read -r model _ <"$dir/import.out"
    "$bin/walletrisk" models activate "$model"
    phase judge "$bin/walletrisk" score
    cat "$dir/judge.out"
    phases_of_newest_run
fi
