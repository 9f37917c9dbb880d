#!/usr/bin/env bash
# server.sh - a private PostgreSQL 15 for tests and local runs: loopback only, own data.
#
#   server.sh start DIR [--no-fsync]  make it (or start it again, or keep it), print its DSN
#   server.sh stop DIR [--immediate]  end it orderly (or as a power cut does); the data stays
#   server.sh status DIR              "running host:port pid N" (0) or "not running" (1)
#   server.sh dsn DIR                 print the DSN again
#   server.sh run DIR COMMAND...      run a command with WALLETRISK_DSN set to it
#   server.sh remove DIR              stop it, remove it with its data; fine when there is nothing
#
# DIR holds everything of one server: cluster/ (data, server.log, the passwords), dsn, port.
# The port is picked at the first start and kept.  PostgreSQL refuses to run as root: called
# by root it runs as `postgres` (or `nobody`), and where that user may not enter DIR, or when
# WR_PG_HOME is set, the cluster is a folder wr-pg.XXXXXX below WR_PG_HOME
# (/var/lib/walletrisk) instead; DIR/home says where.  Called by a plain user it runs as that
# user.  Passwords are scram and generated; the DSN names a file that only its owner reads.
# The role is no superuser.  --no-fsync is for data that nobody misses after a power cut.
# WR_PG_BIN: folder of initdb and postgres.  Installs nothing.
set -euo pipefail
umask 077

usage() { sed -n '4,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
die() { echo "server.sh: $*" >&2; exit 1; }

as_server() { # run a command as the user the server runs as
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups \
            env -u PGPASSFILE HOME=/ "$@"
    fi
}

pick_user() {
    server_user=$(id -un)
    [ "$(id -u)" -ne 0 ] && return
    server_user=postgres
    id "$server_user" >/dev/null 2>&1 || server_user=nobody
}

is_running() { [ -f "$home/data/PG_VERSION" ] && as_server "$bin/pg_ctl" -D "$home/data" status >/dev/null 2>&1; }

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

read_home() { # a cluster that was made to its end
    [ -f "$dir/home" ] || return 1
    home=$(cat "$dir/home")
    case $home in
    "$dir/cluster" | */wr-pg.??????) ;;
    *) die "$dir/home names '$home', which is none of ours" ;;
    esac
}

pick_home() { # sets home, a new folder of the server's user
    if [ -z "${WR_PG_HOME:-}" ]; then
        home=$dir/cluster
        mkdir "$home"
        [ "$(id -u)" -eq 0 ] || return 0
        chown "$server_user" "$home"
        if as_server test -w "$home"; then return; fi
        rmdir "$home"
    fi
    (umask 022 && mkdir -p "${WR_PG_HOME:-/var/lib/walletrisk}")
    home=$(mktemp -d "${WR_PG_HOME:-/var/lib/walletrisk}/wr-pg.XXXXXX")
    [ "$(id -u)" -ne 0 ] || chown "$server_user" "$home"
}

up() { # $1 = port
    as_server "$bin/pg_ctl" -D "$home/data" -w -t 60 -s -l "$home/server.log" \
        -o "-c port=$1" start >/dev/null 2>&1 </dev/null 9>&-
}

down() { # $1 = fast or immediate
    as_server "$bin/pg_ctl" -D "$home/data" -w -t 120 -s -m "$1" stop >/dev/null </dev/null
}

remove_home() {
    if is_running; then down immediate; fi
    rm -rf "$home"
}

init() { # $1 = on or off: fsync
    local sync=()
    [ "$1" = on ] || sync=(--no-sync)
    printf '%s\n' "$password" >"$home/initpw"
    [ "$(id -u)" -ne 0 ] || chown "$server_user" "$home/initpw"
    as_server "$bin/initdb" -D "$home/data" -U postgres -A scram-sha-256 -E UTF8 \
        --locale=C.UTF-8 --pwfile="$home/initpw" "${sync[@]}" >"$home/initdb.log" 2>&1 9>&- ||
        { cat "$home/initdb.log" >&2; rm -rf "$home"; die "initdb: see above"; }
    rm -f "$home/initpw"
    as_server tee -a "$home/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = $1
max_connections = 100
log_line_prefix = '%m [%p] %e '
CONF
}

