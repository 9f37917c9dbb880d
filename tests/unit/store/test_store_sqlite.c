/*
 * What only the SQLite backend can show: keys that collide, history blocks, a full cache,
 * a busy or full database, damaged files.  What every store must do is in tests/contract.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite_int.h"
#include "wr_test.h"

enum { N = 4000, NAMES = 50 };

static char folder[] = "/tmp/wr-sqlite-XXXXXX";

static void remove_database(const char *name)
{
    static const char *const ending[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s%s", folder, name, ending[i]);
        (void)unlink(path);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    remove_database("a.db");
    return rmdir(folder);
}

static void dsn_of(char dsn[128], const char *name)
{
    (void)snprintf(dsn, 128, "sqlite:%s/%s", folder, name);
}

static wr_store *open_again(void)
{
    char dsn[128];
    wr_store *st = NULL;
    dsn_of(dsn, "a.db");
    assert_ok(wr_store_open(&st, dsn, &err));
    return st;
}

static wr_store *open_new(void)
{
    wr_migrate_report rep;
    remove_database("a.db");
    wr_store *st = open_again();
    assert_ok(wr_store_migrate(st, &rep, &err));
    return st;
}

static wr_store *open_memory(void)
{
    wr_migrate_report rep;
    wr_store *st = NULL;
    assert_ok(wr_store_open(&st, "memory:", &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    return st;
}

static void exec(wr_store *st, const char *sql)
{
    sqlite3 *db = wr_sqlite_of(st)->db;
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static int64_t number(wr_store *st, const char *sql)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(wr_sqlite_of(st)->db, sql, -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t v = sqlite3_column_int64(s, 0);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    return v;
}

static wr_transfer transfer(unsigned tx, unsigned from, unsigned to)
{
    static char hash[N][16];
    static char name[NAMES][16];
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:t"), &err));
    (void)snprintf(hash[tx], sizeof hash[0], "tx%u", tx);
    (void)snprintf(name[from], sizeof name[0], "w%u", from);
    (void)snprintf(name[to], sizeof name[0], "w%u", to);
    return (wr_transfer){.chain = chain,
                         .tx_hash = wr_text_of(hash[tx]),
                         .block = -1,
                         .time_s = 1500000000 + tx,
                         .from = wr_text_of(name[from]),
                         .to = wr_text_of(name[to]),
                         .asset = WR_TEXT_LIT("X"),
                         .amount_base = tx};
}

/* --- the same as the memory store ------------------------------------------------- */

typedef struct seen {
    uint64_t n;
    uint64_t digest; /* of what came, in order */
} seen;

static void mix(seen *s, uint64_t v)
{
    s->digest = (s->digest ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    s->digest ^= s->digest >> 29;
}

static wr_status see_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    seen *s = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        s->n++;
        mix(s, (uint64_t)row[i].time_s);
        mix(s, row[i].from);
        mix(s, row[i].to);
    }
    return WR_OK;
}

static wr_status see_transfer(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    seen *s = ctx;
    (void)err;
    s->n++;
    mix(s, (uint64_t)row->transfer.time_s);
    return WR_OK;
}

/* Put in batches; the two stores must judge alike. */
static void put_both(wr_store *st, wr_store *ref, const wr_transfer *t, size_t n,
                     size_t batch)
{
    static uint8_t outcome[2][N];
    for (size_t i = 0; i < n; i += batch) {
        wr_put put = {.transfer = t + i, .transfer_count = n - i < batch ? n - i : batch};
        wr_put_result res[2];
        assert_ok(wr_store_put(st, &put, outcome[0], &res[0], &err));
        assert_ok(wr_store_put(ref, &put, outcome[1], &res[1], &err));
        assert_memory_equal(&res[0], &res[1], sizeof res[0]);
        assert_memory_equal(outcome[0], outcome[1], put.transfer_count);
    }
    seen a = {0};
    seen b = {0};
    assert_ok(wr_store_scan_edges(st, 0, INT64_MAX, see_edges, &a, &err));
    assert_ok(wr_store_scan_edges(ref, 0, INT64_MAX, see_edges, &b, &err));
    assert_memory_equal(&a, &b, sizeof a);
}

