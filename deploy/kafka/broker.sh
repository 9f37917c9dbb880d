#!/usr/bin/env bash
# broker.sh - a real Apache Kafka for tests and local runs: KRaft, one node, loopback only.
#
#   broker.sh start DIR            start it (or keep the one that runs), print host:port
#   broker.sh stop DIR [--kill]    SIGTERM (or SIGKILL) and wait; fine when it is not running
#   broker.sh status DIR           "running host:port pid N" (0) or "not running" (1)
#   broker.sh topic DIR NAME PARTITIONS [KEY=VALUE...]   make a topic, or keep the one there
#   broker.sh jars                 fetch the jars if needed, print their folder
#
# DIR holds everything of one broker: server.properties, data/, server.log, bootstrap
# (host:port), pid.  Both ports are picked at the first start and kept, so that a restart
# finds its data and its clients find it.  Removing DIR of a stopped broker removes it all.
# The jars are one copy for all brokers, fetched once by Maven as pom.xml says:
# WR_KAFKA_JARS, or walletrisk/kafka-VERSION in the user's cache folder.
# Needs java (17 or later) and, the first time, mvn.  No root needed; as root it works too.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
usage() { sed -n '4,8s/^# \{0,1\}//p' "$here/broker.sh" >&2; exit 2; }
die() { echo "broker.sh: $*" >&2; exit 1; }

fetch_jars() { # sets jars; any number of callers at once
    local version digest fresh
    version=$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/pom.xml")
    jars=${WR_KAFKA_JARS:-}
    if [ -z "$jars" ]; then
        [ -n "${XDG_CACHE_HOME:-${HOME:-}}" ] || die "set WR_KAFKA_JARS, HOME or XDG_CACHE_HOME: where to keep the jars"
        jars=${XDG_CACHE_HOME:-$HOME/.cache}/walletrisk/kafka-$version
    fi
    digest=$(sha256sum "$here/pom.xml" | cut -d' ' -f1)
    have_jars "$version" "$digest" && return
    mkdir -p "$(dirname "$jars")" || die "cannot make $(dirname "$jars")"
    {
        flock 8
        if ! have_jars "$version" "$digest"; then
            if [ -n "$(ls -A "$jars" 2>/dev/null)" ] && [ ! -f "$jars/pom.sha256" ]; then
                die "$jars holds something else than Kafka $version"
            fi
            command -v mvn >/dev/null || die "no mvn to fetch Kafka $version with (Debian package maven)"
            fresh=$(mktemp -d "$jars.XXXXXX")
            if ! mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
                -DincludeScope=runtime -DoutputDirectory="$fresh" >"$fresh.log" 2>&1 8>&-; then
                tail -15 "$fresh.log" >&2
                rm -rf "$fresh" "$fresh.log"
                die "mvn could not fetch Kafka $version"
            fi
            echo "$digest" >"$fresh/pom.sha256"
            chmod 755 "$fresh"
            rm -f "$fresh.log"
            if [ -f "$jars/pom.sha256" ]; then rm -rf "$jars"; fi # an older copy of ours
            mv -T "$fresh" "$jars"
        fi
    } 8>"$jars.lock"
}
have_jars() { # a folder without our mark was filled by someone else: taken as it is
    [ -f "$jars/kafka_2.13-$1.jar" ] || return 1
    [ ! -f "$jars/pom.sha256" ] || [ "$(cat "$jars/pom.sha256")" = "$2" ]
}

java_run() { java -cp "$jars/*" "$@"; }

is_running() { # the process in DIR/pid is the broker of this DIR
    pid=$(cat "$dir/pid" 2>/dev/null) && [ -n "$pid" ] &&
        tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$dir/server.properties"
}

