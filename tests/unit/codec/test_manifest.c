/*
 * The manifest of a model: every key, what may be missing, and what is refused by name.
 */
#include "codec/manifest.h"

#include <math.h>
#include <string.h>

#include "util/buf.h"
#include "wr_test.h"

static const char ALL[] =
    "{\"kind\":\"wallet\",\"as_of\":1746057600,\"seed\":7,\"threshold\":0.1,"
    "\"data\":{\"graph_digest\":\"aa\",\"transfers\":12,\"none\":null},"
    "\"groups\":[\"behaviour\",\"structure\"],\"parameters\":{\"eta\":0.05,\"on\":true},"
    "\"forest_columns\":[\"age_s\"],\"fit\":{\"ap_valid\":0.25},\"later\":[{}],"
    "\"blocks\":[{\"name\":\"train\",\"from\":\"2024-01-01T00:00:00Z\",\"to\":0,"
    "\"rows\":10,\"bad\":1}],\"metrics\":{\"test\":{\"pr_auc\":{\"value\":0.5,\"low\":"
    "0.25,\"high\":0.75},\"recall\":[{\"budget\":0.001,\"value\":0.125},{\"budget\":0.01,"
    "\"value\":1}],\"ece\":null,\"f1\":0.5},\"known\":{\"f1\":0.75},\"note\":3,"
    "\"by_typology\":[{\"name\":\"fan_in\",\"incidents\":2,\"wallets\":5,\"recall\":0.5},"
    "{\"name\":\"cycle\"}]},\"limits\":[\"a\",\"b\"]}";

static void assert_text(wr_text t, const char *want)
{
    assert_non_null(t.p);
    assert_string_equal(t.p, want);
    assert_int_equal(t.len, strlen(want));
}

static void test_manifest_read__every_key(void **state)
{
    (void)state;
    wr_manifest m;
    wr_arena a;
    wr_arena_init(&a, 0);
    assert_ok(wr_manifest_read(&m, ALL, strlen(ALL), &a, &err));
    assert_text(m.kind, "wallet");
    assert_text(m.as_of, "2025-05-01T00:00:00Z");
    assert_text(m.seed, "7");
    assert_text(m.threshold, "0.1");
    assert_int_equal(m.data.count, 2);
    assert_text(wr_manifest_value(&m.data, "graph_digest"), "aa");
    assert_text(wr_manifest_value(&m.data, "transfers"), "12");
    assert_null(wr_manifest_value(&m.data, "none").p);
    assert_text(m.parameters.at[0].name, "eta");
    assert_text(m.parameters.at[0].value, "0.05");
    assert_text(wr_manifest_value(&m.parameters, "on"), "true");
    assert_int_equal(m.groups.count, 2);
    assert_text(m.groups.at[1], "structure");
    assert_text(m.forest_columns.at[0], "age_s");
    assert_text(m.limits.at[1], "b");
    assert_int_equal(m.blocks, 1);
    const wr_manifest_block *b = wr_manifest_block_of(&m, "train");
    assert_ptr_equal(b, m.block);
    assert_text(b->from, "2024-01-01T00:00:00Z");
    assert_text(b->to, "1970-01-01T00:00:00Z");
    assert_text(b->bad, "1");
    assert_null(b->incidents.p);
    assert_null(wr_manifest_block_of(&m, "test"));
    wr_arena_release(&a);
}

static void test_manifest_read__figures(void **state)
{
    (void)state;
    wr_manifest m;
    wr_arena a;
    wr_arena_init(&a, 0);
    assert_ok(wr_manifest_read(&m, ALL, strlen(ALL), &a, &err));
    assert_int_equal(m.figures, 5);
    const wr_manifest_figure *f = wr_manifest_figure_of(&m, "test", "pr_auc");
    assert_true(f && f->value == 0.5 && f->low == 0.25 && f->high == 0.75);
    assert_null(wr_manifest_figure_of(&m, "test", "ece"));    /* null */
    assert_null(wr_manifest_figure_of(&m, "test", "recall")); /* by budget only */
    assert_text(m.figure[1].name, "recall");
    assert_true(m.figure[1].budget == 0.001 && m.figure[1].value == 0.125);
    assert_true(m.figure[2].budget == 0.01 && m.figure[2].value == 1);
    assert_true(isnan(m.figure[2].low));
    f = wr_manifest_figure_of(&m, "known", "f1");
    assert_true(f && f->value == 0.75 && isnan(f->budget));
    assert_int_equal(m.typologies, 2);
    assert_text(m.typology[0].wallets, "5");
    assert_true(m.typology[0].recall == 0.5 && isnan(m.typology[1].recall));
    wr_arena_release(&a);
}

