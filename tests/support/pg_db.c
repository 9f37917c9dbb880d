#include "pg_db.h"

#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wr_test.h"

extern char **environ;

void wr_test_pg_read_dsn(char dsn[WR_TEST_PG_DSN_MAX], const char *dir)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/dsn", dir);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(dsn, WR_TEST_PG_DSN_MAX, f))
        fail_msg("%s: no DSN: start a server with tests/support/pg.sh start %s", path,
                 dir);
    (void)fclose(f);
    dsn[strcspn(dsn, "\n")] = '\0';
}

const char *wr_test_pg_server(void)
{
    const char *dsn = getenv("WALLETRISK_TEST_PG_DSN");
    if (!dsn)
        fail_msg("WALLETRISK_TEST_PG_DSN is not set: run through ctest --preset slow, or "
                 "tests/support/pg.sh start DIR; tests/support/pg.sh run DIR COMMAND");
    return dsn;
}

PGconn *wr_test_pg_connect(const char *dsn)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

void wr_test_pg_run(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    ExecStatusType s = PQresultStatus(res);
    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQclear(res);
}

long long wr_test_pg_number(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    long long v = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return v;
}

/* "postgresql://user@host:port/NAME?rest" with another NAME. */
static void with_name(char out[WR_TEST_PG_DSN_MAX], const char *dsn, const char *name)
{
    const char *slash = strrchr(dsn, '?');
    const char *query = slash ? slash : dsn + strlen(dsn);
    const char *begin = query;
    while (begin > dsn && begin[-1] != '/')
        begin--;
    (void)snprintf(out, WR_TEST_PG_DSN_MAX, "%.*s%s%s", (int)(begin - dsn), dsn, name,
                   query);
}

void wr_test_pg_create(char dsn[WR_TEST_PG_DSN_MAX])
{
    static atomic_int number;
    char name[64];
    char sql[128];
    (void)snprintf(name, sizeof name, "t%ld_%d", (long)getpid(),
                   atomic_fetch_add(&number, 1));
    (void)snprintf(sql, sizeof sql, "create database %s", name);
    PGconn *conn = wr_test_pg_connect(wr_test_pg_server());
    wr_test_pg_run(conn, sql);
    PQfinish(conn);
    with_name(dsn, wr_test_pg_server(), name);
}

void wr_test_pg_drop(const char *dsn)
{
    char sql[WR_TEST_PG_DSN_MAX + 128];
    const char *end = strchr(dsn, '?');
    const char *begin = end;
    while (begin[-1] != '/')
        begin--;
    PGconn *conn = wr_test_pg_connect(wr_test_pg_server());
    /* not "with (force)": that wants rights over an autovacuum worker; a plain drop asks
     * it */
    (void)snprintf(sql, sizeof sql,
                   "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                   "where datname = '%.*s' and usename = current_user",
                   (int)(end - begin), begin);
    (void)wr_test_pg_number(conn, sql);
    (void)snprintf(sql, sizeof sql, "drop database %.*s", (int)(end - begin), begin);
    wr_test_pg_run(conn, sql);
    PQfinish(conn);
}

char wr_test_pg_dsn[WR_TEST_PG_DSN_MAX];

wr_store *wr_test_pg_open(void)
{
    wr_store *st = NULL;
    assert_ok(wr_store_open(&st, wr_test_pg_dsn, &err));
    return st;
}

int wr_test_pg_setup(void **state)
{
    (void)state;
    wr_migrate_report rep;
    wr_test_pg_create(wr_test_pg_dsn);
    wr_store *st = wr_test_pg_open();
    assert_ok(wr_store_migrate(st, &rep, &err));
    wr_store_close(st);
    return 0;
}

int wr_test_pg_teardown(void **state)
{
    wr_test_pg_drop(wr_test_pg_dsn);
    return wr_test_no_blocks_left(state);
}

bool wr_test_pg_script(const char *verb, const char *dir)
{
    char path[] = WR_SOURCE_DIR "/tests/support/pg.sh";
    char word[16];
    char folder[1024];
    char *argv[] = {path, word, folder, NULL};
    pid_t pid;
    int status;
    (void)snprintf(word, sizeof word, "%s", verb);
    (void)snprintf(folder, sizeof folder, "%s", dir);
    if (posix_spawn(&pid, path, NULL, NULL, argv, environ) != 0)
        return false;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}
