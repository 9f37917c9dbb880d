/*
 * Grouping by `from`: rows out, and the pairs that fall out of them.
 *
 * A transfer travels whole (24 bytes), because the two gathers that a pair needs, time
 * and value, cost more from memory than carrying them through one partition; inside a
 * bucket they come from cache.  Per bucket:
 *
 *   rows    positions grouped by vertex in column order: the out-row
 *   order   the same elements by (vertex, neighbour, position): radix sort by neighbour,
 *           low digits first, then by vertex; equal neighbours of a row are one pair
 *   folded  the pairs, as arrays, written over the bucket's legs, which nobody needs any
 *           more
 *
 * Pairs get their final place only when every bucket has counted its own and those that
 * repeat, hence two passes; the second one only copies.
 */
#include <inttypes.h>
#include <string.h>

#include "graph/buckets_int.h"

typedef struct leg { /* a transfer on its way to its out-row */
    wr_vid v, nbr;
    uint32_t pos, time_s;
    double value;
} leg;

typedef struct repeat { /* a pair of more than one transfer */
    uint32_t at;        /* its number among the bucket's pairs */
    uint32_t count, last_s;
} repeat;

/* Pairs of a bucket before they have a place: arrays one behind the other. */
typedef struct folded {
    wr_vid *nbr;
    float *value;
    uint32_t *first_s;
    repeat *repeat;
} folded;

enum { PAIR_BYTES = sizeof(wr_vid) + sizeof(float) + sizeof(uint32_t) };

_Static_assert(PAIR_BYTES + sizeof(repeat) <= sizeof(leg),
               "pairs fit where their legs were");
/* Of an element: key, spare, row; a repeat has two elements or more. */
_Static_assert(PAIR_BYTES + sizeof(repeat) / 2 <= 2 * sizeof(uint64_t) + sizeof(uint32_t),
               "and in a thread's scratch where keys and rows were");

static folded folded_at(void *block, uint64_t pairs)
{
    folded f = {.nbr = block};
    f.value = (float *)(void *)(f.nbr + pairs);
    f.first_s = (uint32_t *)(void *)(f.value + pairs);
    f.repeat = (repeat *)(void *)(f.first_s + pairs);
    return f;
}

typedef struct tally {
    uint64_t pairs, repeats;
} tally;

typedef struct out_stage {
    wr_snapshot *g;
    wr_buckets b;
    leg *leg;      /* [m] partitioned; folded pairs from each bucket's start later */
    tally *tally;  /* [buckets+1] counted, then what comes before each */
    unsigned bits; /* of a neighbour */
} out_stage;

/* One bucket in the hands of one thread. */
typedef struct bucket {
    const out_stage *x;
    wr_scratch *s;
    const leg *leg; /* [m] */
    uint64_t lo, m; /* its first element, and how many */
    wr_vid first;
    uint32_t vertices;
} bucket;

static void partition(const out_stage *x)
{
    const wr_parts *p = &x->b.parts;
    const unsigned shift = x->b.shift;
    const wr_snapshot *g = x->g;
    leg *to = x->leg;
#pragma omp parallel for default(none) shared(p, g, shift, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *at = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++) {
            leg *place = &to[at[g->from[i] >> shift]++];
            wr_parts_ask(place);
            *place = (leg){.v = g->from[i],
                           .nbr = g->to[i],
                           .pos = (uint32_t)i,
                           .time_s = g->time_s[i],
                           .value = g->value[i]};
        }
    }
}

/* --- first pass: rows, order, pairs of each bucket ------------------------------------
 */

/*
 * One pass over legs that come from memory, then from cache: row[i] = leg i's vertex in
 * the bucket, key[i] = its neighbour << 32 | i, at[v] = length of row v.
 */
static void read_legs(const bucket *k)
{
    wr_scratch *s = k->s;
    memset(s->at, 0, k->vertices * sizeof *s->at);
    for (uint64_t i = 0; i < k->m; i++) {
        s->row[i] = k->leg[i].v - k->first;
        s->at[s->row[i]]++;
        s->key[i] = (uint64_t)k->leg[i].nbr << 32 | i;
    }
}

