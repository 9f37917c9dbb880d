#include "graph/snapshot.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "graph/snapshot_int.h"

/* --- rows on their way in ------------------------------------------------------- */

/* Move one column into a bigger block. */
static void *moved(const void *old, uint64_t m, uint64_t cap, size_t size)
{
    void *p = wr_alloc_big(cap, size);
    if (p && old && m)
        memcpy(p, old, m * size);
    return p;
}

static void take(wr_edges *e, const wr_edges *bigger)
{
    const uint64_t m = e->m;
    wr_edges_release(e);
    *e = *bigger;
    e->m = m;
}

wr_status wr_edges_reserve(wr_edges *e, uint64_t more, wr_err *err)
{
    assert(e && e->m <= e->cap);
    if (more >= UINT32_MAX || e->m + more >= UINT32_MAX)
        return wr_fail(err, WR_ELIMIT,
                       "%" PRIu64 " + %" PRIu64 " transfers (limit %" PRIu32 ")", e->m,
                       more, UINT32_MAX - 1);
    if (e->from && e->m + more <= e->cap)
        return WR_OK;
    const uint64_t grown = e->cap + e->cap / 2;
    wr_edges b = {.cap = e->m + more > grown ? e->m + more : grown};
    b.from = moved(e->from, e->m, b.cap, sizeof *b.from);
    b.to = moved(e->to, e->m, b.cap, sizeof *b.to);
    b.time_s = moved(e->time_s, e->m, b.cap, sizeof *b.time_s);
    b.value = moved(e->value, e->m, b.cap, sizeof *b.value);
    b.asset = moved(e->asset, e->m, b.cap, sizeof *b.asset);
    b.seq = moved(e->seq, e->m, b.cap, sizeof *b.seq);
    if (!b.from || !b.to || !b.time_s || !b.value || !b.asset || !b.seq) {
        wr_edges_release(&b);
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " transfers", e->m + more);
    }
    take(e, &b);
    return WR_OK;
}

void wr_edges_release(wr_edges *e)
{
    wr_free(e->from);
    wr_free(e->to);
    wr_free(e->time_s);
    wr_free(e->value);
    wr_free(e->asset);
    wr_free(e->seq);
    *e = (wr_edges){0};
}

/* --- life of a snapshot --------------------------------------------------------- */

wr_snapshot *wr_snapshot_acquire(wr_snapshot *g)
{
    assert(g);
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

enum { ARRAYS = 22 };

/* Those that an unmapped snapshot has allocated. */
static void own_arrays(void *array[ARRAYS], const wr_snapshot *g)
{
    void *const own[ARRAYS] = {
        g->from,          g->to,          g->time_s,        g->value,
        g->asset,         g->seq_low,     g->out_off,       g->in_off,
        g->out_col,       g->in_col,      g->pout_off,      g->pin_off,
        g->pout_nbr,      g->pin_nbr,     g->pin_value,     g->pair_value,
        g->pair_first_s,  g->repeat_bits, g->repeat_before, g->repeat_count,
        g->repeat_last_s, g->hub,
    };
    memcpy(array, own, sizeof own);
}

static void free_arrays(wr_snapshot *g)
{
    void *array[ARRAYS];
    own_arrays(array, g);
    for (size_t i = 0; i < ARRAYS; i++)
        wr_free(array[i]);
}

void wr_snapshot_unref(wr_snapshot *g)
{
    /* acq_rel: whoever frees has seen everything that the other owners did before */
    if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
        return;
    wr_ids_free(g->ids);
    if (g->map)
        (void)munmap(g->map, g->map_bytes);
    else
        free_arrays(g);
    wr_free(g);
}

wr_status wr_snapshot_mark_hub(wr_snapshot *g, wr_vid v, wr_err *err)
{
    assert(g);
    if (v >= g->n || g->map)
        return wr_fail(err, WR_EINVAL, "hub %" PRIu32 " with n=%" PRIu32 "%s", v, g->n,
                       g->map ? " in a mapped snapshot" : "");
    if (!g->hub) {
        g->hub = wr_calloc(wr_bit_words(g->n), sizeof *g->hub);
        if (!g->hub)
            return wr_fail(err, WR_ENOMEM, "hub bits of %" PRIu32 " vertices", g->n);
    }
    g->hub[v / 64] |= UINT64_C(1) << (v % 64);
    return WR_OK;
}

wr_status wr_snapshot_alloc_pairs(wr_snapshot *g, wr_err *err)
{
    const uint64_t words = wr_bit_words(g->pairs);
    g->pout_nbr = wr_alloc_big(g->pairs, sizeof *g->pout_nbr);
    g->pair_value = wr_alloc_big(g->pairs, sizeof *g->pair_value);
    g->pair_first_s = wr_alloc_big(g->pairs, sizeof *g->pair_first_s);
    g->repeat_bits = wr_calloc(words, sizeof *g->repeat_bits);
    g->repeat_before = wr_alloc_big(words, sizeof *g->repeat_before);
    g->repeat_count = wr_alloc_big(g->repeats, sizeof *g->repeat_count);
    g->repeat_last_s = wr_alloc_big(g->repeats, sizeof *g->repeat_last_s);
    if (!g->pout_nbr || !g->pair_value || !g->pair_first_s || !g->repeat_bits ||
        !g->repeat_before || !g->repeat_count || !g->repeat_last_s)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " pairs", g->pairs);
    return WR_OK;
}

