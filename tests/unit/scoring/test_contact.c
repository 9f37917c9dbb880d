#include "scoring/contact.h"

#include <math.h>
#include <string.h>

#include "flow_gen.h"

enum { GRAPHS = 20000, BIG_GRAPHS = 300, STEPS = 36 };

/* --- the reference: every walk there is, one by one ------------------------------------
 */

typedef struct walk {
    uint32_t count, hops;
    wr_vid source;
    uint32_t key[STEPS]; /* places in the order of the money */
    double least[STEPS]; /* smallest transfer up to and with this one */
} walk;

typedef struct world {
    const wr_flow *fl;
    wr_direction d;
    uint32_t max_hops;
    walk now;
    walk *best; /* [n*C]; count 0 = none */
} world;

static uint32_t position(const world *w, uint32_t key)
{
    return w->d == WR_SENDING ? (uint32_t)w->fl->col.m - 1 - key : key;
}

static wr_vid payer(const world *w, uint32_t key)
{
    uint32_t at = position(w, key);
    return w->d == WR_SENDING ? w->fl->col.to[at] : w->fl->col.from[at];
}

static wr_vid payee(const world *w, uint32_t key)
{
    uint32_t at = position(w, key);
    return w->d == WR_SENDING ? w->fl->col.from[at] : w->fl->col.to[at];
}

static int label_at(const world *w, wr_vid v, uint32_t key)
{
    return wr_seeds_at(w->fl->seeds, v, w->fl->col.time_s[position(w, key)]);
}

static double value_of(const world *w, uint32_t key)
{
    return w->fl->col.value[position(w, key)];
}

/* The order of contact.h, rules 1 to 4. */
static bool is_better(const walk *a, const walk *b)
{
    if (!b->count || a->hops != b->hops)
        return !b->count || a->hops < b->hops;
    uint32_t i = a->count, k = b->count;
    for (; i && k; i--, k--) {
        if (a->least[i - 1] != b->least[k - 1])
            return a->least[i - 1] > b->least[k - 1];
        if (a->key[i - 1] != b->key[k - 1])
            return a->key[i - 1] < b->key[k - 1];
    }
    return false;
}

static void go_on(world *w, wr_vid u, uint32_t after, int category)
{
    const wr_flow *fl = w->fl;
    for (uint32_t key = after; key < fl->col.m; key++) {
        wr_vid v = payee(w, key);
        double a = value_of(w, key);
        uint32_t cost = wr_flow_is_hub(fl, v) ? 0 : 1, count = w->now.count;
        if (payer(w, key) != u || u == v || a == 0 || w->now.hops + cost > w->max_hops)
            continue;
        if (label_at(w, u, key) != (count ? WR_SEED_NONE : category))
            continue;
        assert_true(count < STEPS);
        w->now.key[count] = key;
        w->now.least[count] = count ? fmin(a, w->now.least[count - 1]) : a;
        w->now.count++;
        w->now.hops += cost;
        walk *best = &w->best[(uint64_t)v * fl->seeds->c + (uint32_t)category];
        if (is_better(&w->now, best))
            *best = w->now;
        if (label_at(w, v, key) < 0)
            go_on(w, v, key + 1, category);
        w->now.count--;
        w->now.hops -= cost;
    }
}

static void every_walk(world *w)
{
    for (wr_vid u = 0; u < w->fl->n; u++) {
        int c = w->fl->seeds->category[u];
        if (c < 0 || w->fl->seeds->kind[c] == WR_CATEGORY_SERVICE)
            continue;
        w->now = (walk){.source = u};
        go_on(w, u, 0, c);
    }
}

static void check_one(const world *w, const wr_poison *p, wr_vid v, int category)
{
    const walk *want = &w->best[(uint64_t)v * p->c + (uint32_t)category];
    wr_contact_opts o = WR_CONTACT_OPTS_INIT;
    o.poison = p;
    o.category = category;
    WR_CONTACT_AUTO wr_contact got = {0};
    assert_ok(wr_contact_find(&got, w->fl, v, &o, &err));
    assert_false(got.is_truncated);
    assert_int_equal(got.step_count, want->count);
    if (!want->count)
        return;
    assert_int_equal(got.hops, want->hops);
    assert_int_equal(got.source, want->source);
    assert_true(got.bottleneck == want->least[want->count - 1]);
    for (uint32_t i = 0; i < want->count; i++) {
        uint32_t k = w->d == WR_SENDING ? want->count - 1 - i : i;
        assert_int_equal(got.step[i], position(w, want->key[k]));
    }
}

