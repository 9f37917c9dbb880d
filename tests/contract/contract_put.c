#include "contract.h"

enum { ROWS = 8 };

/* Transfers read back, with their texts. */
typedef struct rows {
    wr_transfer_row row[ROWS];
    char text[ROWS][6][300];
    size_t n;
} rows;

static wr_text keep(char *to, wr_text t)
{
    if (!t.p)
        return t;
    assert_true(t.len < 300);
    memcpy(to, t.p, t.len);
    return (wr_text){.p = to, .len = t.len};
}

static wr_status keep_row(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    rows *r = ctx;
    (void)err;
    assert_true(r->n < ROWS);
    wr_transfer_row *to = &r->row[r->n];
    *to = *row;
    to->transfer.tx_hash = keep(r->text[r->n][0], row->transfer.tx_hash);
    to->transfer.from = keep(r->text[r->n][1], row->transfer.from);
    to->transfer.to = keep(r->text[r->n][2], row->transfer.to);
    to->transfer.asset = keep(r->text[r->n][3], row->transfer.asset);
    to->transfer.memo = keep(r->text[r->n][4], row->transfer.memo);
    r->n++;
    return WR_OK;
}

typedef struct edges {
    wr_edge_row row[ROWS];
    size_t n;
} edges;

static wr_status keep_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    edges *e = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        assert_true(e->n < ROWS);
        e->row[e->n++] = row[i];
    }
    return WR_OK;
}

/* All transfers, oldest first. */
static void read_rows(wr_store *st, rows *r)
{
    edges e = {0};
    r->n = 0;
    assert_ok(wr_store_scan_edges(st, 0, INT64_MAX, keep_edges, &e, &err));
    for (size_t i = 0; i < e.n; i++)
        assert_ok(wr_store_transfer_get(st, e.row[i].seq, keep_row, r, &err));
}

static void assert_same_transfer(const wr_transfer *a, const wr_transfer *b)
{
    assert_ptr_equal(a->chain, b->chain);
    assert_true(wr_text_eq(a->tx_hash, b->tx_hash));
    assert_int_equal(a->position, b->position);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->time_s, b->time_s);
    assert_true(wr_text_eq(a->from, b->from));
    assert_true(wr_text_eq(a->to, b->to));
    assert_true(wr_text_eq(a->asset, b->asset));
    assert_true(a->amount_base == b->amount_base);
    assert_int_equal(a->decimals, b->decimals);
    assert_int_equal(a->flags, b->flags);
    assert_memory_equal(&a->value, &b->value, sizeof a->value);
    assert_true(wr_text_eq(a->memo, b->memo));
    assert_int_equal(a->memo.p == NULL, b->memo.p == NULL);
}

/* Put; answers the one dead letter's reason and raw when there is one. */
typedef struct letter {
    char reason[WR_DEAD_REASON_MAX + 1], raw[WR_DEAD_RAW_MAX + 1], field[80], source[80];
    int64_t position;
    int32_t partition;
    size_t n;
} letter;

static wr_status keep_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    letter *l = ctx;
    (void)err;
    (void)snprintf(l->reason, sizeof l->reason, "%.*s", WR_TEXT_ARG(d->letter.reason));
    (void)snprintf(l->raw, sizeof l->raw, "%.*s", WR_TEXT_ARG(d->letter.raw));
    (void)snprintf(l->field, sizeof l->field, "%.*s", WR_TEXT_ARG(d->letter.field));
    (void)snprintf(l->source, sizeof l->source, "%.*s", WR_TEXT_ARG(d->letter.source));
    l->position = d->letter.position;
    l->partition = d->letter.partition;
    l->n++;
    return WR_OK;
}

static wr_put_result put(wr_store *st, const wr_transfer *t, size_t n, uint8_t *outcome)
{
    wr_put p = {.transfer = t, .transfer_count = n};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, outcome, &res, &err));
    return res;
}

static void test_put__three_come_back_as_they_were(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 500), ct_transfer(2, 0, "b", "c", 20),
                       ct_transfer(2, 1, "c", "a", 7)};
    t[1].memo = WR_TEXT_LIT("invoice 7");
    uint8_t outcome[3] = {9, 9, 9};
    wr_put_result res = put(st, t, 3, outcome);
    assert_int_equal(res.inserted, 3);
    assert_int_equal(res.duplicates + res.conflicts + res.dead, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(outcome[i], WR_PUT_INSERTED);
    static rows r;
    read_rows(st, &r);
    assert_int_equal(r.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_same_transfer(&r.row[i].transfer, &t[i]);
        assert_true(r.row[i].seq > (i ? r.row[i - 1].seq : 0));
    }
}

