#include "pipeline_test.h"

#include <math.h>
#include <omp.h>

#include "pipeline/run/report.h"
#include "scoring/typology_live.h"

/* --- the section of the policy ---------------------------------------------------------
 */

static wr_status read_policy(wr_typology_policy *p, const char *text, wr_err *err)
{
    WR_AUTO(wr_settings) cfg = test_settings();
    return wr_typology_policy_from_yaml(p, &cfg->taxonomy, "p.yaml", wr_text_of(text),
                                        err);
}

static uint32_t bit_of(const wr_settings *cfg, const char *category)
{
    return 1U << wr_taxonomy_find(&cfg->taxonomy, wr_text_of(category));
}

/* Typologies that a wallet is in, or is the root of. */
static uint32_t mask_of(const wr_assessment *a, const char *name, bool is_root)
{
    const wr_vid v = test_vertex(a, name);
    uint32_t count;
    uint32_t mask = 0;
    const uint32_t *hit = wr_assessment_hits_of(a, v, &count);
    for (uint32_t i = 0; i < count; i++) {
        const wr_typology_hit *h = &wr_assessment_typologies(a)->hit[hit[i]];
        mask |= !is_root || h->root == v ? 1U << h->typology : 0;
    }
    return mask;
}

static void test_policy__absent_means_all_with_the_kernels_defaults(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    const wr_typology_opts usual = WR_TYPOLOGY_OPTS_INIT;
    static const char *const text[] = {"levels: {}\n", "typologies: {}\n"};
    for (size_t i = 0; i < 2; i++) {
        wr_typology_policy p;
        assert_ok(read_policy(&p, text[i], &err));
        assert_int_equal(p.which, WR_TYPOLOGY_ALL);
        assert_int_equal(p.lookback_days, 90);
        assert_int_equal(p.live.which, WR_TYPOLOGY_ALL);
        assert_memory_equal(&p.opts, &usual, sizeof usual);
        assert_int_equal(p.mixers, bit_of(cfg, "mixer"));
        assert_int_equal(p.swaps, bit_of(cfg, "bridge") | bit_of(cfg, "defi"));
        assert_false(wr_typology_policy_weighs(&p));
        assert_true(p.member_weight == 0.0);
    }
    /* what is shipped is what is absent, but for the budget of cycles */
    wr_typology_opts shipped = usual;
    shipped.cycle_visits_mean = 100;
    shipped.hits_max = 10;
    assert_int_equal(cfg->typology.which, WR_TYPOLOGY_ALL);
    assert_int_equal(cfg->typology.lookback_days, 90);
    assert_memory_equal(&cfg->typology.opts, &shipped, sizeof shipped);
    assert_false(wr_typology_policy_weighs(&cfg->typology));
}

static void test_policy__every_key_is_read(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    wr_typology_policy p;
    assert_ok(read_policy(&p,
                          "typologies:\n"
                          "  enabled: [fan_in, burst]\n"
                          "  lookback_days: 7\n"
                          "  live: at_once\n"
                          "  live_mb: 500\n"
                          "  weights: {fan_in: 0.25, dusting: 1}\n"
                          "  member_weight: 0.5\n"
                          "  mixer_categories: []\n"
                          "  swap_categories: [exchange]\n"
                          "  fan_count: 3\n"
                          "  burst_share_min: 0.75\n"
                          "  structuring_threshold: [1, 2, 4]\n",
                          &err));
    wr_typology_opts want = WR_TYPOLOGY_OPTS_INIT;
    want.fan_count = 3;
    want.burst_share_min = 0.75;
    want.structuring_threshold[0] = 1;
    want.structuring_threshold[1] = 2;
    want.structuring_threshold[2] = 4;
    assert_memory_equal(&p.opts, &want, sizeof want);
    assert_int_equal(p.which, 1U << WR_TYPOLOGY_FAN_IN | 1U << WR_TYPOLOGY_BURST);
    assert_int_equal(p.lookback_days, 7);
    assert_int_equal(p.live.which, WR_TYPOLOGY_LIVE_AT_ONCE);
    assert_int_equal(p.live.bytes_max, 500000000);
    assert_true(p.weight[WR_TYPOLOGY_FAN_IN] == 0.25 &&
                p.weight[WR_TYPOLOGY_DUSTING] == 1.0 &&
                p.weight[WR_TYPOLOGY_BURST] == 0.0);
    assert_true(wr_typology_policy_weighs(&p) && p.member_weight == 0.5);
    assert_int_equal(p.mixers, 0);
    assert_int_equal(p.swaps, bit_of(cfg, "exchange"));
    assert_ok(read_policy(&p, "typologies: {enabled: []}\n", &err));
    assert_int_equal(p.which, 0);
}