/* Transfers of a few wallets, with repetitions and contradictions. */
static void make(wr_transfer *t, size_t n, unsigned keys, unsigned names, uint64_t seed)
{
    wr_rng rng = {.s = seed};
    for (size_t i = 0; i < n; i++) {
        unsigned tx = (unsigned)wr_rng_below(&rng, keys);
        t[i] = transfer(tx, tx % names, tx * 7 % names);
        if (wr_rng_below(&rng, 10) == 0)
            t[i].amount_base += 1;
        if (wr_rng_below(&rng, 10) == 0)
            t[i].position = (uint32_t)wr_rng_below(&rng, 3);
    }
}

/* With a handful of keys nearly all transfers collide; the judgement is still exact. */
static void test_put__keys_that_collide(void **state)
{
    (void)state;
    static wr_transfer t[N];
    static const uint64_t mask[] = {0, 7, 0xff};
    for (size_t k = 0; k < 3; k++) {
        WR_AUTO(wr_store) st = open_new();
        WR_AUTO(wr_store) ref = open_memory();
        wr_sqlite_of(st)->key_mask = mask[k];
        make(t, 600, 200, NAMES, k);
        put_both(st, ref, t, 600, k ? 100 : 37);
    }
}

/* Probing goes on from the last key of the range to the first. */
static void test_put__keys_wrap_around(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_new();
    WR_AUTO(wr_store) ref = open_memory();
    static wr_transfer t[N];
    make(t, 60, 30, NAMES, 5);
    wr_sqlite_of(st)->key_mask = 0;
    wr_sqlite_of(st)->key_base = UINT64_MAX - 4;
    put_both(st, ref, t, 60, 25);
    assert_int_equal(number(st, "select min(key) from transaction_keys"), -5);
    assert_true(number(st, "select max(key) from transaction_keys") > 5);
}

static void test_put__amounts_sort_by_value(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_new();
    wr_transfer t[6];
    for (unsigned i = 0; i < 6; i++)
        t[i] = transfer(i, 0, 1);
    t[0].amount_base = 0;
    t[1].amount_base = 255;
    t[2].amount_base = (wr_amount)INT64_MAX;
    t[3].amount_base = (wr_amount)INT64_MAX + 1;
    t[4].amount_base = (wr_amount)1 << 64;
    t[5].amount_base = ~(wr_amount)0;
    wr_put put = {.transfer = t, .transfer_count = 6};
    wr_put_result res;
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    assert_int_equal(number(st, "select count(*) from (select seq, row_number() over "
                                "(order by amount) as place from transactions) "
                                "where seq <> place"),
                     0);
    assert_int_equal(number(st, "select count(*) from transactions where "
                                "typeof(amount) = 'integer'"),
                     3);
    assert_int_equal(number(st, "select max(length(amount)) from transactions where "
                                "typeof(amount) = 'blob'"),
                     16);
}

/* --- history ----------------------------------------------------------------------- */

static void compare_history(wr_store *st, wr_store *ref, unsigned wallet, uint32_t limit,
                            int64_t step)
{
    wr_transfer t = transfer(0, wallet, wallet);
    for (int64_t before = 0; before >= 0;) {
        seen a = {0};
        seen b = {0};
        assert_ok(wr_store_wallet_transfers(st, t.chain, t.from, before, limit,
                                            see_transfer, &a, &err));
        assert_ok(wr_store_wallet_transfers(ref, t.chain, t.from, before, limit,
                                            see_transfer, &b, &err));
        assert_memory_equal(&a, &b, sizeof a);
        /* every cut of the sequence, beginning, inside and end of blocks among them */
        before = before == 0 ? N : before > 1 ? before - step : -1;
    }
}

static void test_wallet_transfers__over_blocks_and_pieces(void **state)
{
    (void)state;
    static wr_transfer t[N];
    WR_AUTO(wr_store) st = open_new();
    WR_AUTO(wr_store) ref = open_memory();
    wr_sqlite_of(st)->history_min = 900;
    wr_sqlite_of(st)->history_max = 1500;
    for (unsigned i = 0; i < N;
         i++) /* wallet 0 is in nearly all: several pieces a block */
        t[i] = transfer(i, i % 5 ? 0 : i % NAMES, i % NAMES);
    put_both(st, ref, t, 3500, 1750); /* 1750 = a block of 1500 and a rest */
    put_both(st, ref, t + 3500, N - 3500, 100);
    assert_true(number(st, "select count(distinct upto_seq) from wallet_history") >= 3);
    assert_true(number(st, "select max(c) from (select count(*) c from wallet_history "
                           "group by upto_seq, first_wallet)") > 1);
    assert_true(number(st, "select max(upto_seq) from wallet_history") < N);
    for (unsigned w = 0; w < NAMES; w += 7) {
        compare_history(st, ref, w, 1, 97);
        compare_history(st, ref, w, 25, 97);
        compare_history(st, ref, w, N, 97);
    }
    compare_history(st, ref, 0, 1, 1); /* every seq as the bound */
}

