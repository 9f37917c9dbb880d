/*
 * Flat trees: margins bit-equal to the library's, and bytes that are not a model. Damaged
 * bytes go through wr_booster_load: what we let pass, the library must survive.
 */
#include "scoring/booster_flat.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "booster_gen.h"
#include "scoring/booster.h"
#include "wr_test.h"

enum { D = 9, ROWS = 4000 };

static wr_booster *trained(const gen_rows *g, uint32_t rounds, uint32_t depth,
                           double base_prob)
{
    wr_booster *b = NULL;
    wr_booster_opts o = WR_BOOSTER_OPTS_INIT;
    o.rounds = rounds;
    o.max_depth = depth;
    o.base_prob = base_prob;
    o.eta = 0.3;
    o.min_child_weight = 0.1;
    wr_booster_features f = gen_features(g);
    wr_booster_data d = gen_data(g);
    assert_ok(wr_booster_train(&b, NULL, &f, &d, NULL, &o, &err));
    return b;
}

static void test_booster_flat_margin__bits_of_the_library(void **state)
{
    (void)state;
    gen_rows g;
    gen_rows_init(&g, ROWS, D, 12, 3);
    const struct {
        uint32_t rounds, depth;
        double base_prob;
    } shape[] = {{1, 1, 0.5}, {7, 3, 0.013}, {8, 6, 0.5}, {37, 9, 0.7}, {20, 16, 0.001}};
    double *want = wr_calloc(ROWS, sizeof *want);
    float *got = wr_calloc(ROWS, sizeof *got);
    for (size_t s = 0; s < sizeof shape / sizeof shape[0]; s++) {
        WR_AUTO(wr_booster)
        b = trained(&g, shape[s].rounds, shape[s].depth, shape[s].base_prob);
        const wr_booster_flat *f = wr_booster_flat_of(b);
        assert_int_equal(wr_booster_flat_trees(f), shape[s].rounds);
        assert_int_equal(wr_booster_flat_features(f), D);
        assert_ok(wr_booster_predict(want, b, g.x, ROWS, WR_BOOSTER_MARGIN, &err));
        wr_booster_flat_margins(got, f, g.x, ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            assert_true((double)got[i] == want[i]);
            assert_true(wr_booster_flat_margin(f, g.x + i * D) == got[i]);
        }
    }
    wr_free(want);
    wr_free(got);
    gen_rows_release(&g);
}

/* Thresholds themselves, infinities, nothing known at all. */
static void test_booster_flat_margin__edges(void **state)
{
    (void)state;
    gen_rows g;
    gen_rows_init(&g, ROWS, D, 12, 4);
    WR_AUTO(wr_booster) b = trained(&g, 20, 6, 0.5);
    const wr_booster_flat *f = wr_booster_flat_of(b);
    wr_rng r = {.s = 8};
    for (int i = 0; i < 2000; i++) {
        float x[D];
        double want;
        for (int k = 0; k < D; k++)
            switch (wr_rng_below(&r, 4)) {
            case 0:
                x[k] = (float)(wr_rng_below(&r, 2) ? INFINITY : -INFINITY);
                break;
            case 1:
                x[k] = (float)NAN;
                break;
            default: /* values that occur, so also the cuts made from them */
                x[k] = g.x[wr_rng_below(&r, ROWS) * D + (uint64_t)k];
            }
        assert_ok(wr_booster_predict(&want, b, x, 1, WR_BOOSTER_MARGIN, &err));
        assert_true((double)wr_booster_flat_margin(f, x) == want);
    }
    gen_rows_release(&g);
}

static void test_booster_flat_margins__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    gen_rows g;
    gen_rows_init(&g, ROWS, D, 12, 3);
    WR_AUTO(wr_booster) b = trained(&g, 20, 6, 0.5);
    float *want = wr_calloc(ROWS, sizeof *want);
    float *got = wr_calloc(ROWS, sizeof *got);
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    wr_booster_flat_margins(want, wr_booster_flat_of(b), g.x, ROWS);
    for (int t = 2; t <= 8; t *= 2) {
        omp_set_num_threads(t);
        wr_booster_flat_margins(got, wr_booster_flat_of(b), g.x, ROWS);
        assert_memory_equal(want, got, ROWS * sizeof *want);
    }
    omp_set_num_threads(before);
    wr_free(want);
    wr_free(got);
    gen_rows_release(&g);
}

/* ---- bytes ---- */

