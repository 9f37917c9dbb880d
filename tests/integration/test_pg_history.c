/*
 * Transfers of one wallet, from blocks and from the rows behind them, against plain SQL.
 */
#include <stdlib.h>
#include <string.h>

#include "made_transfers.h"
#include "pg_db.h"
#include "store/store_pg_int.h"
#include "wr_test.h"

enum { ROWS = 9000, BATCH = 700, PAGE_MAX = 4000 };

static const wr_chain *chain(void)
{
    const wr_chain *c = NULL;
    assert_ok(wr_chain_find(&c, WR_TEXT_LIT("opaque:history"), &err));
    return c;
}

/* w0 is in every second transfer; one in 50 goes to its own sender. */
static void fill(wr_store *st)
{
    static made_transfer text[BATCH];
    static wr_transfer t[BATCH];
    for (uint64_t first = 0; first < ROWS; first += BATCH) {
        size_t n = ROWS - first < BATCH ? (size_t)(ROWS - first) : BATCH;
        wr_put_result res;
        for (size_t i = 0; i < n; i++) {
            t[i] = make_transfer(&text[i], chain(), first + i, 600, 0);
            if ((first + i) % 2)
                t[i].from = WR_TEXT_LIT("w0");
            if ((first + i) % 50 == 0)
                t[i].to = t[i].from;
        }
        const wr_put put = {.transfer = t, .transfer_count = n};
        assert_ok(wr_store_put(st, &put, NULL, &res, &err));
        assert_int_equal(res.inserted, n);
    }
}

typedef struct page {
    size_t n;
    int64_t seq[PAGE_MAX];
    char wanted[24];
    bool is_of_wallet;
} page;

static wr_status add_row(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    page *p = ctx;
    if (p->n == PAGE_MAX)
        return wr_fail(err, WR_ELIMIT, "over %d rows", PAGE_MAX);
    p->is_of_wallet &= wr_text_eq(row->transfer.from, wr_text_of(p->wanted)) ||
                       wr_text_eq(row->transfer.to, wr_text_of(p->wanted));
    p->seq[p->n++] = row->seq;
    return WR_OK;
}

static void check_page(wr_store *st, PGconn *c, const char *wallet, int64_t before,
                       uint32_t limit)
{
    static page p;
    char sql[400];
    p = (page){.is_of_wallet = true};
    (void)snprintf(p.wanted, sizeof p.wanted, "%s", wallet);
    (void)snprintf(
        sql, sizeof sql,
        "select seq from transactions where (select wallet_id from wallets where "
        "address = '%s') in (from_id, to_id) and (%lld = 0 or seq < %lld) order by "
        "seq desc limit %u",
        wallet, (long long)before, (long long)before, limit);
    assert_ok(wr_store_wallet_transfers(st, chain(), wr_text_of(wallet), before, limit,
                                        add_row, &p, &err));
    PGresult *res = PQexec(c, sql);
    if ((size_t)PQntuples(res) != p.n)
        fail_msg("%s before %lld limit %u: %zu rows, wanted %d", wallet,
                 (long long)before, limit, p.n, PQntuples(res));
    for (size_t i = 0; i < p.n; i++)
        assert_int_equal(p.seq[i], strtoll(PQgetvalue(res, (int)i, 0), NULL, 10));
    assert_true(p.is_of_wallet);
    PQclear(res);
}

static void check_pages(wr_store *st, PGconn *c)
{
    wr_rng r = {.s = 77};
    check_page(st, c, "w0", 0, PAGE_MAX);
    check_page(st, c, "w0", 1, 10);
    check_page(st, c, "w599", 0, PAGE_MAX);
    for (int i = 0; i < 150; i++) {
        char wallet[24];
        (void)snprintf(wallet, sizeof wallet, "w%llu",
                       (unsigned long long)(i % 3 ? wr_rng_below(&r, 600) : 0));
        check_page(st, c, wallet, i % 4 ? (int64_t)wr_rng_below(&r, ROWS + 100) : 0,
                   1 + (uint32_t)wr_rng_below(&r, i % 5 ? 30 : 3000));
    }
}

static void with_blocks(int64_t min, int64_t max, long long blocks_at_least)
{
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    wr_pg_of(st)->history_min = min;
    wr_pg_of(st)->history_max = max;
    fill(st);
    assert_ok(wr_store_bulk_end(st, &err)); /* writes the blocks that are due */
    long long blocks =
        wr_test_pg_number(c, "select count(distinct upto_seq) from wallet_history");
    assert_true(blocks >= blocks_at_least);
    if (blocks_at_least == 0)
        assert_int_equal(blocks, 0);
    check_pages(st, c);
    PQfinish(c);
    wr_store_close(st);
}

static void test_wallet_transfers__no_block_yet(void **state)
{
    (void)state;
    with_blocks(1000000, 1000000, 0);
}

static void test_wallet_transfers__many_small_blocks_and_a_tail(void **state)
{
    (void)state;
    with_blocks(60, 90, 99);
}

static void test_wallet_transfers__blocks_of_several_pieces(void **state)
{
    (void)state;
    with_blocks(3000, 5000, 1);
}

static wr_status none(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)ctx;
    return wr_fail(err, WR_ECORRUPT, "seq %lld", (long long)row->seq);
}

static void test_wallet_transfers__unknown_wallet_chain_and_no_rows(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    const wr_text w = WR_TEXT_LIT("w1");
    assert_ok(wr_store_wallet_transfers(st, chain(), w, 0, 10, none, NULL, &err));
    fill(st);
    assert_ok(wr_store_wallet_transfers(st, chain(), WR_TEXT_LIT("w600"), 0, 10, none,
                                        NULL, &err));
    assert_ok(wr_store_wallet_transfers(st, chain(), w, 0, 0, none, NULL, &err));
    wr_store_close(st);
}

/* A block may only cover what safe_seq has answered: rows of an open transaction come
 * later. */
static void test_history__ends_before_open_transactions(void **state)
{
    (void)state;
    wr_store *st = wr_test_pg_open();
    PGconn *c = wr_test_pg_connect(wr_test_pg_dsn);
    wr_pg_of(st)->history_min = 100;
    wr_test_pg_run(
        c, "begin; insert into transactions (time, from_id, to_id, value, asset_id, "
           "flags, chain_id, decimals, position, amount, tx_hash) "
           "values (1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 'x')");
    fill(st);
    assert_ok(wr_store_bulk_end(st, &err));
    PGconn *other = wr_test_pg_connect(wr_test_pg_dsn);
    assert_int_equal(wr_test_pg_number(other, "select count(*) from wallet_history"), 0);
    wr_test_pg_run(c, "commit");
    assert_ok(wr_store_bulk_end(st, &err));
    assert_true(wr_test_pg_number(other, "select count(*) from wallet_history") > 0);
    check_pages(st, other);
    PQfinish(other);
    PQfinish(c);
    wr_store_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_pg_test(test_wallet_transfers__no_block_yet),
        wr_pg_test(test_wallet_transfers__many_small_blocks_and_a_tail),
        wr_pg_test(test_wallet_transfers__blocks_of_several_pieces),
        wr_pg_test(test_wallet_transfers__unknown_wallet_chain_and_no_rows),
        wr_pg_test(test_history__ends_before_open_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
