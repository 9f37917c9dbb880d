#include "pipeline_test.h"

#include <jansson.h>
#include <math.h>

#include "pipeline/answers/explanation.h"

/* --- small worlds ----------------------------------------------------------------------
 */

enum { START_S = 1577836800, N = 120, M = 1500, SPAN_S = 1000000 };

/* N wallets, M payments; wallets 0, 8, 16 … are labelled, but not `without`. */
typedef struct random_world {
    char name[N][NAME_BYTES];
    test_pay pay[M];
} random_world;

static random_world *make_random(uint64_t seed)
{
    wr_rng r = {.s = seed};
    random_world *w = wr_calloc(1, sizeof *w);
    assert_non_null(w);
    for (int i = 0; i < N; i++)
        (void)snprintf(w->name[i], NAME_BYTES, "w%d", i);
    for (int i = 0; i < M; i++)
        w->pay[i] =
            (test_pay){w->name[wr_rng_below(&r, N)], w->name[wr_rng_below(&r, N)],
                       (int)wr_rng_below(&r, 1000), (int)wr_rng_below(&r, SPAN_S)};
    return w;
}

static void label_random(wr_store *st, const random_world *w, const char *without)
{
    static const char *const category[] = {"hack", "sanctions", "exchange", "mixer",
                                           "phishing"};
    for (int i = 0; i < N; i += 8)
        if (!without || strcmp(w->name[i], without) != 0)
            test_label(st, w->name[i], category[i / 8 % 5], 60 + i / 4);
}

/* Payments up to and at second `until` only. */
static wr_store *store_until(const random_world *w, int until)
{
    wr_store *st = test_store("memory:");
    WR_AUTO_ARRAY test_pay *pay = wr_calloc(M, sizeof *pay);
    size_t n = 0;
    assert_non_null(pay);
    for (int i = 0; i < M; i++)
        if (w->pay[i].at <= until)
            pay[n++] = w->pay[i];
    test_put(st, pay, n, 0);
    return st;
}

static wr_assessment *score(wr_store *st, wr_settings *cfg)
{
    wr_assessment *a = NULL;
    assert_ok(wr_run_score(&a, st, cfg, NULL, NULL, &err));
    return a;
}

/* --- counterfactuals are what a run over the other world finds -------------------------
 */

static void test_what_if__as_of_is_a_run_that_ends_there(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO_ARRAY random_world *world = make_random(3);
    WR_AUTO(wr_store) st = store_until(world, SPAN_S);
    label_random(st, world, NULL);
    WR_AUTO(wr_assessment) all = score(st, cfg);
    static const int until[] = {SPAN_S / 10, SPAN_S / 2, SPAN_S};
    uint32_t differ = 0;
    for (size_t i = 0; i < sizeof until / sizeof *until; i++) {
        WR_AUTO(wr_store) part = store_until(world, until[i]);
        label_random(part, world, NULL);
        WR_AUTO(wr_assessment) want = score(part, cfg);
        wr_what_if_opts o = WR_WHAT_IF_OPTS_INIT;
        o.as_of_s = START_S + until[i];
        WR_AUTO(wr_what_if) w = NULL;
        assert_ok(wr_what_if_new(&w, all, &o, &err));
        assert_true(wr_what_if_has_ledgers(w));
        for (int k = 0; k < N; k++) {
            const wr_vid v = test_vertex(all, world->name[k]);
            const wr_vid u = test_vertex(want, world->name[k]);
            if (u == WR_VID_NONE)
                continue;
            wr_evidence e;
            double base;
            int category;
            wr_what_if_evidence(&e, w, v);
            assert_true(wr_evidence_score(&e, &base, &category) ==
                        wr_assessment_score(want, u));
            assert_int_equal(category, wr_assessment_category(want, u));
            differ += wr_assessment_score(want, u) != wr_assessment_score(all, v);
        }
    }
    assert_true(differ > 50);
}