static void test_contact_find__is_the_best_of_all_walks(void **state)
{
    (void)state;
    const uint32_t limits[] = {1, 2, 4, 254, 254};
    uint64_t found = 0, longer = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.n = 3 + shape.n % 5;
        shape.m = 1 + shape.m % 30;
        shape.label_prob = 0.1 + shape.label_prob / 3;
        shape.hubs = shape.hubs ? 1 : 0;
        shape.c = 1 + shape.c % 3;
        if (seed % 4 == 2) /* many equal amounts: ties */
            shape.is_whole = true;
        flow_gen g;
        flow_gen_init(&g, seed, &shape);
        for (uint64_t i = 0; seed % 4 == 2 && i < g.m; i++)
            g.value[i] = g.value[i] > 0 ? 1 + fmod(g.value[i], 3) : 0;
        world w = {
            .fl = &g.fl, .d = (wr_direction)(seed & 1), .max_hops = limits[seed % 5]};
        w.best = wr_calloc((size_t)g.fl.n * g.seeds.c, sizeof *w.best);
        every_walk(&w);
        wr_poison p = {0};
        assert_ok(wr_poison_run(&p, &g.fl, w.d, w.max_hops, NULL, &err));
        for (uint64_t i = 0; i < (uint64_t)g.fl.n * p.c; i++) {
            check_one(&w, &p, (wr_vid)(i / p.c), (int)(i % p.c));
            found += w.best[i].count > 0;
            longer += w.best[i].count > 2;
        }
        wr_poison_release(&p);
        wr_free(w.best);
        flow_gen_release(&g);
    }
    assert_true(found > GRAPHS);
    assert_true(longer > GRAPHS / 20);
}

/* --- larger: poison itself says that nothing better is there ---------------------------
 */

static void check_valid(const wr_flow *fl, const wr_poison *p, const wr_contact *x,
                        wr_vid v, int category)
{
    const bool is_sending = p->direction == WR_SENDING;
    const wr_vid *from = fl->col.from, *to = fl->col.to;
    uint32_t hops = 0, last = x->step_count - 1;
    double least = (double)INFINITY;
    assert_int_equal(is_sending ? from[x->step[0]] : to[x->step[last]], v);
    assert_int_equal(is_sending ? to[x->step[last]] : from[x->step[0]], x->source);
    assert_int_equal(
        wr_seeds_at(fl->seeds, x->source, fl->col.time_s[x->step[is_sending ? last : 0]]),
        category);
    for (uint32_t i = 0; i < x->step_count; i++) {
        uint32_t at = x->step[i];
        least = fmin(least, fl->col.value[at]);
        hops += !wr_flow_is_hub(fl, is_sending ? from[at] : to[at]);
        if (i == last)
            break;
        uint32_t next = x->step[i + 1];
        assert_true(at < next);
        assert_int_equal(to[at], from[next]);
        assert_int_equal(wr_seeds_at(fl->seeds, to[at], fl->col.time_s[at]), -1);
        assert_int_equal(wr_seeds_at(fl->seeds, to[at], fl->col.time_s[next]), -1);
    }
    assert_true(least > 0 && least == x->bottleneck);
    assert_int_equal(hops, x->hops);
    assert_int_equal(hops, p->hops[(uint64_t)v * p->c + (uint32_t)category]);
}

/* With the smaller transfers gone, poison needs more hops to v, or has none. */
static void check_widest(flow_gen *g, const wr_poison *p, const wr_contact *x, wr_vid v,
                         int category)
{
    double *kept = g->value;
    g->value = wr_calloc(g->m, sizeof *g->value);
    for (uint64_t i = 0; i < g->m; i++)
        g->value[i] = kept[i] > x->bottleneck ? kept[i] : 0;
    g->fl.col.value = g->value;
    wr_poison thinned = {0};
    assert_ok(wr_poison_run(&thinned, &g->fl, p->direction, 254, NULL, &err));
    assert_true(thinned.hops[(uint64_t)v * p->c + (uint32_t)category] > x->hops);
    wr_poison_release(&thinned);
    wr_free(g->value);
    g->fl.col.value = g->value = kept;
}