make() { # $1 = on or off: fsync
    local password try
    home=$dir/cluster
    if [ -e "$home" ]; then remove_home; fi # of a start that was broken off
    pick_home
    password=$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')
    init "$1"
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 12768)) # below the range of outgoing connections
        if ! is_taken "$port" && up "$port"; then break; fi
        [ "$try" -lt 8 ] || { tail -5 "$home/server.log" >&2; remove_home; die "no free port in 8 tries"; }
    done
    printf '127.0.0.1:%s:*:walletrisk:%s\n127.0.0.1:%s:*:postgres:%s\n' \
        "$port" "$password" "$port" "$password" >"$home/pgpass"
    PGPASSFILE=$home/pgpass "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" \
        -U postgres -d postgres <<SQL || { remove_home; die "cannot make the role"; }
CREATE ROLE walletrisk LOGIN CREATEDB PASSWORD '$password';
CREATE DATABASE walletrisk OWNER walletrisk;
SQL
    echo "$port" >"$dir/port"
    ln -sfn "$home/server.log" "$dir/server.log"
    echo "postgresql://walletrisk@127.0.0.1:$port/walletrisk?passfile=$home/pgpass" >"$dir/dsn"
    echo "$home" >"$dir/home"
}

start() { # $1 = on or off: fsync
    [ -x "$bin/postgres" ] || die "no PostgreSQL 15 in $bin (Debian package postgresql-15)"
    case $dir in *[!A-Za-z0-9/._+-]*) die "'$dir': a server's folder has letters, digits and /._+- in its name" ;; esac
    (umask 022 && mkdir -p "$dir") || die "cannot make $dir"
    exec 9>"$dir/lock"
    flock 9
    if ! read_home; then
        make "$1"
    elif is_running; then
        echo "already running" >&2
    else
        port=$(cat "$dir/port")
        # a server that was killed may still be on its way out
        for _ in $(seq 50); do is_taken "$port" || break; sleep 0.1; done
        ! is_taken "$port" || die "port $port of $dir is taken by another process"
        up "$port" || { tail -5 "$home/server.log" >&2; die "it does not start, see $dir/server.log"; }
    fi
    cat "$dir/dsn"
}

stop() { # $1 = fast or immediate
    if read_home && is_running; then
        down "$1"
        echo "stopped"
    else
        echo "not running"
    fi
}

status() {
    if read_home && is_running; then
        echo "running 127.0.0.1:$(cat "$dir/port") pid $(head -1 "$home/data/postmaster.pid")"
    else
        echo "not running"
        return 1
    fi
}

remove() {
    if read_home || { home=$dir/cluster && [ -e "$home" ]; }; then remove_home; fi
    rm -f "$dir"/{home,port,dsn,server.log,lock}
    rmdir "$dir" 2>/dev/null || true
}

[ $# -ge 2 ] || usage
verb=$1 dir=$(realpath -m "$2")
shift 2
bin=${WR_PG_BIN:-/usr/lib/postgresql/15/bin}
pick_user
if [ "$verb" != run ]; then # a server started here must not keep its caller's pipes and locks open
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        if [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then eval "exec $fd>&-" 2>/dev/null || true; fi
    done
fi
case $verb:$#:${1:-} in
start:0:) start on ;;
start:1:--no-fsync) start off ;;
stop:0:) stop fast ;;
stop:1:--immediate) stop immediate ;;
status:0:) status ;;
dsn:0:) read_home || die "no server in $dir"; cat "$dir/dsn" ;;
remove:0:) remove ;;
run:0:) usage ;;
run:*)
    read_home || die "no server in $dir"
    WALLETRISK_DSN=$(cat "$dir/dsn")
    export WALLETRISK_DSN
    exec "$@" ;;
*) usage ;;
esac
