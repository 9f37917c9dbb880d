/*
 * A graph loaded over several connections: the same as over one, an error once when the
 * connections end on the way, and still a graph when the server gives no second one.
 */
#include <omp.h>
#include <string.h>

#include "pg_db.h"
#include "pipeline/input/load.h"
#include "random_store.h"

static wr_digest_hex digest_of(wr_store *st, int64_t upto)
{
    WR_AUTO(wr_snapshot) g = NULL;
    wr_digest_hex d;
    assert_ok(wr_load_snapshot(&g, st, &upto, NULL, NULL, &err));
    assert_ok(wr_snapshot_digest(g, &d, &err));
    return d;
}

static wr_store *filled(const char *dsn)
{
    wr_store *st = NULL;
    assert_ok(wr_store_open(&st, dsn, &err));
    random_put(st, 0, RANDOM_TRANSFERS);
    return st;
}

static void test_load__as_over_one(void **state)
{
    (void)state;
    static const int64_t upto[] = {777, 140001, -1};
    const int threads = omp_get_max_threads();
    WR_AUTO(wr_store) st = filled(wr_test_pg_dsn);
    for (size_t i = 0; i < 3; i++) {
        omp_set_num_threads(1);
        const wr_digest_hex want = digest_of(st, upto[i]);
        omp_set_num_threads(4);
        const wr_digest_hex got = digest_of(st, upto[i]);
        omp_set_num_threads(threads);
        assert_string_equal(want.s, got.s);
    }
}

static void end_sessions_once(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    PGconn *c;
    (void)total;
    if (*(bool *)ctx || strcmp(phase, "read transfers") != 0 || done == 0)
        return;
    *(bool *)ctx = true;
    c = PQconnectdb(wr_test_pg_dsn); /* asserts would jump out of the OpenMP region */
    PQclear(PQexec(c, "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                      "where application_name = 'walletrisk' and datname = "
                      "current_database()"));
    PQfinish(c);
}

static void test_load__sessions_ended_on_the_way(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = filled(wr_test_pg_dsn);
    const wr_digest_hex want = digest_of(st, -1);
    WR_AUTO(wr_snapshot) g = NULL;
    bool is_ended = false;
    const wr_progress pg = {.show = end_sessions_once, .ctx = &is_ended};
    int64_t upto = -1;
    assert_err(WR_EIO, wr_load_snapshot(&g, st, &upto, NULL, &pg, &err));
    assert_true(is_ended);
    assert_null(g);
    const wr_digest_hex got = digest_of(st, -1);
    assert_string_equal(want.s, got.s);
}

static void test_load__no_second_connection(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = filled(wr_test_pg_dsn);
    WR_AUTO(wr_store) beside = NULL;
    const wr_digest_hex want = digest_of(st, -1);
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    wr_test_pg_run(c, "do $$ begin execute format('alter database %I connection limit 2',"
                      " current_database()); end $$");
    assert_err(WR_EIO, wr_store_open_beside(&beside, st, &err));
    const wr_digest_hex got = digest_of(st, -1);
    PQfinish(c);
    assert_string_equal(want.s, got.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_pg_test(test_load__as_over_one),
        wr_pg_test(test_load__sessions_ended_on_the_way),
        wr_pg_test(test_load__no_second_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
