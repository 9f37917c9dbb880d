/* The table: unique names, the order of columns, signs that constraints may use. */
#include "scoring/feature.h"

#include <stdbool.h>
#include <string.h>

#include "wr_test.h"

static bool is_name(const char *s)
{
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void test_feature_at__every_row_is_complete(void **state)
{
    (void)state;
    for (int kind = 0; kind < WR_FEATURE_KIND_COUNT; kind++)
        for (uint32_t i = 0; i < wr_feature_count((wr_feature_kind)kind); i++) {
            const wr_feature *f = wr_feature_at((wr_feature_kind)kind, i);
            assert_true(is_name(f->name));
            assert_true(strlen(f->meaning) > 5 && !strchr(f->meaning, '\n'));
            assert_true(*f->unit);
            assert_in_range(f->group, 0, WR_FEATURE_GROUP_COUNT - 1);
            assert_true(f->sign >= -1 && f->sign <= 1);
            /* only exposures and counts of hits say which way is worse */
            assert_true(f->sign == 0 || f->group == WR_FEATURE_EXPOSURE ||
                        f->group == WR_FEATURE_MOTIF);
            assert_true((f->group == WR_FEATURE_MOTIF) ==
                        (f->window_s == WR_WINDOW_OF_POLICY));
            assert_int_equal(wr_feature_find((wr_feature_kind)kind, f->name), i);
        }
}

static void expect(wr_feature_kind kind, int at, const char *name, wr_feature_group group,
                   uint32_t window_s, int sign)
{
    const wr_feature *f = wr_feature_at(kind, (uint32_t)at);
    assert_string_equal(f->name, name);
    assert_int_equal(f->group, group);
    assert_int_equal(f->window_s, window_s);
    assert_int_equal(f->sign, sign);
}

static void test_feature_at__columns_by_number(void **state)
{
    (void)state;
    const wr_feature_kind t = WR_FEATURE_TRANSFER, w = WR_FEATURE_WALLET;
    expect(t, WR_TF_PAIR_IS_NEW, "pair_is_new", WR_FEATURE_CONTACT, 0, 0);
    expect(t, WR_TF_FROM_OUT_COUNT_1H, "from_out_count_1h", WR_FEATURE_VELOCITY, 3600, 0);
    expect(t, WR_TF_TO_IN_VALUE_7D, "to_in_value_7d", WR_FEATURE_AMOUNT, 604800, 0);
    expect(t, WR_TF_TO_OUT_FAN, "to_out_fan", WR_FEATURE_STRUCTURE, 2592000, 0);
    expect(t, WR_TF_FROM_IN_DAYS_30D, "from_in_days_30d", WR_FEATURE_VELOCITY, 2592000,
           0);
    expect(t, WR_TF_TO_IN_NEW_PER_DAY, "to_in_new_per_day", WR_FEATURE_CONTACT, 0, 0);
    expect(t, WR_TF_NEW_IN_7D_RATIO, "value_to_new_in_7d", WR_FEATURE_FLOW, 604800, 0);
    expect(t, WR_TF_TO_NEW_PAYEE_IN_PARTIES, "to_new_payee_in_parties",
           WR_FEATURE_STRUCTURE, 0, 0);
    expect(w, WR_WF_RECEIVED_ILLICIT_DIRECT, "received_illicit_direct",
           WR_FEATURE_EXPOSURE, 0, 1);
    expect(w, WR_WF_SENT_MIN_HOPS, "sent_min_hops", WR_FEATURE_EXPOSURE, 0, -1);
    expect(w, WR_WF_IN_PARTIES_24H, "in_parties_24h", WR_FEATURE_VELOCITY, 86400, 0);
    expect(w, WR_WF_CORE, "core", WR_FEATURE_STRUCTURE, 0, 0);
    expect(w, WR_WF_MOTIF_PEEL_CHAIN_MEMBER, "peel_chain_member", WR_FEATURE_MOTIF,
           UINT32_MAX, 1);
    expect(w, WR_WF_MOTIF_BURST_STRENGTH, "burst_strength", WR_FEATURE_MOTIF, UINT32_MAX,
           0);
    assert_int_equal(wr_feature_count(t), WR_TF_COUNT);
    assert_int_equal(wr_feature_count(w), WR_WF_COUNT);
}

static void test_feature_find__absent(void **state)
{
    (void)state;
    assert_int_equal(wr_feature_find(WR_FEATURE_TRANSFER, "no_such"), -1);
    assert_int_equal(wr_feature_find(WR_FEATURE_WALLET, "pair_is_new"), -1);
}

static void test_feature_base_row__behaviour_on_one_scale(void **state)
{
    (void)state;
    float row[WR_WF_COUNT], base[WR_FEATURE_BASE];
    for (uint32_t c = 0; c < WR_WF_COUNT; c++)
        row[c] = 0.25f;
    row[WR_WF_IN_VALUE] = 999999;
    row[WR_WF_RETAINED] = WR_FEATURE_NONE;
    row[WR_WF_HOLD] = WR_FEATURE_NONE;
    wr_feature_base_row(base, row);
    for (int k = 0; k < WR_FEATURE_BASE; k++) {
        const uint32_t c = wr_feature_base()[k];
        assert_true(wr_feature_at(WR_FEATURE_WALLET, c)->group != WR_FEATURE_EXPOSURE);
        assert_true(wr_feature_at(WR_FEATURE_WALLET, c)->group != WR_FEATURE_MOTIF);
        for (int j = 0; j < k; j++)
            assert_true(wr_feature_base()[j] != c);
    }
    assert_true(wr_feature_base()[3] == WR_WF_OUT_VALUE);
    assert_float_equal(base[2], 13.8155106, 1e-5); /* ln 1e6 */
    assert_float_equal(base[3], 0.2231436, 1e-5);  /* ln 1.25 */
    assert_true(base[4] == 0.25f);                 /* a share stays */
    assert_true(base[7] == 0 && base[8] == 0);     /* nothing to measure */
}

static void test_feature_scaled__by_unit(void **state)
{
    (void)state;
    const wr_feature_kind t = WR_FEATURE_TRANSFER;
    assert_true(wr_feature_scaled(wr_feature_at(t, WR_TF_FROM_Z), -1) == -1);
    assert_true(wr_feature_scaled(wr_feature_at(t, WR_TF_FROM_PASS_24H), -1) == 0);
    assert_true(wr_feature_scaled(wr_feature_at(t, WR_TF_PAIR_IS_NEW), 1) == 1);
    assert_true(wr_feature_scaled(wr_feature_at(t, WR_TF_PAIR_GAP), -1) == 0);
    assert_float_equal(wr_feature_scaled(wr_feature_at(t, WR_TF_PAIR_COUNT), 1),
                       0.6931472, 1e-6);
}

static void test_feature_names__of_kinds_and_groups(void **state)
{
    (void)state;
    static const char *const group[] = {"exposure", "contact",   "velocity", "amount",
                                        "flow",     "structure", "motif"};
    for (int g = 0; g < WR_FEATURE_GROUP_COUNT; g++)
        assert_string_equal(wr_feature_group_name((wr_feature_group)g), group[g]);
    assert_string_equal(wr_feature_kind_name(WR_FEATURE_TRANSFER), "transfer");
    assert_string_equal(wr_feature_kind_name(WR_FEATURE_WALLET), "wallet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_feature_at__every_row_is_complete),
        wr_unit_test(test_feature_at__columns_by_number),
        wr_unit_test(test_feature_find__absent),
        wr_unit_test(test_feature_base_row__behaviour_on_one_scale),
        wr_unit_test(test_feature_scaled__by_unit),
        wr_unit_test(test_feature_names__of_kinds_and_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