static void test_what_if__without_a_label_is_a_run_without_it(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO_ARRAY random_world *world = make_random(5);
    WR_AUTO(wr_store) st = store_until(world, SPAN_S);
    label_random(st, world, NULL);
    WR_AUTO(wr_assessment) all = score(st, cfg);
    static const char *const without[] = {"w0", "w8", "w16"};
    uint32_t differ = 0;
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        WR_AUTO(wr_store) other = store_until(world, SPAN_S);
        label_random(other, world, without[i]);
        WR_AUTO(wr_assessment) want = score(other, cfg);
        wr_what_if_opts o = WR_WHAT_IF_OPTS_INIT;
        o.without = test_vertex(all, without[i]);
        WR_AUTO(wr_what_if) w = NULL;
        assert_ok(wr_what_if_new(&w, all, &o, &err));
        for (int k = 0; k < N; k++) {
            const wr_vid v = test_vertex(all, world->name[k]);
            wr_evidence e;
            double base;
            int category;
            wr_what_if_evidence(&e, w, v);
            assert_true(wr_evidence_score(&e, &base, &category) ==
                        wr_assessment_score(want, v));
            differ += wr_assessment_score(want, v) != wr_assessment_score(all, v);
            wr_exposure x[WR_EXPOSURES_MAX];
            const uint32_t count = wr_assessment_exposures(want, v, x);
            for (uint32_t c = 0; c < count; c++) {
                wr_push_result r;
                assert_ok(wr_what_if_push(&r, w, v, (wr_direction)x[c].direction, &err));
                uint32_t column = 0;
                while (e.column[column] != x[c].category)
                    column++;
                assert_true(x[c].static_share >= r.low[column] - 1e-5);
                assert_true(x[c].static_share <= r.high[column] + 1e-5);
            }
        }
    }
    assert_true(differ > 20);
}

static void test_what_if__a_label_holds_or_not_as_of_then(void **state)
{
    (void)state;
    static const test_pay pay[] = {{"late", "b", 10, 100}, {"b", "c", 5, 200}};
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    test_put(st, pay, 2, 0);
    const wr_label l = {.chain = test_chain(),
                        .address = WR_TEXT_LIT("late"),
                        .category = WR_TEXT_LIT("hack"),
                        .confidence = 100,
                        .source = WR_TEXT_LIT("test"),
                        .valid_from_s = START_S + 150,
                        .valid_to_s = WR_TIME_NONE};
    wr_labels_report rep;
    assert_ok(wr_store_labels_put(st, &l, 1, &rep, &err));
    WR_AUTO(wr_assessment) a = score(st, cfg);
    for (int at = 149; at <= 150; at++) {
        wr_what_if_opts o = WR_WHAT_IF_OPTS_INIT;
        o.as_of_s = START_S + at;
        WR_AUTO(wr_what_if) w = NULL;
        assert_ok(wr_what_if_new(&w, a, &o, &err));
        wr_evidence e;
        wr_what_if_evidence(&e, w, test_vertex(a, "late"));
        assert_int_equal(e.own_category >= 0, at == 150);
    }
}

static void test_what_if__above_the_limit_only_a_push(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO_ARRAY random_world *world = make_random(7);
    WR_AUTO(wr_store) st = store_until(world, SPAN_S);
    label_random(st, world, NULL);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_what_if_opts o = WR_WHAT_IF_OPTS_INIT;
    o.without = test_vertex(a, "w0");
    WR_AUTO(wr_what_if) exact = NULL;
    WR_AUTO(wr_what_if) rough = NULL;
    assert_ok(wr_what_if_new(&exact, a, &o, &err));
    o.transfers_max = M - 1;
    assert_ok(wr_what_if_new(&rough, a, &o, &err));
    assert_false(wr_what_if_has_ledgers(rough));
    for (wr_vid v = 0; v < N; v++) {
        wr_push_result x;
        wr_push_result y;
        assert_ok(wr_what_if_push(&x, exact, v, WR_RECEIVING, &err));
        assert_ok(wr_what_if_push(&y, rough, v, WR_RECEIVING, &err));
        for (uint32_t c = 0; c < x.c; c++) /* the run's mask lets more through */
            assert_true(y.high[c] >= x.low[c] - 1e-12);
    }
    wr_what_if *none = NULL;
    o.without = N;
    assert_err(WR_EINVAL, wr_what_if_new(&none, a, &o, &err));
}

