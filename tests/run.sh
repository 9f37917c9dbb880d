#!/usr/bin/env bash
# Runs every test from a clean clone: installs what they need, builds each preset, starts
# its own servers on free loopback ports (CTest fixtures), stops them again.
# Last line: "N passed, N failed, N skipped".   tests/run.sh [PRESET...] runs only those.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
presets=("${@:-}")
[ -n "${presets[0]}" ] || presets=(dev asan tsan fuzz)

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
deploy/packages.sh build test || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

results=build/results
mkdir -p "$results"
rm -f "$results"/*.xml
broken=0

builds() { # PRESET
    echo "== $1: build"
    if { cmake --preset "$1" && cmake --build --preset "$1"; } >"$results/$1.log" 2>&1; then return; fi
    grep -E 'error|FAILED|CMake Error' "$results/$1.log" | head -20
    echo "== $1: does not build (see $results/$1.log)"
    broken=$((broken + 1))
    return 1
}

[ $# -gt 0 ] || builds release # -O3 warns of more, and the benches run on it
for p in "${presets[@]}"; do
    begun=$SECONDS
    builds "$p" || continue
    echo "== $p: test (built in $((SECONDS - begun)) s)"
    ctest --preset "$p" -j2 --output-junit "$PWD/$results/$p.xml" || true
    if [ "$p" = dev ]; then
        echo "== slow and integration"
        ctest --preset slow -j2 --output-junit "$PWD/$results/slow.xml" || true
    fi
    echo "== $p: done in $((SECONDS - begun)) s"
done
python3 tests/support/sum_results.py "$results" "$broken"
