/*
 * The two dialects of migrations/ say the same, and starting together is safe.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pg_db.h"
#include "store/migrations_int.h"
#include "store/store.h"
#include "util/buf.h"
#include "wr_test.h"

/* --- parity
 * --------------------------------------------------------------------------------- */

/* Tables of one dialect only, with the reason. */
static const char *const only_sqlite[] = {
    "transaction_keys", /* stands in for the unique index of transactions */
};

static bool is_only_sqlite(const char *table)
{
    for (size_t i = 0; i < sizeof only_sqlite / sizeof only_sqlite[0]; i++)
        if (strcmp(table, only_sqlite[i]) == 0)
            return true;
    return false;
}

/* What a type holds, as far as both databases name it. */
static const char *family(const char *type)
{
    static const char *const map[][2] = {
        {"smallint", "integer"},
        {"integer", "integer"},
        {"bigint", "integer"},
        {"double precision", "real"},
        {"real", "real"},
        {"text", "text"},
        {"bytea", "blob"},
        {"blob", "blob"},
        {"numeric", "amount"},
        {"any", "amount"}, /* SQLite: integer below 2^63, else 16 bytes */
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (strcmp(type, map[i][0]) == 0)
            return map[i][1];
    fail_msg("type '%s' is in no family", type);
    return "";
}

static int add_table(void *ctx, int n, char **field, char **name)
{
    (void)n;
    (void)name;
    if (!is_only_sqlite(field[0]))
        wr_buf_addf(ctx, "%s.%s %s %s\n", field[0], field[1], family(field[2]),
                    strcmp(field[3], "0") ? "not null" : "null");
    return 0;
}

static void describe_sqlite(wr_buf *out)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (const wr_migration *m = wr_migrations; m->dialect; m++)
        if (strcmp(m->dialect, "sqlite") == 0 && sqlite3_exec(db, m->sql, 0, 0, &why))
            fail_msg("%s: %s", m->name, why);
    /* a primary key may not be null, whatever pragma table_info says of it */
    if (sqlite3_exec(db,
                     "select t.name, c.name, lower(c.type), c.\"notnull\" or c.pk > 0 "
                     "from pragma_table_list t join pragma_table_info(t.name) c "
                     "where t.schema = 'main' and t.name not like 'sqlite_%' "
                     "order by t.name, c.cid",
                     add_table, out, &why))
        fail_msg("%s", why);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void describe_pg(wr_buf *out)
{
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    PGresult *res =
        PQexec(c, "select table_name, column_name, data_type, is_nullable from "
                  "information_schema.columns where table_schema = current_schema() and "
                  "table_name <> 'schema_migrations' order by table_name collate \"C\", "
                  "ordinal_position");
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    for (int i = 0; i < PQntuples(res); i++)
        wr_buf_addf(out, "%s.%s %s %s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 1),
                    family(PQgetvalue(res, i, 2)),
                    strcmp(PQgetvalue(res, i, 3), "NO") ? "null" : "not null");
    PQclear(res);
    PQfinish(c);
}

static void test_migrations__both_dialects_make_the_same_tables(void **state)
{
    (void)state;
    wr_buf sqlite;
    wr_buf pg;
    wr_buf_init(&sqlite, 1 << 20);
    wr_buf_init(&pg, 1 << 20);
    describe_sqlite(&sqlite);
    describe_pg(&pg);
    assert_true(pg.len > 1000);
    assert_non_null(strstr(wr_buf_cstr(&pg), "transactions.tx_hash blob not null"));
    assert_string_equal(wr_buf_cstr(&pg), wr_buf_cstr(&sqlite));
    wr_buf_release(&sqlite);
    wr_buf_release(&pg);
}

static void test_migrations__same_numbers_and_names(void **state)
{
    (void)state;
    unsigned count[2] = {0};
    for (const wr_migration *m = wr_migrations; m->dialect; m++) {
        bool is_pg = strcmp(m->dialect, "postgres") == 0;
        bool has_twin = false;
        count[is_pg]++;
        for (const wr_migration *k = wr_migrations; k->dialect; k++)
            has_twin |= strcmp(k->dialect, m->dialect) != 0 && k->number == m->number &&
                        strcmp(k->name, m->name) == 0;
        if (!has_twin)
            fail_msg("%s %04u_%s has no twin", m->dialect, m->number, m->name);
    }
    assert_true(count[0] > 0);
    assert_int_equal(count[0], count[1]);
}

/* --- starting together
 * ------------------------------------------------------------------------ */

enum { STARTERS = 8 };

typedef struct starter {
    pthread_t thread;
    wr_status status;
    wr_migrate_report rep;
    char failure[WR_ERR_MSG_MAX];
} starter;

static char empty_dsn[WR_TEST_PG_DSN_MAX];
static pthread_barrier_t ready;

static unsigned count_migrations(void)
{
    unsigned count = 0;
    for (const wr_migration *m = wr_migrations; m->dialect; m++)
        count += strcmp(m->dialect, "postgres") == 0;
    return count;
}

static void *migrate(void *ctx)
{
    starter *s = ctx;
    wr_err err = {0};
    wr_store *st = NULL;
    s->status = wr_store_open(&st, empty_dsn, &err);
    (void)pthread_barrier_wait(&ready);
    if (s->status == WR_OK)
        s->status = wr_store_migrate(st, &s->rep, &err);
    if (s->status == WR_OK)
        s->status = wr_store_check_schema(st, &err);
    (void)snprintf(s->failure, sizeof s->failure, "%s", err.msg);
    wr_store_close(st);
    return NULL;
}

static void test_migrate__eight_starters_at_once(void **state)
{
    (void)state;
    static starter s[STARTERS];
    wr_test_pg_create(empty_dsn);
    assert_int_equal(pthread_barrier_init(&ready, NULL, STARTERS), 0);
    for (int i = 0; i < STARTERS; i++)
        assert_int_equal(pthread_create(&s[i].thread, NULL, migrate, &s[i]), 0);
    for (int i = 0; i < STARTERS; i++)
        (void)pthread_join(s[i].thread, NULL);
    (void)pthread_barrier_destroy(&ready);
    for (int i = 0; i < STARTERS; i++) {
        if (s[i].status != WR_OK)
            fail_msg("starter %d: %s", i, s[i].failure);
        assert_int_equal(s[i].rep.after, count_migrations());
    }
    PGconn *c = wr_test_pg_connect(empty_dsn);
    assert_int_equal(wr_test_pg_number(c, "select count(*) from schema_migrations"),
                     count_migrations());
    PQfinish(c);
    wr_test_pg_drop(empty_dsn);
}

/* --- what is refused
 * ----------------------------------------------------------------------------- */

static void test_open__database_that_is_not_utf8(void **state)
{
    (void)state;
    wr_store *st = NULL;
    PGconn *c = wr_test_pg_connect(wr_test_pg_server());
    wr_test_pg_run(c, "drop database if exists latin");
    wr_test_pg_run(c,
                   "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' "
                   "template template0");
    char dsn[WR_TEST_PG_DSN_MAX];
    const char *query = strchr(wr_test_pg_server(), '?');
    const char *name = query;
    while (name[-1] != '/')
        name--;
    (void)snprintf(dsn, sizeof dsn, "%.*slatin%s", (int)(name - wr_test_pg_server()),
                   wr_test_pg_server(), query);
    assert_err(WR_EINVAL, wr_store_open(&st, dsn, &err));
    wr_test_pg_run(c, "drop database latin");
    PQfinish(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_pg_test(test_migrations__both_dialects_make_the_same_tables),
        wr_unit_test(test_migrations__same_numbers_and_names),
        wr_unit_test(test_migrate__eight_starters_at_once),
        wr_pg_test(test_open__database_that_is_not_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
