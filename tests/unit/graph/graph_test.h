/* graph_test.h - random rows and byte comparison, shared by the tests of graph/. */
#ifndef WR_TESTS_GRAPH_TEST_H
#define WR_TESTS_GRAPH_TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "graph/snapshot_int.h"
#include "util/rng.h"
#include "wr_test.h"

__attribute__((unused)) static void push_row(wr_edges *e, wr_vid from, wr_vid to,
                                             uint32_t time_s, double value, int64_t seq)
{
    assert_ok(wr_edges_reserve(e, 1, &err));
    e->from[e->m] = from;
    e->to[e->m] = to;
    e->time_s[e->m] = time_s;
    e->value[e->m] = value;
    e->asset[e->m] = 0;
    e->seq[e->m] = seq;
    e->m++;
}

/* How the columns of a random graph look. */
typedef struct rows_shape {
    uint32_t n;
    uint64_t m;
    uint32_t times;   /* distinct times; small = many ties */
    bool is_in_order; /* rows arrive in time order */
    bool has_asset;
    int seq_kind; /* 0 ascending without gaps, 1 shuffled, 2 equal, 3 gaps, 4 negative */
    bool is_skewed; /* few vertices carry most transfers */
} rows_shape;

__attribute__((unused)) static int64_t random_seq(wr_rng *r, int kind, uint64_t i)
{
    switch (kind) {
    case 0:
        return 1000 + (int64_t)i;
    case 1:
        return (int64_t)wr_rng_below(r, 50);
    case 2:
        return 7;
    case 3:
        return (int64_t)(3 * i) + (int64_t)wr_rng_below(r, 3);
    default:
        return -(int64_t)wr_rng_below(r, 1000);
    }
}

__attribute__((unused)) static wr_vid random_vertex(wr_rng *r, const rows_shape *s)
{
    if (s->is_skewed && wr_rng_below(r, 4) > 0)
        return (wr_vid)wr_rng_below(r, s->n / 100 + 1);
    return (wr_vid)wr_rng_below(r, s->n);
}

__attribute__((unused)) static double random_value(wr_rng *r)
{
    static const double odd[] = {0.0, -0.0, 5e-324, 0.1, 1e300, 16777217.0, 1.0};
    const uint64_t k = wr_rng_below(r, 20);
    return k < sizeof odd / sizeof *odd ? odd[k] : 1000.0 * wr_rng_unit(r);
}

__attribute__((unused)) static void random_rows(wr_edges *e, wr_rng *r,
                                                const rows_shape *s)
{
    *e = (wr_edges){0};
    const uint64_t m = s->n > 0 ? s->m : 0;
    assert_ok(wr_edges_reserve(e, m, &err));
    for (uint64_t i = 0; i < m; i++) {
        e->from[i] = random_vertex(r, s);
        e->to[i] = random_vertex(r, s);
        e->time_s[i] = s->is_in_order ? (uint32_t)(i * s->times / m)
                                      : (uint32_t)wr_rng_below(r, s->times);
        e->time_s[i] += 1600000000;
        e->value[i] = random_value(r);
        e->asset[i] = s->has_asset ? (uint16_t)wr_rng_below(r, 3) : 0;
        e->seq[i] = random_seq(r, s->seq_kind, i);
    }
    e->m = m;
}

__attribute__((unused)) static void copy_rows(wr_edges *to, const wr_edges *e)
{
    *to = (wr_edges){0};
    assert_ok(wr_edges_reserve(to, e->m, &err));
    to->m = e->m;
    if (e->m == 0)
        return;
    memcpy(to->from, e->from, e->m * sizeof *e->from);
    memcpy(to->to, e->to, e->m * sizeof *e->to);
    memcpy(to->time_s, e->time_s, e->m * sizeof *e->time_s);
    memcpy(to->value, e->value, e->m * sizeof *e->value);
    memcpy(to->asset, e->asset, e->m * sizeof *e->asset);
    memcpy(to->seq, e->seq, e->m * sizeof *e->seq);
}

/* Name of the first array in which a and b differ, NULL when they are the same bytes. */
__attribute__((unused)) static const char *differing(const wr_snapshot *a,
                                                     const wr_snapshot *b)
{
    if (a->n != b->n || a->m != b->m || a->pairs != b->pairs ||
        a->repeats != b->repeats || a->seq_base != b->seq_base)
        return "sizes";
    const uint64_t m = a->m;
    const uint64_t p = a->pairs;
    const uint64_t o = (a->n + UINT64_C(1)) * 4;
    const uint64_t w = wr_bit_words(p);
    const uint64_t r = a->repeats;
    const struct {
        const char *name;
        const void *x, *y;
        uint64_t bytes;
    } array[] = {
        {"from", a->from, b->from, 4 * m},
        {"to", a->to, b->to, 4 * m},
        {"time_s", a->time_s, b->time_s, 4 * m},
        {"value", a->value, b->value, 8 * m},
        {"asset", a->asset, b->asset, 2 * m},
        {"seq_low", a->seq_low, b->seq_low, 4 * m},
        {"out_off", a->out_off, b->out_off, o},
        {"in_off", a->in_off, b->in_off, o},
        {"out_col", a->out_col, b->out_col, 4 * m},
        {"in_col", a->in_col, b->in_col, 4 * m},
        {"pout_off", a->pout_off, b->pout_off, o},
        {"pin_off", a->pin_off, b->pin_off, o},
        {"pout_nbr", a->pout_nbr, b->pout_nbr, 4 * p},
        {"pin_nbr", a->pin_nbr, b->pin_nbr, 4 * p},
        {"pin_value", a->pin_value, b->pin_value, 4 * p},
        {"pair_value", a->pair_value, b->pair_value, 4 * p},
        {"pair_first_s", a->pair_first_s, b->pair_first_s, 4 * p},
        {"repeat_bits", a->repeat_bits, b->repeat_bits, 8 * w},
        {"repeat_before", a->repeat_before, b->repeat_before, 4 * w},
        {"repeat_count", a->repeat_count, b->repeat_count, 4 * r},
        {"repeat_last_s", a->repeat_last_s, b->repeat_last_s, 4 * r},
        {"hub", a->hub, b->hub, 8 * wr_bit_words(a->n)},
    };
    for (size_t i = 0; i < sizeof array / sizeof *array; i++) {
        if (!array[i].x != !array[i].y)
            return array[i].name;
        if (array[i].x && memcmp(array[i].x, array[i].y, array[i].bytes) != 0)
            return array[i].name;
    }
    return NULL;
}

static const wr_chain test_chain = {.id = "opaque:test"};

/* n opaque wallets with ids 1..n named "w0", "w1", …; every `hub_every`-th is a hub. */
__attribute__((unused)) static wr_ids *numbered_ids(uint32_t n, uint32_t hub_every)
{
    wr_ids *ids = NULL;
    assert_ok(wr_ids_new(&ids, &err));
    for (uint32_t v = 0; v < n; v++) {
        char name[80];
        const bool is_hub = hub_every && v % hub_every == 0;
        (void)snprintf(name, sizeof name, is_hub ? "tx:%064" PRIx32 : "w%" PRIu32, v);
        assert_ok(wr_ids_add(ids, v + 1, &test_chain, wr_text_of(name), &err));
    }
    return ids;
}

#endif
