/*
 * The tail of transactions under writers that commit out of order: every committed row is
 * seen exactly once by safe_seq + scan_edges, and rows are lost by max(seq) on the same
 * stream, so that the test is known to be able to fail.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made_transfers.h"
#include "pg_db.h"
#include "store/store.h"
#include "wr_test.h"

enum { WRITERS_MAX = 20, SEQ_MAX = 1 << 17 };

#define INSERT_SQL                                                                       \
    "insert into transactions (time, from_id, to_id, value, asset_id, flags, chain_id, " \
    "decimals, position, amount, tx_hash) select 1, 1, 2, 0, 0, 0, 1, 0, i, 1, "         \
    "decode(md5(random()::text), 'hex') from generate_series(1, %d) i"

/* --- many writers ---------------------------------------------------------------------
 */

typedef struct writer {
    pthread_t thread;
    uint64_t number;
    bool is_raw;
    int rounds;
    double nap_s; /* at most so long before a commit */
    double gap_s; /* and between two transactions */
    const wr_chain *chain;
    char failure[WR_ERR_MSG_MAX + 64];
} writer;

static atomic_int running;

static bool run(PGconn *c, writer *w, const char *sql)
{
    PGresult *res = PQexec(c, sql);
    ExecStatusType s = PQresultStatus(res);
    bool is_ok = s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
    if (!is_ok)
        (void)snprintf(w->failure, sizeof w->failure, "%s", PQerrorMessage(c));
    PQclear(res);
    return is_ok;
}

/* begin; insert; sleep; a second insert sometimes; commit or roll back. */
static void write_raw(writer *w)
{
    wr_rng r = {.s = w->number};
    PGconn *c = PQconnectdb(wr_test_pg_dsn);
    bool is_ok = PQstatus(c) == CONNECTION_OK;
    for (int i = 0; is_ok && i < w->rounds; i++) {
        char insert[400];
        char nap[64];
        (void)usleep((useconds_t)(wr_rng_unit(&r) * w->gap_s * 1e6));
        (void)snprintf(insert, sizeof insert, INSERT_SQL, 1 + (int)wr_rng_below(&r, 5));
        (void)snprintf(nap, sizeof nap, "select pg_sleep(%.4f)",
                       wr_rng_unit(&r) * w->nap_s);
        is_ok = run(c, w, "begin") && run(c, w, insert) && run(c, w, nap);
        if (is_ok && wr_rng_below(&r, 4) == 0)
            is_ok = run(c, w, "savepoint a") && run(c, w, insert) &&
                    (wr_rng_below(&r, 2) ? run(c, w, "rollback to a") : true) &&
                    run(c, w, insert) && run(c, w, nap);
        is_ok = is_ok && run(c, w, wr_rng_below(&r, 4) ? "commit" : "rollback");
    }
    PQfinish(c);
}

static void write_put(writer *w)
{
    enum { MOST = 20 };
    static _Thread_local made_transfer text[MOST];
    wr_transfer t[MOST];
    wr_rng r = {.s = w->number};
    wr_err err = {0};
    wr_store *st = NULL;
    wr_status s = wr_store_open(&st, wr_test_pg_dsn, &err);
    uint64_t k = w->number * 1000000;
    for (int i = 0; s == WR_OK && i < w->rounds; i++) {
        size_t n = 1 + (size_t)wr_rng_below(&r, MOST);
        wr_put_result res;
        for (size_t j = 0; j < n; j++)
            t[j] = make_transfer(&text[j], w->chain, k++, 40, 0);
        const wr_put put = {.transfer = t, .transfer_count = n};
        s = wr_store_put(st, &put, NULL, &res, &err);
        if (s == WR_OK && res.inserted != n)
            (void)snprintf(w->failure, sizeof w->failure, "not every row was new");
    }
    if (s != WR_OK)
        (void)snprintf(w->failure, sizeof w->failure, "%s", err.msg);
    wr_store_close(st);
}

