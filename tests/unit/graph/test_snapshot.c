#include <pthread.h>

#include "graph_test.h"

static wr_snapshot *small_graph(wr_ids *ids, int64_t seq_step)
{
    wr_edges e = {0};
    push_row(&e, 0, 1, 1600000000, 1.5, 10);
    push_row(&e, 1, 2, 1600000001, 1.0, 10 + seq_step);
    push_row(&e, 1, 1, 1600000002, 4.0, 10 + 2 * seq_step);
    push_row(&e, 0, 1, 1600000003, 0.5, 10 + 3 * seq_step);
    wr_snapshot *g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, ids, 3, NULL, &err));
    return g;
}

/* --- rows on their way in ------------------------------------------------------- */

static void test_edges_reserve__keeps_rows_and_grows(void **state)
{
    (void)state;
    wr_edges e = {0};
    for (uint32_t i = 0; i < 3000; i++)
        push_row(&e, i, i + 1, i + 2, i, i);
    for (uint32_t i = 0; i < 3000; i++) {
        assert_int_equal(e.from[i], i);
        assert_int_equal(e.time_s[i], i + 2);
        assert_true(e.value[i] == (double)i);
    }
    assert_ok(wr_edges_reserve(&e, 0, &err));
    assert_int_equal(e.m, 3000);
    wr_edges_release(&e);
    assert_int_equal(e.cap, 0);
}

static void test_edges_reserve__limit(void **state)
{
    (void)state;
    wr_edges e = {0};
    wr_err fault = {0};
    assert_int_equal(wr_edges_reserve(&e, UINT32_MAX, &fault), WR_ELIMIT);
    assert_string_equal(fault.msg, "0 + 4294967295 transfers (limit 4294967294)");
    push_row(&e, 0, 0, 0, 0, 0);
    assert_err(WR_ELIMIT, wr_edges_reserve(&e, UINT32_MAX - 1, &err));
    assert_int_equal(e.m, 1);
    wr_edges_release(&e);
}

static void test_edges_reserve__out_of_memory_leaves_rows(void **state)
{
    (void)state;
    wr_edges e = {0};
    push_row(&e, 1, 2, 3, 4, 5);
    for (long k = 0; k < 6; k++) {
        wr_err fault = {0};
        wr_mem_test_fail_after(k);
        assert_int_equal(wr_edges_reserve(&e, 1000, &fault), WR_ENOMEM);
        wr_mem_test_fail_after(-1);
        assert_int_equal(e.m, 1);
        assert_int_equal(e.to[0], 2);
        assert_int_equal(e.seq[0], 5);
    }
    wr_edges_release(&e);
}

/* --- windows -------------------------------------------------------------------- */

static void test_windows__small_graph_by_eye(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = small_graph(NULL, 1);
    assert_int_equal(wr_snapshot_n(g), 3);
    const wr_columns c = wr_snapshot_columns(g);
    assert_int_equal(c.m, 4);
    assert_null(c.asset);
    assert_null(c.seq_low);
    assert_int_equal(wr_columns_seq(&c, 3), 13);
    const wr_rows out = wr_snapshot_rows_out(g);
    assert_int_equal(out.off[1], 2);
    assert_int_equal(out.col[0], 0);
    assert_int_equal(out.col[1], 3);
    const wr_pairs p = wr_snapshot_pairs_out(g);
    assert_int_equal(p.m, 2);
    assert_int_equal(wr_pairs_count(&p, 0), 2);
    assert_int_equal(p.repeats.m, 1);
    assert_true(p.value[0] == 2.0F);
    assert_int_equal(p.first_s[0], 1600000000);
    assert_int_equal(wr_pairs_last_s(&p, 0), 1600000003);
    assert_int_equal(wr_pairs_count(&p, 1), 1);
    assert_int_equal(wr_pairs_last_s(&p, 1), 1600000001);
    const wr_pairs in = wr_snapshot_pairs_in(g);
    assert_int_equal(in.off[2], 1);
    assert_int_equal(in.nbr[1], 1);
    assert_int_equal(wr_pairs_id(&in, 2, 1), 1);
    assert_null(wr_snapshot_ids(g));
    assert_null(wr_snapshot_hub_bits(g));
    assert_false(wr_snapshot_is_hub(g, 2));
}

static void test_mark_hub__sets_one_bit(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = small_graph(NULL, 1);
    assert_ok(wr_snapshot_mark_hub(g, 1, &err));
    assert_false(wr_snapshot_is_hub(g, 0));
    assert_true(wr_snapshot_is_hub(g, 1));
    assert_int_equal(wr_snapshot_hub_bits(g)[0], 2);
    assert_ok(wr_snapshot_check(g, &err));
    wr_err fault = {0};
    assert_int_equal(wr_snapshot_mark_hub(g, 3, &fault), WR_EINVAL);
    assert_string_equal(fault.msg, "hub 3 with n=3");
}

static void test_mark_hub__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = small_graph(NULL, 1);
    wr_mem_test_fail_after(0);
    assert_err(WR_ENOMEM, wr_snapshot_mark_hub(g, 1, &err));
    wr_mem_test_fail_after(-1);
    assert_null(wr_snapshot_hub_bits(g));
}

