/*
 * Every column of a transfer's row against a reference that looks at the whole list of
 * earlier transfers each time; and what the stream promises about order, errors, memory.
 */
#include "scoring/features_stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stream_ref.h"

enum { GRAPHS = 400 };

static const uint32_t SCALE_S[] = {1, 700, 5000, 20000, 86400, 400000};

static wr_feature_stream *stream_new(void)
{
    const wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    wr_feature_stream *s = NULL;
    assert_ok(wr_feature_stream_new(&s, &o, &err));
    return s;
}

static void check_row(const float *row, const double *want, uint64_t seed, uint64_t k)
{
    for (uint32_t c = 0; c < WR_TF_COUNT; c++) {
        /* values in windows are on a grid of 1e-6 */
        const double room = 2e-5 * fmax(1, fabs(want[c]));
        if (!(fabs((double)row[c] - want[c]) <= room))
            fail_msg("seed %u, transfer %u, %s: %.9g, not %.9g", (unsigned)seed,
                     (unsigned)k, wr_feature_at(WR_FEATURE_TRANSFER, c)->name,
                     (double)row[c], want[c]);
    }
}

static void test_stream_next__every_column_against_the_whole_past(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        const flow_gen_opts o = flow_gen_shape(seed);
        flow_gen g;
        past p;
        flow_gen_init(&g, seed, &o);
        past_init(&p, &g, SCALE_S[seed % 6], seed % 3 ? 1 : 10);
        WR_AUTO(wr_feature_stream) s = stream_new();
        for (uint64_t k = 0; k < p.m; k++) {
            float row[WR_TF_COUNT];
            double want[WR_TF_COUNT];
            memset(row, 0x7f, sizeof row);
            for (int c = 0; c < WR_TF_COUNT; c++)
                want[c] = (double)NAN; /* no column is forgotten */
            assert_ok(wr_feature_stream_next(s, row, &p.e[k], &err));
            want_row(want, &p, k);
            check_row(row, want, seed, k);
            past_take(&p, k);
        }
        past_release(&p);
        flow_gen_release(&g);
    }
}

/* A busy made flow: few wallets, so that rows, tables and the log grow. */
static wr_feature_event busy(wr_rng *r, uint32_t k, uint32_t wallets)
{
    return (wr_feature_event){.from = (wr_vid)wr_rng_below(r, wallets),
                              .to = (wr_vid)wr_rng_below(r, wallets),
                              .time_s = k * 300,
                              .value = (double)wr_rng_below(r, 5000)};
}

static void test_stream_next__rows_nobody_asks_for_change_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_feature_stream) all = stream_new();
    WR_AUTO(wr_feature_stream) some = stream_new();
    wr_rng r = {.s = 5};
    for (uint32_t k = 0; k < 20000; k++) {
        const wr_feature_event e = busy(&r, k, 90);
        float a[WR_TF_COUNT], b[WR_TF_COUNT];
        assert_ok(wr_feature_stream_next(all, a, &e, &err));
        assert_ok(wr_feature_stream_next(some, k % 7 ? NULL : b, &e, &err));
        if (k % 7 == 0)
            assert_memory_equal(a, b, sizeof a);
    }
    assert_true(wr_feature_stream_bytes(all) == wr_feature_stream_bytes(some));
}

/* The row of a transfer that nothing follows is the one it had amid a later flow. */
static void test_stream_next__a_row_is_the_same_when_time_ends_there(void **state)
{
    (void)state;
    enum { LONG = 1500, STEP = 97 };
    float(*row)[WR_TF_COUNT] = wr_calloc(LONG, sizeof *row);
    WR_AUTO(wr_feature_stream) whole = stream_new();
    wr_rng r = {.s = 8};
    for (uint32_t k = 0; k < LONG; k++) {
        const wr_feature_event e = busy(&r, k * 40, 30);
        assert_ok(wr_feature_stream_next(whole, row[k], &e, &err));
    }
    for (uint32_t end = 1; end < LONG; end += STEP) {
        WR_AUTO(wr_feature_stream) cut = stream_new();
        float last[WR_TF_COUNT];
        r.s = 8;
        for (uint32_t k = 0; k <= end; k++) {
            const wr_feature_event e = busy(&r, k * 40, 30);
            assert_ok(wr_feature_stream_next(cut, k < end ? NULL : last, &e, &err));
        }
        assert_memory_equal(last, row[end], sizeof last);
    }
    wr_free(row);
}