/* Lengths become starts; fills the row from them, which moves at to the rows' ends. */
static void fill_rows(const bucket *k)
{
    wr_snapshot *g = k->x->g;
    uint32_t *at = k->s->at;
    uint32_t *col = g->out_col + k->lo;
    uint32_t sum = 0;
    wr_parts_ask_all(col, k->m * sizeof *col);
    for (uint32_t v = 0; v < k->vertices; v++) {
        const uint32_t count = at[v];
        at[v] = sum;
        g->out_off[k->first + v] = (uint32_t)k->lo + sum;
        sum += count;
    }
    for (uint64_t i = 0; i < k->m; i++)
        col[at[k->s->row[i]]++] = k->leg[i].pos;
}

/* By vertex on top, which leaves rows in (neighbour, position) order.  Expects the ends
 * of rows in at, from the last element backward, and leaves their starts. */
static void fill_order(const bucket *k)
{
    const wr_scratch *s = k->s;
    for (uint64_t i = k->m; i-- > 0;) {
        const uint32_t number = (uint32_t)s->key[i];
        s->order[--s->at[s->row[number]]] = number;
    }
}

/* The run of equal neighbours at order[i] becomes the next pair; returns its end. */
static uint32_t fold_pair(const folded *to, tally *t, const bucket *k, uint32_t i,
                          uint32_t hi)
{
    const uint32_t *order = k->s->order;
    const leg *first = &k->leg[order[i]];
    const leg *last = first;
    const uint32_t lo = i;
    double sum = 0.0;
    for (; i < hi && k->leg[order[i]].nbr == first->nbr; i++) {
        last = &k->leg[order[i]];
        sum += last->value;
    }
    const uint64_t at = t->pairs++;
    to->nbr[at] = first->nbr;
    to->value[at] = (float)sum;
    to->first_s[at] = first->time_s;
    if (i - lo > 1)
        to->repeat[t->repeats++] =
            (repeat){.at = (uint32_t)at, .count = i - lo, .last_s = last->time_s};
    return i;
}

/* Pairs of the bucket; pout_off counts them from 0. */
static tally fold(const folded *to, const bucket *k)
{
    const wr_scratch *s = k->s;
    tally t = {0};
    for (uint32_t v = 0; v < k->vertices; v++) {
        const uint32_t hi = v + 1 < k->vertices ? s->at[v + 1] : (uint32_t)k->m;
        k->x->g->pout_off[k->first + v] = (uint32_t)t.pairs;
        for (uint32_t i = s->at[v]; i < hi;) {
            if (k->leg[s->order[i]].nbr == k->first + v)
                i++; /* a self-transfer is no pair */
            else
                i = fold_pair(to, &t, k, i, hi);
        }
    }
    return t;
}

static void keep(leg *over, const folded *f, tally t)
{
    const folded to = folded_at(over, t.pairs);
    memcpy(to.nbr, f->nbr, t.pairs * sizeof *to.nbr);
    memcpy(to.value, f->value, t.pairs * sizeof *to.value);
    memcpy(to.first_s, f->first_s, t.pairs * sizeof *to.first_s);
    memcpy(to.repeat, f->repeat, t.repeats * sizeof *to.repeat);
}

static void work_on(const void *ctx, uint32_t number, wr_scratch *s)
{
    const out_stage *x = ctx;
    const uint64_t lo = x->b.parts.start[number];
    const wr_vid first = wr_bucket_first(&x->b, number);
    const bucket k = {.x = x,
                      .s = s,
                      .leg = x->leg + lo,
                      .lo = lo,
                      .m = x->b.parts.start[number + 1] - lo,
                      .first = first,
                      .vertices = (uint32_t)(wr_bucket_end(&x->b, number) - first)};
    read_legs(&k);
    fill_rows(&k);
    wr_scratch_sort(s, k.m, x->bits);
    fill_order(&k);
    const folded f = folded_at(s->block, s->key_cap); /* keys and rows have served */
    x->tally[number] = fold(&f, &k);
    keep(x->leg + lo, &f, x->tally[number]);
}

