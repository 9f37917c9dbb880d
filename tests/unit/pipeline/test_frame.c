/*
 * The frame: columns, a graph without a future, small graphs, threads, stops, errors.
 * test_frame_folds.c has what stands in the columns, and whose labels they see.
 */
#include "pipeline/learning/frame.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "frame_test.h"
#include "scoring/booster.h"

/* ---- columns ---- */

static void test_frame_columns__names_groups_and_signs(void **state)
{
    (void)state;
    const uint32_t columns = wr_frame_columns();
    uint32_t group[WR_FRAME_ALL + 1] = {0}, plus = 0, minus = 0;
    assert_int_equal(columns, WR_WF_COUNT + BASE_COLUMNS);
    assert_true(columns <= WR_BOOSTER_FEATURES_MAX);
    for (uint32_t c = 0; c < columns; c++) {
        const wr_frame_column *k = wr_frame_column_at(c);
        const size_t length = strlen(k->name);
        assert_true(length > 0 && length <= WR_BOOSTER_NAME_MAX);
        assert_int_equal(strspn(k->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         length);
        for (uint32_t b = 0; b < c; b++)
            assert_string_not_equal(k->name, wr_frame_column_at(b)->name);
        group[k->group]++;
        if (k->group == WR_FRAME_MOTIFS)
            assert_int_equal(k->sign, !strstr(k->name, "_strength"));
        else if (k->group != WR_FRAME_EXPOSURES)
            assert_int_equal(k->sign, 0);
        plus += k->sign == 1;
        minus += k->sign == -1;
    }
    assert_int_equal(group[WR_FRAME_NEIGHBOURS], BASE_COLUMNS);
    assert_int_equal(group[WR_FRAME_EXPOSURES], 36);
    assert_int_equal(group[WR_FRAME_STRUCTURE], 4);
    assert_int_equal(group[WR_FRAME_MOTIFS], 3 * WR_TYPOLOGY_COUNT);
    assert_int_equal(group[WR_FRAME_BEHAVIOUR], WR_WF_COUNT - 40 - WR_MOTIF_COLUMNS);
    assert_int_equal(plus, 28 + 2 * WR_TYPOLOGY_COUNT);
    /* exposures but unknown, mean hops, and ... */
    assert_int_equal(minus, 4); /* ... fewest hops of money and of contact */
    assert_string_equal(wr_frame_column_at(0)->name, "received_illicit_direct");
    assert_string_equal(wr_frame_column_at(WR_WF_COUNT)->name, "in_mean_in_parties");
    assert_string_equal(wr_frame_column_at(columns - 1)->name, "out_in_mean_reciprocity");
    assert_ptr_equal(wr_frame_column_at(3), wr_frame_column_at(3));
}

static void test_frame_groups__listed_as_they_are_called(void **state)
{
    (void)state;
    char all[sizeof WR_FRAME_GROUP_NAMES + 1] = "";
    size_t len = 0;
    for (uint32_t bit = 1; bit < WR_FRAME_ALL && len < sizeof all; bit *= 2)
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", len ? ", " : "",
                                wr_frame_group_name((wr_frame_group)bit));
    assert_string_equal(all, WR_FRAME_GROUP_NAMES);
}

/* ---- as of T ---- */

static void forget_future(world *w)
{
    wr_seeds *s = &w->p.g.seeds;
    past_gen_cut(&w->p);
    wr_snapshot_unref(w->g);
    w->in.g = w->g = snapshot_of(&w->p.g);
    for (wr_vid v = 0; v < s->n; v++)
        if (s->category[v] >= 0 && s->from_s[v] >= w->in.as_of_s) {
            s->category[v] = WR_SEED_NONE;
            s->count--;
        }
}

static void test_frame_run__the_future_changes_no_byte(void **state)
{
    (void)state;
    uint64_t cut = 0, labels = 0;
    for (uint64_t seed = 1000; seed < 1000 + 2 * WORLDS; seed++) {
        flow_gen_opts o = shape_of(seed);
        world w;
        o.dated_prob = 0.6;
        world_init(&w, seed, &o, (uint32_t)(seed % 5));
        const uint64_t m = w.p.g.m, count = w.p.g.seeds.count;
        const uint32_t n = w.p.g.fl.n;
        float *whole = frame_of(&w.in);
        forget_future(&w);
        float *part = frame_of(&w.in);
        cut += w.p.g.m < m;
        labels += w.p.g.seeds.count < count;
        same_rows(whole, part, n, seed);
        wr_free(whole);
        wr_free(part);
        world_release(&w);
    }
    assert_true(cut > WORLDS && labels > WORLDS / 2);
}

