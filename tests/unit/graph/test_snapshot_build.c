/*
 * The build against definitions: every window is compared with a search over all rows,
 * by the thousand on small graphs; then fast == plain and any thread count on big ones.
 */
#include <omp.h>

#include "graph_test.h"

/* --- small graphs against the definitions ---------------------------------------- */

/* Insertion sort of row numbers by (time, seq), stable: the order of the columns. */
static void reference_order(uint64_t *order, const wr_edges *e)
{
    for (uint64_t i = 0; i < e->m; i++) {
        uint64_t k = i;
        while (k > 0 && (e->time_s[order[k - 1]] > e->time_s[i] ||
                         (e->time_s[order[k - 1]] == e->time_s[i] &&
                          e->seq[order[k - 1]] > e->seq[i]))) {
            order[k] = order[k - 1];
            k--;
        }
        order[k] = i;
    }
}

static void check_columns(const wr_columns *c, const wr_edges *e, const uint64_t *order)
{
    assert_int_equal(c->m, e->m);
    bool has_asset = false;
    bool has_seq = false;
    for (uint64_t k = 0; k < e->m; k++) {
        const uint64_t i = order[k];
        assert_int_equal(c->from[k], e->from[i]);
        assert_int_equal(c->to[k], e->to[i]);
        assert_int_equal(c->time_s[k], e->time_s[i]);
        assert_true(c->value[k] == e->value[i] && !__builtin_signbit(c->value[k]));
        assert_int_equal(c->asset ? c->asset[k] : 0, e->asset[i]);
        assert_int_equal(wr_columns_seq(c, k), e->seq[i]);
        has_asset |= e->asset[i] != 0;
        has_seq |= e->seq[i] != e->seq[order[0]] + (int64_t)k;
    }
    assert_int_equal(c->asset != NULL, has_asset); /* trivial columns are left out */
    assert_int_equal(c->seq_low != NULL, has_seq);
}

static void check_rows(const wr_rows *r, const wr_vid *key)
{
    uint64_t k = 0;
    for (wr_vid v = 0; v < r->n; v++) {
        assert_int_equal(r->off[v], k);
        for (uint64_t i = 0; i < r->m; i++)
            if (key[i] == v)
                assert_int_equal(r->col[k++], i);
    }
    assert_int_equal(r->off[r->n], k);
}

static void check_pairs(const wr_pairs *out, const wr_pairs *in, const wr_columns *c)
{
    uint64_t id = 0;
    for (wr_vid u = 0; u < out->n; u++) {
        assert_int_equal(out->off[u], id);
        for (wr_vid v = 0; v < out->n; v++) {
            uint32_t count = 0;
            uint32_t first = 0;
            uint32_t last = 0;
            double sum = 0.0;
            for (uint64_t i = 0; i < c->m; i++)
                if (u != v && c->from[i] == u && c->to[i] == v) {
                    first = count ? first : c->time_s[i];
                    last = c->time_s[i];
                    sum += c->value[i];
                    count++;
                }
            if (count == 0)
                continue;
            assert_int_equal(wr_pairs_id(out, u, id), id);
            assert_int_equal(out->nbr[id], v);
            assert_int_equal(wr_pairs_count(out, id), count);
            assert_int_equal(out->first_s[id], first);
            assert_int_equal(wr_pairs_last_s(out, id), last);
            assert_true(out->value[id] == (float)sum);
            id++;
        }
    }
    assert_int_equal(out->m, id);
    assert_int_equal(in->m, id);
    uint32_t first_s[80], last_s[80];
    assert_ok(wr_pairs_times_in(first_s, last_s, in, &err));
    uint64_t k = 0;
    for (wr_vid v = 0; v < in->n; v++) { /* rows of `in`: ascending by from */
        assert_int_equal(in->off[v], k);
        for (wr_vid u = 0; u < in->n; u++)
            for (uint64_t i = out->off[u]; i < out->off[u + UINT64_C(1)]; i++)
                if (out->nbr[i] == v) {
                    assert_int_equal(in->nbr[k], u);
                    assert_int_equal(wr_pairs_id(in, v, k), i);
                    assert_true(in->value[k] == out->value[i]);
                    assert_int_equal(first_s[k], out->first_s[i]);
                    assert_int_equal(last_s[k], wr_pairs_last_s(out, i));
                    k++;
                }
    }
    assert_int_equal(in->off[in->n], k);
}

