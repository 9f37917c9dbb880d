#include "wr_test.h"

#include <stdio.h>
#include <string.h>

#include "model/category.h"

static void fill(wr_taxonomy *tx)
{
    static const char *const word[] = {"coinjoin", "ofac-sanctions-lists", "phishing",
                                       "scam", "sextortion"};
    static const uint8_t category[] = {1, 0, 2, 2, 3};
    static const char *const id[] = {"sanctions", "mixer", "fraud", "extortion"};
    *tx = (wr_taxonomy){.count = 4, .concept_count = 5};
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(tx->category[i].id, sizeof tx->category[i].id, "%s", id[i]);
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(tx->concept[i].word, sizeof tx->concept[i].word, "%s", word[i]);
        tx->concept[i].category = category[i];
    }
}

static void test_taxonomy_find__ids_and_concepts(void **state)
{
    (void)state;
    wr_taxonomy tx;
    fill(&tx);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("sanctions")), 0);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("Extortion")), 3);
    for (uint32_t i = 0; i < tx.concept_count; i++)
        assert_int_equal(wr_taxonomy_find(&tx, wr_text_of(tx.concept[i].word)),
                         tx.concept[i].category);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("PHISHING")), 2);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("OFAC-Sanctions-Lists")), 0);
}

static void test_taxonomy_find__none(void **state)
{
    (void)state;
    wr_taxonomy tx;
    fill(&tx);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("")), -1);
    assert_int_equal(wr_taxonomy_find(&tx, (wr_text){0}), -1);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("scams")), -1);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("sca")), -1);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("aaa")), -1);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("zzz")), -1);
    assert_int_equal(wr_taxonomy_find(&tx, WR_TEXT_LIT("scam\0x")), -1);
    char longest[100];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(
        wr_taxonomy_find(&tx, (wr_text){.p = longest, .len = sizeof longest}), -1);
    wr_taxonomy none = {0};
    assert_int_equal(wr_taxonomy_find(&none, WR_TEXT_LIT("scam")), -1);
}

/* Full table: every word is found, and nothing that lies between two of them. */
static void test_taxonomy_find__full_table(void **state)
{
    (void)state;
    wr_taxonomy tx = {.concept_count = WR_CONCEPT_MAX};
    for (unsigned i = 0; i < WR_CONCEPT_MAX; i++) {
        (void)snprintf(tx.concept[i].word, sizeof tx.concept[i].word, "w%03u", 2 * i);
        tx.concept[i].category = (uint8_t)(i % WR_CATEGORY_MAX);
    }
    for (unsigned i = 0; i < 2 * WR_CONCEPT_MAX; i++) {
        char word[8];
        (void)snprintf(word, sizeof word, "W%03u", i);
        int want = i % 2 ? -1 : (int)(i / 2 % WR_CATEGORY_MAX);
        assert_int_equal(wr_taxonomy_find(&tx, wr_text_of(word)), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_taxonomy_find__ids_and_concepts),
        wr_unit_test(test_taxonomy_find__none),
        wr_unit_test(test_taxonomy_find__full_table),
    };
    return cmocka_run_group_tests_name("model.category", tests, NULL, NULL);
}