wr_status wr_snapshot_find_hubs(wr_snapshot *g, wr_err *err)
{
    for (wr_vid v = 0; g->ids && v < g->n; v++)
        if (wr_address_is_hub(wr_ids_address(g->ids, v)))
            WR_TRY(wr_snapshot_mark_hub(g, v, err));
    return WR_OK;
}

/* --- windows -------------------------------------------------------------------- */

uint32_t wr_snapshot_n(const wr_snapshot *g)
{
    assert(g);
    return g->n;
}

wr_columns wr_snapshot_columns(const wr_snapshot *g)
{
    assert(g);
    return (wr_columns){.m = g->m,
                        .from = g->from,
                        .to = g->to,
                        .time_s = g->time_s,
                        .value = g->value,
                        .asset = g->asset,
                        .seq_low = g->seq_low,
                        .seq_base = g->seq_base};
}

wr_rows wr_snapshot_rows_out(const wr_snapshot *g)
{
    assert(g);
    return (wr_rows){.n = g->n, .m = g->m, .off = g->out_off, .col = g->out_col};
}

wr_rows wr_snapshot_rows_in(const wr_snapshot *g)
{
    assert(g);
    return (wr_rows){.n = g->n, .m = g->m, .off = g->in_off, .col = g->in_col};
}

static wr_pairs pairs_of(const wr_snapshot *g)
{
    assert(g);
    return (wr_pairs){.n = g->n,
                      .m = g->pairs,
                      .first_s = g->pair_first_s,
                      .repeats = {.m = g->repeats,
                                  .bits = g->repeat_bits,
                                  .before = g->repeat_before,
                                  .count = g->repeat_count,
                                  .last_s = g->repeat_last_s}};
}

wr_pairs wr_snapshot_pairs_out(const wr_snapshot *g)
{
    wr_pairs p = pairs_of(g);
    p.off = g->pout_off;
    p.nbr = g->pout_nbr;
    p.value = g->pair_value;
    return p;
}

wr_pairs wr_snapshot_pairs_in(const wr_snapshot *g)
{
    wr_pairs p = pairs_of(g);
    p.off = g->pin_off;
    p.nbr = g->pin_nbr;
    p.value = g->pin_value;
    p.out_off = g->pout_off;
    p.out_nbr = g->pout_nbr;
    return p;
}

const wr_ids *wr_snapshot_ids(const wr_snapshot *g)
{
    assert(g);
    return g->ids;
}

bool wr_snapshot_is_hub(const wr_snapshot *g, wr_vid v)
{
    assert(g && v < g->n);
    return g->hub && (g->hub[v / 64] >> (v % 64) & 1);
}

const uint64_t *wr_snapshot_hub_bits(const wr_snapshot *g)
{
    assert(g);
    return g->hub;
}

uint64_t wr_snapshot_bytes(const wr_snapshot *g)
{
    assert(g);
    const uint64_t columns =
        4 + 4 + 4 + 8 + (g->asset ? 2U : 0U) + (g->seq_low ? 4U : 0U);
    const uint64_t rows = 4 + 4;
    const uint64_t pairs = 4 + 4 + 4 + 4 + 4; /* nbr and value out and in, first */
    const uint64_t repeat_words = wr_bit_words(g->pairs) * (8 + 4);
    return sizeof *g + g->m * (columns + rows) + g->pairs * pairs + repeat_words +
           g->repeats * (4 + 4) + UINT64_C(16) * (g->n + UINT64_C(1)) +
           (g->hub ? UINT64_C(8) * wr_bit_words(g->n) : 0);
}

uint64_t wr_snapshot_held_bytes(const wr_snapshot *g)
{
    assert(g);
    if (g->map)
        return g->map_bytes + wr_block_bytes(g);
    void *array[ARRAYS];
    own_arrays(array, g);
    uint64_t bytes = wr_block_bytes(g);
    for (size_t i = 0; i < ARRAYS; i++)
        bytes += wr_block_bytes(array[i]);
    return bytes;
}
