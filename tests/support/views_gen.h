/*
 * views_gen.h - pair windows for kernel tests, made the slow way from a list of
 * transfers.
 *
 * views_gen_init aggregates (from, to, time, value) rows into the windows that
 * scoring/views.h describes; views_gen_random makes the rows too (power law, labels).
 * Independent of graph/: sorted by qsort, aggregated in one loop.
 */
#ifndef WR_VIEWS_GEN_H
#define WR_VIEWS_GEN_H

#include <stdlib.h>
#include <string.h>

#include "scoring/seeds.h"
#include "scoring/views.h"
#include "wr_test.h"

typedef struct views_row {
    wr_vid from, to;
    uint32_t time_s;
    double value;
} views_row;

typedef struct views_gen {
    wr_views vw;
    uint64_t *hub_bits, *repeat_bits;
    uint32_t *out_off, *in_off;
    wr_vid *out_nbr, *in_nbr;
    uint32_t *first_s, *before, *count, *last_s;
    float *value, *in_value;
} views_gen;

static inline int views_row_cmp(const void *pa, const void *pb)
{
    const views_row *a = pa, *b = pb;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return (a->time_s > b->time_s) - (a->time_s < b->time_s);
}

/* Sorts row; self pairs are left out. */
static inline void views_gen_init(views_gen *g, uint32_t n, views_row *row, uint64_t m)
{
    qsort(row, m, sizeof *row, views_row_cmp);
    *g = (views_gen){0};
    g->out_off = wr_calloc(n + 1, sizeof *g->out_off);
    g->in_off = wr_calloc(n + 2, sizeof *g->in_off);
    g->hub_bits = wr_calloc(n / 64 + 1, sizeof *g->hub_bits);
    g->out_nbr = wr_calloc(m, sizeof *g->out_nbr);
    g->in_nbr = wr_calloc(m, sizeof *g->in_nbr);
    g->in_value = wr_calloc(m, sizeof *g->in_value);
    g->repeat_bits = wr_calloc(m / 64 + 1, sizeof *g->repeat_bits);
    g->before = wr_calloc(m / 64 + 1, sizeof *g->before);
    g->count = wr_calloc(m, sizeof *g->count);
    g->first_s = wr_calloc(m, sizeof *g->first_s);
    g->last_s = wr_calloc(m, sizeof *g->last_s);
    g->value = wr_calloc(m, sizeof *g->value);
    uint64_t k = 0, repeats = 0;
    for (uint64_t i = 0; i < m; k += row[i - 1].from != row[i - 1].to) {
        uint64_t j = i;
        double sum = 0;
        for (; j < m && row[j].from == row[i].from && row[j].to == row[i].to; j++)
            sum += row[j].value;
        g->out_nbr[k] = row[i].to;
        g->value[k] = (float)sum;
        g->first_s[k] = row[i].time_s;
        if (row[i].from != row[i].to) {
            g->before[k / 64] = k % 64 ? g->before[k / 64] : (uint32_t)repeats;
            g->repeat_bits[k / 64] |= (uint64_t)(j - i > 1) << k % 64;
            g->count[repeats] = (uint32_t)(j - i);
            g->last_s[repeats] = row[j - 1].time_s;
            repeats += j - i > 1;
            g->out_off[row[i].from + 1ULL]++;
            g->in_off[row[i].to + 2ULL]++;
        }
        i = j;
    }
    for (uint32_t v = 0; v < n; v++) {
        g->out_off[v + 1ULL] += g->out_off[v];
        g->in_off[v + 2ULL] += g->in_off[v + 1ULL];
    }
    for (uint32_t u = 0; u < n; u++)
        for (uint64_t i = g->out_off[u]; i < g->out_off[u + 1ULL]; i++) {
            uint64_t at = g->in_off[g->out_nbr[i] + 1ULL]++;
            g->in_nbr[at] = u;
            g->in_value[at] = g->value[i];
        }
    wr_pairs p = {.n = n,
                  .m = k,
                  .first_s = g->first_s,
                  .repeats = {.m = repeats,
                              .bits = g->repeat_bits,
                              .before = g->before,
                              .count = g->count,
                              .last_s = g->last_s}};
    g->vw.out = g->vw.in = p;
    g->vw.out.off = g->out_off;
    g->vw.out.nbr = g->out_nbr;
    g->vw.out.value = g->value;
    g->vw.in.off = g->in_off;
    g->vw.in.nbr = g->in_nbr;
    g->vw.in.value = g->in_value;
    g->vw.in.out_off = g->out_off;
    g->vw.in.out_nbr = g->out_nbr;
}

static inline void views_gen_release(views_gen *g)
{
    wr_free(g->out_off);
    wr_free(g->in_off);
    wr_free(g->hub_bits);
    wr_free(g->out_nbr);
    wr_free(g->in_nbr);
    wr_free(g->in_value);
    wr_free(g->repeat_bits);
    wr_free(g->before);
    wr_free(g->count);
    wr_free(g->first_s);
    wr_free(g->last_s);
    wr_free(g->value);
    *g = (views_gen){0};
}

/* n all-unlabelled vertices, c categories of kind illicit, risky, service, illicit, … */
static inline void views_seeds_init(wr_seeds *s, uint32_t n, uint32_t c)
{
    *s = (wr_seeds){.n = n, .c = c};
    s->category = wr_calloc(n, sizeof *s->category);
    memset(s->category, WR_SEED_NONE, n);
    for (uint32_t k = 0; k < c; k++)
        s->kind[k] = (uint8_t)(k % 3);
}

/* Transfers of a power law: a few vertices carry most; some vertices labelled. */
static inline void views_gen_random(views_gen *g, wr_seeds *s, uint32_t n, uint64_t m,
                                    uint32_t c, uint64_t seed)
{
    wr_rng r = {.s = seed};
    views_row *row = wr_calloc(m, sizeof *row);
    for (uint64_t i = 0; i < m; i++) {
        double skew = wr_rng_unit(&r) * wr_rng_unit(&r) * wr_rng_unit(&r);
        wr_vid hot = (wr_vid)(skew * n), any = (wr_vid)wr_rng_below(&r, n);
        bool flip = wr_rng_below(&r, 2);
        row[i] = (views_row){.from = flip ? hot : any,
                             .to = flip ? any : hot,
                             .time_s = (uint32_t)i,
                             .value = 0.01 + 100 * wr_rng_unit(&r)};
    }
    views_gen_init(g, n, row, m);
    wr_free(row);
    views_seeds_init(s, n, c);
    for (uint32_t k = 0; k < n / 50 + 1; k++)
        s->category[wr_rng_below(&r, n)] = (int8_t)wr_rng_below(&r, c);
}

#endif
