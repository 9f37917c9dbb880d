#!/usr/bin/env bash
# pg.sh - a private PostgreSQL 15 for tests: free loopback port, own socket folder, own data.
#
#   pg.sh start DIR        make a cluster (or keep the one that runs), print its DSN
#   pg.sh dsn DIR          print the DSN again
#   pg.sh run DIR COMMAND  run a command with WALLETRISK_TEST_PG_DSN set to it
#   pg.sh crash DIR        stop it the way a power cut does (-m immediate); data stays
#   pg.sh up DIR           start it again, same port, same data
#   pg.sh stop DIR         stop and remove everything; fine when there is nothing
#
# DIR only holds notes (dsn, home, server.log).  The cluster itself lives in
# /tmp/wr-pg.XXXXXX, because the server's own user must reach it and a socket's path may
# have 107 bytes.  PostgreSQL refuses to run as root: called by root it runs as `postgres`
# (or `nobody`), called by a plain user as that user.  Passwords are scram and generated;
# the DSN names a password file instead of carrying one.  The test role is no superuser.
# fsync is off: this cluster is for tests.  Installs nothing.
set -euo pipefail
umask 077

usage() { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
die() { echo "pg.sh: $*" >&2; exit 1; }

[ $# -ge 2 ] || usage
verb=$1 dir=$2
shift 2
[ $# -eq 0 ] || [ "$verb" = run ] || usage
bin=${WR_PG_BIN:-/usr/lib/postgresql/15/bin}

# A server started here must not keep its caller's pipes and locks open.
for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    if [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then eval "exec $fd>&-" 2>/dev/null || true; fi
done

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

read_home() {
    [ -f "$dir/home" ] || return 1
    home=$(cat "$dir/home")
    case $home in /tmp/wr-pg.*) ;; *) die "$dir/home names '$home', not a test cluster" ;; esac
}

up() { # $1 = port
    as_server "$bin/pg_ctl" -D "$home/data" -w -t 60 -s -l "$home/server.log" \
        -o "-c port=$1" start >/dev/null 2>&1 </dev/null
}

start() {
    [ -x "$bin/postgres" ] || die "no PostgreSQL 15 in $bin (Debian package postgresql-15)"
    if read_home && is_running; then cat "$dir/dsn"; return; fi
    stop
    mkdir -p "$dir"
    home=$(mktemp -d /tmp/wr-pg.XXXXXX)
    local password port try
    password=$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s\n' "$password" >"$home/initpw"
    [ "$(id -u)" -ne 0 ] || chown -R "$server_user" "$home"
    as_server "$bin/initdb" -D "$home/data" -U postgres -A scram-sha-256 -E UTF8 \
        --locale=C.UTF-8 --pwfile="$home/initpw" --no-sync >"$home/initdb.log" 2>&1 ||
        { cat "$home/initdb.log" >&2; rm -rf "$home"; die "initdb: see above"; }
    as_server tee -a "$home/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$home'
fsync = off
max_connections = 100
log_line_prefix = '%m [%p] %e '
CONF
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 12768)) # below the range of outgoing connections
        if up "$port"; then break; fi
        [ "$try" -lt 8 ] || { tail -5 "$home/server.log" >&2; stop_home; die "no free port in 8 tries"; }
    done
    printf '127.0.0.1:%s:*:walletrisk:%s\n127.0.0.1:%s:*:postgres:%s\n' \
        "$port" "$password" "$port" "$password" >"$home/pgpass"
    PGPASSFILE=$home/pgpass "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" \
        -U postgres -d postgres <<SQL || { stop_home; die "cannot make the test role"; }
CREATE ROLE walletrisk LOGIN CREATEDB PASSWORD '$password';
CREATE DATABASE walletrisk OWNER walletrisk;
SQL
    rm -f "$home/initpw"
    echo "$home" >"$dir/home"
    echo "$port" >"$dir/port"
    ln -sfn "$home/server.log" "$dir/server.log"
    echo "postgresql://walletrisk@127.0.0.1:$port/walletrisk?passfile=$home/pgpass" >"$dir/dsn"
    cat "$dir/dsn"
}

stop_home() {
    if is_running; then
        as_server "$bin/pg_ctl" -D "$home/data" -w -s -m immediate stop </dev/null >/dev/null
    fi
    rm -rf "$home"
}

stop() {
    if read_home; then stop_home; fi
    rm -f "$dir/home" "$dir/port" "$dir/dsn" "$dir/server.log"
    rmdir "$dir" 2>/dev/null || true
}

pick_user
case $verb in
start) start ;;
stop) stop ;;
run)
    [ $# -gt 0 ] || usage
    read_home || die "no cluster in $dir"
    WALLETRISK_TEST_PG_DSN=$(cat "$dir/dsn") exec "$@"
    ;;
dsn) read_home || die "no cluster in $dir"; cat "$dir/dsn" ;;
crash)
    read_home || die "no cluster in $dir"
    as_server "$bin/pg_ctl" -D "$home/data" -w -s -m immediate stop </dev/null >/dev/null
    ;;
up) read_home || die "no cluster in $dir"; up "$(cat "$dir/port")" || die "see $dir/server.log" ;;
*) usage ;;
esac
