/*
 * What a live reader asks between two looks: wait for news, the newest label revision,
 * wallets and labels by id, labels by revision.
 */
#include <pthread.h>
#include <time.h>

#include "contract.h"
#include "util/clock.h"

/* --- waiting ------------------------------------------------------------------------ */

static bool wait_for(wr_store *st, int64_t wait_ms)
{
    bool is_woken = false;
    assert_ok(wr_store_wait(st, wait_ms, &is_woken, &err));
    return is_woken;
}

/* Others may write to the same server meanwhile: silence comes between two of them. */
static void wait_until_quiet(wr_store *st)
{
    bool is_woken = true;
    for (int i = 0; i < 1000 && is_woken; i++)
        is_woken = wait_for(st, 2);
    assert_false(is_woken);
}

static void test_wait__takes_no_longer_than_asked(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    int64_t begin_us = wr_clock_mono_us();
    bool is_woken = wait_for(st, 60);
    int64_t took_us = wr_clock_mono_us() - begin_us;
    assert_true(took_us < 5000000);
    assert_true(is_woken || took_us >= 60000);
    (void)wait_for(st, 0);
}

typedef struct writer {
    const char *dsn;
    unsigned tx;
    bool is_label;
    wr_status s;
} writer;

static void write_one(writer *w)
{
    wr_store *st = NULL;
    wr_transfer t = ct_transfer(w->tx, 0, "a", "b", 1);
    wr_label l = ct_label("a", "s", "theft");
    wr_put p = {.transfer = &t, .transfer_count = 1};
    wr_put_result res;
    wr_labels_report rep;
    l.confidence = (uint8_t)w->tx;
    w->s = wr_store_open(&st, w->dsn, NULL);
    if (w->s == WR_OK)
        w->s = w->is_label ? wr_store_labels_put(st, &l, 1, &rep, NULL)
                           : wr_store_put(st, &p, NULL, &res, NULL);
    wr_store_close(st);
}

static void *write_soon(void *arg)
{
    const struct timespec soon = {.tv_nsec = 80000000};
    (void)nanosleep(&soon, NULL);
    write_one(arg);
    return NULL;
}

static int64_t news(wr_store *st, bool is_label)
{
    int64_t n;
    if (is_label)
        assert_ok(wr_store_label_rev(st, &n, &err));
    else
        assert_ok(wr_store_safe_seq(st, &n, &err));
    return n;
}

static void check_wakes(bool is_label)
{
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    for (unsigned i = 1; i <= 3; i++) {
        writer w = {.dsn = dsn, .tx = i, .is_label = is_label};
        pthread_t thread;
        wait_until_quiet(st);
        int64_t before = news(st, is_label);
        int64_t begin_us = wr_clock_mono_us();
        assert_int_equal(pthread_create(&thread, NULL, write_soon, &w), 0);
        bool is_woken = true;
        while (is_woken && news(st, is_label) == before)
            is_woken = wait_for(st, 20000);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(w.s, WR_OK);
        assert_true(is_woken);
        assert_true(wr_clock_mono_us() - begin_us < 10000000);
    }
}

static void test_wait__woken_by_a_put(void **state)
{
    (void)state;
    check_wakes(false);
}

static void test_wait__woken_by_labels(void **state)
{
    (void)state;
    check_wakes(true);
}

/* Stored between two waits, while the handle does other things: not missed. */
static void test_wait__looks_back_to_the_last_one(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    for (unsigned i = 1; i <= 4; i++) {
        writer w = {.dsn = dsn, .tx = i, .is_label = i > 2};
        wr_counts c;
        wait_until_quiet(st);
        write_one(&w);
        assert_int_equal(w.s, WR_OK);
        assert_ok(wr_store_counts(st, &c, &err));
        (void)news(st, false);
        int64_t begin_us = wr_clock_mono_us();
        assert_true(wait_for(st, 20000));
        assert_true(wr_clock_mono_us() - begin_us < 10000000);
    }
}

/* A handle that was never waited on is not woken by what came before. */
static void test_wait__first_one_looks_no_further_back(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    ct_put_new(st, &t, 1);
    WR_AUTO(wr_store) other = ct_again(dsn);
    wait_until_quiet(other);
}