/* Refused transfers leave gaps in seq, also at the end of a batch. */
static void test_wallet_transfers__gaps_at_the_end_of_a_batch(void **state)
{
    (void)state;
    static wr_transfer t[N];
    WR_AUTO(wr_store) st = open_new();
    WR_AUTO(wr_store) ref = open_memory();
    wr_sqlite_of(st)->history_min = 50;
    wr_sqlite_of(st)->history_max = 80;
    size_t n = 0;
    for (unsigned i = 0; i < 600; i++)
        t[n++] = transfer(i / 60 * 30 + i % 30, i % 3, i % 4); /* each 30 come twice */
    put_both(st, ref, t, n, 60);
    seen a = {0};
    seen b = {0};
    assert_ok(wr_store_wallet_transfers(st, t[0].chain, t[0].from, 0, N, see_transfer, &a,
                                        &err));
    assert_ok(wr_store_wallet_transfers(ref, t[0].chain, t[0].from, 0, N, see_transfer,
                                        &b, &err));
    assert_true(a.n > 100);
    assert_memory_equal(&a, &b, sizeof a);
}

static wr_status see_nothing(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)ctx;
    (void)row;
    (void)err;
    return WR_OK;
}

static void test_wallet_transfers__damaged_block(void **state)
{
    (void)state;
    static wr_transfer t[N];
    WR_AUTO(wr_store) st = open_new();
    WR_AUTO(wr_store) ref = open_memory();
    wr_sqlite_of(st)->history_min = 50;
    for (unsigned i = 0; i < 100; i++)
        t[i] = transfer(i, 1, 2);
    put_both(st, ref, t, 100, 100);
    exec(st, "update wallet_history set pairs = x'81'");
    wr_err e = {0};
    assert_int_equal(
        wr_store_wallet_transfers(st, t[0].chain, t[0].from, 0, 9, see_nothing, NULL, &e),
        WR_ECORRUPT);
    assert_non_null(strstr(e.msg, "wallet_history"));
    /* wallet 1, then 2000 past the end */
    exec(st, "update wallet_history set pairs = x'01d00f'");
    assert_err(WR_ECORRUPT, wr_store_wallet_transfers(st, t[0].chain, t[0].from, 0, 9,
                                                      see_nothing, NULL, &err));
}

/* --- what the handle remembers ------------------------------------------------------ */

static wr_status see_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    seen *s = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        s->n++;
        mix(s, row[i].id);
        for (uint32_t k = 0; k < row[i].address.len; k++)
            mix(s, (uint8_t)row[i].address.p[k]);
    }
    return WR_OK;
}

static void compare_wallets(wr_store *st, wr_store *ref, uint64_t want)
{
    seen a = {0};
    seen b = {0};
    assert_ok(wr_store_scan_wallets(st, 0, see_wallets, &a, &err));
    assert_ok(wr_store_scan_wallets(ref, 0, see_wallets, &b, &err));
    assert_int_equal(a.n, want);
    assert_memory_equal(&a, &b, sizeof a);
}

/* One wallet per transfer, more of them than the cache holds, some coming back. */
static void test_put__full_wallet_cache(void **state)
{
    (void)state;
    enum { WALLETS = 3000 };
    static wr_transfer t[WALLETS];
    static char name[WALLETS][16];
    for (int is_bulk = 0; is_bulk < 2; is_bulk++) {
        WR_AUTO(wr_store) st = open_new();
        WR_AUTO(wr_store) ref = open_memory();
        wr_sqlite_of(st)->wallet_id.max_bytes = 24000; /* a few hundred wallets */
        for (unsigned i = 0; i < WALLETS; i++) {
            unsigned back = i % 3 ? i : i / 2;
            (void)snprintf(name[i], sizeof name[0], "wallet-%u", i);
            t[i] = transfer(i, 0, 1);
            t[i].from = wr_text_of(name[i]);
            t[i].to = wr_text_of(name[back]);
        }
        put_both(st, ref, t, 1000, 1000);
        if (is_bulk)
            assert_ok(wr_store_bulk_begin(st, &err)); /* more than can be read in */
        put_both(st, ref, t + 1000, WALLETS - 1000, 400);
        compare_wallets(st, ref, WALLETS);
    }
}