static void *write_rows(void *ctx)
{
    writer *w = ctx;
    if (w->is_raw)
        write_raw(w);
    else
        write_put(w);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

typedef struct seen {
    uint8_t times[SEQ_MAX];
    int64_t last;
} seen;

static wr_status see(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    seen *s = ctx;
    for (size_t i = 0; i < n; i++) {
        if (row[i].seq <= s->last || row[i].seq >= SEQ_MAX)
            return wr_fail(err, WR_ECORRUPT, "seq %lld after %lld", (long long)row[i].seq,
                           (long long)s->last);
        s->last = row[i].seq;
        s->times[row[i].seq]++;
    }
    return WR_OK;
}

static void tail(wr_store *st, seen *s, int64_t *cursor)
{
    int64_t safe;
    assert_ok(wr_store_safe_seq(st, &safe, &err));
    assert_true(safe >= *cursor);
    assert_ok(wr_store_scan_edges(st, *cursor, safe, see, s, &err));
    *cursor = safe;
}

/* What people write first: remember the highest seq, read on from there. */
static void tail_naively(PGconn *c, uint8_t times[SEQ_MAX], long long *cursor)
{
    char sql[128];
    long long top =
        wr_test_pg_number(c, "select coalesce(max(seq), 0) from transactions");
    (void)snprintf(sql, sizeof sql,
                   "select seq from transactions where seq > %lld and seq <= %lld",
                   *cursor, top);
    PGresult *res = PQexec(c, sql);
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    for (int i = 0; i < PQntuples(res); i++)
        times[strtoll(PQgetvalue(res, i, 0), NULL, 10)]++;
    PQclear(res);
    *cursor = top;
}

typedef struct crowd {
    int raw, put, rounds;
    double nap_s, gap_s;
    useconds_t pause_us; /* of the reader */
} crowd;

static void start(writer *w, const crowd *c)
{
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:tail"), &err));
    atomic_store(&running, c->raw + c->put);
    for (int i = 0; i < c->raw + c->put; i++) {
        w[i] = (writer){.number = (uint64_t)i + 1,
                        .is_raw = i < c->raw,
                        .rounds = c->rounds,
                        .nap_s = c->nap_s,
                        .gap_s = c->gap_s,
                        .chain = chain};
        assert_int_equal(pthread_create(&w[i].thread, NULL, write_rows, &w[i]), 0);
    }
}

static void join(writer *w, const crowd *c)
{
    for (int i = 0; i < c->raw + c->put; i++) {
        (void)pthread_join(w[i].thread, NULL);
        if (w[i].failure[0])
            fail_msg("writer %d: %s", i, w[i].failure);
    }
}

static void check_crowd(const crowd *who)
{
    static writer w[WRITERS_MAX];
    static seen s;
    static uint8_t naive[SEQ_MAX];
    int64_t cursor = 0;
    long long naive_cursor = 0;
    unsigned lost = 0;
    unsigned naively_lost = 0;
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    memset(&s, 0, sizeof s);
    memset(naive, 0, sizeof naive);
    start(w, who);
    while (atomic_load(&running) > 0) {
        tail(st, &s, &cursor);
        tail_naively(c, naive, &naive_cursor);
        (void)usleep(who->pause_us);
    }
    join(w, who);
    tail(st, &s, &cursor);
    tail_naively(c, naive, &naive_cursor);
    PGresult *res = PQexec(c, "select seq from transactions");
    assert_true(PQntuples(res) > who->raw * who->rounds);
    for (int i = 0; i < PQntuples(res); i++) {
        long long seq = strtoll(PQgetvalue(res, i, 0), NULL, 10);
        lost += s.times[seq] != 1;
        naively_lost += naive[seq] == 0;
        s.times[seq] = 0;
    }
    PQclear(res);
    for (size_t i = 0; i < SEQ_MAX; i++)
        assert_int_equal(s.times[i], 0); /* nothing that was rolled back */
    print_message("rows lost: %u by safe_seq, %u by max(seq)\n", lost, naively_lost);
    assert_int_equal(lost, 0);
    assert_true(naively_lost > 0);
    PQfinish(c);
    wr_store_close(st);
}

static void test_tail__every_committed_row_once_among_many_writers(void **state)
{
    (void)state;
    check_crowd(
        &(crowd){.raw = 12, .put = 8, .rounds = 50, .nap_s = 0.02, .pause_us = 1000});
}

/*
 * Among many writers some old lock nearly always holds the answer back.  With few there
 * are moments without any, and the order of the reader's steps is all that counts.
 */
static void test_tail__every_committed_row_once_among_few_writers(void **state)
{
    (void)state;
    check_crowd(&(crowd){.raw = 3, .rounds = 400, .nap_s = 0.003, .gap_s = 0.004});
}

/* --- one case at a time ------------------------------------------------------------ */

static int64_t safe_of(wr_store *st)
{
    int64_t seq;
    assert_ok(wr_store_safe_seq(st, &seq, &err));
    return seq;
}

static void insert(PGconn *c, int n)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql, INSERT_SQL, n);
    wr_test_pg_run(c, sql);
}

