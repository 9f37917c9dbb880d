#!/usr/bin/env bash
# Installs Debian 12 packages, as root or through sudo; does nothing when all are there.
#   deploy/packages.sh build        what building and running the programs needs
#   deploy/packages.sh build kafka postgres   and a local broker and server (deploy/kafka,
#                                             deploy/postgres)
#   deploy/packages.sh build test   and what the tests need
set -euo pipefail

build='gcc libc6-dev cmake ninja-build pkg-config python3 curl
    libigraph-dev libpq-dev libsqlite3-dev libcivetweb-dev libjansson-dev libyaml-dev
    libssl-dev libzstd-dev zlib1g-dev librdkafka-dev libxgboost-dev'
kafka='kcat'
postgres='postgresql'
test="$kafka $postgres g++ clang clang-format clang-tidy llvm-14 libomp-14-dev libclang-rt-14-dev libcmocka-dev
    python3-networkx python3-yaml python3-jsonschema python3-confluent-kafka sqlite3 procps unzip zstd debootstrap
    chromium chromium-driver python3-selenium"
# command:package of programs that may have come another way (a newer Node.js ships its own
# npm and refuses Debian's)
build_commands='npm:npm'
kafka_commands='java:default-jre-headless mvn:maven'
test_commands="$kafka_commands docker-compose:docker-compose"

wanted=() commands=()
for set in "$@"; do
    case $set in
    build) packages=$build programs=$build_commands ;;
    kafka) packages=$kafka programs=$kafka_commands ;;
    postgres) packages=$postgres programs='' ;;
    test) packages=$test programs=$test_commands ;;
    *) echo "packages.sh: unknown set '$set' (build, kafka, postgres, test)" >&2; exit 2 ;;
    esac
    read -r -d '' -a more <<<"$packages" || true
    wanted+=("${more[@]}")
    read -r -a more <<<"$programs"
    commands+=("${more[@]}")
done
missing=()
for p in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
for c in "${commands[@]}"; do
    command -v "${c%:*}" >/dev/null || missing+=("${c#*:}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "packages.sh: run as root, or install sudo" >&2; exit 1; }
    as_root=(sudo)
fi
echo "installing ${#missing[@]} packages: ${missing[*]}"
case " ${missing[*]} " in
*' postgresql '*) # we start our own servers: no system cluster on the standard port
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        echo 'create_main_cluster = false' |
            "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi ;;
esac
case " ${missing[*]} " in
*' default-jre-headless '* | *' maven '*) # its scripts want both; slim systems lack the folder
    [ -e /proc/self ] || { echo "packages.sh: Java cannot be installed without /proc (mount it)" >&2; exit 1; }
    "${as_root[@]}" mkdir -p /usr/share/man/man1 ;;
esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get -q update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1; then
    tail -30 "$log" >&2
    echo "packages.sh: apt-get did not succeed" >&2
    exit 1
fi