static void test_label_rev__counts_changes(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_label l = ct_label("a", "s", "theft");
    wr_labels_report rep;
    wr_counts c;
    assert_int_equal(news(st, true), 0);
    assert_ok(wr_store_labels_put(st, &l, 1, &rep, &err));
    assert_int_equal(news(st, true), 1);
    assert_ok(wr_store_labels_put(st, &l, 1, &rep, &err));
    assert_int_equal(news(st, true), 1);
    l.confidence = 1;
    assert_ok(wr_store_labels_put(st, &l, 1, &rep, &err));
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(news(st, true), 2);
    assert_int_equal(c.label_rev, 2);
}

/* --- wallets by id ------------------------------------------------------------------ */

enum { MANY = 20000 }; /* more than any backend's chunk */

typedef struct wallet_set {
    uint32_t id[MANY];
    char address[MANY][8];
    size_t n, calls;
} wallet_set;

static wr_status add_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    wallet_set *w = ctx;
    (void)err;
    w->calls++;
    for (size_t i = 0; i < n; i++) {
        assert_true(w->n < MANY);
        assert_ptr_equal(row[i].chain, ct_chain(NULL));
        w->id[w->n] = row[i].id;
        (void)snprintf(w->address[w->n++], 8, "%.*s", WR_TEXT_ARG(row[i].address));
    }
    return WR_OK;
}

static void test_wallets_get__what_is_there(void **state)
{
    (void)state;
    static wallet_set w;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(2, 0, "b", "c", 1)};
    ct_put_new(st, t, 2);
    w = (wallet_set){0};
    assert_ok(wr_store_wallets_get(st, NULL, 0, add_wallets, &w, &err));
    assert_int_equal(w.calls, 0);
    uint32_t id[] = {UINT32_MAX, 0, 4000000, 0, 0x80000000};
    assert_ok(wr_store_wallets_get(st, id, 5, add_wallets, &w, &err));
    assert_int_equal(w.calls, 0);
    assert_ok(wr_store_wallet_find(st, ct_chain(NULL), WR_TEXT_LIT("c"), &id[1], &err));
    assert_ok(wr_store_wallet_find(st, ct_chain(NULL), WR_TEXT_LIT("a"), &id[3], &err));
    assert_ok(wr_store_wallets_get(st, id, 5, add_wallets, &w, &err));
    assert_int_equal(w.n, 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(w.address[i], w.id[i] == id[1] ? "c" : "a");
    assert_int_not_equal(w.id[0], w.id[1]);
}

/* A store that takes a whole list in one put: rows of distinct names. */
static void put_many(wr_store *st)
{
    static char name[MANY][8];
    static wr_transfer t[MANY / 2];
    for (unsigned i = 0; i < MANY; i++)
        (void)snprintf(name[i], sizeof name[i], "w%u", i);
    for (unsigned i = 0; i < MANY / 2; i++)
        t[i] = ct_transfer(i % CT_TX_MAX, i / CT_TX_MAX, name[2 * i], name[2 * i + 1], 1);
    ct_put_new(st, t, MANY / 2);
}

static void test_wallets_get__more_than_a_chunk(void **state)
{
    (void)state;
    static wallet_set all;
    static wallet_set got;
    static uint32_t id[2 * MANY];
    WR_AUTO(wr_store) st = ct_open(NULL);
    all = (wallet_set){0};
    got = (wallet_set){0};
    put_many(st);
    assert_ok(wr_store_scan_wallets(st, 0, add_wallets, &all, &err));
    assert_int_equal(all.n, MANY);
    uint32_t max = all.id[MANY - 1];
    for (size_t i = 0; i < MANY; i++) { /* every second one is not there */
        id[2 * i] = all.id[MANY - 1 - i];
        id[2 * i + 1] = max + 1 + (uint32_t)i;
    }
    assert_ok(wr_store_wallets_get(st, id, 2 * (size_t)MANY, add_wallets, &got, &err));
    assert_int_equal(got.n, MANY);
    static bool is_seen[2 * MANY];
    memset(is_seen, 0, sizeof is_seen);
    for (size_t i = 0; i < MANY; i++) {
        size_t at = 0;
        assert_in_range(got.id[i], 1, 2 * MANY - 1);
        assert_false(is_seen[got.id[i]]);
        is_seen[got.id[i]] = true;
        for (size_t low = 0, high = MANY; low < high;) { /* ids of the scan ascend */
            at = (low + high) / 2;
            if (all.id[at] < got.id[i])
                low = at + 1;
            else
                high = at;
            at = low;
        }
        assert_int_equal(all.id[at], got.id[i]);
        assert_string_equal(all.address[at], got.address[i]);
    }
}