/* --- the document ----------------------------------------------------------------------
 */

static wr_status render(wr_buf *b, const wr_assessment *a, wr_vid v,
                        const wr_explanation_opts *o, wr_store *st, wr_err *err)
{
    wr_buf_init(b, 64u << 20);
    wr_json_out j = wr_json_out_on(b);
    wr_evidence e;
    wr_evidence_of_run(&e, a, v);
    WR_TRY(wr_explain_wallet(&j, &e, o, st, err));
    return wr_buf_status(b, "explanation", err);
}

static json_t *explain(const wr_assessment *a, const char *name,
                       const wr_explanation_opts *o, wr_store *st)
{
    wr_buf b;
    json_error_t at;
    assert_ok(render(&b, a, test_vertex(a, name), o, st, &err));
    json_t *doc = json_loadb(b.p, b.len, JSON_REJECT_DUPLICATES, &at);
    wr_buf_release(&b);
    assert_non_null(doc);
    return doc;
}

static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void check_parts(const json_t *p, double score)
{
    const json_t *floor = json_object_get(p, "floor");
    double keep = 1.0;
    double points = number(p, "rounding");
    size_t i;
    const json_t *x;
    json_array_foreach(json_object_get(p, "parts"), i, x)
    {
        keep *= 1.0 - number(x, "part");
        points += number(x, "points");
    }
    assert_true(fabs(number(p, "base") - (1.0 - keep)) < 1e-12);
    double unrounded = number(p, "base");
    if (json_is_object(floor)) {
        assert_true(number(floor, "floor") > unrounded);
        unrounded = number(floor, "floor");
        points += number(floor, "points");
    }
    assert_true(number(p, "score") == wr_score_publish(score));
    assert_true(unrounded == score);
    assert_true(fabs(points - number(p, "score")) < 1e-9);
}

/* Every wallet of a random graph, with typologies in the product. */
static void test_score_parts__add_up_to_every_score(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        cfg->typology.weight[t] = 0.03 * (t + 1);
    test_random(st, 300, 5000, 17);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    uint32_t floors = 0;
    uint32_t typologies = 0;
    for (wr_vid v = 0; v < wr_snapshot_n(wr_assessment_snapshot(a)); v++) {
        wr_buf b;
        wr_buf_init(&b, 1 << 20);
        wr_json_out j = wr_json_out_on(&b);
        wr_evidence e;
        wr_evidence_of_run(&e, a, v);
        wr_explain_score_parts(&j, &e);
        json_t *p = json_loadb(b.p, b.len, 0, NULL);
        wr_buf_release(&b);
        check_parts(p, wr_assessment_score(a, v));
        floors += json_is_object(json_object_get(p, "floor"));
        size_t i;
        const json_t *x;
        json_array_foreach(json_object_get(p, "parts"), i, x)
        {
            typologies += strcmp(text(x, "kind"), "typology") == 0;
        }
        json_decref(p);
    }
    assert_true(floors > 5 && typologies > 50);
}

enum { FAN = 30 };

/* Thirty wallets pay "hub"; "thief" pays payer29, which pays hub last. */
static void put_fan(wr_store *st)
{
    static char name[FAN][NAME_BYTES];
    test_pay pay[FAN + 1];
    pay[0] = (test_pay){"thief", "payer29", 100, 0};
    for (int i = 0; i < FAN; i++) {
        (void)snprintf(name[i], NAME_BYTES, "payer%d", i);
        pay[i + 1] = (test_pay){name[i], "hub", 100, 60 * (i + 1)};
    }
    test_put(st, pay, FAN + 1, 0);
    test_label(st, "thief", "hack", 100);
}