static void test_contact_find__nothing_shorter_or_wider(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < BIG_GRAPHS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.n = 60;
        shape.m = 500;
        shape.label_prob = 0.05;
        shape.hubs = seed % 2 ? 40 : 0;
        flow_gen g;
        flow_gen_init(&g, seed, &shape);
        wr_poison p = {0};
        assert_ok(wr_poison_run(&p, &g.fl, seed % 4 < 2, 254, NULL, &err));
        wr_contact_opts o = WR_CONTACT_OPTS_INIT;
        o.poison = &p;
        for (wr_vid v = 0; v < g.fl.n; v += 7) {
            o.category = (int)(v % p.c);
            WR_CONTACT_AUTO wr_contact x = {0};
            assert_ok(wr_contact_find(&x, &g.fl, v, &o, &err));
            uint8_t hops = p.hops[(uint64_t)v * p.c + (uint32_t)o.category];
            assert_int_equal(x.step_count > 0, hops != WR_POISON_NONE);
            if (!x.step_count)
                continue;
            check_valid(&g.fl, &p, &x, v, o.category);
            check_widest(&g, &p, &x, v, o.category);
        }
        wr_poison_release(&p);
        flow_gen_release(&g);
    }
}

/* --- limits and errors -----------------------------------------------------------------
 */

static void test_contact_find__budget(void **state)
{
    (void)state;
    uint64_t found = 0, missed = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        flow_gen g;
        flow_gen_init(&g, seed, &shape);
        wr_poison p = {0};
        assert_ok(wr_poison_run(&p, &g.fl, WR_RECEIVING, 254, NULL, &err));
        wr_contact_opts o = WR_CONTACT_OPTS_INIT;
        o.poison = &p;
        for (wr_vid v = 0; v < g.fl.n; v++) {
            o.scan_max = 1 + seed % 9;
            WR_CONTACT_AUTO wr_contact x = {0};
            assert_ok(wr_contact_find(&x, &g.fl, v, &o, &err));
            assert_true(x.scanned <= o.scan_max);
            if (x.step_count)
                check_valid(&g.fl, &p, &x, v, 0);
            else
                assert_true(x.is_truncated ||
                            p.hops[(uint64_t)v * p.c] == WR_POISON_NONE);
            found += x.is_truncated && x.step_count;
            missed += x.is_truncated && !x.step_count;
        }
        wr_poison_release(&p);
        flow_gen_release(&g);
    }
    assert_true(found && missed);
}

typedef struct pays {
    wr_vid from, to;
    double value;
} pays;

/* These payments, one a second; 0 is labelled, and `hub` (or NONE) is a hub. */
static void by_hand(flow_gen *g, const pays *pay, uint32_t count, uint32_t n, wr_vid hub)
{
    flow_gen_opts o = {.n = n, .m = count, .c = 3, .assets = 1};
    flow_gen_init(g, 1, &o);
    wr_free(g->in_off);
    wr_free(g->in_col);
    wr_free(g->out_off);
    wr_free(g->out_col);
    g->m = 0;
    for (uint32_t i = 0; i < count; i++)
        flow_gen_add(g, pay[i].from, pay[i].to, 10 + i, pay[i].value, 0);
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    flow_gen_rows(&g->fl.out, &g->out_off, &g->out_col, g->from, g);
    g->seeds.category[0] = 0;
    if (hub == WR_VID_NONE)
        return;
    g->hub_bits[hub / 64] |= 1ULL << (hub % 64);
    g->fl.hub_bits = g->hub_bits;
}

static void stop_init(flow_gen *g, wr_poison *p)
{
    const pays pay[] = {{0, 1, 5}, {1, 2, 4}, {2, 3, 3}};
    by_hand(g, pay, 3, 4, WR_VID_NONE);
    g->seeds.category[2] = 2; /* kind 2: a service */
    assert_ok(wr_poison_run(p, &g->fl, WR_RECEIVING, 6, NULL, &err));
}

/* 0 1 2 (hub 3) 5 and 0 2 4 5 are both three hops; seen from 5, wallet 2 is met first on
 * the narrow one, a hop too far for what it received on the wide one. */