static wr_status stop_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    (void)ctx;
    (void)row;
    (void)n;
    return wr_fail(err, WR_ESTOPPED, "enough");
}

static void test_wallets_get__callback_can_stop(void **state)
{
    (void)state;
    static wallet_set w;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    uint32_t id;
    ct_put_new(st, &t, 1);
    w = (wallet_set){0};
    assert_ok(wr_store_wallet_find(st, ct_chain(NULL), WR_TEXT_LIT("a"), &id, &err));
    assert_err_says(WR_ESTOPPED, "enough",
                    wr_store_wallets_get(st, &id, 1, stop_wallets, NULL, &err));
    assert_ok(wr_store_wallets_get(st, &id, 1, add_wallets, &w, &err));
    assert_int_equal(w.n, 1);
}

/* --- labels by wallet and by revision ----------------------------------------------- */

typedef struct labels {
    int64_t id[64];
    uint32_t wallet[64];
    char text[64][32]; /* address/category/confidence */
    size_t n;
} labels;

static wr_status add_label(void *ctx, const wr_label_row *r, wr_err *err)
{
    labels *l = ctx;
    (void)err;
    assert_true(l->n < 64);
    l->id[l->n] = r->id;
    l->wallet[l->n] = r->wallet_id;
    (void)snprintf(l->text[l->n++], 32, "%.*s/%.*s/%u", WR_TEXT_ARG(r->label.address),
                   WR_TEXT_ARG(r->label.category), r->label.confidence);
    return WR_OK;
}

static bool has(const labels *l, const char *text)
{
    size_t found = 0;
    for (size_t i = 0; i < l->n; i++)
        found += strcmp(l->text[i], text) == 0;
    assert_true(found <= 1);
    return found == 1;
}

/*
 * rev 1  a/theft/50  a/scam/50  b/theft/50  z/theft/50 (z is in no transfer)
 * rev 2  a/theft/60
 * rev 3  b: gone
 * rev 4  b/scam/10  a/theft/70
 */
static void four_revisions(wr_store *st, uint32_t id[3])
{
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(2, 0, "b", "c", 1)};
    wr_label l[] = {ct_label("a", "s", "theft"), ct_label("a", "s", "scam"),
                    ct_label("b", "s", "theft"), ct_label("z", "s", "theft")};
    wr_label_filter f = {.address = WR_TEXT_LIT("b")};
    wr_labels_report rep;
    uint64_t removed;
    ct_put_new(st, t, 2);
    for (size_t i = 0; i < 3; i++)
        assert_ok(wr_store_wallet_find(st, ct_chain(NULL),
                                       wr_text_of((const char *[]){"a", "b", "c"}[i]),
                                       &id[i], &err));
    assert_ok(wr_store_labels_put(st, l, 4, &rep, &err));
    l[0].confidence = 60;
    assert_ok(wr_store_labels_put(st, l, 1, &rep, &err));
    assert_ok(wr_store_labels_remove(st, &f, &removed, &err));
    l[0].confidence = 70;
    l[1] = ct_label("b", "s", "scam");
    l[1].confidence = 10;
    assert_ok(wr_store_labels_put(st, l, 2, &rep, &err));
    assert_int_equal(news(st, true), 4);
}

static labels of(wr_store *st, int64_t rev, const uint32_t *id, size_t n)
{
    labels l = {0};
    assert_ok(wr_store_labels_of(st, rev, id, n, add_label, &l, &err));
    return l;
}