static void test_explanation__typologies_with_members_and_transfers(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st);
    cfg->typology.which = 1U << WR_TYPOLOGY_FAN_IN;
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_explanation_opts o = WR_EXPLANATION_OPTS_INIT;
    o.items_max = 4;
    json_t *doc = explain(a, "payer29", &o, st);
    const json_t *t = json_object_get(doc, "typologies");
    const json_t *hit = json_array_get(json_object_get(t, "hits"), 0);
    const json_t *step = json_object_get(hit, "transfers");
    assert_true(number(t, "hit_count") == 1.0);
    assert_string_equal(text(hit, "typology"), "fan_in");
    assert_string_equal(text(hit, "role"), "member");
    assert_true(number(hit, "amount") == 100.0 * FAN);
    assert_true(number(hit, "member_count") == FAN + 1.0);
    assert_true(number(hit, "transfer_count") == FAN);
    assert_int_equal(json_array_size(json_object_get(hit, "members")), 4);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(hit, "members"), 0)),
        "opaque:test:hub");
    assert_int_equal(json_array_size(step), 4); /* its own is the last of all */
    assert_string_equal(text(json_array_get(step, 0), "tx_hash"), "h1");
    assert_string_equal(text(json_array_get(step, 2), "tx_hash"), "h3");
    assert_string_equal(text(json_array_get(step, 3), "tx_hash"), "h30");
    assert_string_equal(text(json_array_get(step, 3), "from"), "opaque:test:payer29");
    assert_true(json_is_null(json_object_get(doc, "model")));
    json_decref(doc);
    o.hits_max = 0;
    doc = explain(a, "payer29", &o, NULL);
    t = json_object_get(doc, "typologies");
    assert_true(number(t, "hit_count") == 1.0);
    assert_int_equal(json_array_size(json_object_get(t, "hits")), 0);
    json_decref(doc);
}

static void test_explanation__counterfactuals_by_hand(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_explanation_opts o = WR_EXPLANATION_OPTS_INIT;
    o.as_of_s = START_S + 60 * FAN - 1; /* before payer29 pays hub */
    json_t *doc = explain(a, "hub", &o, st);
    const json_t *c = json_object_get(doc, "counterfactuals");
    const json_t *without = json_object_get(c, "without_label");
    const json_t *thief = json_array_get(without, 0);
    const json_t *as_of = json_object_get(c, "as_of");
    /* 1/30 of what it received, of 0.05 that count in full, times 0.9 */
    assert_true(fabs(number(c, "base") - 0.9 / 30 / 0.05) < 1e-12);
    assert_int_equal(json_array_size(without), 1);
    assert_string_equal(text(thief, "id"), "opaque:test:thief");
    assert_string_equal(text(thief, "category_id"), "hack");
    assert_true(json_is_false(json_object_get(thief, "is_own")));
    assert_true(number(thief, "value") == 100.0 && number(thief, "score") == 0.0);
    assert_true(json_is_true(json_object_get(thief, "is_certified")));
    size_t i;
    const json_t *x;
    json_array_foreach(json_object_get(thief, "static_interval"), i, x)
    {
        assert_true(number(x, "low") == 0.0 && number(x, "high") < 0.01);
    }
    assert_string_equal(text(as_of, "state"), "scored");
    assert_true(number(as_of, "score") == 0.0);
    assert_true(number(as_of, "received") == 100.0 * (FAN - 1));
    json_decref(doc);
    doc = explain(a, "thief", &o, st);
    thief = json_array_get(
        json_object_get(json_object_get(doc, "counterfactuals"), "without_label"), 0);
    assert_true(json_is_true(json_object_get(thief, "is_own")));
    assert_true(number(thief, "score") == 0.0);
    json_decref(doc);
}