static void test_contact_find__a_wallet_at_two_levels(void **state)
{
    (void)state;
    const pays pay[] = {{0, 1, 9}, {1, 2, 9}, {2, 3, 9}, {3, 5, 9},
                        {0, 2, 1}, {2, 4, 1}, {4, 5, 1}};
    flow_gen g;
    by_hand(&g, pay, 7, 6, 3);
    wr_poison p = {0};
    assert_ok(wr_poison_run(&p, &g.fl, WR_RECEIVING, 6, NULL, &err));
    wr_contact_opts o = WR_CONTACT_OPTS_INIT;
    o.poison = &p;
    WR_CONTACT_AUTO wr_contact x = {0};
    assert_ok(wr_contact_find(&x, &g.fl, 5, &o, &err));
    assert_int_equal(x.hops, 3);
    assert_true(x.bottleneck == 9);
    assert_int_equal(x.step_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(x.step[i], i);
    wr_poison_release(&p);
    flow_gen_release(&g);
}

static void test_contact_find__ends_at_a_service(void **state)
{
    (void)state;
    flow_gen g;
    wr_poison p = {0};
    stop_init(&g, &p);
    wr_contact_opts o = WR_CONTACT_OPTS_INIT;
    o.poison = &p;
    WR_CONTACT_AUTO wr_contact x = {0};
    assert_ok(wr_contact_find(&x, &g.fl, 2, &o, &err));
    assert_int_equal(x.step_count, 2);
    assert_int_equal(x.source, 0);
    assert_int_equal(x.hops, 2);
    assert_true(x.bottleneck == 4);
    wr_contact_release(&x);
    assert_ok(wr_contact_find(&x, &g.fl, 3, &o, &err)); /* behind the service */
    assert_int_equal(x.step_count, 0);
    assert_ok(wr_contact_find(&x, &g.fl, 0, &o, &err)); /* nobody paid it */
    assert_int_equal(x.step_count, 0);
    o.category = 2; /* a service taints nobody */
    assert_ok(wr_contact_find(&x, &g.fl, 3, &o, &err));
    assert_int_equal(x.step_count, 0);
    wr_poison_release(&p);
    flow_gen_release(&g);
}

static wr_status find_and_release(const wr_flow *fl, wr_vid v, const wr_contact_opts *o,
                                  wr_err *err)
{
    WR_CONTACT_AUTO wr_contact x = {0};
    return wr_contact_find(&x, fl, v, o, err);
}

static void assert_refused(const wr_flow *fl, wr_vid v, const wr_contact_opts *o,
                           const char *msg)
{
    wr_err e = {0};
    assert_int_equal(find_and_release(fl, v, o, &e), WR_EINVAL);
    assert_string_equal(e.msg, msg);
}

static void test_contact_find__bad_input(void **state)
{
    (void)state;
    flow_gen g;
    wr_poison p = {0};
    stop_init(&g, &p);
    wr_contact_opts o = WR_CONTACT_OPTS_INIT;
    o.poison = &p;
    assert_refused(&g.fl, 4, &o, "vertex 4 of 4");
    for (o.category = -1; o.category <= 3; o.category += 4)
        assert_refused(&g.fl, 1, &o,
                       o.category < 0 ? "category -1 of 3" : "category 3 of 3");
    o.category = 0;
    o.scan_max = 0;
    assert_refused(&g.fl, 1, &o, "budget of 0 transfers");
    o.scan_max = 1;
    p.n = 3;
    assert_refused(&g.fl, 1, &o, "poison of 3 wallets for a graph of 4");
    p.n = 4;
    g.seeds.n = 3;
    assert_refused(&g.fl, 1, &o, "labels of 3 wallets for a graph of 4");
    g.seeds.n = 4;
    g.fl.in.off = NULL;
    assert_refused(&g.fl, 1, &o, "rows by wallet are missing");
    wr_poison_release(&p);
    flow_gen_release(&g);
}

static void test_contact_find__out_of_memory(void **state)
{
    (void)state;
    flow_gen g;
    wr_poison p = {0};
    stop_init(&g, &p);
    wr_contact_opts o = WR_CONTACT_OPTS_INIT;
    o.poison = &p;
    assert_oom_safe(find_and_release(&g.fl, 2, &o, &err));
    wr_poison_release(&p);
    flow_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_contact_find__is_the_best_of_all_walks),
        wr_unit_test(test_contact_find__nothing_shorter_or_wider),
        wr_unit_test(test_contact_find__budget),
        wr_unit_test(test_contact_find__a_wallet_at_two_levels),
        wr_unit_test(test_contact_find__ends_at_a_service),
        wr_unit_test(test_contact_find__bad_input),
        wr_unit_test(test_contact_find__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