static void test_put__nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_put_result res = put(st, NULL, 0, NULL);
    wr_put_result none = {0};
    assert_memory_equal(&res, &none, sizeof res);
}

static void test_put__same_again_is_duplicate(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 5), ct_transfer(2, 0, "a", "b", 5)};
    uint8_t outcome[2];
    ct_put_new(st, t, 1);
    wr_put_result res = put(st, t, 2, outcome);
    assert_int_equal(res.inserted, 1);
    assert_int_equal(res.duplicates, 1);
    assert_int_equal(outcome[0], WR_PUT_DUPLICATE);
    assert_int_equal(outcome[1], WR_PUT_INSERTED);
    res = put(st, t, 2, NULL);
    assert_int_equal(res.inserted, 0);
    assert_int_equal(res.duplicates, 2);
    assert_int_equal(res.dead, 0);
}

/* What is no part of the content: block, memo, value, flags, decimals. */
static void test_put__other_details_are_still_duplicate(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t = ct_transfer(1, 0, "a", "b", 5);
    ct_put_new(st, &t, 1);
    wr_transfer other = t;
    other.block = 99;
    other.memo = WR_TEXT_LIT("x");
    other.value = 12.5;
    other.flags = 0;
    assert_int_equal(put(st, &other, 1, NULL).duplicates, 1);
    static rows r;
    read_rows(st, &r);
    assert_same_transfer(&r.row[0].transfer, &t); /* the first stays */
}

static void refuse(wr_store *st, const wr_transfer *t, const char *says)
{
    static letter l;
    wr_counts before;
    wr_counts after;
    uint8_t outcome;
    assert_ok(wr_store_counts(st, &before, &err));
    wr_put_result res = put(st, t, 1, &outcome);
    assert_int_equal(res.conflicts, 1);
    assert_int_equal(res.dead, 1);
    assert_int_equal(res.inserted + res.duplicates, 0);
    assert_int_equal(outcome, WR_PUT_CONFLICT);
    assert_ok(wr_store_counts(st, &after, &err));
    assert_int_equal(after.dead, before.dead + 1);
    assert_int_equal(after.transfers, before.transfers);
    l = (letter){0};
    assert_ok(wr_store_dead_list(st, (wr_text){0}, 0, 1000, keep_letter, &l, &err));
    assert_string_equal(l.field, "tx_hash");
    if (!strstr(l.reason, says))
        fail_msg("'%s' does not say '%s'", l.reason, says);
    assert_int_equal(l.raw[0], '{');
    assert_non_null(strstr(l.raw, "\"tx_hash\""));
}

static void test_put__other_content_is_refused_and_says_what(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t = ct_transfer(1, 0, "alice", "bob", 5);
    ct_put_new(st, &t, 1);
    wr_transfer o = t;
    o.amount_base = 6;
    refuse(st, &o, "amount 6 (stored: 5)");
    o = t;
    o.time_s++;
    refuse(st, &o, "time 1600000002 (stored: 1600000001)");
    o = t;
    o.from = WR_TEXT_LIT("mallory");
    refuse(st, &o, "from mallory (stored: alice)");
    o = t;
    o.to = WR_TEXT_LIT("mallory");
    refuse(st, &o, "to mallory (stored: bob)");
    o = t;
    o.asset = WR_TEXT_LIT("GOLD");
    o.amount_base = 8;
    refuse(st, &o, "amount 8 (stored: 5), asset GOLD (stored: COIN)");
    static rows r;
    read_rows(st, &r);
    assert_int_equal(r.n, 1);
    assert_same_transfer(&r.row[0].transfer, &t);
}

/* The longest texts: the reason is cut, not lost. */
static void test_put__conflict_of_longest_texts(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    char a[WR_ADDRESS_MAX];
    char b[WR_ADDRESS_MAX];
    memset(a, 'a', sizeof a);
    memset(b, '"', sizeof b); /* every one is escaped in the raw JSON */
    wr_transfer t = ct_transfer(1, 0, "", "", 5);
    t.from = t.to = (wr_text){.p = a, .len = sizeof a};
    ct_put_new(st, &t, 1);
    t.from = t.to = (wr_text){.p = b, .len = sizeof b};
    t.time_s++;
    t.amount_base = ~(wr_amount)0;
    refuse(st, &t, "amount 340282366920938463463374607431768211455 (stored: 5)");
}