static void test_policy__names_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"typologies: {}\n  x", "p.yaml:2: "},
        {"typologies: [fan_in]\n", "p.yaml:1: expected a mapping"},
        {"levels: {}\ntypologies:\n  fan_cuont: 3\n",
         "p.yaml:3: unknown key 'fan_cuont'"},
        {"typologies:\n  from_s: 3\n", "p.yaml:2: unknown key 'from_s'"},
        {"typologies:\n  enabled: fan_in\n", "p.yaml:2: 'enabled' must be a list"},
        {"typologies:\n  enabled:\n    - fan_in\n    - fan\n",
         "p.yaml:4: unknown typology 'fan'"},
        {"typologies:\n  live: some\n",
         "p.yaml:2: live: 'some' is none of none, at_once, all"},
        {"typologies:\n  weights:\n    fan: 1\n", "p.yaml:3: unknown key 'fan'"},
        {"typologies:\n  weights: {fan_in: 2}\n", "p.yaml:2: fan_in: 2 is outside 0..1"},
        {"typologies:\n  lookback_days: 0\n",
         "p.yaml:2: lookback_days: 0 is outside 1..36500"},
        {"typologies:\n  lookback_days: 1.5\n",
         "p.yaml:2: lookback_days: 1.5 is no whole number"},
        {"typologies:\n  fan_count: 1.5\n",
         "p.yaml:2: fan_count: 1.5 is no whole number"},
        {"typologies:\n  fan_count: -1\n", "p.yaml:2: fan_count: -1 is outside 0.."},
        {"typologies:\n  fan_count: 0\n",
         "p.yaml:2: typologies: fan_count 0, wanted at least 1"},
        {"typologies:\n  peel_share_min: 2\n",
         "p.yaml:2: typologies: peel_share_min 2, wanted a share in (0, 1]"},
        {"typologies:\n  structuring_threshold: [1, 2]\n",
         "p.yaml:2: structuring_threshold: wanted 3 numbers"},
        {"typologies:\n  structuring_threshold: [3, 2, 1]\n",
         "p.yaml:2: typologies: structuring_threshold 2, wanted positive and ascending"},
        {"typologies:\n  mixer_categories: [blender]\n",
         "p.yaml:2: mixer_categories: unknown category 'blender'"},
        {"typologies:\n  swap_categories: bridge\n",
         "p.yaml:2: 'swap_categories' must be a list"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_typology_policy p;
        wr_err err = {0};
        if (read_policy(&p, bad[i].text, &err) != WR_EPARSE ||
            strncmp(err.msg, bad[i].message, strlen(bad[i].message)) != 0)
            fail_msg("%s-> %s, wanted %s", bad[i].text, err.msg, bad[i].message);
    }
}

/* --- a run -----------------------------------------------------------------------------
 */

enum { DAY_S = 86400, FAN = 12 };

/* Twelve wallets pay "hub" 100 each within an hour; `late_s` after, one last payment. */
static void put_fan(wr_store *st, int late_s)
{
    test_pay pay[FAN + 1];
    static char name[FAN][NAME_BYTES];
    for (int i = 0; i < FAN; i++) {
        (void)snprintf(name[i], NAME_BYTES, "payer%d", i);
        pay[i] = (test_pay){name[i], "hub", 100, 60 * i};
    }
    pay[FAN] = (test_pay){"last", "end", 7, late_s};
    test_put(st, pay, FAN + 1, 0);
}

static wr_assessment *score(wr_store *st, wr_settings *cfg)
{
    wr_assessment *a = NULL;
    assert_ok(wr_run_score(&a, st, cfg, NULL, NULL, &err));
    return a;
}

