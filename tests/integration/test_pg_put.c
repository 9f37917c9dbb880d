/*
 * Many writers with overlapping keys: every key is stored once, the counts add up, and no
 * deadlock or unique violation reaches a caller.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "made_transfers.h"
#include "pg_db.h"
#include "store/store.h"
#include "wr_test.h"

enum { WRITERS = 10, BATCHES = 25, BATCH_MAX = 200, KEYS = 1500, WALLETS = 120 };

typedef struct writer {
    pthread_t thread;
    uint64_t number;
    const wr_chain *chain;
    uint64_t salt; /* other content under the same keys */
    int order;     /* 0 shuffled picks, 1 all keys upwards, -1 all keys downwards */
    uint64_t put, inserted, duplicates, conflicts, dead;
    uint8_t has_put[KEYS];
    wr_status status;
    char failure[WR_ERR_MSG_MAX];
} writer;

static wr_status put_keys(wr_store *st, writer *w, const uint32_t *key, size_t n,
                          wr_err *err)
{
    made_transfer *text = wr_calloc(n, sizeof *text);
    wr_transfer *t = wr_calloc(n, sizeof *t);
    uint8_t *outcome = wr_calloc(n, 1);
    wr_put_result res = {0};
    uint64_t said[3] = {0};
    for (size_t i = 0; i < n; i++)
        t[i] = make_transfer(&text[i], w->chain, key[i], WALLETS, w->salt);
    const wr_put put = {
        .transfer = t, .transfer_count = n, .is_names_first = !w->salt && w->number % 2};
    wr_status s = wr_store_put(st, &put, outcome, &res, err);
    for (size_t i = 0; s == WR_OK && i < n; i++)
        said[outcome[i]]++;
    if (s == WR_OK && (said[WR_PUT_INSERTED] != res.inserted ||
                       said[WR_PUT_DUPLICATE] != res.duplicates ||
                       said[WR_PUT_CONFLICT] != res.conflicts))
        s = wr_fail(err, WR_ECORRUPT, "outcomes and counts differ");
    w->put += n;
    w->inserted += res.inserted;
    w->duplicates += res.duplicates;
    w->conflicts += res.conflicts;
    w->dead += res.dead;
    wr_free(text);
    wr_free(t);
    wr_free(outcome);
    return s;
}

static size_t choose(writer *w, wr_rng *r, uint32_t *key)
{
    size_t n = w->order ? KEYS : 1 + (size_t)wr_rng_below(r, BATCH_MAX);
    for (size_t i = 0; i < n; i++) {
        key[i] = w->order == 0  ? (uint32_t)wr_rng_below(r, KEYS)
                 : w->order > 0 ? (uint32_t)i
                                : (uint32_t)(KEYS - 1 - i);
        w->has_put[key[i]] = 1;
    }
    return n;
}

static void *write_batches(void *ctx)
{
    writer *w = ctx;
    wr_rng r = {.s = w->number};
    wr_err err = {0};
    wr_store *st = NULL;
    static _Thread_local uint32_t key[KEYS];
    w->status = wr_store_open(&st, wr_test_pg_dsn, &err);
    for (int i = 0; w->status == WR_OK && i < (w->order ? 1 : BATCHES); i++)
        w->status = put_keys(st, w, key, choose(w, &r, key), &err);
    (void)snprintf(w->failure, sizeof w->failure, "%s", err.msg);
    wr_store_close(st);
    return NULL;
}

/* Run the writers; their sums in total; number of distinct keys that were put. */
static uint64_t run_writers(writer *w, size_t n, writer *total)
{
    uint64_t distinct = 0;
    const wr_chain *chain = NULL;
    *total = (writer){0};
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:put"), &err));
    for (size_t i = 0; i < n; i++) {
        w[i].number = i + 1;
        w[i].chain = chain;
        assert_int_equal(pthread_create(&w[i].thread, NULL, write_batches, &w[i]), 0);
    }
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(w[i].thread, NULL);
    for (size_t i = 0; i < n; i++) {
        if (w[i].status != WR_OK)
            fail_msg("writer %zu: %s: %s", i, wr_status_name(w[i].status), w[i].failure);
        total->put += w[i].put;
        total->inserted += w[i].inserted;
        total->duplicates += w[i].duplicates;
        total->conflicts += w[i].conflicts;
        total->dead += w[i].dead;
        for (size_t k = 0; k < KEYS; k++)
            total->has_put[k] |= w[i].has_put[k];
    }
    for (size_t k = 0; k < KEYS; k++)
        distinct += total->has_put[k];
    return distinct;
}

