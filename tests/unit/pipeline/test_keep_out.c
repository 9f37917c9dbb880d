/* Shares that are set aside, against their definition; what a training takes of them. */
#include "couriers.h"

#include <math.h>

typedef struct shares {
    wr_population p;
    uint8_t *of;
} shares;

static shares share_out(const world *w, double share, uint64_t seed)
{
    shares s = {0};
    assert_ok(wr_population_init(&s.p, w->g, &w->labels.seeds, &w->truth, &err));
    assert_ok(wr_keep_out(&s.of, &s.p, share, seed, &err));
    return s;
}

static void release(shares *s)
{
    wr_free(s->of);
    wr_population_release(&s->p);
}

static void test_keep_out__incidents_stay_whole(void **state)
{
    (void)state;
    world w;
    begin(&w);
    static const struct {
        double share;
        int incidents; /* of PAIRS = 90 */
    } C[] = {{0.15, 14}, {0.4, 36}, {0.1, 9}, {1e-9, 1}};
    for (size_t c = 0; c < sizeof C / sizeof *C; c++) {
        shares s = share_out(&w, C[c].share, c);
        int of_incident[PAIRS];
        for (int k = 0; k < PAIRS; k++)
            of_incident[k] = -1;
        for (uint32_t v = 0; v < w.truth.n; v++) {
            assert_in_range(s.of[v], 0, WR_SHARES - 1);
            if (!wr_truth_is_bad(&w.truth, v))
                continue;
            int *of = &of_incident[w.truth.incident[v]];
            assert_true(*of < 0 || *of == s.of[v]);
            *of = s.of[v];
        }
        int count[WR_SHARES] = {0};
        for (int k = 0; k < PAIRS; k++)
            count[of_incident[k]]++;
        assert_int_equal(count[WR_SHARE_CALIBRATE], C[c].incidents);
        assert_int_equal(count[WR_SHARE_TEST], C[c].incidents);
        release(&s);
    }
    end(&w);
}

/* Incidents of very unlike size: good wallets follow the bad ones. */
static void test_keep_out__every_share_has_the_prevalence_of_all(void **state)
{
    (void)state;
    world w;
    begin(&w);
    for (uint32_t v = 0; v < w.truth.n; v++) /* one incident of a hundred wallets */
        if (wr_truth_is_bad(&w.truth, v) && w.truth.incident[v] < 50)
            w.truth.incident[v] = 0;
    bool has_the_big_one[WR_SHARES] = {false};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        shares s = share_out(&w, 0.3, seed);
        double count[WR_SHARES][2] = {{0}};
        for (uint32_t v = 0; v < w.truth.n; v++) {
            const bool is_bad = wr_truth_is_bad(&w.truth, v);
            count[s.of[v]][is_bad]++;
            has_the_big_one[s.of[v]] |= is_bad && w.truth.incident[v] == 0;
        }
        for (int k = 0; k < WR_SHARES; k++) /* 700 good ones: five sigma are 0.1 */
            assert_true(fabs(count[k][0] / PEOPLE - count[k][1] / (2 * PAIRS)) < 0.1);
        release(&s);
    }
    for (int k = 0; k < WR_SHARES; k++)
        assert_true(has_the_big_one[k]);
    end(&w);
}

static void test_keep_out__drawn_by_the_seed(void **state)
{
    (void)state;
    world w;
    begin(&w);
    shares a = share_out(&w, 0.2, 1);
    shares b = share_out(&w, 0.2, 1);
    shares c = share_out(&w, 0.2, 2);
    assert_memory_equal(a.of, b.of, w.truth.n);
    assert_memory_not_equal(a.of, c.of, w.truth.n);
    release(&a);
    release(&b);
    release(&c);
    end(&w);
}

/* What calibrates is of all ages, has the share's rows and none of the others'. */
static void test_keep_out__blocks_of_a_share(void **state)
{
    (void)state;
    world w;
    begin(&w);
    shares s = share_out(&w, 0.15, 1);
    size_t rows = 0;
    for (int k = 0; k < WR_SHARES; k++) {
        const wr_block_opts o = {
            .share_of = s.of, .share = (wr_share)k, .good_max = SIZE_MAX};
        wr_block b;
        assert_ok(wr_block_pick(&b, "of a share", 0, UINT32_MAX, &s.p, &o, &err));
        uint32_t oldest = UINT32_MAX;
        uint32_t youngest = 0;
        for (size_t i = 0; i < b.rows; i++) {
            const uint32_t t = s.p.first_s[b.v[i]];
            assert_int_equal(s.of[b.v[i]], k);
            oldest = t < oldest ? t : oldest;
            youngest = t > youngest ? t : youngest;
        }
        assert_true(youngest - oldest > SPAN_S / 2);
        rows += b.rows;
        wr_block_release(&b);
    }
    const wr_block_opts all = {.good_max = SIZE_MAX};
    wr_block b;
    assert_ok(wr_block_pick(&b, "all", 0, UINT32_MAX, &s.p, &all, &err));
    assert_int_equal(rows, b.rows);
    wr_block_release(&b);
    release(&s);
    end(&w);
}

static wr_status once(const wr_population *p, wr_err *e)
{
    uint8_t *of = NULL;
    const wr_status s = wr_keep_out(&of, p, 0.15, 1, e);
    wr_free(of);
    return s;
}

static void test_keep_out__oom(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_population p;
    assert_ok(wr_population_init(&p, w.g, &w.labels.seeds, &w.truth, &err));
    assert_oom_safe(once(&p, &err));
    wr_population_release(&p);
    end(&w);
}

/* The model's card says over which wallets it was calibrated, and warns when young. */
static void test_keep_out__told_by_the_model(void **state)
{
    (void)state;
    world w;
    begin(&w);
    const wr_train_input in = input_of(&w);
    for (int is_kept_out = 0; is_kept_out < 2; is_kept_out++) {
        wr_train_opts o = quick();
        o.kept_out = is_kept_out ? 0.2 : 0;
        wr_learned *l = NULL;
        wr_grades g;
        wr_buf bytes;
        wr_buf_init(&bytes, (size_t)64 << 20);
        assert_ok(wr_train(&l, &g, &bytes, &in, &o, &err));
        const char *m = wr_learned_manifest(l);
        assert_non_null(strstr(m, is_kept_out ? "\"kept_out\":0.2," : "\"kept_out\":0,"));
        assert_non_null(
            strstr(m, is_kept_out ? "of the same time" : "older than a block"));
        wr_learned_unref(l);
        wr_buf_release(&bytes);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_keep_out__incidents_stay_whole),
        wr_unit_test(test_keep_out__every_share_has_the_prevalence_of_all),
        wr_unit_test(test_keep_out__drawn_by_the_seed),
        wr_unit_test(test_keep_out__blocks_of_a_share),
        wr_unit_test(test_keep_out__oom),
        wr_unit_test(test_keep_out__told_by_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