/* Another writer in the middle of a bulk load: its wallets are found, not made again. */
static void test_bulk__other_writer_meanwhile(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_new();
    WR_AUTO(wr_store) other = open_again();
    WR_AUTO(wr_store) ref = open_memory();
    wr_transfer t[] = {transfer(0, 0, 1), transfer(1, 2, 3), transfer(2, 3, 4),
                       transfer(3, 4, 0), transfer(4, 5, 2)};
    wr_put_result res;
    put_both(st, ref, t, 1, 1);
    assert_ok(wr_store_bulk_begin(st, &err));
    for (size_t i = 1; i < 5; i++) {
        wr_put put = {.transfer = &t[i], .transfer_count = 1};
        assert_ok(wr_store_put(i % 2 ? other : st, &put, NULL, &res, &err));
        assert_ok(wr_store_put(ref, &put, NULL, &res, &err));
    }
    assert_ok(wr_store_bulk_end(st, &err));
    compare_wallets(st, ref, 6);
}

static void test_put__more_assets_than_ids(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_new();
    wr_transfer t = transfer(0, 0, 1);
    wr_put put = {.transfer = &t, .transfer_count = 1};
    wr_put_result res;
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    exec(st, "insert into assets select value, 1, 'A' || value, 0 from "
             "(with recursive n(value) as (select 1 union all select value + 1 from n "
             "where value < 65535) select value from n)");
    t = transfer(1, 0, 1);
    t.asset = WR_TEXT_LIT("A65535");
    assert_ok(wr_store_put(st, &put, NULL, &res, &err)); /* the last id there is */
    t = transfer(2, 0, 1);
    t.asset = WR_TEXT_LIT("ONEMORE");
    wr_err e = {0};
    assert_int_equal(wr_store_put(st, &put, NULL, &res, &e), WR_ELIMIT);
    assert_non_null(strstr(e.msg, "ONEMORE"));
    assert_int_equal(number(st, "select count(*) from transactions"), 2);
}

/* --- a database in trouble ------------------------------------------------------------
 */

static void test_open__what_cannot_be_one(void **state)
{
    (void)state;
    wr_store *st = NULL;
    char dsn[128];
    wr_err e = {0};
    assert_err(WR_EINVAL, wr_store_open(&st, "sqlite:", &err));
    assert_int_equal(wr_store_open(&st, "sqlite::memory:", &e), WR_EINVAL);
    assert_non_null(strstr(e.msg, "sqlite:PATH"));
    dsn_of(dsn, "none/a.db");
    e = (wr_err){0};
    assert_int_equal(wr_store_open(&st, dsn, &e), WR_EIO);
    assert_non_null(strstr(e.msg, "none/a.db"));
    assert_non_null(strstr(e.msg, "No such file or directory"));
    dsn_of(dsn, "text.db");
    FILE *f = fopen(dsn + strlen("sqlite:"), "w");
    assert_non_null(f);
    for (int i = 0; i < 100; i++)
        (void)fputs("this is a letter, not a database\n", f);
    assert_int_equal(fclose(f), 0);
    e = (wr_err){0};
    assert_int_equal(wr_store_open(&st, dsn, &e), WR_ECORRUPT);
    assert_non_null(strstr(e.msg, "text.db"));
    assert_null(st);
    remove_database("text.db");
}

static void test_put__busy_database(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_new();
    WR_AUTO(wr_store) other = open_again();
    wr_transfer t = transfer(0, 0, 1);
    wr_put put = {.transfer = &t, .transfer_count = 1};
    wr_put_result res;
    wr_err e = {0};
    (void)sqlite3_busy_timeout(wr_sqlite_of(st)->db, 20);
    exec(other, "begin immediate");
    assert_int_equal(wr_store_put(st, &put, NULL, &res, &e), WR_ETIMEOUT);
    assert_non_null(strstr(e.msg, "locked"));
    assert_non_null(strstr(e.msg, "another program"));
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err)); /* readers do not wait */
    wr_labels_report rep;
    wr_label l = {.chain = t.chain,
                  .address = t.from,
                  .category = t.asset,
                  .source = t.to,
                  .valid_from_s = WR_TIME_NONE,
                  .valid_to_s = WR_TIME_NONE};
    assert_err(WR_ETIMEOUT, wr_store_labels_put(st, &l, 1, &rep, &err));
    exec(other, "commit");
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    assert_int_equal(res.inserted, 1);
}

