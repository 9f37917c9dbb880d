#include "scoring/seeds.h"

#include "wr_test.h"

/* Index: 0 sanctions (illicit .9), 1 scam (illicit .5), 2 mixer (risky .5), 3 exchange */
static wr_taxonomy taxonomy(void)
{
    wr_taxonomy tx = {.count = 4};
    tx.category[0] = (wr_category){.weight = 0.9, .kind = WR_CATEGORY_ILLICIT};
    tx.category[1] = (wr_category){.weight = 0.5, .kind = WR_CATEGORY_ILLICIT};
    tx.category[2] = (wr_category){.weight = 0.5, .kind = WR_CATEGORY_RISKY};
    tx.category[3] = (wr_category){.weight = 0, .kind = WR_CATEGORY_SERVICE};
    return tx;
}

typedef struct claim {
    int category;
    double confidence;
    uint32_t from_s, to_s;
} claim;

/* Best first: each beats all below it. */
static const claim ranking[] = {
    {0, 0.1, 0, UINT32_MAX}, /* weight */
    {1, 0.9, 0, UINT32_MAX}, /* equal weight: illicit before risky */
    {1, 0.5, 0, UINT32_MAX}, /* confidence */
    {1, 0.5, 5, 90},         /* the earlier start, */
    {1, 0.5, 5, 80},         /* then the later end */
    {2, 1.0, 0, UINT32_MAX}, {3, 1.0, 0, UINT32_MAX},
};
enum { RANKS = sizeof ranking / sizeof ranking[0] };

static void offer(wr_seeds *s, const wr_taxonomy *tx, wr_vid v, const claim *k)
{
    wr_seeds_offer(s, tx, v, k->category, k->confidence, k->from_s, k->to_s);
}

static void test_seeds_offer__higher_rank_stays_in_either_order(void **state)
{
    (void)state;
    wr_taxonomy tx = taxonomy();
    wr_seeds s;
    for (size_t i = 0; i < RANKS; i++)
        for (size_t j = i; j < RANKS; j++) {
            assert_ok(wr_seeds_init(&s, 2, &tx, &err));
            offer(&s, &tx, 0, &ranking[i]);
            offer(&s, &tx, 0, &ranking[j]);
            offer(&s, &tx, 1, &ranking[j]);
            offer(&s, &tx, 1, &ranking[i]);
            for (wr_vid v = 0; v < 2; v++) {
                assert_int_equal(s.category[v], ranking[i].category);
                assert_float_equal(s.confidence[v], ranking[i].confidence, 1e-6);
                assert_int_equal(s.from_s[v], ranking[i].from_s);
                assert_int_equal(s.to_s[v], ranking[i].to_s);
            }
            assert_int_equal(s.count, 2);
            wr_seeds_release(&s);
        }
}

static void test_seeds_offer__equal_weight_and_kind_lower_index(void **state)
{
    (void)state;
    wr_taxonomy tx = taxonomy();
    tx.category[2].kind = WR_CATEGORY_ILLICIT;
    wr_seeds s;
    assert_ok(wr_seeds_init(&s, 1, &tx, &err));
    wr_seeds_offer(&s, &tx, 0, 2, 0.5, 0, UINT32_MAX);
    wr_seeds_offer(&s, &tx, 0, 1, 0.5, 0, UINT32_MAX);
    assert_int_equal(s.category[0], 1);
    wr_seeds_release(&s);
}

static void test_seeds_at__holds_from_start_until_before_end(void **state)
{
    (void)state;
    wr_taxonomy tx = taxonomy();
    wr_seeds s;
    assert_ok(wr_seeds_init(&s, 2, &tx, &err));
    wr_seeds_offer(&s, &tx, 1, 3, 1, 10, 20);
    assert_int_equal(wr_seeds_at(&s, 0, 15), WR_SEED_NONE);
    assert_int_equal(wr_seeds_at(&s, 1, 9), WR_SEED_NONE);
    assert_int_equal(wr_seeds_at(&s, 1, 10), 3);
    assert_int_equal(wr_seeds_at(&s, 1, 19), 3);
    assert_int_equal(wr_seeds_at(&s, 1, 20), WR_SEED_NONE);
    assert_int_equal(s.kind[3], WR_CATEGORY_SERVICE);
    wr_seeds_release(&s);
}

static void test_seeds_init__empty_graph(void **state)
{
    (void)state;
    wr_taxonomy tx = taxonomy();
    wr_seeds s;
    assert_ok(wr_seeds_init(&s, 0, &tx, &err));
    assert_int_equal(s.n, 0);
    assert_int_equal(s.count, 0);
    wr_seeds_release(&s);
    wr_seeds_release(&s); /* safe twice */
}

static void test_seeds_init__categories_out_of_range(void **state)
{
    (void)state;
    wr_taxonomy tx = taxonomy();
    wr_seeds s = {0};
    wr_err e = {0};
    tx.count = 0;
    assert_int_equal(wr_seeds_init(&s, 1, &tx, &e), WR_EINVAL);
    assert_string_equal(e.msg, "categories: 0, wanted 1..16");
    tx.count = WR_CATEGORY_MAX + 1;
    assert_err(WR_EINVAL, wr_seeds_init(&s, 1, &tx, &err));
    tx.count = WR_CATEGORY_MAX;
    assert_ok(wr_seeds_init(&s, 1, &tx, &err));
    wr_seeds_release(&s);
}

static wr_status init_and_release(const wr_taxonomy *tx, wr_err *err)
{
    wr_seeds s = {0};
    wr_status st = wr_seeds_init(&s, 9, tx, err);
    wr_seeds_release(&s);
    return st;
}

static void test_seeds_init__out_of_memory(void **state)
{
    (void)state;
    wr_taxonomy tx = taxonomy();
    assert_oom_safe(init_and_release(&tx, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_seeds_offer__higher_rank_stays_in_either_order),
        wr_unit_test(test_seeds_offer__equal_weight_and_kind_lower_index),
        wr_unit_test(test_seeds_at__holds_from_start_until_before_end),
        wr_unit_test(test_seeds_init__empty_graph),
        wr_unit_test(test_seeds_init__categories_out_of_range),
        wr_unit_test(test_seeds_init__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
