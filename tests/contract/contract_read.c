#include "contract.h"

enum { ROWS = 64 };

typedef struct edges {
    int64_t seq[ROWS], time_s[ROWS];
    uint32_t from[ROWS], to[ROWS];
    size_t n, calls;
} edges;

static wr_status add_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    edges *e = ctx;
    (void)err;
    assert_true(n > 0);
    e->calls++;
    for (size_t i = 0; i < n; i++) {
        assert_true(e->n < ROWS);
        e->seq[e->n] = row[i].seq;
        e->time_s[e->n] = row[i].time_s;
        e->from[e->n] = row[i].from;
        e->to[e->n++] = row[i].to;
    }
    return WR_OK;
}

/* n transfers around a ring of three wallets. */
static void put_ring(wr_store *st, unsigned first, unsigned n)
{
    static const char *const name[] = {"a", "b", "c"};
    for (unsigned i = first; i < first + n; i++) {
        wr_transfer t = ct_transfer(i, 0, name[i % 3], name[(i + 1) % 3], i);
        ct_put_new(st, &t, 1);
    }
}

static void test_scan_edges__empty(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    edges e = {0};
    int64_t safe = 7;
    assert_ok(wr_store_scan_edges(st, 0, INT64_MAX, add_edges, &e, &err));
    assert_int_equal(e.calls, 0);
    assert_ok(wr_store_safe_seq(st, &safe, &err));
    assert_int_equal(safe, 0);
}

static void test_scan_edges__bounds(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_ring(st, 0, 10);
    edges all = {0};
    int64_t safe;
    assert_ok(wr_store_safe_seq(st, &safe, &err));
    assert_ok(wr_store_scan_edges(st, 0, safe, add_edges, &all, &err));
    assert_int_equal(all.n, 10);
    assert_int_equal(all.seq[9], safe);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(all.time_s[i], 1600000000 + (int64_t)i);
        assert_int_equal(all.from[i], all.from[i % 3]);
        assert_int_equal(all.to[i], all.from[(i + 1) % 3]);
    }
    edges some = {0}; /* after is left out, upto is in */
    assert_ok(wr_store_scan_edges(st, all.seq[2], all.seq[5], add_edges, &some, &err));
    assert_int_equal(some.n, 3);
    assert_int_equal(some.seq[0], all.seq[3]);
    assert_int_equal(some.seq[2], all.seq[5]);
    some = (edges){0};
    assert_ok(wr_store_scan_edges(st, all.seq[5], all.seq[5], add_edges, &some, &err));
    assert_ok(wr_store_scan_edges(st, safe, INT64_MAX, add_edges, &some, &err));
    assert_int_equal(some.n, 0);
}

/* The same rows as by seq, each once. */
static void test_scan_all_edges(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_ring(st, 0, 10);
    edges by_seq = {0};
    edges any = {0};
    uint32_t seen = 0;
    assert_ok(wr_store_scan_edges(st, 0, INT64_MAX, add_edges, &by_seq, &err));
    assert_ok(wr_store_scan_all_edges(st, by_seq.seq[6], add_edges, &any, &err));
    assert_int_equal(any.n, 7);
    for (size_t i = 0; i < any.n; i++)
        for (size_t k = 0; k < by_seq.n; k++)
            if (any.seq[i] == by_seq.seq[k]) {
                assert_int_equal(any.time_s[i], by_seq.time_s[k]);
                assert_int_equal(any.from[i], by_seq.from[k]);
                seen |= UINT32_C(1) << k;
            }
    assert_int_equal(seen, (1 << 7) - 1);
}

/* What was read up to safe_seq stays what is there; the rest comes after it. */
static void test_safe_seq__is_a_tail_cursor(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    int64_t cursor = 0;
    uint64_t seen = 0;
    for (unsigned i = 0; i < 5; i++) {
        put_ring(st, i * 4, 4);
        edges e = {0};
        int64_t safe;
        assert_ok(wr_store_safe_seq(st, &safe, &err));
        assert_ok(wr_store_scan_edges(st, cursor, safe, add_edges, &e, &err));
        assert_int_equal(e.n, 4);
        assert_int_equal(e.time_s[0], 1600000000 + 4 * (int64_t)i);
        cursor = safe;
        seen += e.n;
    }
    assert_int_equal(seen, 20);
}

static wr_status stop_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    (void)row;
    (void)n;
    ++*(int *)ctx;
    return wr_fail(err, WR_ESTOPPED, "stopped");
}