static void test_bytes__realistic_graph_within_56_per_transfer(void **state)
{
    (void)state;
    /* pairs = half of the transfers, wallets = a fifth; assets and seq both present */
    const uint32_t m = 100000;
    const uint32_t n = m / 5;
    wr_edges e = {0};
    assert_ok(wr_edges_reserve(&e, m, &err));
    for (uint32_t i = 0; i < m; i++) {
        const uint32_t pair = i / 2;
        e.from[i] = pair % n;
        e.to[i] = (pair % n + 1 + pair / n) % n;
        e.time_s[i] = 1600000000 + i;
        e.value[i] = 1.0;
        e.asset[i] = (uint16_t)(i % 3);
        e.seq[i] = 2 * (int64_t)i;
    }
    e.m = m;
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, NULL, n, NULL, &err));
    assert_int_equal(wr_snapshot_pairs_out(g).m, m / 2);
    assert_in_range(wr_snapshot_bytes(g) / m, 40, 55);
    /* rows were reserved exactly: no room but the rest of each array's last page */
    const uint64_t bytes = wr_snapshot_bytes(g);
    assert_in_range(wr_snapshot_held_bytes(g), bytes,
                    bytes + UINT64_C(22) * (4096 + 128));
}

/* --- digest --------------------------------------------------------------------- */

static wr_digest_hex digest_of(const wr_snapshot *g)
{
    wr_digest_hex d;
    assert_ok(wr_snapshot_digest(g, &d, &err));
    assert_int_equal(strlen(d.s), WR_SHA256_HEX);
    return d;
}

static void test_digest__equal_graphs_whatever_form_the_columns_have(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) a = small_graph(NULL, 1);
    WR_AUTO(wr_snapshot) gaps = small_graph(NULL, 7); /* another store's seq */
    WR_AUTO(wr_snapshot) assets = small_graph(NULL, 1);
    assert_non_null(wr_snapshot_columns(gaps).seq_low);
    assets->asset = wr_calloc(4, sizeof *assets->asset); /* all 0, written out */
    assert_non_null(assets->asset);
    assert_string_equal(digest_of(a).s, digest_of(gaps).s);
    assert_string_equal(digest_of(a).s, digest_of(assets).s);
}

static void test_digest__every_part_counts(void **state)
{
    (void)state;
    enum { VARIANTS = 9 };
    wr_digest_hex d[VARIANTS];
    for (int k = 0; k < VARIANTS; k++) {
        wr_ids *ids = k < 2 ? NULL : numbered_ids(3, k == 3 ? 2 : 0);
        WR_AUTO(wr_snapshot) g = small_graph(ids, 1);
        if (k == 1)
            g->n = 2; /* the last vertex has no transfers out; arrays are not read */
        if (k == 4)
            g->from[0] = 2;
        if (k == 5)
            g->to[0] = 2;
        if (k == 6)
            g->time_s[3]++;
        if (k == 7)
            g->value[3] = 0.75;
        if (k == 8) {
            g->asset = wr_calloc(4, sizeof *g->asset);
            assert_non_null(g->asset);
            g->asset[3] = 1;
        }
        d[k] = digest_of(g);
        g->n = 3;
        for (int j = 0; j < k; j++)
            assert_string_not_equal(d[j].s, d[k].s);
    }
}

static void test_digest__store_numbers_of_wallets_do_not_count(void **state)
{
    (void)state;
    const wr_chain *c = &test_chain;
    wr_ids *ids = NULL;
    assert_ok(wr_ids_new(&ids, &err));
    assert_ok(wr_ids_add(ids, 5, c, WR_TEXT_LIT("w0"), &err));
    assert_ok(wr_ids_add(ids, 6, c, WR_TEXT_LIT("w1"), &err));
    assert_ok(wr_ids_add(ids, 60, c, WR_TEXT_LIT("w2"), &err));
    WR_AUTO(wr_snapshot) a = small_graph(ids, 1);
    WR_AUTO(wr_snapshot) b = small_graph(numbered_ids(3, 0), 1);
    assert_string_equal(digest_of(a).s, digest_of(b).s);
}

static wr_status digest_and_drop(const wr_snapshot *g, wr_err *err)
{
    wr_digest_hex d;
    return wr_snapshot_digest(g, &d, err);
}

static void test_digest__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_snapshot) g = small_graph(NULL, 1);
    assert_oom_safe(digest_and_drop(g, &err));
}

/* --- counted owners ------------------------------------------------------------- */

typedef struct shared {
    pthread_mutex_t lock;
    wr_snapshot *live; /* guarded by lock */
    atomic_bool done;
    atomic_ulong reads, bad;
} shared;

static wr_snapshot *current(shared *s)
{
    (void)pthread_mutex_lock(&s->lock);
    wr_snapshot *g = wr_snapshot_acquire(s->live);
    (void)pthread_mutex_unlock(&s->lock);
    return g;
}

