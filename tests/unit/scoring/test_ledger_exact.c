/* The ledger against exact rationals: flows and results go to ledger_exact.py. */
#include <stdio.h>

#include "flow_gen.h"
#include "scoring/ledger.h"

enum { FLOWS = 1000, LONG_FLOWS = 6 };

static void print_flow(FILE *f, const flow_gen *g, uint64_t seed, wr_direction d)
{
    const wr_seeds *s = &g->seeds;
    fprintf(f, "G %lu %d %u %u", (unsigned long)seed, (int)d, g->fl.n, s->c);
    for (uint32_t c = 0; c < s->c; c++)
        fprintf(f, " %d", s->kind[c]);
    fputc('\n', f);
    for (wr_vid v = 0; v < g->fl.n; v++) {
        if (wr_flow_is_hub(&g->fl, v))
            fprintf(f, "H %u\n", v);
        if (s->category[v] >= 0)
            fprintf(f, "L %u %d %a %u %u\n", v, s->category[v], (double)s->confidence[v],
                    s->from_s[v], s->to_s[v]);
    }
    for (uint64_t i = 0; i < g->m; i++)
        fprintf(f, "T %u %u %u %a %u\n", g->from[i], g->to[i], g->time_s[i], g->value[i],
                g->asset[i]);
}

static void print_wallet(FILE *f, const wr_ledger *l, wr_vid v, bool is_whole)
{
    wr_ledger_view w = wr_ledger_at(l, v);
    fprintf(f, "W %u %a %a %a %a %a %a %d", v, w.total, w.balance, w.overdraft,
            w.received_unknown, w.held_unknown, (double)w.max_share, is_whole);
    for (uint32_t c = 0; c < l->c; c++)
        fprintf(f, " %a %a %a %a %a %a", w.received[c], w.direct[c], w.taint[c],
                (double)w.mean_hops[c], (double)w.held_hops[c], (double)w.min_hops[c]);
    fputc('\n', f);
}

static void print_transfer(FILE *f, const wr_ledger_opts *o, uint64_t i, uint32_t c)
{
    uint8_t level = o->mark[i].level;
    double low = level > 1 ? wr_ledger_level_share((uint8_t)(level - 1)) : 0;
    fprintf(f, "P %lu %a %a", (unsigned long)i, low, wr_ledger_level_share(level));
    for (uint32_t k = 0; k < c; k++)
        fprintf(f, " %a", o->phi[i * c + k]);
    fputc('\n', f);
}

static void run_flow(FILE *f, uint64_t seed, const flow_gen_opts *shape, bool is_plain)
{
    flow_gen g;
    flow_gen_init(&g, seed, shape);
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = seed % 4 < 2 ? WR_RECEIVING : WR_SENDING;
    o.is_plain = is_plain;
    o.mark = wr_calloc(g.m, sizeof *o.mark);
    o.phi = wr_calloc(g.m * shape->c, sizeof *o.phi);
    wr_ledger l = {0};
    assert_ok(wr_ledger_run(&l, &g.fl, &o, &err));

    print_flow(f, &g, seed, o.direction);
    for (uint32_t c = 0; c < shape->c; c++)
        fprintf(f, "I %u %a %a\n", c, l.injected[c], l.absorbed[c]);
    fprintf(f, "I ? %a %a\n", l.injected_unknown, l.absorbed_unknown);
    for (wr_vid v = 0; v < g.fl.n; v++)
        print_wallet(f, &l, v, shape->is_whole);
    for (uint64_t i = 0; i < g.m; i++)
        print_transfer(f, &o, i, shape->c);
    fprintf(f, "END\n");
    wr_ledger_release(&l);
    wr_free(o.mark);
    wr_free(o.phi);
    flow_gen_release(&g);
}

static FILE *reference(void)
{
    FILE *f = popen("python3 " WR_SOURCE_DIR "/tests/support/ledger_exact.py", "w");
    assert_non_null(f);
    return f;
}

static void test_ledger_run__equals_exact_rationals(void **state)
{
    (void)state;
    FILE *f = reference();
    for (uint64_t seed = 0; seed < FLOWS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        run_flow(f, seed, &shape, false);
    }
    assert_int_equal(pclose(f), 0);
}

static void test_ledger_run__plain_equals_exact_rationals(void **state)
{
    (void)state;
    FILE *f = reference();
    for (uint64_t seed = FLOWS; seed < FLOWS + FLOWS / 8; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        run_flow(f, seed, &shape, true);
    }
    assert_int_equal(pclose(f), 0);
}

static void test_ledger_run__long_flows_equal_exact_rationals(void **state)
{
    (void)state;
    FILE *f = reference();
    for (uint64_t seed = 0; seed < LONG_FLOWS; seed++) {
        flow_gen_opts shape = {.n = 60,
                               .m = 700,
                               .c = 3,
                               .assets = 1 + (uint32_t)seed % 2,
                               .hubs = 20 * ((uint32_t)seed % 3),
                               .label_prob = 0.15,
                               .is_whole = true};
        run_flow(f, seed, &shape, false);
    }
    assert_int_equal(pclose(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_ledger_run__equals_exact_rationals),
        wr_unit_test(test_ledger_run__plain_equals_exact_rationals),
        wr_unit_test(test_ledger_run__long_flows_equal_exact_rationals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
