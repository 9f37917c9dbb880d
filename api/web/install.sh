#!/usr/bin/env bash
# Installs the node parts that package-lock.json pins, into api/web/node_modules.
#   api/web/install.sh        what the server shows under /docs (swagger-ui-dist)
#   api/web/install.sh test   and the linter of openapi.yaml
# Does nothing when they are there already.
set -euo pipefail
cd "$(dirname "$0")"
args=(ci --no-progress)
wanted=run
if [ "${1:-}" = test ]; then wanted=test; else args+=(--omit=dev); fi

exec 9>.install.lock # two tests may start this at once
flock 9
digest=$(sha256sum package-lock.json | cut -d' ' -f1)
mark=node_modules/.installed
if [ -f "$mark" ]; then
    read -r have kind <"$mark"
    if [ "$have" = "$digest" ] && { [ "$kind" = "$wanted" ] || [ "$kind" = test ]; }; then
        exit 0
    fi
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! npm "${args[@]}" >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "api/web/install.sh: npm did not succeed" >&2
    exit 1
fi
echo "$digest $wanted" >"$mark"
