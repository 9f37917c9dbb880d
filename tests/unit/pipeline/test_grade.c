#include "wr_test.h"

#include <math.h>
#include <string.h>

#include "pipeline/learning/grade.h"
#include "util/buf.h"

enum { N = 200, BAD = 8 };

/* Rows 0..7 are bad, of incidents 0 0 1 1 5 5 7 7; scores fall from row 0 downwards. */
typedef struct rows {
    double score[N];
    bool is_bad[N], is_known[N];
    uint32_t incident[N];
    uint8_t typology[N];
} rows;

static wr_grade_rows make(rows *r)
{
    static const uint32_t incident[BAD] = {0, 0, 1, 1, 5, 5, 7, 7};
    for (uint32_t i = 0; i < N; i++) {
        r->score[i] = 1.0 - (double)i / N;
        r->is_bad[i] = i < BAD;
        r->incident[i] = i < BAD ? incident[i] : WR_INCIDENT_NONE;
        r->is_known[i] = i < BAD && incident[i] <= 1;
        r->typology[i] = i < BAD ? (uint8_t)(incident[i] > 1) : WR_TRUTH_TYPOLOGY_NONE;
    }
    return (wr_grade_rows){.n = N,
                           .score = r->score,
                           .is_bad = r->is_bad,
                           .incident = r->incident,
                           .typology = r->typology,
                           .is_known = r->is_known,
                           .threshold = 1.0 - 3.0 / N};
}

static void assert_found(const wr_grade_typology *t, double wallets, double incidents)
{
    assert_true(fabs(t->wallets_found - wallets) < 1e-12);
    assert_true(fabs(t->incidents_found - incidents) < 1e-12);
}

static void test_grade__parts(void **state)
{
    (void)state;
    rows r;
    const wr_grade_rows in = make(&r);
    wr_grades g;
    assert_ok(wr_grade_of(&g, &in, &err));
    assert_int_equal(g.all.m.bad, BAD);
    assert_true(g.all.m.pr_auc == 1.0);
    assert_int_equal(g.known.m.rows, N - 4);
    assert_int_equal(g.known.m.bad, 4);
    assert_true(g.known.m.pr_auc == 1.0); /* the hidden ones above good rows are gone */
    assert_int_equal(g.hidden.m.bad, 4);
    assert_true(g.hidden.is_there && g.known.is_there);
    assert_int_equal(g.all.at.alerts, 4); /* rows 0..3 */
    assert_true(fabs(g.all.at.recall - 0.5) < 1e-12);
    /* the first 1 % are two rows: both of incident 0 */
    assert_int_equal(g.typology[0].wallets, 4);
    assert_int_equal(g.typology[0].incidents, 2);
    assert_found(&g.typology[0], 2, 1);
    assert_int_equal(g.typology[1].wallets, 4);
    assert_found(&g.typology[1], 0, 0);
}

/* Two places; ties draw lots for them. */
static void test_grade__ties_at_the_edge(void **state)
{
    (void)state;
    rows r;
    const wr_grade_rows in = make(&r);
    wr_grades g;
    r.score[0] = r.score[1] = 2.0;
    assert_ok(wr_grade_of(&g, &in, &err));
    assert_found(&g.typology[0], 2, 1);
    r.score[2] = 2.0; /* three for two places: 01, 02, 12 of incidents 0 0 1 */
    assert_ok(wr_grade_of(&g, &in, &err));
    assert_found(&g.typology[0], 2, 1 + 2.0 / 3);
    r.score[0] = 3.0; /* two for one */
    assert_ok(wr_grade_of(&g, &in, &err));
    assert_found(&g.typology[0], 2, 1.5);
    for (int i = 0; i < N; i++)
        r.score[i] = 1.0;
    assert_ok(wr_grade_of(&g, &in, &err));
    const double neither = 198.0 * 197 / (200.0 * 199);
    assert_found(&g.typology[0], 4 * 0.01, 2 * (1 - neither));
    assert_found(&g.typology[1], 4 * 0.01, 2 * (1 - neither));
}

static void test_grade__nobody_known(void **state)
{
    (void)state;
    rows r;
    wr_grade_rows in = make(&r);
    memset(r.is_known, 0, sizeof r.is_known);
    in.threshold = (double)NAN;
    wr_grades g;
    assert_ok(wr_grade_of(&g, &in, &err));
    assert_false(g.known.is_there);
    assert_true(g.hidden.m.pr_auc == g.all.m.pr_auc);
    wr_truth_set t = {.typologies = 2, .name = {"theft", "cycle"}};
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_grade_json(&j, &g, &t);
    wr_json_close(&j, '}');
    assert_non_null(strstr(wr_buf_cstr(&b), "\"known\":null"));
    assert_non_null(strstr(wr_buf_cstr(&b), "{\"name\":\"theft\",\"incidents\":2,"));
    assert_null(strstr(wr_buf_cstr(&b), "f1")); /* no threshold, no F1 */
    assert_null(strstr(wr_buf_cstr(&b), "ece"));
    wr_buf_clear(&b);
    wr_grade_text(&b, &g, &t);
    assert_non_null(strstr(wr_buf_cstr(&b), "known    no bad wallet"));
    wr_buf_release(&b);
}

static void test_grade__errors(void **state)
{
    (void)state;
    rows r;
    const wr_grade_rows in = make(&r);
    memset(r.is_bad, 0, sizeof r.is_bad);
    wr_grades g;
    wr_err e = {0};
    assert_int_equal(wr_grade_of(&g, &in, &e), WR_EINVAL);
    assert_non_null(strstr(e.msg, "bad"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_grade__parts),
        wr_unit_test(test_grade__ties_at_the_edge),
        wr_unit_test(test_grade__nobody_known),
        wr_unit_test(test_grade__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
