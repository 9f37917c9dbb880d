/*
 * contract_main.c - run the suite against one store: contract_store
 * memory|sqlite|postgres.
 *
 * postgres wants WALLETRISK_TEST_PG_DSN; without it the run fails: a suite that did not
 * run must not look like one that passed.
 */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract.h"

static char folder[] = "/tmp/wr-contract-XXXXXX";
static unsigned made; /* databases so far */
static void (*clean_up)(
    void); /* not by atexit: libpq needs OpenSSL, which goes there too */

/* --- memory ------------------------------------------------------------------------- */

static void memory_fresh(char dsn[CT_DSN_MAX])
{
    (void)snprintf(dsn, CT_DSN_MAX, "memory:");
}

/* --- sqlite ------------------------------------------------------------------------- */

static void sqlite_fresh(char dsn[CT_DSN_MAX])
{
    (void)snprintf(dsn, CT_DSN_MAX, "sqlite:%s/%u.db", folder, ++made);
}

static void sqlite_exec(const char *dsn, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(dsn + strlen("sqlite:"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void sqlite_clean_up(void)
{
    static const char *const ending[] = {"", "-wal", "-shm"};
    for (unsigned i = 1; i <= made; i++) {
        for (int k = 0; k < 3; k++) {
            char path[64];
            (void)snprintf(path, sizeof path, "%s/%u.db%s", folder, i, ending[k]);
            (void)unlink(path);
        }
    }
    (void)rmdir(folder);
}

/* --- postgres: a schema of its own per database ------------------------------------- */

static void pg_exec(const char *dsn, const char *sql)
{
    PGconn *c = PQconnectdb(dsn);
    if (PQstatus(c) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(c));
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(r));
    PQclear(r);
    PQfinish(c);
}

static void pg_fresh(char dsn[CT_DSN_MAX])
{
    const char *base = getenv("WALLETRISK_TEST_PG_DSN");
    char schema[48];
    char sql[96];
    if (!base) {
        fail_msg("WALLETRISK_TEST_PG_DSN is not set");
        return;
    }
    (void)snprintf(schema, sizeof schema, "ct_%ld_%u", (long)getpid(), ++made);
    (void)snprintf(sql, sizeof sql, "create schema %s", schema);
    pg_exec(base, sql);
    (void)snprintf(dsn, CT_DSN_MAX, "%s%coptions=-csearch_path%%3D%s", base,
                   strchr(base, '?') ? '&' : '?', schema);
}

static void pg_clean_up(void)
{
    for (unsigned i = 1; i <= made; i++) {
        char sql[96];
        (void)snprintf(sql, sizeof sql, "drop schema ct_%ld_%u cascade", (long)getpid(),
                       i);
        pg_exec(getenv("WALLETRISK_TEST_PG_DSN"), sql);
    }
}

/* ------------------------------------------------------------------------------------ */

static bool choose(const char *name)
{
    if (strcmp(name, "memory") == 0) {
        ct = (contract){.name = name, .fresh = memory_fresh};
        return true;
    }
    if (strcmp(name, "sqlite") == 0) {
        ct = (contract){
            .name = name, .is_shared = true, .fresh = sqlite_fresh, .exec = sqlite_exec};
        clean_up = sqlite_clean_up;
        return mkdtemp(folder) != NULL;
    }
    if (strcmp(name, "postgres") == 0) {
        if (!getenv("WALLETRISK_TEST_PG_DSN")) {
            (void)fprintf(stderr, "WALLETRISK_TEST_PG_DSN is not set\n");
            return false;
        }
        ct = (contract){
            .name = name, .is_shared = true, .fresh = pg_fresh, .exec = pg_exec};
        clean_up = pg_clean_up;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    if (argc != 2 || !choose(argv[1])) {
        (void)fprintf(stderr, "usage: contract_store memory|sqlite|postgres\n");
        return 2;
    }
    int failed = 0;
    failed += contract_schema();
    failed += contract_put();
    failed += contract_source();
    failed += contract_fence();
    failed += contract_tail();
    failed += contract_read();
    failed += contract_label();
    failed += contract_run();
    failed += contract_model();
    failed += contract_random();
    failed += contract_kill();
    if (clean_up)
        clean_up();
    return failed ? 1 : 0;
}
