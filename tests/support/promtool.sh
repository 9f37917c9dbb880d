#!/usr/bin/env bash
# promtool.sh DIR - prints the path of promtool, fetched into DIR when it is not installed.
#
# Only the program is taken out of Debian's package: installing it would start a server on
# a well-known port.
set -euo pipefail
dir=${1:?usage: promtool.sh DIR}
if command -v promtool; then
    exit 0
fi
if [ ! -x "$dir/promtool" ]; then
    mkdir -p "$dir"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    (cd "$work" && apt-get -q download prometheus >log 2>&1 && dpkg -x prometheus_*.deb .) ||
        { tail -5 "$work/log" >&2; echo "promtool.sh: apt-get download prometheus did not succeed" >&2; exit 1; }
    mv "$work/usr/bin/promtool" "$dir/promtool.$$"
    mv "$dir/promtool.$$" "$dir/promtool"
fi
echo "$dir/promtool"