static void test_put__two_with_one_key_in_a_batch(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 5), ct_transfer(1, 0, "a", "b", 5),
                       ct_transfer(2, 0, "a", "b", 5), ct_transfer(1, 0, "a", "b", 6)};
    uint8_t outcome[4];
    wr_put_result res = put(st, t, 4, outcome);
    assert_int_equal(outcome[0], WR_PUT_INSERTED);
    assert_int_equal(outcome[1], WR_PUT_DUPLICATE);
    assert_int_equal(outcome[2], WR_PUT_INSERTED);
    assert_int_equal(outcome[3], WR_PUT_CONFLICT);
    assert_int_equal(res.inserted, 2);
    assert_int_equal(res.duplicates, 1);
    assert_int_equal(res.conflicts, 1);
    assert_int_equal(res.dead, 1);
}

static void test_put__position_and_chain_are_part_of_the_key(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 5), ct_transfer(1, 1, "a", "b", 5),
                       ct_transfer(1, 0, "a", "b", 5)};
    t[2].chain = ct_chain("opaque:other");
    ct_put_new(st, t, 3);
    uint32_t id[2];
    assert_ok(wr_store_wallet_find(st, t[0].chain, t[0].from, &id[0], &err));
    assert_ok(wr_store_wallet_find(st, t[2].chain, t[2].from, &id[1], &err));
    assert_int_not_equal(id[0],
                         id[1]); /* the same text on another chain is another wallet */
}

typedef struct names {
    char text[ROWS * 2][16];
    uint32_t id[ROWS * 2];
    size_t n;
} names;

static wr_status keep_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    names *w = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        assert_true(w->n < (size_t)ROWS * 2);
        w->id[w->n] = row[i].id;
        (void)snprintf(w->text[w->n++], 16, "%.*s", WR_TEXT_ARG(row[i].address));
    }
    return WR_OK;
}

static wr_status keep_assets(void *ctx, const wr_asset_row *row, wr_err *err)
{
    names *a = ctx;
    (void)err;
    assert_true(a->n < ROWS);
    a->id[a->n] = row->id;
    (void)snprintf(a->text[a->n++], 16, "%.*s/%u", WR_TEXT_ARG(row->asset),
                   row->decimals);
    return WR_OK;
}

static void test_put__ids_in_order_of_first_appearance(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    /* hashes are spread, so the order of keys is another one than that of the array */
    wr_transfer t[] = {ct_transfer(5, 0, "m", "k", 1), ct_transfer(1, 0, "k", "z", 1),
                       ct_transfer(9, 0, "a", "m", 1), ct_transfer(3, 0, "b", "b", 1)};
    t[1].asset = WR_TEXT_LIT("ZINC");
    t[2].asset = WR_TEXT_LIT("ACID");
    t[2].decimals = 18;
    t[3].asset = WR_TEXT_LIT("ZINC");
    t[3].decimals = 9; /* an asset keeps the decimals it came with */
    ct_put_new(st, t, 4);
    names w = {0};
    assert_ok(wr_store_scan_wallets(st, 0, keep_wallets, &w, &err));
    static const char *const want[] = {"m", "k", "z", "a", "b"};
    assert_int_equal(w.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(w.text[i], want[i]);
        assert_true(w.id[i] > (i ? w.id[i - 1] : 0));
    }
    names a = {0};
    assert_ok(wr_store_scan_assets(st, keep_assets, &a, &err));
    assert_int_equal(a.n, 3);
    assert_string_equal(a.text[0], "COIN/2");
    assert_string_equal(a.text[1], "ZINC/2");
    assert_string_equal(a.text[2], "ACID/18");
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(a.id[i], i);
}

static void test_put__what_is_refused_names_no_wallet(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(1, 0, "evil", "b", 2),
                       ct_transfer(2, 0, "c", "d", 1)};
    t[1].asset = WR_TEXT_LIT("EVIL");
    uint8_t outcome[3];
    (void)put(st, t, 3, outcome);
    assert_int_equal(outcome[1], WR_PUT_CONFLICT);
    uint32_t id;
    assert_err(WR_ENOTFOUND,
               wr_store_wallet_find(st, t[1].chain, WR_TEXT_LIT("evil"), &id, &err));
    names a = {0};
    assert_ok(wr_store_scan_assets(st, keep_assets, &a, &err));
    assert_int_equal(a.n, 1);
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.wallets, 4);
}