static wr_status see_content(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    seen *s = ctx;
    (void)err;
    s->n++;
    mix(s, (uint64_t)row->transfer.time_s);
    mix(s, row->transfer.asset.len);
    mix(s, (uint64_t)strlen(row->transfer.chain->id));
    return WR_OK;
}

static void compare_contents(wr_store *st, wr_store *ref, int64_t n)
{
    seen a = {0};
    seen b = {0};
    for (int64_t i = 1; i <= n; i++) {
        assert_ok(wr_store_transfer_get(st, i, see_content, &a, &err));
        assert_ok(wr_store_transfer_get(ref, i, see_content, &b, &err));
    }
    assert_memory_equal(&a, &b, sizeof a);
}

/*
 * The batch that does not fit names a new chain, new assets and new wallets; wherever it
 * fails, the handle forgets them, and the batch goes in once there is room.
 */
static void test_put__no_room_to_grow(void **state)
{
    (void)state;
    static wr_transfer t[N];
    char sql[64];
    WR_AUTO(wr_store) st = open_new();
    WR_AUTO(wr_store) ref = open_memory();
    for (unsigned i = 0; i < N; i++)
        t[i] = transfer(i, i < 100 ? i % 7 : i % NAMES, i < 100 ? 0 : (i + 1) % NAMES);
    assert_ok(wr_chain_find(&t[100].chain, WR_TEXT_LIT("opaque:other"), &err));
    t[101].asset = WR_TEXT_LIT("NEW");
    put_both(st, ref, t, 100, 100);
    int64_t pages = number(st, "pragma page_count");
    wr_put put = {.transfer = t + 100, .transfer_count = N - 100};
    wr_put_result res = {.inserted = 77};
    wr_status s = WR_EIO;
    for (int64_t more = 1; s != WR_OK; more += 3) { /* fails later and later */
        wr_err e = {0};
        (void)snprintf(sql, sizeof sql, "pragma max_page_count = %" PRId64, pages + more);
        exec(st, sql);
        s = wr_store_put(st, &put, NULL, &res, &e);
        if (s == WR_OK)
            break;
        assert_int_equal(s, WR_EIO);
        assert_non_null(strstr(e.msg, "full"));
        assert_non_null(strstr(e.msg, "no room"));
        assert_int_equal(res.inserted, 77);
        assert_int_equal(number(st, "select count(*) from transactions"), 100);
        assert_true(more < 1000);
    }
    assert_int_equal(res.inserted, N - 100);
    assert_ok(wr_store_put(ref, &put, NULL, &res, &err));
    compare_wallets(st, ref, NAMES + 2);
    compare_contents(st, ref, N);
    assert_int_equal(number(st, "select count(*) from chains"), 2);
    assert_int_equal(number(st, "select count(*) from assets"), 3);
    WR_AUTO(wr_store) again = open_again();
    compare_contents(again, ref, N);
}

static void test_put__key_without_its_row(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = open_new();
    wr_transfer t[] = {transfer(0, 0, 1), transfer(1, 0, 1)};
    wr_put put = {.transfer = t, .transfer_count = 2};
    wr_put_result res;
    assert_ok(wr_store_put(st, &put, NULL, &res, &err));
    exec(st, "delete from transactions where seq = 1");
    wr_err e = {0};
    assert_int_equal(wr_store_put(st, &put, NULL, &res, &e), WR_ECORRUPT);
    assert_non_null(strstr(e.msg, "seq 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_put__keys_that_collide),
        wr_unit_test(test_put__keys_wrap_around),
        wr_unit_test(test_put__amounts_sort_by_value),
        wr_unit_test(test_wallet_transfers__over_blocks_and_pieces),
        wr_unit_test(test_wallet_transfers__gaps_at_the_end_of_a_batch),
        wr_unit_test(test_wallet_transfers__damaged_block),
        wr_unit_test(test_put__full_wallet_cache),
        wr_unit_test(test_bulk__other_writer_meanwhile),
        wr_unit_test(test_put__more_assets_than_ids),
        wr_unit_test(test_open__what_cannot_be_one),
        wr_unit_test(test_put__busy_database),
        wr_unit_test(test_put__no_room_to_grow),
        wr_unit_test(test_put__key_without_its_row),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