static void test_frame_run__all_is_the_second_after_the_last(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        const flow_gen_opts o = shape_of(seed);
        world w;
        world_init(&w, seed, &o, 2);
        w.in.as_of_s = past_gen_last(&w.p) + 1;
        float *want = frame_of(&w.in);
        w.in.as_of_s = UINT32_MAX;
        float *have = frame_of(&w.in);
        same_rows(have, want, w.p.g.fl.n, seed);
        wr_free(want);
        wr_free(have);
        world_release(&w);
    }
}

/* ---- small ones ---- */

static void check_small(world *w, uint32_t as_of_s)
{
    const uint32_t n = w->p.g.fl.n;
    w->in.as_of_s = as_of_s;
    float *x = frame_of(&w->in);
    for (wr_vid v = 0; v < n; v++) {
        const float *row = row_of(x, v);
        assert_true(row[WR_WF_RECEIVED_MIN_HOPS] == 255 || n == 2);
        assert_true(as_of_s || row[WR_WF_AGE] == WR_FEATURE_NONE);
        assert_true(row[WR_WF_COMPONENT] >= 1);
    }
    wr_free(x);
}

static void test_frame_run__none_one_and_no_labels(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 4; n++)
        for (uint32_t folds = 0; folds < 3; folds++) {
            const flow_gen_opts o = {
                .n = n, .m = n ? 5 : 0, .c = 2, .assets = 1, .label_prob = n > 2 ? 0 : 1};
            world w;
            world_init(&w, n, &o, folds);
            check_small(&w, 0);
            check_small(&w, 1);
            check_small(&w, w.p.as_of_s);
            check_small(&w, UINT32_MAX);
            world_release(&w);
        }
}

/* ---- threads and blocks ---- */

static void test_frame_run__same_bytes_for_any_thread_count(void **state)
{
    (void)state;
    const int before = omp_get_max_threads();
    const flow_gen_opts o = {.n = 9000, /* more than one block */
                             .m = 30000,
                             .c = 6,
                             .assets = 2,
                             .hubs = 50,
                             .label_prob = 0.05,
                             .dated_prob = 0.2,
                             .self_prob = 0.01};
    world w;
    world_init(&w, 3, &o, 3);
    w.in.as_of_s = past_gen_last(&w.p) / 4 * 3;
    float *want = NULL;
    for (int threads = 1; threads <= 8; threads *= 2) {
        omp_set_num_threads(threads);
        float *x = frame_of(&w.in);
        if (want) {
            same_rows(x, want, w.p.g.fl.n, 3);
            wr_free(x);
        } else {
            want = x;
        }
    }
    omp_set_num_threads(before);
    wr_free(want);
    world_release(&w);
}

/* ---- stops and errors ---- */

typedef struct stopper {
    atomic_bool stop;
    uint32_t left;
} stopper;

static void count_down(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    stopper *s = ctx;
    (void)phase;
    (void)done;
    (void)total;
    if (s->left)
        s->left--;
    atomic_store(&s->stop, !s->left);
}

static wr_status count_rows(void *ctx, wr_vid first, uint32_t rows, const float *x,
                            wr_err *err)
{
    (void)first;
    (void)x;
    (void)err;
    *(uint32_t *)ctx += rows;
    return WR_OK;
}