static void test_manifest_read__nothing_is_required(void **state)
{
    (void)state;
    static const char *const LITTLE[] = {
        "{}", " { } ", "{\"kind\":null,\"data\":null,\"blocks\":null,\"metrics\":null}",
        "{\"blocks\":[],\"metrics\":{},\"data\":{},\"limits\":[]}"};
    for (size_t i = 0; i < sizeof LITTLE / sizeof *LITTLE; i++) {
        wr_manifest m;
        wr_arena a;
        wr_arena_init(&a, 0);
        assert_ok(wr_manifest_read(&m, LITTLE[i], strlen(LITTLE[i]), &a, &err));
        assert_null(m.kind.p);
        assert_int_equal(m.data.count + m.blocks + m.figures + m.typologies, 0);
        wr_arena_release(&a);
    }
}

static void test_manifest_read__refused_by_name(void **state)
{
    (void)state;
    static const char *const CASE[][2] = {
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"7", "no JSON object"},
        {"{\"kind\":\"a\"", "no JSON object"},
        {"{\"kind\":\"a\",\"kind\":\"b\"}", "duplicate"},
        {"{} x", "no JSON object"},
        {"{\"kind\":[]}", "'kind' is no text or number"},
        {"{\"as_of\":{}}", "'as_of' is no text or number"},
        {"{\"data\":[]}", "'data' is no object"},
        {"{\"parameters\":{\"eta\":[]}}", "'parameters.eta' is no text or number"},
        {"{\"groups\":{}}", "'groups' is no list"},
        {"{\"forest_columns\":[1]}", "'forest_columns' is no list of texts"},
        {"{\"blocks\":[1]}", "'blocks' is no list of objects"},
        {"{\"blocks\":[{\"rows\":[]}]}", "'blocks.rows' is no text or number"},
        {"{\"metrics\":[]}", "'metrics' is no object"},
        {"{\"metrics\":{\"test\":{\"f1\":\"x\"}}}", "'test.f1' is no number"},
        {"{\"metrics\":{\"test\":{\"f1\":{\"low\":[]}}}}", "'test.f1' is no number"},
        {"{\"metrics\":{\"test\":{\"f1\":[{\"value\":\"\"}]}}}",
         "'test.f1' is no number"},
        {"{\"metrics\":{\"by_typology\":{}}}", "'by_typology' is no list"},
        {"{\"metrics\":{\"by_typology\":[{\"recall\":\"x\"}]}}",
         "'by_typology.recall' is no number"},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
        wr_manifest m;
        wr_arena a;
        wr_err err = {0};
        wr_arena_init(&a, 0);
        assert_int_equal(wr_manifest_read(&m, CASE[i][0], strlen(CASE[i][0]), &a, &err),
                         WR_EPARSE);
        if (!strstr(err.msg, CASE[i][1]))
            fail_msg("%s: '%s' is not in '%s'", CASE[i][0], CASE[i][1], err.msg);
        wr_arena_release(&a);
    }
}

static void test_manifest_read__limits(void **state)
{
    (void)state;
    wr_manifest m;
    wr_arena a;
    wr_buf b;
    wr_arena_init(&a, 0);
    char *much = wr_calloc(WR_MANIFEST_MAX_BYTES + 1, 1);
    assert_err(WR_ELIMIT,
               wr_manifest_read(&m, much, WR_MANIFEST_MAX_BYTES + 1, &a, &err));
    wr_free(much);
    wr_buf_init(&b, 1 << 20);
    for (int over = 0; over < 2; over++) {
        wr_buf_clear(&b);
        wr_buf_adds(&b, "{\"metrics\":{\"test\":{");
        for (int i = 0; i < WR_MANIFEST_FIGURES_MAX + over; i++)
            wr_buf_addf(&b, "%s\"f%d\":1", i ? "," : "", i);
        wr_buf_adds(&b, "}}}");
        if (over)
            assert_err(WR_ELIMIT, wr_manifest_read(&m, b.p, b.len, &a, &err));
        else
            assert_ok(wr_manifest_read(&m, b.p, b.len, &a, &err));
    }
    /* points of a curve are no figures, however many */
    wr_buf_clear(&b);
    wr_buf_adds(&b, "{\"metrics\":{\"test\":{\"curve\":[[0,1]");
    for (int i = 0; i < WR_MANIFEST_FIGURES_MAX; i++)
        wr_buf_addf(&b, ",[%d,1]", i);
    wr_buf_adds(&b, "],\"f1\":0.5}}}");
    assert_ok(wr_manifest_read(&m, b.p, b.len, &a, &err));
    assert_int_equal(m.figures, 1);
    assert_true(m.figure[0].value == 0.5);
    wr_buf_release(&b);
    wr_arena_release(&a);
}

static wr_status read_once(wr_err *err)
{
    wr_manifest m;
    wr_arena a;
    wr_arena_init(&a, 0);
    const wr_status s = wr_manifest_read(&m, ALL, strlen(ALL), &a, err);
    wr_arena_release(&a);
    return s;
}

static void test_manifest_read__oom(void **state)
{
    (void)state;
    assert_oom_safe(read_once(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_manifest_read__every_key),
        wr_unit_test(test_manifest_read__figures),
        wr_unit_test(test_manifest_read__nothing_is_required),
        wr_unit_test(test_manifest_read__refused_by_name),
        wr_unit_test(test_manifest_read__limits),
        wr_unit_test(test_manifest_read__oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