static void test_scan_edges__callback_can_stop(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_ring(st, 0, 3);
    int calls = 0;
    assert_err(WR_ESTOPPED,
               wr_store_scan_edges(st, 0, INT64_MAX, stop_edges, &calls, &err));
    assert_int_equal(calls, 1);
    put_ring(st, 3, 1); /* the handle is still good for writing */
    edges e = {0};
    assert_ok(wr_store_scan_edges(st, 0, INT64_MAX, add_edges, &e, &err));
    assert_int_equal(e.n, 4);
}

typedef struct wallets {
    uint32_t id[ROWS];
    char text[ROWS][8];
    size_t n;
} wallets;

static wr_status add_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    wallets *w = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        assert_true(w->n < ROWS);
        assert_ptr_equal(row[i].chain, ct_chain(NULL));
        w->id[w->n] = row[i].id;
        (void)snprintf(w->text[w->n++], 8, "%.*s", WR_TEXT_ARG(row[i].address));
    }
    return WR_OK;
}

static void test_scan_wallets__after(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wallets w = {0};
    assert_ok(wr_store_scan_wallets(st, 0, add_wallets, &w, &err));
    assert_int_equal(w.n, 0);
    put_ring(st, 0, 5);
    assert_ok(wr_store_scan_wallets(st, 0, add_wallets, &w, &err));
    assert_int_equal(w.n, 3);
    wallets rest = {0};
    assert_ok(wr_store_scan_wallets(st, w.id[0], add_wallets, &rest, &err));
    assert_int_equal(rest.n, 2);
    assert_string_equal(rest.text[0], "b");
    rest = (wallets){0};
    assert_ok(wr_store_scan_wallets(st, w.id[2], add_wallets, &rest, &err));
    assert_int_equal(rest.n, 0);
}

static wr_status never(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)ctx;
    (void)row;
    return wr_fail(err, WR_ECORRUPT, "a row that nobody wanted");
}

static void test_get__what_is_not_there(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_ring(st, 0, 2);
    uint32_t id = 7;
    assert_err_says(WR_ENOTFOUND, "seq 999999",
                    wr_store_transfer_get(st, 999999, never, NULL, &err));
    assert_err(WR_ENOTFOUND, wr_store_transfer_get(st, 0, never, NULL, &err));
    assert_err(WR_ENOTFOUND, wr_store_transfer_get(st, -1, never, NULL, &err));
    assert_err_says(
        WR_ENOTFOUND, "opaque:test:zz",
        wr_store_wallet_find(st, ct_chain(NULL), WR_TEXT_LIT("zz"), &id, &err));
    assert_err(WR_ENOTFOUND, wr_store_wallet_find(st, ct_chain("opaque:unseen"),
                                                  WR_TEXT_LIT("a"), &id, &err));
    assert_int_equal(id, 7);
}

static void test_wallet_find__is_the_id_of_the_scan(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_ring(st, 0, 3);
    wallets w = {0};
    assert_ok(wr_store_scan_wallets(st, 0, add_wallets, &w, &err));
    for (size_t i = 0; i < w.n; i++) {
        uint32_t id;
        assert_ok(
            wr_store_wallet_find(st, ct_chain(NULL), wr_text_of(w.text[i]), &id, &err));
        assert_int_equal(id, w.id[i]);
    }
}

typedef struct history {
    int64_t seq[ROWS], time_s[ROWS];
    size_t n;
} history;

static wr_status add_history(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    history *h = ctx;
    (void)err;
    assert_true(h->n < ROWS);
    h->seq[h->n] = row->seq;
    h->time_s[h->n++] = row->transfer.time_s - 1600000000;
    return WR_OK;
}

static void test_wallet_transfers__newest_first_in_pages(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_ring(st, 0, 12);
    wr_transfer self = ct_transfer(12, 0, "a", "a", 1);
    ct_put_new(st, &self, 1);
    /* a is in tx 0, 2, 3, 5, 6, 8, 9, 11 and once in 12 */
    static const int64_t want[] = {12, 11, 9, 8, 6, 5, 3, 2, 0};
    history all = {0};
    wr_text a = WR_TEXT_LIT("a");
    assert_ok(wr_store_wallet_transfers(st, ct_chain(NULL), a, 0, ROWS, add_history, &all,
                                        &err));
    assert_int_equal(all.n, 9);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(all.time_s[i], want[i]);
    history paged = {0};
    int64_t before = 0;
    for (size_t page = 0; page < 5; page++) {
        assert_ok(wr_store_wallet_transfers(st, ct_chain(NULL), a, before, 2, add_history,
                                            &paged, &err));
        before = paged.seq[paged.n - 1];
    }
    assert_int_equal(paged.n, 9);
    assert_memory_equal(paged.seq, all.seq, 9 * sizeof all.seq[0]);
}