static void test_put__limits_come_back(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static char longest[WR_MEMO_MAX];
    memset(longest, 'x', sizeof longest);
    wr_transfer t[7];
    for (unsigned i = 0; i < 7; i++)
        t[i] = ct_transfer(i, i, "a", "b", 1);
    t[0].amount_base = 0;
    t[0].block = -1;
    t[1].amount_base = ~(wr_amount)0;
    t[1].position = UINT32_MAX;
    t[1].block = INT64_MAX;
    t[2].amount_base = (wr_amount)INT64_MAX;
    t[2].value = 1.7976931348623157e308;
    t[3].amount_base = (wr_amount)INT64_MAX + 1;
    t[3].value = 4.9e-324;
    t[4].tx_hash = (wr_text){.p = longest, .len = WR_TX_HASH_MAX};
    t[4].from = (wr_text){.p = longest, .len = WR_ADDRESS_MAX};
    t[4].asset = (wr_text){.p = longest, .len = WR_ASSET_MAX};
    t[4].memo = (wr_text){.p = longest, .len = WR_MEMO_MAX};
    t[4].decimals = WR_DECIMALS_MAX;
    t[5].memo = WR_TEXT_LIT(""); /* empty is not absent */
    t[5].to = t[5].from;
    t[5].flags = WR_TRANSFER_SELF | WR_TRANSFER_UNPRICED;
    t[6].memo = WR_TEXT_LIT("\xe2\x82\xac und \xf0\x9f\x92\xa3");
    t[6].time_s = WR_TIME_MIN_S;
    ct_put_new(st, t, 7);
    static rows r;
    read_rows(st, &r);
    assert_int_equal(r.n, 7);
    for (size_t i = 0; i < 7; i++)
        assert_same_transfer(&r.row[i].transfer, &t[i]);
}

/* Hashes that look alike to a packed form are still different. */
static void test_put__hash_spellings_do_not_meet(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static const char hex[] =
        "6161616161616161616161616161616161616161616161616161616161616161";
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(1, 0, "a", "b", 1),
                       ct_transfer(1, 0, "a", "b", 1), ct_transfer(1, 0, "a", "b", 1)};
    t[0].tx_hash = WR_TEXT_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"); /* the bytes of hex */
    t[1].tx_hash = wr_text_of(hex);
    t[2].tx_hash = WR_TEXT_LIT("a");
    t[3].tx_hash = (wr_text){.p = hex, .len = 63};
    ct_put_new(st, t, 4);
    static rows r;
    read_rows(st, &r);
    for (size_t i = 0; i < 4; i++)
        assert_true(wr_text_eq(r.row[i].transfer.tx_hash, t[i].tx_hash));
    assert_int_equal(put(st, t, 4, NULL).duplicates, 4);
}

static void test_put__dead_letters_and_mark_ride_along(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(1, 0, "a", "b", 2)};
    wr_dead_letter d = {.source = WR_TEXT_LIT("file:x"),
                        .partition = 3,
                        .position = 17,
                        .raw = WR_TEXT_LIT("bad;line"),
                        .raw_bytes = 8,
                        .field = WR_TEXT_LIT("amount"),
                        .reason = WR_TEXT_LIT("negative")};
    wr_source_mark m = {.source = WR_TEXT_LIT("file:x"),
                        .partition = 3,
                        .next_offset = 20,
                        .status = "running",
                        .records = 3};
    wr_put p = {
        .transfer = t, .transfer_count = 2, .dead = &d, .dead_count = 1, .mark = &m};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(res.inserted, 1);
    assert_int_equal(res.conflicts, 1);
    assert_int_equal(res.dead, 2);
    static letter l;
    l = (letter){0};
    assert_ok(wr_store_dead_list(st, m.source, 0, 10, keep_letter, &l, &err));
    assert_int_equal(l.n, 2); /* the conflict came last and has the mark's source */
    assert_string_equal(l.field, "tx_hash");
    assert_string_equal(l.source, "file:x");
    assert_int_equal(l.partition, 3);
    assert_int_equal(l.position, -1);
    wr_arena a;
    wr_source s;
    wr_arena_init(&a, 0);
    assert_ok(wr_store_source_get(st, &s, &a, m.source, 3, &err));
    assert_int_equal(s.inserted, 1);
    assert_int_equal(s.dead, 2);
    assert_int_equal(s.records, 3);
    wr_arena_release(&a);
}