static void test_explanation__too_early_and_too_large(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_explanation_opts o = WR_EXPLANATION_OPTS_INIT;
    o.transfers_max = FAN;
    static const struct {
        int64_t as_of_s;
        const char *state;
    } want[] = {{-1, "not_in_graph"},
                {START_S + 59, "not_in_graph"}, /* thief has paid, hub received nothing */
                {START_S + 60, "scored"},
                {START_S + 60 * FAN, "too_large"},
                {INT64_MAX, "too_large"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        o.as_of_s = want[i].as_of_s;
        json_t *doc = explain(a, "hub", &o, st);
        const json_t *c = json_object_get(doc, "counterfactuals");
        const json_t *as_of = json_object_get(c, "as_of");
        const json_t *thief = json_array_get(json_object_get(c, "without_label"), 0);
        assert_string_equal(text(as_of, "state"), want[i].state);
        assert_int_equal(json_is_null(json_object_get(as_of, "score")),
                         strcmp(want[i].state, "scored") != 0);
        assert_true(json_is_null(json_object_get(thief, "score")));
        assert_true(json_is_false(json_object_get(thief, "is_certified")));
        json_decref(doc);
    }
}

static void test_explanation__errors_name_the_option(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    const wr_explanation_opts usual = WR_EXPLANATION_OPTS_INIT;
    struct {
        wr_explanation_opts o;
        const char *message;
    } bad[] = {
        {usual, "hits_max 101 not in 0..100"},    {usual, "items_max 0 not in 1..1000"},
        {usual, "items_max 1001 not in 1..1000"}, {usual, "labels_max 6 not in 0..5"},
        {usual, "paths_max 0 not in 1..50"},      {usual, "hops_max 33 not in 1..32"}};
    bad[0].o.hits_max = 101;
    bad[1].o.items_max = 0;
    bad[2].o.items_max = 1001;
    bad[3].o.labels_max = 6;
    bad[4].o.paths_max = 0;
    bad[5].o.hops_max = 33;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_buf b;
        wr_err why = {0};
        assert_int_equal(render(&b, a, test_vertex(a, "hub"), &bad[i].o, st, &why),
                         WR_EINVAL);
        assert_string_equal(why.msg, bad[i].message);
        wr_buf_release(&b);
    }
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_json_out j = wr_json_out_on(&b);
    const wr_evidence newer = {.a = a, .v = WR_VID_NONE};
    assert_err(WR_EINVAL, wr_explain_wallet(&j, &newer, &usual, st, &err));
    wr_buf_release(&b);
}

static wr_status explain_only(const wr_assessment *a, wr_store *st, wr_err *err)
{
    wr_explanation_opts o = WR_EXPLANATION_OPTS_INIT;
    o.as_of_s = START_S + 60;
    wr_buf b;
    wr_status s = render(&b, a, test_vertex(a, "hub"), &o, st, err);
    wr_buf_release(&b);
    return s;
}

static void test_explanation__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    put_fan(st);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    assert_oom_safe(explain_only(a, st, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_what_if__as_of_is_a_run_that_ends_there),
        wr_unit_test(test_what_if__without_a_label_is_a_run_without_it),
        wr_unit_test(test_what_if__a_label_holds_or_not_as_of_then),
        wr_unit_test(test_what_if__above_the_limit_only_a_push),
        wr_unit_test(test_score_parts__add_up_to_every_score),
        wr_unit_test(test_explanation__typologies_with_members_and_transfers),
        wr_unit_test(test_explanation__counterfactuals_by_hand),
        wr_unit_test(test_explanation__too_early_and_too_large),
        wr_unit_test(test_explanation__errors_name_the_option),
        wr_unit_test(test_explanation__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/explanation", tests, NULL, NULL);
}
