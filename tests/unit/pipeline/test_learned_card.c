/*
 * The model card: what it says of a model, of every column, and what it leaves out.
 */
#include <string.h>

#include "model_gen.h"
#include "pipeline/learning/frame.h"

/* Real names: own ones, aggregates of every hop and statistic, one that is none. */
static const char *const REAL[GEN_COLUMNS] = {"received_illicit_direct",
                                              "in_mean",
                                              "in_mean_in_mean",
                                              "out_max_out_value",
                                              "fan_in_root",
                                              "out_out_mean_pass_24h",
                                              "in_out_mean_in_new_7d",
                                              "out_in_mean_hold_median_s",
                                              "received_min_hops",
                                              "out_std_burst_10min",
                                              "made_up_name",
                                              "pass_1h"};

static void assert_has(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("'%s' is not in\n%s", what, text);
}

static void test_learned_card__what_it_says(void **state)
{
    (void)state;
    gen_model g;
    wr_buf bytes, card, again;
    gen_model_init(&g, REAL, "wallet", 3, false);
    const wr_learned_parts p = gen_parts(&g);
    wr_buf_init(&bytes, 1 << 26);
    wr_buf_init(&card, 1 << 22);
    wr_buf_init(&again, 1 << 22);
    assert_ok(wr_learned_pack(&bytes, &p, &err));
    WR_AUTO(wr_learned) l = NULL;
    assert_ok(wr_learned_unpack(&l, bytes.p, bytes.len, 1, &err));
    assert_ok(wr_learned_card(&card, l, &err));
    assert_ok(wr_learned_card(&again, l, &err));
    assert_string_equal(card.p, again.p);
    for (int i = 0; i < GEN_COLUMNS; i++) {
        char cell[80];
        (void)snprintf(cell, sizeof cell, "\n| %s | ", REAL[i]);
        assert_has(card.p, cell);
    }
    static const char *const SAYS[] = {
        "wallet model: 10 boosted trees over 12 features",
        "(Platt, learned from 1500 rows,",
        "| as of | 2025-05-01T00:00:00Z |",
        "| truth_digest | t1 |",
        "| train | 2024-01-01T00:00:00Z | 2025-02-01T00:00:00Z | 1500 | 60 | 9 |",
        "| max_depth | 3 |",
        "| rounds_kept | 10 |",
        "\n| | test | known |\n|---|---|---|\n",
        "| pr_auc | 0.33 (0.11 to 0.91), prevalence 0.0233 | 0.75, prevalence unknown |",
        "| recall at the top 0.1 % | 0.125 |  |",
        "| recall at the top 1 % | 0.375 | 0.625 |",
        "| fan_in | 3 | 12 | 0.75 |",
        "| received_illicit_direct | received straight, illicit | share | all | + |",
        "| received_min_hops | fewest hops of that money; 255 = none | hops | all | - |",
        "| in_mean | mean of receipts | value | all |  |",
        "| in_mean_in_mean | mean over the wallets that paid it of in_mean: mean of rec",
        "eipts | log(1 + value) | all |  |",
        "| in_out_mean_in_new_7d | mean over the payees of its payers of in_new_7d: ",
        " | share | 7 d |  |",
        "| pass_1h | pass-through: smaller of in and out over the larger | share | 1 h |",
        "| made_up_name | not in the table of this program | | | |",
        "The forest looks at: out_in_mean_hold_median_s, received_illicit_direct,",
        ", fan_in_root.\n",
        "| fan_in_root | fan-in: hits that it is the root of | hits | the policy's look",
        "-back | + |",
        "\n- One chain \\| one year.\n"};
    for (size_t i = 0; i < sizeof SAYS / sizeof *SAYS; i++)
        assert_has(card.p, SAYS[i]);
    assert_has(card.p, wr_learned_id(l));
    assert_has(card.p, wr_learned_digest(l)->s);
    wr_buf_release(&bytes);
    wr_buf_release(&card);
    wr_buf_release(&again);
    gen_model_release(&g);
}

/* Every name that frame.h can make is explained. */
static void test_learned_card__knows_every_column(void **state)
{
    (void)state;
    const uint32_t count = wr_frame_columns();
    const char *name[GEN_COLUMNS];
    for (uint32_t from = 0; from < count; from += GEN_COLUMNS) {
        for (uint32_t k = 0; k < GEN_COLUMNS; k++)
            name[k] = wr_frame_column_at((from + k) % count)->name;
        gen_model g;
        wr_buf bytes, card;
        gen_model_init(&g, name, "wallet", 1, false);
        const wr_learned_parts p = gen_parts(&g);
        wr_buf_init(&bytes, 1 << 26);
        wr_buf_init(&card, 1 << 22);
        assert_ok(wr_learned_pack(&bytes, &p, &err));
        WR_AUTO(wr_learned) l = NULL;
        assert_ok(wr_learned_unpack(&l, bytes.p, bytes.len, 1, &err));
        assert_ok(wr_learned_card(&card, l, &err));
        assert_null(strstr(card.p, "not in the table"));
        wr_buf_release(&bytes);
        wr_buf_release(&card);
        gen_model_release(&g);
    }
}

static void test_learned_card__skips_what_is_missing(void **state)
{
    (void)state;
    gen_model g;
    wr_buf bytes, card;
    gen_model_init(&g, NULL, "wallet", 3, true);
    wr_learned_parts p = gen_parts(&g);
    p.manifest = "{\"forest_columns\":[\"f07.in_24h\",\"f00.in_24h\",\"f04.in_24h\"]}";
    wr_buf_init(&bytes, 1 << 26);
    wr_buf_init(&card, 1 << 22);
    assert_ok(wr_learned_pack(&bytes, &p, &err));
    WR_AUTO(wr_learned) l = NULL;
    assert_ok(wr_learned_unpack(&l, bytes.p, bytes.len, 1, &err));
    assert_ok(wr_learned_card(&card, l, &err));
    static const char *const GONE[] = {"## Data",        "## Parameters", "## Metrics",
                                       "## By typology", "## Limits",     "as of"};
    for (size_t i = 0; i < sizeof GONE / sizeof *GONE; i++)
        assert_null(strstr(card.p, GONE[i]));
    assert_has(card.p, "## Features");
    assert_has(card.p, "## Importance");
    wr_buf_release(&bytes);
    wr_buf_release(&card);
    gen_model_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_learned_card__what_it_says),
        wr_unit_test(test_learned_card__knows_every_column),
        wr_unit_test(test_learned_card__skips_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