/* A transfer that is refused leaves no trace, whatever refuses it. */
static void test_stream_next__refused_leaves_the_state_as_it_was(void **state)
{
    (void)state;
    WR_AUTO(wr_feature_stream) clean = stream_new();
    WR_AUTO(wr_feature_stream) tried = stream_new();
    wr_rng r = {.s = 6};
    long failed = 0;
    for (uint32_t k = 0; k < 4000; k++) {
        const wr_feature_event e = busy(&r, k, 100 + k);
        float a[WR_TF_COUNT], b[WR_TF_COUNT];
        assert_ok(wr_feature_stream_next(clean, a, &e, &err));
        for (long allowed = 0;; allowed++) {
            const long live = wr_mem_test_live();
            wr_err err = {0};
            wr_mem_test_fail_after(allowed);
            const wr_status st = wr_feature_stream_next(tried, b, &e, &err);
            wr_mem_test_fail_after(-1);
            if (st == WR_OK)
                break;
            assert_int_equal(st, WR_ENOMEM);
            assert_true(wr_mem_test_live() == live || allowed > 0);
            failed++;
        }
        assert_memory_equal(a, b, sizeof a);
        const wr_feature_event late = {.from = 1, .to = 2, .time_s = e.time_s - 1};
        if (k)
            assert_err(WR_EINVAL, wr_feature_stream_next(tried, b, &late, &err));
    }
    assert_true(failed > 10);
}

static void test_stream_next__errors_say_what(void **state)
{
    (void)state;
    wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    o.wallet_max = 10;
    o.pair_max = 2;
    wr_feature_stream *s = NULL;
    assert_ok(wr_feature_stream_new(&s, &o, &err));
    float row[WR_TF_COUNT];
    const struct {
        wr_feature_event e;
        wr_status status;
        const char *message;
    } list[] = {
        {{1, 2, 100, 1}, WR_OK, ""},
        {{1, 3, 99, 1}, WR_EINVAL, "transfer at 99 after one at 100"},
        {{1, 3, 100, -1}, WR_EINVAL, "value -1"},
        {{1, 3, 100, (double)NAN}, WR_EINVAL, "value nan"},
        {{1, 3, 100, 2e39}, WR_EINVAL, "value 2e+39"},
        {{1, 10, 100, 1}, WR_ELIMIT, "wallet 10 of at most 10"},
        {{WR_VID_NONE, 1, 100, 1}, WR_ELIMIT, "wallet 4294967295 of at most 10"},
        {{2, 1, 100, 1e39}, WR_OK, ""},
        {{2, 3, 100, 1}, WR_ELIMIT, "more than 2 pairs of wallets"},
        {{3, 3, 100, 1}, WR_OK, ""},
        {{1, 2, 100, 1e39}, WR_OK, ""},
        {{2, 1, 101, 0}, WR_OK, ""},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        wr_err err = {0};
        assert_int_equal(wr_feature_stream_next(s, row, &list[i].e, &err),
                         list[i].status);
        assert_string_equal(err.msg, list[i].message);
        for (int c = 0; list[i].status == WR_OK && c < WR_TF_COUNT; c++)
            assert_true(isfinite(row[c]));
    }
    wr_feature_stream_free(s);
}

static void test_stream_new__errors_and_memory(void **state)
{
    (void)state;
    wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    wr_feature_stream *s = NULL;
    assert_oom_safe(wr_feature_stream_new(&s, &o, &err));
    wr_feature_stream_free(s);
    wr_feature_stream_free(NULL);
    wr_err err = {0};
    o.limit[1] = -5;
    assert_int_equal(wr_feature_stream_new(&s, &o, &err), WR_EINVAL);
    assert_string_equal(err.msg, "reporting limit -5");
    o.limit[1] = 0;
    o.pair_max = 0;
    err = (wr_err){0};
    assert_int_equal(wr_feature_stream_new(&s, &o, &err), WR_EINVAL);
    assert_string_equal(err.msg, "at most 0 wallets or pairs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_stream_next__every_column_against_the_whole_past),
        wr_unit_test(test_stream_next__rows_nobody_asks_for_change_nothing),
        wr_unit_test(test_stream_next__a_row_is_the_same_when_time_ends_there),
        wr_unit_test(test_stream_next__refused_leaves_the_state_as_it_was),
        wr_unit_test(test_stream_next__errors_say_what),
        wr_unit_test(test_stream_new__errors_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