static void test_put__many_keep_their_order(void **state)
{
    (void)state;
    enum { N = 3000 };
    WR_AUTO(wr_store) st = ct_open(NULL);
    static wr_transfer t[N];
    static char name[N][8];
    wr_rng rng = {.s = 7};
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(name[i], sizeof name[i], "w%u", i);
        unsigned from = (unsigned)wr_rng_below(&rng, i + 1);
        t[i] = ct_transfer(i, 0, name[from], name[i], i);
    }
    assert_ok(wr_store_bulk_begin(st, &err));
    for (size_t i = 0; i < N; i += 1000)
        ct_put_new(st, t + i, 1000);
    assert_ok(wr_store_bulk_end(st, &err));
    wr_buf got;
    wr_buf_init(&got, 64 << 20);
    ct_dump(st, &got);
    /* the i-th transfer of the dump is the i-th of the array */
    const char *p = wr_buf_cstr(&got);
    for (unsigned i = 0; i < N; i++) {
        p = strstr(p, "\ntransfer ");
        assert_non_null(p);
        p += 1;
        const char *tx = strstr(p, " tx=<");
        assert_non_null(tx);
        assert_memory_equal(tx + 5, ct_hash(i).p, 64);
    }
    wr_buf_release(&got);
}

/* With k allocations allowed. */
static wr_status put_with(wr_store *st, const wr_put *p, long k, wr_put_result *res)
{
    wr_err e = {0};
    wr_mem_test_fail_after(k);
    wr_status s = wr_store_put(st, p, NULL, res, &e);
    wr_mem_test_fail_after(-1);
    assert_int_equal(s, e.code);
    return s;
}

static void test_put__out_of_memory_leaves_no_trace(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer first = ct_transfer(1, 0, "a", "b", 1);
    ct_put_new(st, &first, 1);
    wr_transfer t[] = {ct_transfer(2, 0, "c", "d", 1), ct_transfer(1, 0, "a", "b", 9),
                       ct_transfer(3, 0, "e", "f", 1)};
    t[2].chain = ct_chain("opaque:other");
    wr_put p = {.transfer = t, .transfer_count = 3};
    wr_put_result res = {0};
    long k = 0;
    for (wr_status s = put_with(st, &p, k, &res); s != WR_OK;
         s = put_with(st, &p, ++k, &res)) {
        wr_counts c;
        assert_int_equal(s, WR_ENOMEM);
        assert_ok(wr_store_counts(st, &c, &err));
        assert_int_equal(c.transfers, 1);
        assert_int_equal(c.wallets, 2);
        assert_int_equal(c.dead, 0);
        assert_true(k < 1000);
    }
    assert_true(k > 0);
    assert_int_equal(res.inserted, 2);
    assert_int_equal(res.conflicts, 1);
    names w = {0};
    assert_ok(wr_store_scan_wallets(st, 0, keep_wallets, &w, &err));
    static const char *const want[] = {"a", "b", "c", "d", "e", "f"};
    assert_int_equal(w.n, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(w.text[i], want[i]);
}

static wr_status whole_life(const char *dsn, wr_err *err)
{
    wr_store *st = NULL;
    wr_migrate_report rep;
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    wr_put p = {.transfer = &t, .transfer_count = 1};
    wr_put_result res;
    wr_status s = wr_store_open(&st, dsn, err);
    if (s == WR_OK)
        s = wr_store_migrate(st, &rep, err);
    if (s == WR_OK)
        s = wr_store_put(st, &p, NULL, &res, err);
    wr_store_close(st);
    return s;
}

static void test_life__out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    ct.fresh(dsn);
    assert_oom_safe(whole_life(dsn, &err));
}

int contract_put(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_put__three_come_back_as_they_were),
        wr_unit_test(test_put__nothing),
        wr_unit_test(test_put__same_again_is_duplicate),
        wr_unit_test(test_put__other_details_are_still_duplicate),
        wr_unit_test(test_put__other_content_is_refused_and_says_what),
        wr_unit_test(test_put__conflict_of_longest_texts),
        wr_unit_test(test_put__two_with_one_key_in_a_batch),
        wr_unit_test(test_put__position_and_chain_are_part_of_the_key),
        wr_unit_test(test_put__ids_in_order_of_first_appearance),
        wr_unit_test(test_put__what_is_refused_names_no_wallet),
        wr_unit_test(test_put__limits_come_back),
        wr_unit_test(test_put__hash_spellings_do_not_meet),
        wr_unit_test(test_put__dead_letters_and_mark_ride_along),
        wr_unit_test(test_put__many_keep_their_order),
        wr_unit_test(test_put__out_of_memory_leaves_no_trace),
        wr_unit_test(test_life__out_of_memory_leaks_nothing),
    };
    return cmocka_run_group_tests_name("put", any, NULL, NULL);
}
