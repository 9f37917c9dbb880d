/*
 * Rows become columns: sorted by (time, seq) when they are not yet, and the trivial
 * columns left out.  The sort is a radix sort of row numbers, low digits first, by seq
 * (only when rows do not arrive in seq order) and then by time.
 */
#include <inttypes.h>

#include "graph/parts_int.h"
#include "graph/snapshot_int.h"

enum {
    DIGIT_MAX = 11, /* bits: 2^11 write streams still fit the second-level TLB */
    SMALL = 4096    /* rows: not worth a team of threads */
};

/* --- the order of rows ----------------------------------------------------------- */

/* Element: key << 32 | row. */
static void count_digit(wr_parts *p, const uint64_t *x, unsigned shift, uint64_t mask)
{
#pragma omp parallel for default(none) shared(p, x, shift, mask) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t b = 0; b < p->blocks; b++) {
        uint32_t *count = &p->at[(size_t)b * p->buckets];
        for (uint64_t i = wr_parts_lo(p, b); i < wr_parts_hi(p, b); i++)
            count[x[i] >> shift & mask]++;
    }
}

static void move_digit(const wr_parts *p, uint64_t *to, const uint64_t *x, unsigned shift,
                       uint64_t mask)
{
#pragma omp parallel for default(none) shared(p, to, x, shift, mask) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t b = 0; b < p->blocks; b++) {
        uint32_t *at = &p->at[(size_t)b * p->buckets];
        for (uint64_t i = wr_parts_lo(p, b); i < wr_parts_hi(p, b); i++) {
            uint64_t *place = &to[at[x[i] >> shift & mask]++];
            wr_parts_ask(place);
            *place = x[i];
        }
    }
}

/* Sort by the key in the upper halves, of which `bits` bits are used; *x and *spare swap
 * with every pass. */
static wr_status sort_by_key(uint64_t **x, uint64_t **spare, uint64_t m, unsigned bits,
                             wr_err *err)
{
    const unsigned passes = (bits + DIGIT_MAX - 1) / DIGIT_MAX;
    for (unsigned k = 0; k < passes; k++) {
        const unsigned lo = bits * k / passes;
        const unsigned hi = bits * (k + 1) / passes;
        const uint64_t mask = (UINT64_C(1) << (hi - lo)) - 1;
        wr_parts p = {0};
        WR_TRY(wr_parts_init(&p, m, (uint32_t)mask + 1, err));
        count_digit(&p, *x, 32 + lo, mask);
        wr_parts_prefix(&p);
        move_digit(&p, *spare, *x, 32 + lo, mask);
        wr_parts_release(&p);
        uint64_t *sorted = *spare;
        *spare = *x;
        *x = sorted;
    }
    return WR_OK;
}

static unsigned bits_of(uint32_t x)
{
    return x ? 32 - (unsigned)__builtin_clz(x) : 0;
}

static void set_keys_seq(uint64_t *x, const wr_edges *e, int64_t seq_min)
{
#pragma omp parallel for default(none) shared(x, e, seq_min) \
    schedule(static) if (e->m > SMALL)
    for (uint64_t i = 0; i < e->m; i++)
        x[i] = ((uint64_t)e->seq[i] - (uint64_t)seq_min) << 32 | i;
}

/* The order so far stays in the lower halves. */
static void set_keys_time(uint64_t *x, const wr_edges *e, uint32_t time_min)
{
#pragma omp parallel for default(none) shared(x, e, time_min) \
    schedule(static) if (e->m > SMALL)
    for (uint64_t i = 0; i < e->m; i++)
        x[i] = (uint64_t)(e->time_s[(uint32_t)x[i]] - time_min) << 32 | (uint32_t)x[i];
}

/* order [m] of the caller, with a second block of the same size to sort through. */
static wr_status sort_rows(uint64_t **order, uint64_t **spare, const wr_edges *e,
                           const wr_edges_facts *f, wr_err *err)
{
    set_keys_seq(*order, e, f->seq_min); /* also writes the row numbers */
    if (!f->is_seq_sorted)
        WR_TRY(sort_by_key(order, spare, e->m, bits_of(f->seq_span), err));
    set_keys_time(*order, e, f->time_min);
    return sort_by_key(order, spare, e->m, bits_of(f->time_max - f->time_min), err);
}

/* --- columns in that order ------------------------------------------------------- */

/* order NULL: rows are in order already.  Element k comes from row_of(order, k). */
static inline uint64_t row_of(const uint64_t *order, uint64_t k)
{
    return order ? (uint32_t)order[k] : k;
}

static void gather32(uint32_t *to, const uint32_t *x, const uint64_t *order, uint64_t m)
{
#pragma omp parallel for default(none) shared(to, x, order, m) \
    schedule(static) if (m > SMALL)
    for (uint64_t k = 0; k < m; k++)
        to[k] = x[row_of(order, k)];
}