static void test_wallet_transfers__nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_ring(st, 0, 3);
    wr_text a = WR_TEXT_LIT("a");
    const wr_chain *c = ct_chain(NULL);
    assert_ok(wr_store_wallet_transfers(st, c, a, 0, 0, never, NULL, &err));
    assert_ok(wr_store_wallet_transfers(st, c, a, 1, 9, never, NULL, &err));
    assert_ok(
        wr_store_wallet_transfers(st, c, WR_TEXT_LIT("zz"), 0, 9, never, NULL, &err));
    assert_ok(wr_store_wallet_transfers(st, ct_chain("opaque:unseen"), a, 0, 9, never,
                                        NULL, &err));
}

static void test_counts__first_and_last_time(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(50, 0, "a", "b", 1), ct_transfer(10, 0, "a", "b", 1),
                       ct_transfer(90, 0, "a", "b", 1), ct_transfer(90, 0, "a", "b", 2)};
    wr_put p = {.transfer = t, .transfer_count = 4};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.transfers, 3);
    assert_int_equal(c.wallets, 2);
    assert_int_equal(c.dead, 1);
    assert_int_equal(c.first_time_s, 1600000010);
    assert_int_equal(c.last_time_s, 1600000090);
    int64_t safe;
    assert_ok(wr_store_safe_seq(st, &safe, &err));
    assert_int_equal(c.max_seq, safe);
    wr_transfer early = ct_transfer(3, 0, "a", "b", 1);
    ct_put_new(st, &early, 1);
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.first_time_s, 1600000003);
    assert_int_equal(c.last_time_s, 1600000090);
}

/* --- with a second handle ----------------------------------------------------------- */

/* Two writers take turns: each learns the other's wallets, assets and chains. */
static void test_handles__see_each_other(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) one = ct_open(dsn);
    WR_AUTO(wr_store) two = ct_again(dsn);
    static const char *const name[] = {"a", "b", "c", "d", "e"};
    for (unsigned i = 0; i < 20; i++) {
        wr_transfer t = ct_transfer(i, 0, name[i % 5], name[(i * 3 + 1) % 5], i);
        t.asset = wr_text_of(name[i / 4]);
        t.chain = ct_chain(i / 10 ? "opaque:later" : NULL);
        ct_put_new(i % 2 ? one : two, &t, 1);
    }
    wr_buf a;
    wr_buf b;
    wr_buf_init(&a, 1 << 20);
    wr_buf_init(&b, 1 << 20);
    ct_dump(one, &a);
    ct_dump(two, &b);
    assert_string_equal(wr_buf_cstr(&a), wr_buf_cstr(&b));
    wr_buf_release(&b);
    wr_counts c;
    assert_ok(wr_store_counts(one, &c, &err));
    assert_int_equal(c.transfers, 20);
    assert_int_equal(c.wallets, 10);
    wr_buf_release(&a);
}

/* A store that has one handle says so; another gives one that sees all that is there. */
static void test_open_beside(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    WR_AUTO(wr_store) beside = NULL;
    put_ring(st, 0, 4);
    if (strcmp(wr_store_kind(st), "memory") == 0) {
        assert_err(WR_EINVAL, wr_store_open_beside(&beside, st, &err));
        assert_null(beside);
        return;
    }
    assert_ok(wr_store_open_beside(&beside, st, &err));
    assert_string_equal(wr_store_kind(beside), wr_store_kind(st));
    edges e = {0};
    assert_ok(wr_store_scan_edges(beside, 0, INT64_MAX, add_edges, &e, &err));
    assert_int_equal(e.n, 4);
    put_ring(beside, 4, 2);
    e = (edges){0};
    assert_ok(wr_store_scan_edges(st, 0, INT64_MAX, add_edges, &e, &err));
    assert_int_equal(e.n, 6);
}

int contract_read(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_scan_edges__empty),
        wr_unit_test(test_scan_edges__bounds),
        wr_unit_test(test_scan_all_edges),
        wr_unit_test(test_safe_seq__is_a_tail_cursor),
        wr_unit_test(test_scan_edges__callback_can_stop),
        wr_unit_test(test_scan_wallets__after),
        wr_unit_test(test_open_beside),
        wr_unit_test(test_get__what_is_not_there),
        wr_unit_test(test_wallet_find__is_the_id_of_the_scan),
        wr_unit_test(test_wallet_transfers__newest_first_in_pages),
        wr_unit_test(test_wallet_transfers__nothing),
        wr_unit_test(test_counts__first_and_last_time),
    };
    const struct CMUnitTest shared[] = {
        wr_unit_test(test_handles__see_each_other),
    };
    int failed = cmocka_run_group_tests_name("read", any, NULL, NULL);
    if (ct.is_shared)
        failed += cmocka_run_group_tests_name("read, shared", shared, NULL, NULL);
    return failed;
}
