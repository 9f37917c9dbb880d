/* Elections against plain counting: every need, quota and budget, one election reused. */
#include "scoring/typology_elect_int.h"

#include "wr_test.h"

enum { VOTERS = 12, NAMES = 40, ROW = 30 };

typedef struct poll {
    uint32_t row[VOTERS][ROW], count[VOTERS];
    wr_vid whom[VOTERS * ROW]; /* by position; WR_VID_NONE: no vote */
} poll;

static wr_vid whom(const void *ctx, wr_vid v, uint32_t at)
{
    const poll *p = ctx;
    assert_int_equal(at / ROW, v);
    return p->whom[at];
}

static void draw(poll *p, wr_rng *r)
{
    const uint64_t names = 1 + wr_rng_below(r, NAMES);
    for (uint32_t v = 0; v < VOTERS; v++) {
        p->count[v] = (uint32_t)wr_rng_below(r, ROW + 1);
        for (uint32_t i = 0; i < p->count[v]; i++) {
            p->row[v][i] = v * ROW + i;
            p->whom[v * ROW + i] =
                wr_rng_below(r, 8) ? (wr_vid)wr_rng_below(r, names) : WR_VID_NONE;
        }
    }
}

static uint32_t votes_for(const poll *p, wr_vid name)
{
    uint32_t votes = 0;
    for (uint32_t v = 0; v < VOTERS; v++) {
        bool does = false;
        for (uint32_t i = 0; i < p->count[v]; i++)
            does |= p->whom[v * ROW + i] == name;
        votes += does;
    }
    return votes;
}

static void hold(wr_typology_election *e, const poll *p)
{
    wr_typology_election_reset(e);
    for (uint32_t v = 0; v < VOTERS; v++)
        assert_true(wr_typology_election_add(
            e, v, (wr_typology_row){.at = p->row[v], .count = p->count[v]}));
}

static void check(const wr_typology_election *e, const poll *p, uint32_t need,
                  uint32_t enough)
{
    uint32_t elected = 0;
    for (wr_vid name = 0; name < NAMES; name++)
        elected += votes_for(p, name) >= need;
    if (elected < enough)
        elected = 0;
    assert_int_equal(e->elected, elected);
    for (wr_vid name = 0; name < NAMES; name++)
        assert_int_equal(wr_typology_is_elected(e, name),
                         elected > 0 && votes_for(p, name) >= need);
}

static void test_typology_elect__as_plain_counting(void **state)
{
    (void)state;
    wr_rng r = {.s = 7};
    wr_typology_election e = {0};
    uint64_t all = 0, looked_at = 0;
    for (int turn = 0; turn < 3000; turn++) {
        poll p;
        draw(&p, &r);
        const uint32_t need = 1 + (uint32_t)wr_rng_below(&r, VOTERS + 2);
        const uint32_t enough = 1 + (uint32_t)wr_rng_below(&r, 5);
        uint32_t visits = 0;
        bool is_partial = false;
        hold(&e, &p);
        assert_true(wr_typology_elect(
            &e, &(wr_typology_ballot){whom, &p, &visits, VOTERS * ROW, need, enough},
            &is_partial));
        assert_false(is_partial);
        check(&e, &p, need, enough);
        looked_at += visits;
        for (uint32_t v = 0; v < VOTERS; v++)
            all += p.count[v];
    }
    assert_true(looked_at < all); /* rows were left out */
    wr_typology_election_release(&e);
}

/* What the shortest rows show ends it: the long ones are not looked at. */
static void test_typology_elect__leaves_long_rows_out(void **state)
{
    (void)state;
    poll p;
    wr_rng r = {.s = 9};
    wr_typology_election e = {0};
    draw(&p, &r);
    for (uint32_t v = 0; v < VOTERS; v++) {
        p.count[v] = v < 2 ? 1 : ROW;
        for (uint32_t i = 0; i < p.count[v]; i++) {
            p.row[v][i] = v * ROW + i;
            p.whom[v * ROW + i] = 10 * v + i % 10;
        }
    }
    uint32_t visits = 0;
    bool is_partial = false;
    hold(&e, &p);
    assert_true(wr_typology_elect(
        &e, &(wr_typology_ballot){whom, &p, &visits, 1000, VOTERS, 1}, &is_partial));
    assert_true(e.elected == 0 && !is_partial);
    assert_int_equal(visits, 2);
    wr_typology_election_release(&e);
}

static void test_typology_elect__budget(void **state)
{
    (void)state;
    poll p;
    wr_rng r = {.s = 11};
    wr_typology_election e = {0};
    for (uint32_t budget = 0; budget < 40; budget++) {
        uint32_t visits = 0;
        bool is_partial = false;
        draw(&p, &r);
        for (uint32_t v = 0; v < VOTERS; v++) {
            p.count[v] = 3;
            for (uint32_t i = 0; i < 3; i++) {
                p.row[v][i] = v * ROW + i;
                p.whom[v * ROW + i] = i;
            }
        }
        hold(&e, &p);
        assert_true(wr_typology_elect(
            &e, &(wr_typology_ballot){whom, &p, &visits, budget, 2, 1}, &is_partial));
        assert_int_equal(is_partial, budget < 3 * VOTERS);
        assert_int_equal(e.elected, is_partial ? 0 : 3);
        assert_int_equal(visits, is_partial ? budget + 1 : 3 * VOTERS);
    }
    wr_typology_election_release(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_elect__as_plain_counting),
        wr_unit_test(test_typology_elect__leaves_long_rows_out),
        wr_unit_test(test_typology_elect__budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
