#!/usr/bin/env bash
# Succeeds when the server of this machine or container answers /health/live: for health
# checks in an image that has no curl.   api_answers.sh [PORT]
set -euo pipefail
port=${1:-${WALLETRISK_HTTP_PORT:-8080}}
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$port" >&3
IFS= read -r -t 4 line <&3 || { echo "no answer on port $port" >&2; exit 1; }
case $line in
'HTTP/1.1 200 '*) ;;
*) echo "port $port answers: $line" >&2; exit 1 ;;
esac
