#include "wr_test.h"

#include <stdio.h>
#include <string.h>

#include "codec/settings_yaml.h"

static wr_status taxonomy(wr_taxonomy *tx, const char *text, wr_err *err)
{
    return wr_taxonomy_from_yaml(tx, "c.yaml", text, strlen(text), err);
}

static wr_status policy(wr_policy *p, const wr_taxonomy *tx, const char *text,
                        wr_err *err)
{
    return wr_policy_from_yaml(p, tx, "p.yaml", text, strlen(text), err);
}

static const char two[] =
    "categories:\n"
    "  - {id: hack, name: Stolen, kind: illicit, weight: 0.9, rho0: 0.05, "
    "words: [Exploit]}\n"
    "  - {id: exchange, name: Exchange, kind: service, words: [cex]}\n";

static void test_taxonomy__reads_categories_and_words(void **state)
{
    (void)state;
    static wr_taxonomy tx;
    assert_ok(taxonomy(&tx, two, &err));
    assert_int_equal(tx.count, 2);
    assert_string_equal(tx.category[0].id, "hack");
    assert_true(tx.category[0].weight > 0.89 && tx.category[0].rho0 < 0.051);
    assert_int_equal(tx.category[1].kind, WR_CATEGORY_SERVICE);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("EXPLOIT")), 0);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("exchange")), 1);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("nobody")), -1);
}

static void test_taxonomy__names_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"categories: []\n", "c.yaml:1: 'categories' is empty"},
        {"kategorien: []\n", "c.yaml:1: unknown key 'kategorien'"},
        {"categories:\n  - {id: a, name: A, kind: evil, weight: 1, rho0: 1}\n",
         "c.yaml:2: kind 'evil' is none of illicit, risky, service"},
        {"categories:\n  - {id: a, name: A, kind: risky, weight: 2, rho0: 1}\n",
         "c.yaml:2: weight: 2 is outside 0..1"},
        {"categories:\n  - {id: a, name: A, kind: risky, weight: x, rho0: 1}\n",
         "c.yaml:2: weight: 'x' is not a number"},
        {"categories:\n  - {id: a, name: A, kind: service, weight: 1}\n",
         "c.yaml:2: 'a': a service has no weight"},
        {"categories:\n  - {id: a, name: A, kind: service, colour: red}\n",
         "c.yaml:2: unknown key 'colour'"},
        {"categories:\n  - {id: a, name: A, kind: service, words: [x, X]}\n",
         "c.yaml:2: word 'x' stands twice"},
        {"categories:\n  - {id: a, name: A, kind: service}\n"
         "  - {id: a, name: B, kind: service}\n",
         "c.yaml:3: category 'a' stands twice"},
        {"categories:\n  - {name: A, kind: service}\n", "c.yaml: 'id' is missing"},
    };
    static wr_taxonomy tx;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_err err = {0};
        assert_int_equal(taxonomy(&tx, bad[i].text, &err), WR_EPARSE);
        assert_string_equal(err.msg, bad[i].message);
    }
}

static void test_taxonomy__at_most_sixteen(void **state)
{
    (void)state;
    char text[4096] = "categories:\n";
    for (int i = 0; i < 17; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used,
                       "  - {id: c%d, name: C, kind: service}\n", i);
    }
    static wr_taxonomy tx;
    wr_err err = {0};
    assert_int_equal(taxonomy(&tx, text, &err), WR_EPARSE);
    assert_string_equal(err.msg, "c.yaml:18: more than 16 categories");
}

static void test_policy__levels_and_floors(void **state)
{
    (void)state;
    static wr_taxonomy tx;
    static wr_policy p;
    assert_ok(taxonomy(&tx, two, &err));
    assert_ok(
        policy(&p, &tx,
               "levels: {medium: 25, high: 60, severe: 85}\n"
               "sending_weight: 0.5\n"
               "floors:\n"
               "  - {id: f, categories: [hack], directions: [receiving], contact: any, "
               "min_share: 0.1, floor: 75}\n",
               &err));
    assert_int_equal(p.floor_count, 1);
    assert_int_equal(p.floor[0].categories, 1);
    assert_int_equal(p.floor[0].directions, 1u << WR_RECEIVING);
    assert_true(p.floor[0].min_value < 0);
    assert_int_equal(wr_policy_level(&p, 0.0), WR_LEVEL_LOW);
    assert_int_equal(wr_policy_level(&p, 0.25), WR_LEVEL_MEDIUM);
    assert_int_equal(wr_policy_level(&p, 0.8499), WR_LEVEL_HIGH);
    assert_int_equal(wr_policy_level(&p, 1.0), WR_LEVEL_SEVERE);
}

static void test_policy__names_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"sending_weight: 1\n", "p.yaml:1: 'levels' is missing"},
        {"levels: {medium: 60, high: 25, severe: 85}\nsending_weight: 1\n",
         "p.yaml:1: level 'high' must begin above the one before"},
        {"levels: {medium: 25, high: 60, severe: 85}\nsending_weight: 1\nfloors:\n"
         "  - {id: f, categories: [haxx], directions: [receiving], contact: any, "
         "min_share: 0, "
         "floor: 1}\n",
         "p.yaml:4: unknown category 'haxx'"},
        {"levels: {medium: 25, high: 60, severe: 85}\nsending_weight: 1\nfloors:\n"
         "  - {id: f, categories: [hack], directions: [up], contact: any, min_share: 0, "
         "floor: 1}\n",
         "p.yaml:4: direction 'up' is none of receiving, sending"},
        {"levels: {medium: 25, high: 60, severe: 85}\nsending_weight: 1\nfloors:\n"
         "  - {id: f, categories: [hack], directions: [sending], contact: any, floor: "
         "1}\n",
         "p.yaml:4: 'f' needs min_share or min_value"},
        {"levels: {medium: 25, high: 60, severe: 85}\nsending_weight: 1\nfloors:\n"
         "  - {id: f, categories: [hack], directions: [sending], contact: any, "
         "min_share: 0, "
         "floor: 101}\n",
         "p.yaml:4: floor: 101 is outside 0..100"},
    };
    static wr_taxonomy tx;
    static wr_policy p;
    assert_ok(taxonomy(&tx, two, &err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_err err = {0};
        assert_int_equal(policy(&p, &tx, bad[i].text, &err), WR_EPARSE);
        assert_string_equal(err.msg, bad[i].message);
    }
}

static wr_status read_both(wr_err *err)
{
    static wr_taxonomy tx;
    return taxonomy(&tx, two, err);
}

static void test_taxonomy__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(read_both(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_taxonomy__reads_categories_and_words),
        wr_unit_test(test_taxonomy__names_line_and_reason),
        wr_unit_test(test_taxonomy__at_most_sixteen),
        wr_unit_test(test_policy__levels_and_floors),
        wr_unit_test(test_policy__names_line_and_reason),
        wr_unit_test(test_taxonomy__out_of_memory),
    };
    return cmocka_run_group_tests_name("codec/settings_yaml", tests, NULL, NULL);
}