static void check_against_definitions(const wr_snapshot *g, const wr_edges *e)
{
    uint64_t order[80];
    assert_in_range(e->m, 0, 80);
    reference_order(order, e);
    const wr_columns c = wr_snapshot_columns(g);
    const wr_rows rows_out = wr_snapshot_rows_out(g);
    const wr_rows rows_in = wr_snapshot_rows_in(g);
    const wr_pairs pairs_out = wr_snapshot_pairs_out(g);
    const wr_pairs pairs_in = wr_snapshot_pairs_in(g);
    check_columns(&c, e, order);
    check_rows(&rows_out, c.from);
    check_rows(&rows_in, c.to);
    check_pairs(&pairs_out, &pairs_in, &c);
    assert_ok(wr_snapshot_check(g, &err));
}

static void test_build__four_thousand_small_graphs(void **state)
{
    (void)state;
    wr_rng r = {.s = 20};
    for (int k = 0; k < 4000; k++) {
        const rows_shape shape = {.n = (uint32_t)wr_rng_below(&r, 12),
                                  .m = wr_rng_below(&r, k % 3 == 0 ? 5 : 80),
                                  .times = 1 + (uint32_t)wr_rng_below(&r, 30),
                                  .is_in_order = k % 2 == 0,
                                  .has_asset = k % 5 == 0,
                                  .seq_kind = k % 5};
        wr_edges e;
        wr_edges given;
        random_rows(&e, &r, &shape);
        copy_rows(&given, &e);
        WR_AUTO(wr_snapshot) fast = NULL;
        WR_AUTO(wr_snapshot) plain = NULL;
        assert_ok(wr_snapshot_build(&fast, &given, NULL, shape.n, NULL, &err));
        assert_int_equal(given.m + given.cap, 0); /* taken */
        assert_null(given.from);
        check_against_definitions(fast, &e);
        copy_rows(&given, &e);
        assert_ok(wr_snapshot_build_plain(&plain, &given, NULL, shape.n, &err));
        check_against_definitions(plain, &e);
        assert_null(differing(fast, plain));
        wr_edges_release(&e);
    }
}

static void test_build__no_vertex_and_no_transfer(void **state)
{
    (void)state;
    wr_edges e = {0};
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, NULL, 0, NULL, &err));
    assert_int_equal(wr_snapshot_n(g), 0);
    assert_int_equal(wr_snapshot_columns(g).m, 0);
    assert_int_equal(wr_snapshot_rows_out(g).off[0], 0);
    assert_int_equal(wr_snapshot_pairs_in(g).off[0], 0);
    assert_ok(wr_snapshot_check(g, &err));

    WR_AUTO(wr_snapshot) lonely = NULL;
    assert_ok(wr_snapshot_build(&lonely, &e, NULL, 3, NULL, &err));
    assert_int_equal(wr_snapshot_rows_in(lonely).off[3], 0);
    assert_ok(wr_snapshot_check(lonely, &err));
}

static void test_build__one_transfer(void **state)
{
    (void)state;
    wr_edges e = {0};
    push_row(&e, 1, 0, 1600000000, 2.5, INT64_MAX);
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, NULL, 2, NULL, &err));
    const wr_columns c = wr_snapshot_columns(g);
    assert_null(c.seq_low);
    assert_true(wr_columns_seq(&c, 0) == INT64_MAX);
    const wr_pairs p = wr_snapshot_pairs_out(g);
    assert_int_equal(p.off[1], 0);
    assert_int_equal(p.nbr[0], 0);
    assert_true(p.value[0] == 2.5F);
    assert_ok(wr_snapshot_check(g, &err));
}

static void test_build__a_self_transfer_is_a_row_but_no_pair(void **state)
{
    (void)state;
    wr_edges e = {0};
    push_row(&e, 0, 0, 1600000000, 1.0, 1);
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, NULL, 1, NULL, &err));
    assert_int_equal(wr_snapshot_rows_out(g).off[1], 1);
    assert_int_equal(wr_snapshot_rows_in(g).off[1], 1);
    assert_int_equal(wr_snapshot_pairs_out(g).m, 0);
    assert_ok(wr_snapshot_check(g, &err));
}

/* 2^24 + 1 + 1 is 2^24 + 2 in double, but 2^24 when every addition rounds to float. */
static void test_build__pair_values_are_rounded_once(void **state)
{
    (void)state;
    wr_edges e = {0};
    push_row(&e, 0, 1, 1600000000, 16777216.0, 1);
    push_row(&e, 0, 1, 1600000001, 1.0, 2);
    push_row(&e, 0, 1, 1600000002, 1.0, 3);
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &e, NULL, 2, NULL, &err));
    assert_true(wr_snapshot_pairs_in(g).value[0] == 16777218.0F);
}