static uint8_t *copy_of(const wr_booster *b, size_t *len)
{
    const void *p = wr_booster_bytes(b, len);
    uint8_t *c = wr_calloc(*len + 1, 1);
    memcpy(c, p, *len);
    return c;
}

/* First byte behind the first (or a later) occurrence of a key. */
static uint8_t *behind(uint8_t *p, size_t len, const char *key, int nth)
{
    const size_t n = strlen(key);
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(p + i, key, n) == 0 && nth-- == 0)
            return p + i + n;
    fail_msg("no %s", key);
    return NULL;
}

static void assert_corrupt(const void *p, size_t len, const char *msg)
{
    wr_err e = {0};
    wr_booster_flat *f = NULL;
    const wr_status st = wr_booster_flat_new(&f, p, len, &e);
    assert_string_equal(e.msg, msg);
    assert_int_equal(st, WR_ECORRUPT);
    assert_null(f);
}

enum { ARRAY_HEAD = 3 + 1 + 1 + 8 }; /* [$d#L and the count */

static void test_booster_flat_new__errors(void **state)
{
    (void)state;
    gen_rows g;
    gen_rows_init(&g, ROWS, D, 12, 3);
    WR_AUTO(wr_booster) b = trained(&g, 2, 2, 0.5);
    size_t len;
    uint8_t *p = copy_of(b, &len);
    assert_corrupt("", 0, "model is no UBJSON at byte 0");
    assert_corrupt("binary", 6, "model is no UBJSON at byte 0");
    assert_corrupt("{}", 2, "model without 'learner'");
    assert_corrupt(p, len + 1, "1 bytes behind the model");
#define DAMAGED(key, nth, off, bytes, msg)               \
    do {                                                 \
        uint8_t *at_ = behind(p, len, key, nth) + (off); \
        uint8_t was_[sizeof(bytes) - 1];                 \
        memcpy(was_, at_, sizeof was_);                  \
        memcpy(at_, bytes, sizeof was_);                 \
        assert_corrupt(p, len, msg);                     \
        memcpy(at_, was_, sizeof was_);                  \
    } while (0)
    DAMAGED("objectiv", 0, 0, "E", "model without 'objective'");
    DAMAGED("binary:", 0, 0, "L", "model's objective is not binary:logistic");
    DAMAGED("gbtre", 1, 0, "f", "model's gradient_booster is not gbtree");
    DAMAGED("num_class", 0, 10, "2", "model's 'num_class' is 2, not 0");
    DAMAGED("num_class", 0, 10, "x", "model's 'num_class' is no number");
    DAMAGED("num_target", 0, 10, "2", "model's 'num_target' is 2, not 1");
    DAMAGED("num_trees", 0, 10, "9", "model's 'num_trees' is 9, not 2");
    DAMAGED("num_parallel_tree", 0, 10, "3", "model's 'num_parallel_tree' is 3, not 1");
    DAMAGED("base_score", 0, 10, "5E+1", "model's base_score is 50");
    DAMAGED("num_nodes", 0, 10, "8", "model's 'num_nodes' is 8, not 7");
    DAMAGED("learner_model_param", 0, -1, "x", "model without 'learner_model_param'");
    DAMAGED("tree_info", 0, 11, "i\1", "model's tree 0 has a class");
    DAMAGED("left_children", 0, ARRAY_HEAD, "\0\0\0\7",
            "tree's node 0 has children 7 and 2");
    DAMAGED("left_children", 0, ARRAY_HEAD, "\377\377\377\377",
            "tree's node 0 has children -1 and 2");
    DAMAGED("left_children", 0, ARRAY_HEAD, "\0\0\0\2", "tree's node 2 has two parents");
    DAMAGED("left_children", 0, ARRAY_HEAD, "\0\0\0\0", "tree's node 0 has two parents");
    DAMAGED("split_indices", 0, ARRAY_HEAD, "\0\0\0\11",
            "tree's node 0 asks for feature 9");
    DAMAGED("split_conditions", 0, ARRAY_HEAD, "\177\200\0\0",
            "tree's node 0 is not finite");
    DAMAGED("split_conditions", 0, 2, "l",
            "tree's 'split_conditions' is of another type");
    DAMAGED("parents", 0, ARRAY_HEAD, "\0\0\0\11", "tree's node 0 has parent 9");
    DAMAGED("split_type", 0, ARRAY_HEAD, "\1", "tree with a split by category");
    DAMAGED("categories_size", 0, 0, "x", "model without 'categories_sizes'");
    DAMAGED("feature_name", 0, 0, "z", "model without 'feature_names'");
    wr_free(p);
    gen_rows_release(&g);
}