static void test_run__fan_in_is_kept_by_wallet(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st, 2 * DAY_S);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    const wr_typology_hits *h = wr_assessment_typologies(a);
    assert_int_equal(h->count, 1);
    assert_int_equal(h->hit[0].typology, WR_TYPOLOGY_FAN_IN);
    assert_int_equal(h->hit[0].root, test_vertex(a, "hub"));
    assert_int_equal(h->hit[0].member_count, FAN + 1);
    const uint32_t fan_in = 1U << WR_TYPOLOGY_FAN_IN;
    assert_true(mask_of(a, "hub", false) == fan_in && mask_of(a, "hub", true) == fan_in);
    assert_true(mask_of(a, "payer3", false) == fan_in && mask_of(a, "payer3", true) == 0);
    uint32_t n = 9;
    assert_int_equal(wr_assessment_hits_of(a, test_vertex(a, "payer3"), &n)[0], 0);
    assert_int_equal(n, 1);
    assert_null(wr_assessment_hits_of(a, test_vertex(a, "end"), &n));
    assert_int_equal(n, 0);
    const wr_text detail = wr_assessment_run(a)->detail;
    assert_non_null(strstr(detail.p, "\"typologies\":{\"fan_in\":1,\"fan_out\":0,"));
    assert_non_null(strstr(detail.p, "\"partial\":0,\"truncated\":0,"));
    assert_non_null(strstr(detail.p, "{\"name\":\"typologies\",\"seconds\":"));
}

static void test_run__only_what_the_window_and_the_policy_want(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st, 100 * DAY_S);
    const struct {
        uint32_t days, which;
        uint64_t hits;
    } want[] = {
        {90, WR_TYPOLOGY_ALL, 0}, /* older than that */
        {100, WR_TYPOLOGY_ALL, 1},
        {36500, WR_TYPOLOGY_ALL, 1}, /* from the beginning of time */
        {100, 1U << WR_TYPOLOGY_CYCLE, 0},
        {100, 0, 0},
    };
    wr_digest_hex without = {{0}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        cfg->typology.lookback_days = want[i].days;
        cfg->typology.which = want[i].which;
        WR_AUTO(wr_assessment) a = score(st, cfg);
        assert_int_equal(wr_assessment_typologies(a)->count, want[i].hits);
        const wr_digest_hex *d = &wr_assessment_run(a)->output_digest;
        if (!without.s[0])
            without = *d;
        /* hits are part of the output, their absence is not */
        assert_int_equal(strcmp(d->s, without.s) != 0, want[i].hits > 0);
    }
}

/* The kernels asked directly with the same options; every list of every wallet by hand.
 */
static void test_run__lists_are_the_hits_turned_around(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    test_random(st, 200, 6000, 11);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    const wr_typology_hits *h = wr_assessment_typologies(a);
    const uint32_t n = wr_snapshot_n(wr_assessment_snapshot(a));
    assert_true(h->count > 20);
    uint64_t listed = 0;
    WR_AUTO_ARRAY wr_typology_wallet *summary = wr_calloc(n, sizeof *summary);
    assert_non_null(summary);
    wr_typology_summary(summary, n, h);
    for (wr_vid v = 0; v < n; v++) {
        uint32_t count;
        const uint32_t *hit = wr_assessment_hits_of(a, v, &count);
        assert_int_equal(count, summary[v].hits);
        for (uint32_t i = 0; i < count; i++) {
            const wr_typology_hit *x = &h->hit[hit[i]];
            bool is_in = false;
            for (uint32_t k = 0; k < x->member_count; k++)
                is_in |= h->member[x->member + k] == v;
            assert_true(is_in && (i == 0 || hit[i] > hit[i - 1]));
        }
        listed += count;
    }
    uint64_t members = 0;
    for (uint64_t i = 0; i < h->count; i++)
        members += h->hit[i].member_count;
    assert_int_equal(listed, members);
}

static void test_run__mixers_swaps_and_looks_reach_the_kernels(void **state)
{
    (void)state;
    static const test_pay pay[] = {
        {"user", "mixer", 500, 10},           {"source", "hopper", 900, 20},
        {"hopper", "bridge", 900, 30},        {"source", "hopper", 900, 40},
        {"hopper", "bridge", 900, 50},        {"victim", "abcd-friend-wxyz", 50, 60},
        {"abcd-other-wxyz", "victim", 0, 70}, /* looks like the friend */
    };
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    test_put(st, pay, sizeof pay / sizeof *pay, 0);
    test_label(st, "mixer", "mixer", 100);
    test_label(st, "bridge", "bridge", 100);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    assert_true(mask_of(a, "user", true) >> WR_TYPOLOGY_MIXER & 1U);
    assert_true(mask_of(a, "hopper", true) >> WR_TYPOLOGY_CHAIN_HOP & 1U);
    assert_true(mask_of(a, "abcd-other-wxyz", true) >> WR_TYPOLOGY_DUSTING & 1U);
    cfg->typology.mixers = cfg->typology.swaps = 0;
    WR_AUTO(wr_assessment) b = score(st, cfg);
    assert_false(mask_of(b, "user", true) >> WR_TYPOLOGY_MIXER & 1U);
    assert_false(mask_of(b, "hopper", true) >> WR_TYPOLOGY_CHAIN_HOP & 1U);
}