static void check_tables(uint64_t distinct, uint64_t conflicts)
{
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    assert_int_equal(wr_test_pg_number(c, "select count(*) from transactions"), distinct);
    assert_int_equal(wr_test_pg_number(c, "select sum(transfers) from store_totals"),
                     distinct);
    assert_int_equal(wr_test_pg_number(c, "select count(*) from dead_letters"),
                     conflicts);
    assert_int_equal(
        wr_test_pg_number(c, "select sum(wallets) - (select count(*) from wallets) "
                             "from store_totals"),
        0);
    assert_int_equal(
        wr_test_pg_number(c, "select sum(dead) - (select count(*) from dead_letters) "
                             "from store_totals"),
        0);
    /* a wallet with an id is in at least one transfer, and each transfer has its wallets
     */
    assert_int_equal(wr_test_pg_number(
                         c,
                         "select count(*) from wallets w where not exists (select 1 from "
                         "transactions t where w.wallet_id in (t.from_id, t.to_id))"),
                     0);
    assert_int_equal(
        wr_test_pg_number(
            c, "select count(*) from transactions t where (select count(*) from "
               "wallets where wallet_id in (from_id, to_id)) <> "
               "case when from_id = to_id then 1 else 2 end"),
        0);
    PQfinish(c);
}

static void test_put__overlapping_keys_are_stored_once(void **state)
{
    (void)state;
    static writer w[WRITERS];
    static writer total;
    memset(w, 0, sizeof w);
    uint64_t distinct = run_writers(w, WRITERS, &total);
    assert_int_equal(total.inserted, distinct);
    assert_int_equal(total.inserted + total.duplicates, total.put);
    assert_int_equal(total.conflicts, 0);
    check_tables(distinct, 0);
}

static void test_put__overlapping_keys_with_other_content(void **state)
{
    (void)state;
    static writer w[WRITERS];
    static writer total;
    memset(w, 0, sizeof w);
    for (size_t i = 0; i < WRITERS; i += 2)
        w[i].salt = 1000;
    uint64_t distinct = run_writers(w, WRITERS, &total);
    assert_int_equal(total.inserted, distinct);
    assert_int_equal(total.inserted + total.duplicates + total.conflicts, total.put);
    assert_true(total.conflicts > 0);
    assert_int_equal(total.dead, total.conflicts);
    check_tables(distinct, total.conflicts);
}

static void test_put__same_keys_upwards_and_downwards(void **state)
{
    (void)state;
    static writer w[6];
    static writer total;
    memset(w, 0, sizeof w);
    for (size_t i = 0; i < 6; i++)
        w[i].order = i % 2 ? 1 : -1;
    uint64_t distinct = run_writers(w, 6, &total);
    assert_int_equal(distinct, KEYS);
    assert_int_equal(total.inserted, KEYS);
    assert_int_equal(total.duplicates, 5 * KEYS);
    check_tables(KEYS, 0);
}

/* --- one thing at a time
 * ----------------------------------------------------------------- */

static wr_status put_range(wr_store *st, uint32_t first, size_t n, uint64_t salt,
                           wr_put_result *res, wr_err *err)
{
    static made_transfer text[1000];
    static wr_transfer t[1000];
    const wr_chain *chain = NULL;
    WR_TRY(wr_chain_find(&chain, WR_TEXT_LIT("opaque:put"), err));
    for (size_t i = 0; i < n; i++)
        t[i] = make_transfer(&text[i], chain, first + i, WALLETS, salt);
    const wr_put put = {.transfer = t, .transfer_count = n};
    return wr_store_put(st, &put, NULL, res, err);
}

/* A known key that the sample of a big batch does not show: the batch is done again. */
static void test_put__surprise_inside_a_batch_keeps_ids_dense(void **state)
{
    (void)state;
    wr_put_result res;
    wr_store *st = wr_test_pg_open();
    wr_store *fresh = wr_test_pg_open();
    assert_ok(put_range(st, 501, 1, 0, &res, &err));
    assert_ok(put_range(fresh, 0, 1000, 0, &res, &err));
    assert_int_equal(res.inserted, 999);
    assert_int_equal(res.duplicates, 1);
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    assert_int_equal(
        wr_test_pg_number(c, "select max(wallet_id) - count(*) from wallets"), 0);
    assert_int_equal(wr_test_pg_number(c, "select count(*) from transactions"), 1000);
    PQfinish(c);
    wr_store_close(st);
    wr_store_close(fresh);
}