answers() { # Metadata (key 3, version 1, no topics): it counts a broker once that takes part
    local reply
    # shellcheck disable=SC2016
    reply=$(timeout 5 bash -c '
        exec 3<>"/dev/tcp/127.0.0.1/$1" &&
        printf "\0\0\0\16\0\3\0\1\0\0\0\1\377\377\0\0\0\0" >&3 && head -c 12 <&3 | od -An -tx1 -v' \
        answers "${bootstrap##*:}" 2>/dev/null | tr -d ' \n') || return 1
    [ "${reply:16:8}" = 00000001 ]
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

is_free_soon() { # a broker that was killed from outside may still be on its way out
    for _ in $(seq 50); do is_taken "$1" || return 0; sleep 0.1; done
    return 1
}

# A killed process loses its command line before its sockets: gone is who has no threads left.
is_gone() { ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; }

prepare() { # server.properties with two free ports below the range of outgoing connections
    local port=0 controller_port=0
    while [ "$port" = "$controller_port" ] || is_taken "$port" || is_taken "$controller_port"; do
        port=$((20000 + RANDOM % 12768)) controller_port=$((20000 + RANDOM % 12768))
    done
    sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$controller_port|g" -e "s|@DIR@|$dir|g" \
        "$here/server.properties.in" >"$dir/server.properties.new"
    mv "$dir/server.properties.new" "$dir/server.properties"
}

read_ports() {
    bootstrap=$(sed -n 's|^advertised.listeners=PLAINTEXT://||p' "$dir/server.properties")
    controller=$(sed -n 's|^controller.quorum.voters=1@||p' "$dir/server.properties")
}

launch() { # 0 = answers, 1 = died; the log of this start begins at byte $log_from
    log_from=$(($(stat -c %s "$dir/server.log" 2>/dev/null || echo 0) + 1))
    (
        cd "$dir"
        exec setsid java -Xmx512m -Dlog4j2.configurationFile="$here/log4j2.properties" \
            -cp "$jars/*" kafka.Kafka "$dir/server.properties" >>server.log 2>&1 </dev/null 9>&-
    ) &
    pid=$!
    echo "$pid" >"$dir/pid"
    for _ in $(seq 600); do # a large log that was not closed takes its time
        kill -0 "$pid" 2>/dev/null || return 1
        if answers; then return 0; fi
        sleep 0.2
    done
    kill -KILL "$pid"
    die "it did not answer on $bootstrap in two minutes, see $dir/server.log"
}

start() {
    command -v java >/dev/null || die "no java (Debian package default-jre-headless)"
    case $dir in *[\|\&\\,\ ]*) die "'$dir': a broker's folder may not have |, &, \\, a comma or a space in its name" ;; esac
    mkdir -p "$dir" || die "cannot make $dir"
    for fd in /proc/self/fd/*; do # a server started here must not keep its caller's pipes and locks open
        fd=${fd##*/}
        if [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then eval "exec $fd>&-" 2>/dev/null || true; fi
    done
    exec 9>"$dir/lock"
    flock 9
    if is_running; then
        read_ports
        echo "already running" >&2
        echo "$bootstrap"
        return
    fi
    fetch_jars
    local is_new='' cluster try
    if [ ! -f "$dir/data/meta.properties" ]; then
        is_new=1
        prepare
        cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')
        java_run kafka.tools.StorageTool format -t "$cluster" -c "$dir/server.properties" \
            >"$dir/format.log" 2>&1 || { cat "$dir/format.log" >&2; die "cannot format $dir/data"; }
    fi
    for try in 1 2 3 4 5; do
        read_ports
        for p in "${bootstrap##*:}" "${controller##*:}"; do
            [ -n "$is_new" ] || is_free_soon "$p" || die "port $p of $dir is taken by another process"
        done
        if launch; then
            echo "$bootstrap" >"$dir/bootstrap"
            echo "$bootstrap"
            return
        fi
        # someone took a port between the look and the start: nothing is stored yet, take others
        if [ -z "$is_new" ] || [ "$try" = 5 ] ||
            ! tail -c +"$log_from" "$dir/server.log" | grep -q 'Address already in use'; then
            break
        fi
        prepare
    done
    rm -f "$dir/pid"
    tail -c +"$log_from" "$dir/server.log" | tail -20 >&2
    die "the broker ended while it started, see $dir/server.log"
}

stop() { # $1 = signal
    if is_running; then
        kill -s "$1" "$pid"
        for _ in $(seq 600); do is_gone "$pid" && break; sleep 0.1; done
        is_gone "$pid" || die "process $pid still runs a minute after SIG$1"
        echo "stopped"
    else
        echo "not running"
    fi
    rm -f "$dir/pid"
}

topic() { # $1 = name, $2 = partitions, then key=value
    local name=$1 partitions=$2 said have
    shift 2
    case $partitions in '' | *[!0-9]*) die "'$partitions' is no number of partitions" ;; esac
    is_running || die "no broker runs in $dir"
    read_ports
    fetch_jars
    said=$(java_run org.apache.kafka.tools.TopicCommand --bootstrap-server "$bootstrap" --create --if-not-exists \
        --topic "$name" --partitions "$partitions" --replication-factor 1 "${@/#/--config=}" 2>&1) || die "$said"
    case $said in *'Created topic'*) echo "created $name"; return ;; esac
    have=$(java_run org.apache.kafka.tools.TopicCommand --bootstrap-server "$bootstrap" --describe --topic "$name" 2>&1 |
        sed -n 's/.*PartitionCount: *\([0-9]*\).*/\1/p')
    [ "$have" = "$partitions" ] || die "topic $name is there with ${have:-?} partitions, not $partitions"
    echo "kept $name"
}

[ $# -ge 1 ] || usage
verb=$1
if [ "$verb" = jars ] && [ $# = 1 ]; then
    fetch_jars
    echo "$jars"
    exit 0
fi
[ $# -ge 2 ] || usage
dir=$(realpath -m "$2")
shift 2
case $verb:$# in
start:0) start ;;
stop:0) stop TERM ;;
stop:1) [ "$1" = --kill ] || usage; stop KILL ;;
status:0)
    if is_running; then read_ports; echo "running $bootstrap pid $pid"; else echo "not running"; exit 1; fi ;;
topic:0 | topic:1) usage ;;
topic:*) topic "$@" ;;
*) usage ;;
esac