static void test_safe_seq__empty_is_0(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    assert_int_equal(safe_of(st), 0);
    wr_store_close(st);
}

static void test_safe_seq__held_back_by_an_open_transaction(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    PGconn *slow = wr_test_pg_connect(wr_test_pg_dsn);
    PGconn *quick = wr_test_pg_connect(wr_test_pg_dsn);
    insert(quick, 3);
    assert_int_equal(safe_of(st), 3);
    wr_test_pg_run(slow, "begin");
    insert(slow, 2); /* 4, 5 */
    insert(quick, 1);
    insert(quick, 1); /* 7, committed */
    assert_int_equal(safe_of(st), 3);
    insert(slow, 1); /* 8: its lock still says 3 */
    assert_int_equal(safe_of(st), 3);
    wr_test_pg_run(slow, "commit");
    assert_int_equal(safe_of(st), 8);
    PQfinish(slow);
    PQfinish(quick);
    wr_store_close(st);
}

static void test_safe_seq__what_was_rolled_back_is_not_waited_for(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    insert(c, 2);
    wr_test_pg_run(c, "begin");
    insert(c, 5);
    wr_test_pg_run(c, "rollback");
    assert_int_equal(safe_of(st), 2); /* not 7: nobody has committed a 7 */
    insert(c, 1);
    assert_int_equal(safe_of(st), 8);
    PQfinish(c);
    wr_store_close(st);
}

static void test_safe_seq__savepoint_rolled_back_takes_the_lock_again(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    PGconn *slow = wr_test_pg_connect(wr_test_pg_dsn);
    PGconn *quick = wr_test_pg_connect(wr_test_pg_dsn);
    wr_test_pg_run(slow, "begin; savepoint a");
    insert(slow, 1);
    wr_test_pg_run(slow, "rollback to a"); /* lets its lock go */
    insert(quick, 1);
    assert_int_equal(safe_of(st), 2);
    insert(slow, 1);  /* 3 */
    insert(quick, 1); /* 4 */
    assert_int_equal(safe_of(st), 2);
    wr_test_pg_run(slow, "commit");
    assert_int_equal(safe_of(st), 4);
    PQfinish(slow);
    PQfinish(quick);
    wr_store_close(st);
}

static void test_safe_seq__other_advisory_locks_do_not_count(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    insert(c, 2);
    wr_test_pg_run(c, "select pg_advisory_lock(1), pg_advisory_lock(22354, 0), "
                      "pg_advisory_lock((22355::bigint << 48) | 1)");
    assert_int_equal(safe_of(st), 2);
    PQfinish(c);
    wr_store_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_pg_test(test_safe_seq__empty_is_0),
        wr_pg_test(test_safe_seq__held_back_by_an_open_transaction),
        wr_pg_test(test_safe_seq__what_was_rolled_back_is_not_waited_for),
        wr_pg_test(test_safe_seq__savepoint_rolled_back_takes_the_lock_again),
        wr_pg_test(test_safe_seq__other_advisory_locks_do_not_count),
        wr_pg_test(test_tail__every_committed_row_once_among_many_writers),
        wr_pg_test(test_tail__every_committed_row_once_among_few_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