/* Wallets whose ids came from a put that failed get the same ids from the next one. */
static void test_put__ids_of_a_failed_put_are_used_again(void **state)
{
    (void)state;
    wr_put_result res;
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    wr_test_pg_run(c, "alter table transactions add constraint small check (amount < 5)");
    assert_err(WR_EIO, put_range(st, 0, 10, 0, &res, &err));
    wr_test_pg_run(c, "alter table transactions drop constraint small");
    assert_int_equal(wr_test_pg_number(c, "select count(*) from wallets"), 0);
    assert_ok(put_range(st, 0, 10, 0, &res, &err));
    assert_int_equal(res.inserted, 10);
    assert_int_equal(wr_test_pg_number(c, "select min(wallet_id) from wallets"), 1);
    assert_int_equal(
        wr_test_pg_number(c, "select max(wallet_id) - count(*) from wallets"), 0);
    PQfinish(c);
    wr_store_close(st);
}

static wr_status put_names_first(wr_store *st, uint32_t first, uint32_t n,
                                 wr_put_result *res, wr_err *err)
{
    static made_transfer text[1000];
    static wr_transfer t[1000];
    const wr_chain *chain = NULL;
    WR_TRY(wr_chain_find(&chain, WR_TEXT_LIT("opaque:put"), err));
    for (uint32_t i = 0; i < n; i++)
        t[i] = make_transfer(&text[i], chain, first + i, WALLETS, 0);
    const wr_put put = {.transfer = t, .transfer_count = n, .is_names_first = true};
    return wr_store_put(st, &put, NULL, res, err);
}

/* Names that were committed ahead stay, are counted once, and are used by the next put.
 */
static void test_put__names_first_outlive_a_failed_put(void **state)
{
    (void)state;
    wr_put_result res;
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    wr_test_pg_run(c, "alter table transactions add constraint small check (amount < 5)");
    assert_err(WR_EIO, put_names_first(st, 0, 10, &res, &err));
    const int64_t ahead = wr_test_pg_number(c, "select count(*) from wallets");
    assert_true(ahead > 0);
    assert_int_equal(wr_test_pg_number(c, "select count(*) from transactions"), 0);
    wr_test_pg_run(c, "alter table transactions drop constraint small");
    assert_ok(put_names_first(st, 0, 10, &res, &err));
    assert_int_equal(res.inserted, 10);
    assert_int_equal(wr_test_pg_number(c, "select count(*) from wallets"), ahead);
    check_tables(10, 0);
    PQfinish(c);
    wr_store_close(st);
}

/* A key that the sample does not show fails the rows behind names that are committed. */
static void test_put__names_first_with_a_surprise_inside(void **state)
{
    (void)state;
    wr_put_result res;
    wr_store *st = wr_test_pg_open();
    wr_store *fresh = wr_test_pg_open();
    assert_ok(put_names_first(st, 501, 1, &res, &err));
    assert_ok(put_names_first(fresh, 0, 1000, &res, &err));
    assert_int_equal(res.inserted, 999);
    assert_int_equal(res.duplicates, 1);
    check_tables(1000, 0);
    wr_store_close(st);
    wr_store_close(fresh);
}

/* Another session holds a key without committing: put waits, then judges against it. */
typedef struct holder {
    PGconn *conn;
    pthread_t thread;
} holder;

static void *commit_later(void *ctx)
{
    holder *h = ctx;
    PQclear(PQexec(h->conn, "select pg_sleep(0.8)"));
    PQclear(PQexec(h->conn, "commit"));
    return NULL;
}