static void gather_double(double *to, const double *x, const uint64_t *order, uint64_t m)
{
#pragma omp parallel for default(none) shared(to, x, order, m) \
    schedule(static) if (m > SMALL)
    for (uint64_t k = 0; k < m; k++)
        to[k] = x[row_of(order, k)];
}

static void gather16(uint16_t *to, const uint16_t *x, const uint64_t *order, uint64_t m)
{
#pragma omp parallel for default(none) shared(to, x, order, m) \
    schedule(static) if (m > SMALL)
    for (uint64_t k = 0; k < m; k++)
        to[k] = x[row_of(order, k)];
}

/* A column that is in order is taken as it is, unless much of its block is slack. */
static bool can_steal(const wr_edges *e, const uint64_t *order)
{
    return !order && e->cap - e->m <= e->m / 8;
}

static wr_status out_of_memory(const wr_edges *e, wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "columns of %" PRIu64 " transfers", e->m);
}

static wr_status take32(uint32_t **to, uint32_t **x, const wr_edges *e,
                        const uint64_t *order, wr_err *err)
{
    if (!can_steal(e, order)) {
        *to = wr_alloc_big(e->m, sizeof **to);
        if (!*to)
            return out_of_memory(e, err);
        gather32(*to, *x, order, e->m);
        wr_free(*x);
    } else {
        *to = *x;
    }
    *x = NULL;
    return WR_OK;
}

static wr_status take_value(wr_snapshot *g, wr_edges *e, const uint64_t *order,
                            wr_err *err)
{
    if (!can_steal(e, order)) {
        g->value = wr_alloc_big(e->m, sizeof *g->value);
        if (!g->value)
            return out_of_memory(e, err);
        gather_double(g->value, e->value, order, e->m);
        wr_free(e->value);
    } else {
        g->value = e->value;
    }
    e->value = NULL;
    return WR_OK;
}

static wr_status take_asset(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                            const uint64_t *order, wr_err *err)
{
    if (f->has_asset && can_steal(e, order)) {
        g->asset = WR_STEAL(e->asset);
    } else if (f->has_asset) {
        g->asset = wr_alloc_big(e->m, sizeof *g->asset);
        if (!g->asset)
            return out_of_memory(e, err);
        gather16(g->asset, e->asset, order, e->m);
    }
    wr_free(WR_STEAL(e->asset));
    return WR_OK;
}

/* Columns whose seq is not base + position; counted, not searched, to stay parallel. */
static uint64_t count_odd_seq(const wr_edges *e, const uint64_t *order, int64_t base)
{
    uint64_t odd = 0;
#pragma omp parallel for default(none) shared(e, order, base) schedule(static) \
    if (e->m > SMALL) \
    reduction(+ : odd)
    for (uint64_t k = 0; k < e->m; k++)
        odd += (uint64_t)e->seq[row_of(order, k)] - (uint64_t)base != k;
    return odd;
}

static wr_status take_seq(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                          const uint64_t *order, wr_err *err)
{
    g->seq_base = f->seq_min;
    if (!f->is_seq_position && e->m > 0 &&
        (f->seq_span != e->m - 1 || count_odd_seq(e, order, f->seq_min) > 0)) {
        uint32_t *low = wr_alloc_big(e->m, sizeof *low);
        if (!low)
            return out_of_memory(e, err);
        g->seq_low = low;
#pragma omp parallel for default(none) shared(low, e, f, order) \
    schedule(static) if (e->m > SMALL)
        for (uint64_t k = 0; k < e->m; k++)
            low[k] =
                (uint32_t)((uint64_t)e->seq[row_of(order, k)] - (uint64_t)f->seq_min);
    }
    wr_free(WR_STEAL(e->seq));
    return WR_OK;
}

static wr_status take_in_order(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                               const uint64_t *order, wr_err *err)
{
    g->m = e->m;
    WR_TRY(take_seq(g, e, f, order, err));
    WR_TRY(take_asset(g, e, f, order, err));
    WR_TRY(take32(&g->time_s, &e->time_s, e, order, err));
    WR_TRY(take32(&g->from, &e->from, e, order, err));
    WR_TRY(take32(&g->to, &e->to, e, order, err));
    return take_value(g, e, order, err);
}

wr_status wr_snapshot_take_columns(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                                   wr_err *err)
{
    if (!e->from) /* no row was ever reserved: a snapshot has arrays all the same */
        WR_TRY(wr_edges_reserve(e, 1, err));
    if (f->is_sorted)
        return take_in_order(g, e, f, NULL, err);

    uint64_t *order = wr_alloc_big(e->m, sizeof *order);
    uint64_t *spare = wr_alloc_big(e->m, sizeof *spare);
    wr_status s = WR_ENOMEM;
    if (order && spare)
        s = sort_rows(&order, &spare, e, f, err);
    else
        (void)wr_fail(err, s, "order of %" PRIu64 " transfers", e->m);
    wr_free(spare);
    if (s == WR_OK)
        s = take_in_order(g, e, f, order, err);
    wr_free(order);
    return s;
}