typedef struct stopper {
    atomic_bool stop;
    bool was_shown;
} stopper;

static void stop_in_cycles(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    stopper *s = ctx;
    (void)done;
    (void)total;
    if (strcmp(phase, "cycle") == 0) {
        s->was_shown = true;
        atomic_store(&s->stop, true);
    }
}

static void test_run__stops_between_typologies(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st, DAY_S);
    stopper s = {.was_shown = false};
    atomic_init(&s.stop, false);
    const wr_progress pg = {.show = stop_in_cycles, .ctx = &s, .stop = &s.stop};
    wr_assessment *a = NULL;
    assert_err(WR_ESTOPPED, wr_run_score(&a, st, cfg, NULL, &pg, &err));
    assert_null(a);
    assert_true(s.was_shown);
}

static void test_run__same_hits_for_any_thread_count(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        cfg->typology.weight[t] = 0.1;
    cfg->typology.member_weight = 0.5;
    test_random(st, 1500, 10000, 21);
    wr_digest_hex first = {{0}};
    for (int t = 1; t <= 8; t *= 2) {
        omp_set_num_threads(t);
        WR_AUTO(wr_assessment) a = score(st, cfg);
        assert_true(wr_assessment_typologies(a)->count > 100);
        if (!first.s[0])
            first = wr_assessment_run(a)->output_digest;
        assert_string_equal(wr_assessment_run(a)->output_digest.s, first.s);
    }
}

static void test_run__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st, DAY_S);
    {
        WR_AUTO(wr_assessment) a = score(st, cfg); /* there is something to find */
        assert_true(wr_assessment_typologies(a)->count > 0);
    }
    assert_oom_safe(test_assess(st, cfg, &err));
}

/* --- reasons and score -----------------------------------------------------------------
 */

static const wr_reason *reason_of(const wr_reason *r, uint32_t n, wr_typology t)
{
    for (uint32_t i = 0; i < n; i++)
        if (r[i].kind == WR_REASON_TYPOLOGY && r[i].typology.typology == t)
            return &r[i];
    return NULL;
}

static void test_reasons__say_what_the_hit_is_and_add_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st, DAY_S);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_reason r[WR_REASONS_MAX];
    const wr_vid hub = test_vertex(a, "hub");
    const uint32_t n = wr_assessment_reasons(a, hub, r);
    const wr_reason *x = reason_of(r, n, WR_TYPOLOGY_FAN_IN);
    assert_non_null(x);
    assert_true(x->part == 0.0 && wr_assessment_score(a, hub) == 0.0);
    assert_true(x->typology.is_root && !x->typology.is_partial);
    assert_int_equal(x->typology.hits, 1);
    assert_int_equal(x->typology.transfers, FAN);
    assert_true(x->typology.amount == 100.0 * FAN);
    assert_true(fabs(x->typology.strength - (1.0 - 10.0 / (2.0 * FAN))) < 1e-12);
    assert_int_equal(x->typology.first_s, 1577836800);
    assert_int_equal(x->typology.last_s, 1577836800 + 60 * (FAN - 1));
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_json_out j = wr_json_out_on(&b);
    wr_evidence e;
    wr_evidence_of_run(&e, a, hub);
    wr_report_reasons(&j, &e);
    assert_non_null(strstr(wr_buf_cstr(&b),
                           "\"typology\":{\"typology\":\"fan_in\",\"role\":\"root\","
                           "\"hits\":1,\"strength\":"));
    assert_non_null(
        strstr(wr_buf_cstr(&b),
               "\"transfers\":12,\"amount\":1200,\"first\":\"2020-01-01T00:00:00Z\","
               "\"last\":\"2020-01-01T00:11:00Z\",\"is_partial\":false}"));
    assert_non_null(strstr(wr_buf_cstr(&b),
                           "pattern fan_in, as its root: 12 transfers of "
                           "1200, 2020-01-01T00:00:00Z to "));
    wr_buf_release(&b);
}