/* --- fast, plain, and any number of threads on graphs that exceed every block ------ */

static const rows_shape big_shape[] = {
    {.n = 50000, .m = 300000, .times = 100000, .is_in_order = true, .seq_kind = 0},
    {.n = 50000, .m = 300000, .times = 100000, .seq_kind = 3, .has_asset = true},
    {.n = 300000, .m = 200000, .times = 4000000, .seq_kind = 4, .is_skewed = true},
    {.n = 700, .m = 250000, .times = 50, .seq_kind = 1, .is_skewed = true},
    {.n = 3, .m = 150000, .times = 1, .seq_kind = 1},
    {.n = 1, .m = 70000, .times = 1000, .seq_kind = 2},
};

/* Times beside the in-rows are those of the pair that is found there. */
static void check_times_in(const wr_snapshot *g)
{
    const wr_pairs in = wr_snapshot_pairs_in(g);
    WR_AUTO_ARRAY uint32_t *first_s = wr_calloc(in.m, sizeof *first_s);
    WR_AUTO_ARRAY uint32_t *last_s = wr_calloc(in.m, sizeof *last_s);
    assert_ok(wr_pairs_times_in(first_s, NULL, &in, &err));
    assert_ok(wr_pairs_times_in(NULL, last_s, &in, &err));
    uint64_t wrong = 0;
    for (wr_vid v = 0; v < in.n; v++)
        for (uint64_t k = in.off[v]; k < in.off[v + UINT64_C(1)]; k++) {
            const uint64_t id = wr_pairs_id(&in, v, k);
            wrong +=
                first_s[k] != in.first_s[id] || last_s[k] != wr_pairs_last_s(&in, id);
        }
    assert_int_equal(wrong, 0);
}

static void test_build__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    const int threads_before = omp_get_max_threads();
    for (size_t k = 0; k < sizeof big_shape / sizeof *big_shape; k++) {
        wr_rng r = {.s = 100 + k};
        wr_edges e;
        wr_edges given;
        random_rows(&e, &r, &big_shape[k]);
        copy_rows(&given, &e);
        WR_AUTO(wr_snapshot) plain = NULL;
        assert_ok(wr_snapshot_build_plain(&plain, &given, NULL, big_shape[k].n, &err));
        assert_ok(wr_snapshot_check(plain, &err));
        for (int threads = 1; threads <= 8; threads *= 2) {
            omp_set_num_threads(threads);
            copy_rows(&given, &e);
            WR_AUTO(wr_snapshot) g = NULL;
            assert_ok(wr_snapshot_build(&g, &given, NULL, big_shape[k].n, NULL, &err));
            const char *array = differing(g, plain);
            if (array)
                fail_msg("shape %zu, %d threads: %s differs", k, threads, array);
            check_times_in(g);
        }
        omp_set_num_threads(threads_before);
        wr_edges_release(&e);
    }
}

/* Takes e; the plain build has the same bytes, and as many. */
static void build_as_plain(wr_snapshot **out, wr_edges *e, uint32_t n)
{
    wr_edges copy;
    copy_rows(&copy, e);
    WR_AUTO(wr_snapshot) plain = NULL;
    assert_ok(wr_snapshot_build(out, e, NULL, n, NULL, &err));
    assert_ok(wr_snapshot_build_plain(&plain, &copy, NULL, n, &err));
    assert_null(differing(*out, plain));
    assert_int_equal(wr_snapshot_bytes(*out), wr_snapshot_bytes(plain));
}

/* Rows reserved one by one leave slack that must not stay in a snapshot. */
static void test_build__slack_of_the_rows_is_given_back(void **state)
{
    (void)state;
    wr_edges e = {0};
    for (uint32_t i = 0; i < 5000; i++)
        push_row(&e, i % 7, i % 11, 1600000000 + i, 1.0, i);
    assert_true(e.cap > e.m);
    WR_AUTO(wr_snapshot) a = NULL;
    build_as_plain(&a, &e, 11);
}

/* Backward, with slack, one row far off in time, which leaves one bucket for all others;
 * seq says nothing that the sorted positions do not. */