/* --- second pass: pairs to their places ------------------------------------------------
 */

/* Pairs [id, id + count.pairs); the first that repeats has number k.  A word of bits on a
 * bucket's edge belongs to two threads. */
static void place_repeats(wr_snapshot *g, const repeat *p, uint64_t id, uint64_t k,
                          tally count)
{
    uint64_t i = 0;
    for (uint64_t w = id / 64; w * 64 < id + count.pairs; w++) {
        uint64_t word = 0;
        if (w * 64 >= id)
            g->repeat_before[w] = (uint32_t)(k + i);
        for (; i < count.repeats && (id + p[i].at) / 64 == w; i++) {
            word |= UINT64_C(1) << (id + p[i].at) % 64;
            g->repeat_count[k + i] = p[i].count;
            g->repeat_last_s[k + i] = p[i].last_s;
        }
        if (word) {
#pragma omp atomic
            g->repeat_bits[w] |= word;
        }
    }
}

static void second_pass(const out_stage *x)
{
    const uint32_t count = x->b.parts.buckets;
    wr_snapshot *g = x->g;
#pragma omp parallel for default(none) shared(x, g, count) \
    schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        const tally before = x->tally[k];
        const tally mine = {x->tally[k + 1].pairs - before.pairs,
                            x->tally[k + 1].repeats - before.repeats};
        const uint64_t id = before.pairs;
        const folded f = folded_at(x->leg + x->b.parts.start[k], mine.pairs);
        for (uint64_t v = wr_bucket_first(&x->b, k); v < wr_bucket_end(&x->b, k); v++)
            g->pout_off[v] += (uint32_t)id;
        memcpy(g->pout_nbr + id, f.nbr, mine.pairs * sizeof *f.nbr);
        memcpy(g->pair_value + id, f.value, mine.pairs * sizeof *f.value);
        memcpy(g->pair_first_s + id, f.first_s, mine.pairs * sizeof *f.first_s);
        place_repeats(g, f.repeat, id, before.repeats, mine);
    }
    g->pout_off[g->n] = (uint32_t)g->pairs;
}

/* --- the stage ------------------------------------------------------------------------
 */

/* Counts of buckets become what comes before each. */
static void add_up(const out_stage *x)
{
    wr_snapshot *g = x->g;
    for (uint32_t k = 0; k <= x->b.parts.buckets; k++) {
        const tally mine = x->tally[k]; /* of the one behind the last: 0 */
        x->tally[k] = (tally){g->pairs, g->repeats};
        g->pairs += mine.pairs;
        g->repeats += mine.repeats;
    }
}

static wr_status run(out_stage *x, wr_err *err)
{
    wr_snapshot *g = x->g;
    WR_TRY(wr_rows_alloc(&g->out_off, &g->out_col, g->n, g->m, err));
    g->pout_off = wr_alloc_big(g->n + (size_t)1, sizeof *g->pout_off);
    WR_TRY(wr_buckets_plan(&x->b, g->from, g->m, g->n, err));
    x->tally = wr_calloc(x->b.parts.buckets + (size_t)1, sizeof *x->tally);
    if (!g->pout_off || !x->tally)
        return wr_fail(err, WR_ENOMEM, "pairs of %" PRIu64 " transfers", g->m);
    partition(x);
    WR_TRY(wr_buckets_each(&x->b, WR_SCRATCH_ROWS | WR_SCRATCH_KEYS, work_on, x, err));
    g->out_off[g->n] = (uint32_t)g->m;
    add_up(x);
    WR_TRY(wr_snapshot_alloc_pairs(g, err));
    second_pass(x);
    return WR_OK;
}

uint64_t wr_build_work_bytes(uint64_t m)
{
    return m * sizeof(leg);
}

wr_status wr_build_out(wr_snapshot *g, void *work, wr_err *err)
{
    out_stage x = {.g = g, .leg = work, .bits = wr_bits_of(g->n > 0 ? g->n - 1 : 0)};
    const wr_status s = run(&x, err);
    wr_buckets_release(&x.b);
    wr_free(x.tally);
    return s;
}