/* base = 1 - Π(1 - part) over exposures, label and typologies, once weights are set. */
static void test_score__weights_enter_the_product(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) usual = test_settings();
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    test_random(st, 300, 6000, 13);
    WR_AUTO(wr_assessment) plain = score(st, usual);
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        cfg->typology.weight[t] = 0.02 * (t + 1);
    cfg->typology.member_weight = 0.5;
    WR_AUTO(wr_assessment) a = score(st, cfg);
    uint32_t lifted = 0;
    uint32_t members = 0;
    for (wr_vid v = 0; v < wr_snapshot_n(wr_assessment_snapshot(a)); v++) {
        wr_reason r[WR_REASONS_MAX];
        const uint32_t n = wr_assessment_reasons(a, v, r);
        double keep = 1.0;
        double without = 1.0;
        for (uint32_t i = 0; i < n; i++) {
            const bool is_typology = r[i].kind == WR_REASON_TYPOLOGY;
            if (is_typology) {
                const wr_reason_typology *t = &r[i].typology;
                const double w = 0.02 * (t->typology + 1) * (t->is_root ? 1.0 : 0.5);
                assert_true(fabs(r[i].part - w * t->strength) < 1e-15);
                members += !t->is_root;
            } else if (r[i].kind != WR_REASON_EXPOSURE &&
                       r[i].kind != WR_REASON_OWN_LABEL) {
                continue;
            }
            keep *= 1.0 - r[i].part;
            without *= is_typology ? 1.0 : 1.0 - r[i].part;
        }
        wr_wallet_view w;
        wr_wallet_view before;
        wr_assessment_wallet(a, v, &w);
        wr_assessment_wallet(plain, v, &before);
        assert_true(fabs(w.base - (1.0 - keep)) < 1e-12);
        assert_true(fabs(before.base - (1.0 - without)) < 1e-12);
        lifted += w.base > before.base;
    }
    assert_true(lifted > 50 && members > 50);
}

/* A root's own hit counts before a stronger one that it is a member of. */
static void test_score__root_before_member(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    enum { WEAK = 10, STRONG = 40, ALL = WEAK + STRONG + 1 };
    static char name[ALL][NAME_BYTES];
    test_pay pay[ALL];
    for (int i = 0; i < ALL; i++)
        (void)snprintf(name[i], NAME_BYTES, "p%d", i);
    for (int i = 0; i < ALL; i++) /* ten pay "weak", forty others and weak pay "strong" */
        pay[i] = (test_pay){i < WEAK      ? name[i]
                            : i < ALL - 1 ? name[i]
                                          : "weak",
                            i < WEAK ? "weak" : "strong", 100, 10 * i};
    test_put(st, pay, ALL, 0);
    cfg->typology.which = 1U << WR_TYPOLOGY_FAN_IN;
    cfg->typology.weight[WR_TYPOLOGY_FAN_IN] = 0.4;
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_reason r[WR_REASONS_MAX];
    const uint32_t n = wr_assessment_reasons(a, test_vertex(a, "weak"), r);
    const wr_reason *x = reason_of(r, n, WR_TYPOLOGY_FAN_IN);
    assert_non_null(x);
    assert_true(x->typology.is_root && x->typology.hits == 2);
    assert_true(x->typology.strength == 0.5);
    assert_true(wr_assessment_score(a, test_vertex(a, "weak")) ==
                1.0 - (1.0 - 0.4 * 0.5));
    assert_true(wr_assessment_score(a, test_vertex(a, "p20")) == 0.0); /* a member */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_policy__absent_means_all_with_the_kernels_defaults),
        wr_unit_test(test_policy__every_key_is_read),
        wr_unit_test(test_policy__names_line_and_reason),
        wr_unit_test(test_run__fan_in_is_kept_by_wallet),
        wr_unit_test(test_run__only_what_the_window_and_the_policy_want),
        wr_unit_test(test_run__lists_are_the_hits_turned_around),
        wr_unit_test(test_run__mixers_swaps_and_looks_reach_the_kernels),
        wr_unit_test(test_run__stops_between_typologies),
        wr_unit_test(test_run__same_hits_for_any_thread_count),
        wr_unit_test(test_run__out_of_memory),
        wr_unit_test(test_reasons__say_what_the_hit_is_and_add_nothing),
        wr_unit_test(test_score__weights_enter_the_product),
        wr_unit_test(test_score__root_before_member),
    };
    return cmocka_run_group_tests_name("pipeline/typologies", tests, NULL, NULL);
}