static void test_put__waits_for_an_uncommitted_key(void **state)
{
    (void)state;
    wr_put_result res;
    wr_store *st = wr_test_pg_open();
    holder h = {.conn = wr_test_pg_connect(wr_test_pg_dsn)};
    assert_ok(put_range(st, 7, 1, 0, &res, &err));
    /* the row moves out of the way and comes back inside an open transaction */
    wr_test_pg_run(h.conn, "create table kept as select * from transactions");
    wr_test_pg_run(h.conn, "delete from transactions");
    wr_test_pg_run(h.conn, "begin; insert into transactions select * from kept");
    assert_int_equal(pthread_create(&h.thread, NULL, commit_later, &h), 0);
    assert_ok(put_range(st, 0, 20, 0, &res, &err));
    (void)pthread_join(h.thread, NULL);
    assert_int_equal(res.inserted, 19);
    assert_int_equal(res.duplicates, 1);
    PQfinish(h.conn);
    wr_store_close(st);
}

typedef struct late_put {
    wr_store *st;
    pthread_t thread;
    wr_status status;
    wr_put_result res;
} late_put;

static void *put_late(void *ctx)
{
    late_put *p = ctx;
    p->status = put_range(p->st, 0, 20, 0, &p->res, NULL);
    return NULL;
}

/*
 * Another writer commits a row, and the wallets it brings, while put looks for keys: the
 * row is a duplicate, although its wallets were unknown when put began.
 */
static void test_put__row_and_wallets_committed_in_mid_look(void **state)
{
    (void)state;
    wr_put_result res;
    wr_store *st = wr_test_pg_open();
    late_put late = {.st = wr_test_pg_open()}; /* with nothing in its cache */
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    assert_ok(put_range(st, 7, 1, 0, &res, &err));
    wr_test_pg_run(c, "create table kept_t as select * from transactions");
    wr_test_pg_run(c, "create table kept_w as select * from wallets");
    wr_test_pg_run(c, "delete from transactions; delete from wallets");
    wr_test_pg_run(c, "begin; lock table transactions in access exclusive mode");
    assert_int_equal(pthread_create(&late.thread, NULL, put_late, &late), 0);
    wr_test_pg_run(c, "select pg_sleep(0.5)"); /* it waits for the table by now */
    wr_test_pg_run(c, "insert into wallets select * from kept_w");
    wr_test_pg_run(c, "insert into transactions select * from kept_t; commit");
    (void)pthread_join(late.thread, NULL);
    assert_int_equal(late.status, WR_OK);
    assert_int_equal(late.res.inserted, 19);
    assert_int_equal(late.res.duplicates, 1);
    PQfinish(c);
    wr_store_close(st);
    wr_store_close(late.st);
}

/* Amounts arrive as the same number that PostgreSQL prints. */
static void test_put__amounts_are_exact(void **state)
{
    (void)state;
    static const char *const amount[] = {"0",
                                         "1",
                                         "9999",
                                         "10000",
                                         "100000000",
                                         "99999999999999999999",
                                         "340282366920938463463374607431768211455",
                                         "100000000000000000000000000000000000000"};
    enum { N = sizeof amount / sizeof amount[0] };
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    made_transfer text[N];
    wr_transfer t[N];
    wr_put_result res;
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:put"), &err));
    for (size_t i = 0; i < N; i++) {
        t[i] = make_transfer(&text[i], chain, i, WALLETS, 0);
        assert_ok(wr_amount_parse(&t[i].amount_base, wr_text_of(amount[i]), &err));
    }
    const wr_put put = {.transfer = t, .transfer_count = N};
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    PGresult *rows = PQexec(c, "select amount::text from transactions order by seq");
    for (size_t i = 0; i < N; i++)
        assert_string_equal(PQgetvalue(rows, (int)i, 0), amount[i]);
    PQclear(rows);
    /* and back: the second put recognises every one of them */
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    assert_int_equal(res.duplicates, N);
    PQfinish(c);
    wr_store_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_pg_test(test_put__surprise_inside_a_batch_keeps_ids_dense),
        wr_pg_test(test_put__ids_of_a_failed_put_are_used_again),
        wr_pg_test(test_put__names_first_outlive_a_failed_put),
        wr_pg_test(test_put__names_first_with_a_surprise_inside),
        wr_pg_test(test_put__waits_for_an_uncommitted_key),
        wr_pg_test(test_put__row_and_wallets_committed_in_mid_look),
        wr_pg_test(test_put__amounts_are_exact),
        wr_pg_test(test_put__overlapping_keys_are_stored_once),
        wr_pg_test(test_put__overlapping_keys_with_other_content),
        wr_pg_test(test_put__same_keys_upwards_and_downwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