/* Every graph of this test sums to 7: a reader that sees another sum saw a dead one. */
static void *read_on(void *arg)
{
    shared *s = arg;
    uintptr_t bad = 0;
    while (!atomic_load(&s->done) || atomic_load(&s->reads) < 1000) {
        wr_snapshot *g = current(s);
        const wr_columns c = wr_snapshot_columns(g);
        double sum = 0.0;
        for (uint64_t i = 0; i < c.m; i++)
            sum += c.value[i];
        bad += sum != 7.0;
        wr_snapshot_unref(g);
        atomic_fetch_add(&s->reads, 1);
    }
    atomic_fetch_add(&s->bad, bad);
    return NULL;
}

static wr_snapshot *build_quietly(bool must_fail)
{
    static const double value[] = {1.5, 1.0, 4.0, 0.5};
    wr_edges e = {0};
    wr_snapshot *g = NULL;
    if (wr_edges_reserve(&e, 4, NULL) != WR_OK)
        return NULL;
    for (uint32_t i = 0; i < 4; i++) {
        e.from[i] = i % 3;
        e.to[i] = must_fail ? 99 : 1;
        e.time_s[i] = 1600000000 + i;
        e.value[i] = value[i];
        e.asset[i] = 0;
        e.seq[i] = i;
    }
    e.m = 4;
    return wr_snapshot_build(&g, &e, NULL, 3, NULL, NULL) == WR_OK ? g : NULL;
}

static void test_snapshot__readers_hold_what_they_read_while_a_writer_swaps(void **state)
{
    (void)state;
    enum { READERS = 3, SWAPS = 300 };
    shared s = {.live = small_graph(NULL, 1)};
    assert_int_equal(pthread_mutex_init(&s.lock, NULL), 0);
    pthread_t reader[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&reader[i], NULL, read_on, &s), 0);

    int swapped = 0;
    int failed = 0;
    for (int i = 0; i < SWAPS; i++) {
        wr_snapshot *g =
            build_quietly(i % 3 == 0); /* a failed reload keeps the old one */
        failed += !g;
        if (!g)
            continue;
        (void)pthread_mutex_lock(&s.lock);
        wr_snapshot *old = s.live;
        s.live = g;
        (void)pthread_mutex_unlock(&s.lock);
        wr_snapshot_unref(old);
        swapped++;
    }
    atomic_store(&s.done, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(reader[i], NULL), 0);
    wr_snapshot_unref(s.live);
    (void)pthread_mutex_destroy(&s.lock);
    assert_int_equal(atomic_load(&s.bad), 0);
    assert_int_equal(swapped, SWAPS / 3 * 2);
    assert_int_equal(failed, SWAPS / 3);
    wr_snapshot_unref(NULL);
}

/* --- check ---------------------------------------------------------------------- */

/* One array after the other gets one wrong element; each must be noticed. */
static void test_check__notices_every_array(void **state)
{
    (void)state;
    for (int k = 0; k < 23; k++) {
        WR_AUTO(wr_snapshot) g = small_graph(numbered_ids(3, 0), 7);
        assert_ok(wr_snapshot_check(g, &err));
        uint32_t *const u32[] = {
            g->from,         g->to,          g->out_col,       g->in_col,
            g->pout_nbr,     g->pin_nbr,     g->pair_first_s,  g->repeat_before,
            g->repeat_count, &g->time_s[1],  g->repeat_last_s, &g->from[3],
            &g->out_col[1],  &g->seq_low[2], g->out_off,       &g->in_off[3],
            &g->pout_off[1], &g->pin_off[2]};
        if (k < 18)
            *u32[k] += k == 9 ? 500 : k == 13 ? 0 : 1;
        else if (k < 20)
            *(k == 18 ? g->pair_value : g->pin_value) = 2.25F;
        else if (k == 20)
            g->value[3] = -1.0;
        else
            *g->repeat_bits ^= UINT64_C(1) << (k == 21 ? 1 : 2); /* pair 1; none */
        if (k == 13)
            g->seq_base = INT64_MAX - 2;
        assert_err(WR_ECORRUPT, wr_snapshot_check(g, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_edges_reserve__keeps_rows_and_grows),
        wr_unit_test(test_edges_reserve__limit),
        wr_unit_test(test_edges_reserve__out_of_memory_leaves_rows),
        wr_unit_test(test_windows__small_graph_by_eye),
        wr_unit_test(test_mark_hub__sets_one_bit),
        wr_unit_test(test_mark_hub__out_of_memory),
        wr_unit_test(test_bytes__realistic_graph_within_56_per_transfer),
        wr_unit_test(test_digest__equal_graphs_whatever_form_the_columns_have),
        wr_unit_test(test_digest__every_part_counts),
        wr_unit_test(test_digest__store_numbers_of_wallets_do_not_count),
        wr_unit_test(test_digest__out_of_memory),
        wr_unit_test(test_snapshot__readers_hold_what_they_read_while_a_writer_swaps),
        wr_unit_test(test_check__notices_every_array),
    };
    return cmocka_run_group_tests_name("graph/snapshot", tests, NULL, NULL);
}