static void test_build__rows_arrive_backward(void **state)
{
    (void)state;
    wr_edges e = {0};
    for (uint32_t i = 0; i < 50000; i++) {
        push_row(&e, i % 7, i % 11, 1600000000 - i / 3, 1.0 + i, 49999 - i);
        e.asset[i] = (uint16_t)i;
    }
    e.time_s[49999] = 0;
    assert_true(e.cap - e.m > e.m / 8);
    WR_AUTO(wr_snapshot) a = NULL;
    build_as_plain(&a, &e, 11);
    assert_null(wr_snapshot_columns(a).seq_low);
}

/* --- refusals --------------------------------------------------------------------- */

static void refuse(wr_status want, const char *msg, wr_edges *e, uint32_t n)
{
    wr_err fault = {0};
    wr_snapshot *g = NULL;
    wr_edges copy;
    copy_rows(&copy, e);
    assert_int_equal(wr_snapshot_build(&g, e, NULL, n, NULL, &fault), want);
    assert_string_equal(fault.msg, msg);
    assert_null(g);
    assert_null(e->from); /* taken, also on failure */
    fault = (wr_err){0};
    assert_int_equal(wr_snapshot_build_plain(&g, &copy, NULL, n, &fault), want);
    assert_string_equal(fault.msg, msg);
}

static void test_build__refuses_bad_rows_by_name(void **state)
{
    (void)state;
    wr_edges e = {0};
    push_row(&e, 0, 1, 1600000000, 1.0, 1);
    push_row(&e, 5, 1, 1600000000, 1.0, 1);
    refuse(WR_EINVAL, "row 1: transfer 5 -> 1 with 2 vertices", &e, 2);
    push_row(&e, 0, 2, 1600000000, 1.0, 1);
    refuse(WR_EINVAL, "row 0: transfer 0 -> 2 with 2 vertices", &e, 2);
    push_row(&e, 0, 1, 1600000000, -0.5, 1);
    refuse(WR_EINVAL, "row 0: value -0.5 is not finite and >= 0", &e, 2);
    push_row(&e, 0, 1, 1600000000, __builtin_nan(""), 1);
    refuse(WR_EINVAL, "row 0: value nan is not finite and >= 0", &e, 2);
    push_row(&e, 0, 1, 1600000000, __builtin_inf(), 1);
    refuse(WR_EINVAL, "row 0: value inf is not finite and >= 0", &e, 2);
    push_row(&e, 0, 1, 1600000000, 1.0, 0);
    push_row(&e, 0, 1, 1600000000, 1.0, INT64_C(1) << 32);
    refuse(WR_ELIMIT, "seq from 0 to 4294967296 (limit 2^32)", &e, 2);
}

static void test_build__names_the_first_of_many_bad_rows(void **state)
{
    (void)state;
    const rows_shape shape = {.n = 100, .m = 200000, .times = 1000};
    wr_rng r = {.s = 3};
    wr_edges e;
    random_rows(&e, &r, &shape);
    e.value[199999] = -1.0;
    e.to[150000] = 100;
    e.from[150001] = 100;
    e.from[150000] = 7;
    refuse(WR_EINVAL, "row 150000: transfer 7 -> 100 with 100 vertices", &e, 100);
}

static void test_build__limit_of_transfers(void **state)
{
    (void)state;
    wr_edges e = {.m = UINT32_MAX}; /* refused before any row is looked at */
    wr_err fault = {0};
    wr_snapshot *g = NULL;
    assert_int_equal(wr_snapshot_build(&g, &e, NULL, 1, NULL, &fault), WR_ELIMIT);
    assert_string_equal(fault.msg, "4294967295 transfers (limit 4294967294)");
}

/*
 * A build that is allowed k allocations; what it is given is made before the count.
 * The id map must be gone, too, whatever happens.
 */
static wr_status build_with(bool is_plain, bool is_in_order, uint64_t m, long allocations,
                            wr_err *fault)
{
    const rows_shape shape = {.n = 40,
                              .m = m,
                              .times = 90,
                              .is_in_order = is_in_order,
                              .seq_kind = is_in_order ? 0 : 3,
                              .has_asset = true};
    wr_rng r = {.s = 8};
    wr_edges e;
    random_rows(&e, &r, &shape);
    wr_ids *ids = numbered_ids(shape.n, 5);
    WR_AUTO(wr_snapshot) g = NULL;
    wr_mem_test_fail_after(allocations);
    const wr_status s = is_plain ? wr_snapshot_build_plain(&g, &e, ids, 0, fault)
                                 : wr_snapshot_build(&g, &e, ids, 0, NULL, fault);
    wr_mem_test_fail_after(-1);
    assert_null(e.from);
    assert_int_equal(g != NULL, s == WR_OK);
    return s;
}

