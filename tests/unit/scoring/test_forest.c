/*
 * Isolation forest: paths against a slow walk over the saved bytes, structure, planted
 * outliers, degenerate data, threads, damaged bytes.
 */
#include "scoring/forest.h"

#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wr_test.h"

enum { D = 5, ROWS = 2000, PLANTED = 10, HEAD = 28 };

/* A dense cloud; the last PLANTED rows lie far out, each in its own direction. */
static float *cloud(uint64_t seed)
{
    wr_rng r = {.s = seed};
    float *x = wr_calloc((size_t)ROWS * D, sizeof *x);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < D; k++)
            x[i * D + k] = (float)(wr_rng_unit(&r) + wr_rng_unit(&r) + wr_rng_unit(&r));
    for (size_t p = 0; p < PLANTED; p++) {
        float *row = x + (ROWS - 1 - p) * D;
        for (size_t k = 0; k < D; k++)
            row[k] = (p >> (k % 3)) & 1 ? 9.0f + (float)p : -7.0f - (float)p;
    }
    return x;
}

static void test_forest_score__planted_outliers_first(void **state)
{
    (void)state;
    float *x = cloud(1);
    WR_AUTO(wr_forest) f = NULL;
    wr_forest_opts o = WR_FOREST_OPTS_INIT;
    assert_ok(wr_forest_fit(&f, x, ROWS, D, &o, &err));
    assert_int_equal(wr_forest_features(f), D);
    double *s = wr_calloc(ROWS, sizeof *s);
    wr_forest_scores(s, f, x, ROWS);
    double mean = 0, worst_planted = 2, best_other = 0;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(s[i] > 0 && s[i] <= 1);
        mean += s[i] / ROWS;
        if (i >= ROWS - PLANTED)
            worst_planted = fmin(worst_planted, s[i]);
        else
            best_other = fmax(best_other, s[i]);
    }
    assert_true(worst_planted > best_other);
    assert_true(mean > 0.35 && mean < 0.55);
    wr_free(s);
    wr_free(x);
}

/* ---- slow reference on the bytes: recursion, and c(n) by its sum ---- */

static uint32_t word(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 3; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static double c_of(uint32_t n)
{
    double h = 0;
    for (uint32_t i = 1; i < n; i++)
        h += 1.0 / i;
    return n < 2 ? 0 : 2 * h - 2.0 * (n - 1) / n;
}

static double walk(const uint8_t *tree, uint32_t at, const float *x, double depth)
{
    const uint8_t *n = tree + (size_t)16 * at;
    const uint32_t bits = word(n), feature = word(n + 4), child = word(n + 8);
    float cut;
    memcpy(&cut, &bits, 4);
    if (child == 0)
        return depth + c_of(word(n + 12));
    const float v = x[feature & 0x7FFFFFFF];
    const bool left = isnan(v) ? feature >> 31 != 0 : v < cut;
    return walk(tree, left ? child : child + 1, x, depth + 1);
}

/* Rows of the children add up to the parent's; leaves are single, deep or constant. */
static uint32_t check_rows(const uint8_t *tree, uint32_t at, uint32_t depth,
                           uint32_t most)
{
    const uint8_t *n = tree + (size_t)16 * at;
    const uint32_t child = word(n + 8), rows = word(n + 12);
    assert_true(depth <= most && rows >= 1);
    if (child)
        assert_int_equal(check_rows(tree, child, depth + 1, most) +
                             check_rows(tree, child + 1, depth + 1, most),
                         rows);
    else
        assert_true(rows == 1 || depth == most);
    return rows;
}

static void test_forest_path__slow_reference(void **state)
{
    (void)state;
    float *x = cloud(2);
    for (size_t i = 0; i < ROWS; i += 7)
        x[i * D + i % D] = (float)NAN;
    WR_AUTO(wr_forest) f = NULL;
    wr_forest_opts o = {.trees = 30, .sample = 100, .seed = 9};
    assert_ok(wr_forest_fit(&f, x, ROWS, D, &o, &err));
    void *bytes;
    size_t len;
    assert_ok(wr_forest_save(&bytes, &len, f, &err));
    const uint8_t *p = bytes;
    const uint8_t *tree = p + HEAD + 4 * 30;
    for (uint32_t t = 0; t < 30; t++) {
        const uint32_t from = t ? word(p + HEAD + 4 * (t - 1)) : 0;
        assert_int_equal(check_rows(tree + 16 * from, 0, 0, 7), 100);
    }
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (uint32_t t = 0; t < 30; t++) {
            const uint32_t from = t ? word(p + HEAD + 4 * (t - 1)) : 0;
            sum += walk(tree + 16 * from, 0, x + i * D, 0);
        }
        assert_true(fabs(wr_forest_path(f, x + i * D) - sum / 30) < 1e-12);
        assert_true(fabs(wr_forest_score(f, x + i * D) - pow(2, -sum / 30 / c_of(100))) <
                    1e-12);
    }
    wr_free(bytes);
    wr_free(x);
}