/* Its trees replaced by more than there may be, whatever they are. */
static void test_booster_flat_new__limit(void **state)
{
    (void)state;
    static const char end[] = "}L\0\0\0\0\0\0\0\4nameSL\0\0\0\0\0\0\0\6gbtree";
    const uint32_t trees = WR_BOOSTER_TREES_MAX + 1;
    gen_rows g;
    gen_rows_init(&g, 500, 4, 6, 3);
    WR_AUTO(wr_booster) b = trained(&g, 2, 2, 0.5);
    size_t len;
    uint8_t *p = copy_of(b, &len);
    uint8_t *from = behind(p, len, "\5trees", 0);
    uint8_t *to = p;
    while (memcmp(to, end, sizeof end - 1) != 0)
        to++;
    uint8_t *q = wr_calloc(len + trees + 16, 1);
    size_t n = (size_t)(from - p);
    memcpy(q, p, n);
    memcpy(q + n, "[#l", 3);
    for (int i = 0; i < 4; i++)
        q[n + 3 + (size_t)i] = (uint8_t)(trees >> (8 * (3 - i)));
    n += 7;
    memset(q + n, 'Z', trees);
    n += trees;
    memcpy(q + n, to, (size_t)(p + len - to));
    n += (size_t)(p + len - to);
    wr_booster_flat *f = NULL;
    wr_err e = {0};
    const wr_status st = wr_booster_flat_new(&f, q, n, &e);
    assert_string_equal(e.msg, "model of 100001 trees, over 100000");
    assert_int_equal(st, WR_ELIMIT);
    wr_free(p);
    wr_free(q);
    gen_rows_release(&g);
}

/* Cut anywhere and with any byte changed: refused, or a model; never worse. */
static void test_booster_load__any_damage(void **state)
{
    (void)state;
    gen_rows g;
    gen_rows_init(&g, 500, 4, 6, 3);
    WR_AUTO(wr_booster) b = trained(&g, 2, 2, 0.5);
    size_t len;
    uint8_t *p = copy_of(b, &len);
    for (size_t n = 0; n < len; n++) {
        uint8_t *cut = wr_calloc(n, 1); /* its own block: ASan sees a byte too far */
        wr_booster_flat *f = NULL;
        memcpy(cut, p, n);
        assert_err(WR_ECORRUPT, wr_booster_flat_new(&f, cut, n, &err));
        wr_free(cut);
    }
    size_t refused = 0, loaded = 0;
    wr_rng r = {.s = 77};
    for (size_t i = 0; i < len; i++) {
        const uint8_t was = p[i];
        wr_booster *c = NULL;
        wr_err e = {0};
        p[i] = (uint8_t)(was ^ (1 + wr_rng_below(&r, 255)));
        if (wr_booster_load(&c, p, len, NULL, 1, &e) == WR_OK) {
            double m;
            const float x[4] = {1, 2, (float)NAN, 0};
            assert_ok(wr_booster_predict(&m, c, x, 1, WR_BOOSTER_MARGIN, &err));
            loaded++;
        } else {
            assert_true(e.code == WR_ECORRUPT && e.msg[0]);
            assert_null(strchr(e.msg, '\n'));
            refused++;
        }
        wr_booster_free(c);
        p[i] = was;
    }
    assert_true(refused > len / 2 && loaded > 0);
    wr_free(p);
    gen_rows_release(&g);
}

static void test_booster_flat_new__memory(void **state)
{
    (void)state;
    gen_rows g;
    gen_rows_init(&g, 500, 4, 6, 3);
    WR_AUTO(wr_booster) b = trained(&g, 2, 2, 0.5);
    size_t len;
    const void *p = wr_booster_bytes(b, &len);
    WR_AUTO(wr_booster_flat) f = NULL;
    assert_oom_safe(wr_booster_flat_new(&f, p, len, &err));
    wr_booster_flat_free(NULL);
    gen_rows_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_booster_flat_margin__bits_of_the_library),
        wr_unit_test(test_booster_flat_margin__edges),
        wr_unit_test(test_booster_flat_margins__same_bits_for_any_thread_count),
        wr_unit_test(test_booster_flat_new__errors),
        wr_unit_test(test_booster_flat_new__limit),
        wr_unit_test(test_booster_load__any_damage),
        wr_unit_test(test_booster_flat_new__memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