static void test_build__out_of_memory(void **state)
{
    (void)state;
    enum { PLAIN = 1, IN_ORDER = 2, MANY_BUCKETS = 4 }; /* threads that run out alone */
    for (unsigned variant = 0; variant < 8; variant++) {
        if (variant & PLAIN && variant & MANY_BUCKETS)
            continue;
        long k = 0;
        for (;; k++) {
            wr_err fault = {0};
            const wr_status s =
                build_with(variant & PLAIN, variant & IN_ORDER,
                           variant & MANY_BUCKETS ? 60000 : 500, k, &fault);
            assert_int_equal(wr_mem_test_live(), 0);
            if (s == WR_OK)
                break;
            assert_int_equal(s, WR_ENOMEM);
            assert_true(fault.msg[0] != '\0');
        }
        assert_in_range(k, 10, 200);
    }
}

/* --- progress and hubs ------------------------------------------------------------ */

typedef struct shown {
    uint64_t calls, last, total;
    uint64_t stop_at; /* call that asks to stop; 0 = none */
    atomic_bool stop;
} shown;

static void note_progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    shown *s = ctx;
    assert_string_equal(phase, "build graph");
    assert_true(done >= s->last && done <= total);
    s->calls++;
    s->last = done;
    s->total = total;
    if (s->calls == s->stop_at)
        atomic_store(&s->stop, true);
}

static void test_build__shows_progress_and_stops_when_asked(void **state)
{
    (void)state;
    const rows_shape shape = {.n = 50, .m = 1000, .times = 90};
    wr_rng r = {.s = 5};
    uint64_t calls = 1;
    for (uint64_t stop_at = 0; stop_at < calls; stop_at++) {
        shown s = {.stop_at = stop_at};
        const wr_progress pg = {.show = note_progress, .ctx = &s, .stop = &s.stop};
        wr_edges e;
        random_rows(&e, &r, &shape);
        wr_ids *ids = numbered_ids(50, 0);
        WR_AUTO(wr_snapshot) g = NULL;
        if (stop_at == 0) {
            assert_ok(wr_snapshot_build(&g, &e, ids, 0, &pg, &err));
            assert_int_equal(s.last, 1000);
            assert_int_equal(s.total, 1000);
            calls = s.calls;
            assert_true(calls > 2);
            continue;
        }
        assert_err(WR_ESTOPPED, wr_snapshot_build(&g, &e, ids, 0, &pg, &err));
        assert_null(g);
        assert_null(e.from);
    }
}

static void test_build__hub_texts_give_hub_bits(void **state)
{
    (void)state;
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        wr_edges e = {0};
        push_row(&e, 0, 130, 1600000000, 1.0, 1);
        wr_ids *ids = numbered_ids(131, 13);
        WR_AUTO(wr_snapshot) g = NULL;
        if (is_plain)
            assert_ok(wr_snapshot_build_plain(&g, &e, ids, 0, &err));
        else
            assert_ok(wr_snapshot_build(&g, &e, ids, 0, NULL, &err));
        assert_ptr_equal(wr_snapshot_ids(g), ids);
        assert_int_equal(wr_snapshot_n(g), 131);
        for (wr_vid v = 0; v < 131; v++)
            assert_int_equal(wr_snapshot_is_hub(g, v), v % 13 == 0);
        assert_ok(wr_snapshot_check(g, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_build__four_thousand_small_graphs),
        wr_unit_test(test_build__no_vertex_and_no_transfer),
        wr_unit_test(test_build__one_transfer),
        wr_unit_test(test_build__a_self_transfer_is_a_row_but_no_pair),
        wr_unit_test(test_build__pair_values_are_rounded_once),
        wr_unit_test(test_build__same_bits_for_any_thread_count),
        wr_unit_test(test_build__slack_of_the_rows_is_given_back),
        wr_unit_test(test_build__rows_arrive_backward),
        wr_unit_test(test_build__refuses_bad_rows_by_name),
        wr_unit_test(test_build__names_the_first_of_many_bad_rows),
        wr_unit_test(test_build__limit_of_transfers),
        wr_unit_test(test_build__out_of_memory),
        wr_unit_test(test_build__shows_progress_and_stops_when_asked),
        wr_unit_test(test_build__hub_texts_give_hub_bits),
    };
    return cmocka_run_group_tests_name("graph/snapshot_build", tests, NULL, NULL);
}