/* Two points on a line: every cut parts them, so the path is 1 and the score 1/2. */
static void test_forest_score__by_hand(void **state)
{
    (void)state;
    const float two[] = {1, 2};
    WR_AUTO(wr_forest) f = NULL;
    wr_forest_opts o = WR_FOREST_OPTS_INIT;
    assert_true(wr_forest_mean_path(0) == 0 && wr_forest_mean_path(1) == 0);
    assert_true(wr_forest_mean_path(2) == 1);
    assert_true(fabs(wr_forest_mean_path(3) - (3 - 4.0 / 3)) < 1e-15);
    assert_ok(wr_forest_fit(&f, two, 2, 1, &o, &err));
    assert_true(wr_forest_path(f, two) == 1 && wr_forest_score(f, two) == 0.5);
    assert_true(wr_forest_score(f, two + 1) == 0.5);
}

static void test_forest_fit__degenerate(void **state)
{
    (void)state;
    enum { N = 300 };
    float *x = wr_calloc((size_t)N * 3, sizeof *x);
    wr_forest_opts o = WR_FOREST_OPTS_INIT;
    /* nothing differs: one leaf per tree, everybody is like all others */
    WR_AUTO(wr_forest) same = NULL;
    assert_ok(wr_forest_fit(&same, x, N, 3, &o, &err));
    assert_true(fabs(wr_forest_score(same, x) - 0.5) < 1e-12);
    /* constant columns beside one that differs do not matter: the odd row is found */
    x[3 * 17 + 1] = 5;
    WR_AUTO(wr_forest) odd = NULL;
    o.sample = N;
    assert_ok(wr_forest_fit(&odd, x, N, 3, &o, &err));
    assert_true(wr_forest_path(odd, x + 3 * 17) == 1);
    assert_true(wr_forest_path(odd, x) > 9);
    /* fewer rows than the sample: all of them; c is of what there is */
    WR_AUTO(wr_forest) few = NULL;
    const float line[] = {0, 1, 2, 3, 1000};
    o.sample = 256;
    assert_ok(wr_forest_fit(&few, line, 5, 1, &o, &err));
    for (int i = 0; i < 4; i++)
        assert_true(wr_forest_score(few, line + 4) > wr_forest_score(few, line + i));
    /* missing everywhere, and infinities when asked */
    for (size_t i = 0; i < (size_t)N * 3; i++)
        x[i] = (float)NAN;
    WR_AUTO(wr_forest) unknown = NULL;
    assert_ok(wr_forest_fit(&unknown, x, N, 3, &o, &err));
    assert_true(fabs(wr_forest_score(unknown, x) - 0.5) < 1e-12);
    const float far[] = {(float)INFINITY};
    assert_true(wr_forest_score(few, far) == wr_forest_score(few, line + 4));
    wr_free(x);
}

/* A missing value goes with the many: it never makes a row novel. */
static void test_forest_score__missing_is_not_novel(void **state)
{
    (void)state;
    float *x = cloud(3);
    WR_AUTO(wr_forest) f = NULL;
    wr_forest_opts o = WR_FOREST_OPTS_INIT;
    assert_ok(wr_forest_fit(&f, x, ROWS, D, &o, &err));
    const float nothing[D] = {(float)NAN, (float)NAN, (float)NAN, (float)NAN, (float)NAN};
    size_t above = 0;
    for (size_t i = 0; i < ROWS; i++)
        above += wr_forest_score(f, x + i * D) >= wr_forest_score(f, nothing);
    assert_true(above > ROWS * 9 / 10);
    wr_free(x);
}

static void test_forest_fit__same_bytes_for_any_thread_count(void **state)
{
    (void)state;
    float *x = cloud(4);
    wr_forest_opts o = WR_FOREST_OPTS_INIT;
    void *want = NULL;
    size_t want_len = 0;
    double *s = wr_calloc(2 * (size_t)ROWS, sizeof *s);
    const int before = omp_get_max_threads();
    for (int t = 1; t <= 8; t *= 2) {
        WR_AUTO(wr_forest) f = NULL;
        void *bytes;
        size_t len;
        omp_set_num_threads(t);
        assert_ok(wr_forest_fit(&f, x, ROWS, D, &o, &err));
        assert_ok(wr_forest_save(&bytes, &len, f, &err));
        wr_forest_scores(t == 1 ? s : s + ROWS, f, x, ROWS);
        if (t == 1) {
            want = bytes;
            want_len = len;
            continue;
        }
        assert_int_equal(len, want_len);
        assert_memory_equal(bytes, want, len);
        assert_memory_equal(s, s + ROWS, ROWS * sizeof *s);
        wr_free(bytes);
    }
    omp_set_num_threads(before);
    WR_AUTO(wr_forest) other = NULL;
    void *bytes;
    size_t len;
    o.seed = 2;
    assert_ok(wr_forest_fit(&other, x, ROWS, D, &o, &err));
    assert_ok(wr_forest_save(&bytes, &len, other, &err));
    assert_true(len != want_len || memcmp(bytes, want, len) != 0);
    wr_free(bytes);
    wr_free(want);
    wr_free(s);
    wr_free(x);
}