static void test_labels_of__as_of_a_revision(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    uint32_t id[3];
    four_revisions(st, id);
    assert_int_equal(of(st, 4, NULL, 0).n, 0);
    assert_int_equal(of(st, 0, id, 3).n, 0);
    labels l = of(st, 1, id, 3);
    assert_int_equal(l.n, 3);
    assert_true(has(&l, "a/theft/50") && has(&l, "a/scam/50") && has(&l, "b/theft/50"));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(l.wallet[i], l.text[i][0] == 'a' ? id[0] : id[1]);
    l = of(st, 2, id + 1, 1);
    assert_int_equal(l.n, 1);
    assert_true(has(&l, "b/theft/50"));
    l = of(st, 3, id, 3);
    assert_int_equal(l.n, 2);
    assert_true(has(&l, "a/theft/60") && has(&l, "a/scam/50"));
    for (int64_t rev = -1; rev <= 4; rev += 5) { /* now, and by its number */
        l = of(st, rev, id, 3);
        assert_int_equal(l.n, 3);
        assert_true(has(&l, "a/theft/70") && has(&l, "a/scam/50") &&
                    has(&l, "b/scam/10"));
    }
    const uint32_t nobody[] = {0, UINT32_MAX, 4000000};
    assert_int_equal(of(st, -1, nobody, 3).n, 0);
    assert_int_equal(of(st, -1, &id[2], 1).n, 0);
}

static labels changed(wr_store *st, int64_t after, int64_t upto, uint32_t limit)
{
    labels l = {0};
    assert_ok(wr_store_labels_changed(st, after, upto, limit, add_label, &l, &err));
    for (size_t i = 1; i < l.n; i++)
        assert_true(l.id[i - 1] < l.id[i]);
    return l;
}

static void test_labels_changed__both_versions_of_an_update(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    uint32_t id[3];
    assert_int_equal(changed(st, 0, 100, 0).n, 0);
    four_revisions(st, id);
    labels l = changed(st, 0, 1, 0);
    assert_int_equal(l.n, 4);
    assert_true(has(&l, "z/theft/50"));
    for (size_t i = 0; i < 4; i++) /* 0: not in the graph (yet) */
        assert_int_equal(l.wallet[i], l.text[i][0] == 'a'   ? id[0]
                                      : l.text[i][0] == 'b' ? id[1]
                                                            : 0);
    l = changed(st, 1, 2, 0);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.text[0], "a/theft/50");
    assert_string_equal(l.text[1], "a/theft/60");
    l = changed(st, 2, 3, 0);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.text[0], "b/theft/50");
    l = changed(st, 1, 4, 0);
    assert_int_equal(l.n, 5);
    assert_true(has(&l, "a/theft/50") && has(&l, "a/theft/60") && has(&l, "a/theft/70") &&
                has(&l, "b/theft/50") && has(&l, "b/scam/10"));
    assert_int_equal(changed(st, 0, 4, 0).n, 7);
    assert_int_equal(changed(st, 4, 100, 0).n, 0);
    assert_int_equal(changed(st, 3, 3, 0).n, 0);
    l = changed(st, 1, 4, 2); /* the first two by id */
    assert_int_equal(l.n, 2);
    assert_string_equal(l.text[0], "a/theft/50");
    assert_string_equal(l.text[1], "b/theft/50");
}

int contract_tail(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_wait__takes_no_longer_than_asked),
        wr_unit_test(test_label_rev__counts_changes),
        wr_unit_test(test_wallets_get__what_is_there),
        wr_unit_test(test_wallets_get__callback_can_stop),
        wr_unit_test(test_labels_of__as_of_a_revision),
        wr_unit_test(test_labels_changed__both_versions_of_an_update),
    };
    const struct CMUnitTest shared[] = {
        wr_unit_test(test_wait__woken_by_a_put),
        wr_unit_test(test_wait__woken_by_labels),
        wr_unit_test(test_wait__looks_back_to_the_last_one),
        wr_unit_test(test_wait__first_one_looks_no_further_back),
        /* with the memory store's quadratic look-ups it would take minutes */
        wr_unit_test(test_wallets_get__more_than_a_chunk),
    };
    int failed = cmocka_run_group_tests_name("tail", any, NULL, NULL);
    if (ct.is_shared)
        failed += cmocka_run_group_tests_name("tail, shared", shared, NULL, NULL);
    return failed;
}
