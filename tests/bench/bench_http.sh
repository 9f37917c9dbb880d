#!/usr/bin/env bash
# GET /scores/top against nginx serving the same bytes from a file, in one run.
#   tests/bench/bench_http.sh [SECONDS] [CONNECTIONS]     (5, 64; release build needed)
# The answer is the ten riskiest wallets of data/sample, with reasons.  Turns of ours and
# nginx alternate; both keep a buffered log line per request.  Prints each turn, then
# min/median/max of the ratio (target >= 0.75) and our p99 (target <= 2 ms).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-5} connections=${2:-64} turns=5
bin=$PWD/build/release/bin
for need in "$bin/walletrisk-api" "$bin/walletrisk" nginx wrk python3; do
    command -v "$need" >/dev/null || { echo "bench_http.sh: needs $need" >&2; exit 1; }
done
dir=$(mktemp -d)
pids=()
stop() {
    for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
    wait
    rm -rf "$dir"
}
trap stop EXIT

export WALLETRISK_DSN=sqlite:$dir/bench.db WALLETRISK_DATA_DIR=$PWD/data
unset OMP_PROC_BIND # it would tie every worker to the core of the main thread
"$bin/walletrisk" migrate >/dev/null
"$bin/walletrisk-ingest" file data/sample/transfers.csv.gz 2>/dev/null
"$bin/walletrisk" labels load data/sample/labels.csv >/dev/null
"$bin/walletrisk-api" --http-port 0 --http-threads $((connections + 8)) \
    --ready-file "$dir/url" 2>"$dir/api.log" &
pids+=($!)
for _ in $(seq 100); do [ -s "$dir/url" ] && break; sleep 0.1; done
url=$(cat "$dir/url")
curl -fsS -X POST "$url/run-score?wait=true" >/dev/null

mkdir -p "$dir/www/scores"
curl -fsS "$url/scores/top?limit=10" >"$dir/www/scores/top"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$dir/nginx.conf" <<CONF
daemon off; pid $dir/nginx.pid; error_log $dir/nginx.err; worker_processes auto;
events { worker_connections 4096; }
http {
    access_log $dir/nginx.log combined buffer=256k flush=1s;
    sendfile on; tcp_nopush on; tcp_nodelay on; open_file_cache max=10; keepalive_requests 1000000000;
    default_type application/json;
    client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
    server { listen 127.0.0.1:$port; root $dir/www; }
}
CONF
chmod 755 "$dir"
nginx -p "$dir" -c "$dir/nginx.conf" &
pids+=($!)
for _ in $(seq 50); do curl -fs "http://127.0.0.1:$port/scores/top" >/dev/null && break; sleep 0.1; done
curl -fsS "http://127.0.0.1:$port/scores/top" | cmp - "$dir/www/scores/top"
echo "$(stat -c %s "$dir/www/scores/top") bytes, $connections connections, $seconds s a turn, $(nproc) cores"

turn() { # url -> "requests/s p99_ms errors"
    wrk -t2 -c"$connections" -d"${seconds}s" --latency "$1" | awk '
        /Requests\/sec/ { r = $2 } $1 == "99%" { p = $2 }
        /Non-2xx|Socket errors/ { e = $0 }
        END { v = p; sub(/[a-z]+$/, "", v); if (p ~ /us$/) v /= 1000; else if (p !~ /ms$/) v *= 1000;
              printf "%s %.3f %s\n", r, v, e ? "ERRORS:" e : "" }'
}
ours_url="$url/scores/top?limit=10" peer_url="http://127.0.0.1:$port/scores/top"
turn "$ours_url" >/dev/null
turn "$peer_url" >/dev/null
for i in $(seq $turns); do
    read -r ours p99 bad < <(turn "$ours_url")
    read -r peer peer_p99 peer_bad < <(turn "$peer_url")
    echo "turn $i: ours $ours/s p99 $p99 ms $bad | nginx $peer/s p99 $peer_p99 ms $peer_bad" | tee -a "$dir/turns"
done
python3 - "$dir/turns" <<'PY'
import re, statistics, sys
rows = [list(map(float, re.findall(r"[\d.]+(?=/s| ms)", line))) for line in open(sys.argv[1])]
ratio = sorted(r[0] / r[2] for r in rows)
p99 = sorted(r[1] for r in rows)
print(f"ratio ours/nginx: min {ratio[0]:.2f} median {statistics.median(ratio):.2f} max {ratio[-1]:.2f}"
      f"   (target >= 0.75)\nours p99 ms: min {p99[0]:.2f} median {statistics.median(p99):.2f} "
      f"max {p99[-1]:.2f}   (target <= 2)")
PY