static void test_forest_load__comes_back_or_is_refused(void **state)
{
    (void)state;
    float *x = cloud(5);
    wr_forest_opts o = {.trees = 3, .sample = 16, .seed = 1};
    WR_AUTO(wr_forest) f = NULL;
    assert_ok(wr_forest_fit(&f, x, ROWS, D, &o, &err));
    void *bytes, *again;
    size_t len, again_len;
    assert_ok(wr_forest_save(&bytes, &len, f, &err));
    WR_AUTO(wr_forest) g = NULL;
    assert_ok(wr_forest_load(&g, bytes, len, &err));
    assert_ok(wr_forest_save(&again, &again_len, g, &err));
    assert_int_equal(len, again_len);
    assert_memory_equal(bytes, again, len);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(wr_forest_score(f, x + i * D) == wr_forest_score(g, x + i * D));

    uint8_t *p = again;
    const struct {
        size_t at;
        uint8_t value;
        const char *msg;
    } damage[] = {
        {0, 'x', NULL},
        {8, 2, "forest of version 2"},
        {12, 0, "forest of 0 trees, 5 features, sample 16"},
        {16, 0, "forest of 3 trees, 0 features, sample 16"},
        {20, 1, "forest of 3 trees, 5 features, sample 1"},
        {HEAD, 0, "forest: tree 0 is out of bounds"},
        {HEAD + 3, 1, "forest: tree 0 is out of bounds"},
        {HEAD + 12 + 4, 5, "forest: node 0 of tree 0 is out of bounds"},
        {HEAD + 12 + 9, 1, "forest: node 0 of tree 0 is out of bounds"},
        {HEAD + 12 + 13, 1, "forest: node 0 of tree 0 is out of bounds"},
    };
    WR_AUTO(wr_forest) none = NULL;
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        wr_err e = {0};
        const uint8_t was = p[damage[i].at];
        p[damage[i].at] = damage[i].value;
        assert_int_equal(wr_forest_load(&none, p, len, &e), WR_ECORRUPT);
        if (damage[i].msg)
            assert_string_equal(e.msg, damage[i].msg);
        p[damage[i].at] = was;
    }
    for (size_t n = 0; n < len; n++)
        assert_err(WR_ECORRUPT, wr_forest_load(&none, p, n, &err));
    for (size_t i = 0; i < len; i++) { /* any byte: refused, or a forest that ends */
        p[i] ^= 0x15;
        wr_forest *h = NULL;
        if (wr_forest_load(&h, p, len, NULL) == WR_OK)
            assert_true(isfinite(wr_forest_path(h, x)));
        wr_forest_free(h);
        p[i] ^= 0x15;
    }
    assert_null(none);
    assert_oom_safe(wr_forest_load(&none, p, len, &err));
    wr_free(bytes);
    wr_free(again);
    wr_free(x);
}

static void assert_refused(const float *x, size_t rows, uint32_t features,
                           wr_forest_opts o, const char *msg)
{
    wr_err e = {0};
    wr_forest *f = NULL;
    assert_int_equal(wr_forest_fit(&f, x, rows, features, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, msg);
    assert_null(f);
}

static void test_forest_fit__errors(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, (float)INFINITY};
    const wr_forest_opts o = WR_FOREST_OPTS_INIT;
    assert_refused(x, 3, 1, (wr_forest_opts){0, 256, 1}, "trees 0 outside 1..1000");
    assert_refused(x, 3, 1, (wr_forest_opts){1001, 256, 1}, "trees 1001 outside 1..1000");
    assert_refused(x, 3, 1, (wr_forest_opts){1, 1, 1}, "sample 1 outside 2..4096");
    assert_refused(x, 3, 0, o, "features 0 outside 1..4096");
    assert_refused(x, 1, 1, o, "1 rows, not 2..4294967295");
    assert_refused(x, 2, 2, o, "feature 1 of row 1 is infinite");
    WR_AUTO(wr_forest) f = NULL;
    assert_oom_safe(wr_forest_fit(&f, x, 3, 1, &o, &err));
    void *bytes;
    size_t len;
    assert_oom_safe(wr_forest_save(&bytes, &len, f, &err));
    wr_free(bytes);
    wr_forest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_forest_score__planted_outliers_first),
        wr_unit_test(test_forest_path__slow_reference),
        wr_unit_test(test_forest_score__by_hand),
        wr_unit_test(test_forest_fit__degenerate),
        wr_unit_test(test_forest_score__missing_is_not_novel),
        wr_unit_test(test_forest_fit__same_bytes_for_any_thread_count),
        wr_unit_test(test_forest_load__comes_back_or_is_refused),
        wr_unit_test(test_forest_fit__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