static void test_frame_run__stops_wherever_it_is_asked_to(void **state)
{
    (void)state;
    const flow_gen_opts o = flow_gen_shape(9);
    world w;
    world_init(&w, 9, &o, 3);
    uint32_t steps = 1;
    for (;; steps++) {
        stopper s = {.left = steps};
        const wr_progress pg = {.show = count_down, .ctx = &s, .stop = &s.stop};
        const long live = wr_mem_test_live();
        uint32_t rows = 0;
        wr_err e = {0};
        w.in.pg = &pg;
        const wr_status st = wr_frame_run(&w.in, count_rows, &rows, &e);
        assert_int_equal(wr_mem_test_live(), live);
        if (st == WR_OK)
            break;
        assert_int_equal(st, WR_ESTOPPED);
        assert_memory_equal(e.msg, "stopped on request in ", 22);
        assert_int_equal(rows, 0);
    }
    assert_true(steps > 20);
    world_release(&w);
}

static void refuse(const wr_frame_input *in, const char *message)
{
    uint32_t rows = 0;
    wr_err e = {0};
    assert_int_equal(wr_frame_run(in, count_rows, &rows, &e), WR_EINVAL);
    assert_string_equal(e.msg, message);
    assert_int_equal(rows, 0);
}

static void test_frame_run__errors_say_what(void **state)
{
    (void)state;
    const flow_gen_opts o = {.n = 10, .m = 40, .c = 4, .assets = 1, .label_prob = 0.4};
    world w;
    world_init(&w, 1, &o, 2);
    wr_frame_input in = w.in;
    in.folds = 17;
    refuse(&in, "17 folds, at most 16");
    w.fold_of[3] = 2;
    refuse(&w.in, "wallet 3: fold 2 of 2");
    memset(w.fold_of, WR_FRAME_FOLD_NONE, o.n);
    w.fold_of[9] = 0;
    in = w.in;
    in.folds = 0;
    refuse(&in, "wallet 9: fold 0 of 0");
    in = w.in;
    in.dex = 4;
    refuse(&in, "category 4 of 4");
    wr_scoring_opts opts = OPTS;
    opts.poison_hops = 0;
    in = w.in;
    in.opts = &opts;
    refuse(&in, "max_hops 0, wanted 1..254");
    w.p.g.seeds.n = 9;
    refuse(&w.in, "labels of 9 wallets for a graph of 10");
    w.p.g.seeds.n = 10;
    world_release(&w);
}

static wr_status full(void *ctx, wr_vid first, uint32_t rows, const float *x, wr_err *err)
{
    (void)x;
    *(uint32_t *)ctx += 1;
    return first ? wr_fail(err, WR_EIO, "no room for rows %u to %u", first,
                           first + rows - 1)
                 : WR_OK;
}

static void test_frame_run__errors_of_the_sink_pass_through(void **state)
{
    (void)state;
    const flow_gen_opts o = {.n = 20000, .m = 300, .c = 2, .assets = 1};
    world w;
    world_init(&w, 1, &o, 0);
    uint32_t calls = 0;
    wr_err e = {0};
    assert_int_equal(wr_frame_run(&w.in, full, &calls, &e), WR_EIO);
    assert_string_equal(e.msg, "no room for rows 8192 to 16383");
    assert_int_equal(calls, 2);
    world_release(&w);
}

static void test_frame_run__memory(void **state)
{
    (void)state;
    const flow_gen_opts o = {
        .n = 20, .m = 60, .c = 4, .assets = 2, .hubs = 3, .label_prob = 0.4};
    world w;
    world_init(&w, 7, &o, 2);
    w.in.as_of_s = past_gen_last(&w.p);
    uint32_t rows = 0;
    assert_oom_safe(wr_frame_run(&w.in, count_rows, &rows, &err));
    assert_int_equal(rows, o.n + o.hubs);
    world_release(&w);
}

int main(void)
{
    omp_set_num_threads(1); /* worlds are tiny; one test takes more threads */
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_frame_columns__names_groups_and_signs),
        wr_unit_test(test_frame_groups__listed_as_they_are_called),
        wr_unit_test(test_frame_run__the_future_changes_no_byte),
        wr_unit_test(test_frame_run__all_is_the_second_after_the_last),
        wr_unit_test(test_frame_run__none_one_and_no_labels),
        wr_unit_test(test_frame_run__same_bytes_for_any_thread_count),
        wr_unit_test(test_frame_run__stops_wherever_it_is_asked_to),
        wr_unit_test(test_frame_run__errors_say_what),
        wr_unit_test(test_frame_run__errors_of_the_sink_pass_through),
        wr_unit_test(test_frame_run__memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
