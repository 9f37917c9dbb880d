/*
 * One pass over the rows before anything trusts them.
 *
 * Block after block: a quick look made of loops that the compiler turns into vectors, and
 * where it finds anything out of the ordinary the careful one, row by row.
 */
#include <inttypes.h>
#include <string.h>

#include "graph/snapshot_int.h"

enum { BLOCK = 1 << 12 }; /* rows: 120 KiB of columns, for the second-level cache */

#define NO_ROW UINT64_MAX

typedef struct block_facts {
    uint64_t bad; /* first row that must be refused, or NO_ROW */
    uint64_t descents, seq_descents, seq_jumps;
    uint64_t assets;
    int64_t seq_min, seq_max;
    uint32_t time_min, time_max;
} block_facts;

/* A finite double >= 0 (-0.0 among them) has these bits; NaN fails every comparison. */
static bool is_value(double x)
{
    return x >= 0.0 && x <= __DBL_MAX__;
}

static bool is_after(const wr_edges *e, uint64_t i) /* row i belongs before row i - 1 */
{
    return e->time_s[i] < e->time_s[i - 1] ||
           (e->time_s[i] == e->time_s[i - 1] && e->seq[i] < e->seq[i - 1]);
}

static bool is_next(const wr_edges *e, uint64_t i)
{
    return (uint64_t)e->seq[i] == (uint64_t)e->seq[i - 1] + 1;
}

static bool is_sign_set(uint64_t bits)
{
    return bits >> 63;
}

/* Some value is negative, -0.0, infinite or NaN. */
static bool has_odd_value(const double *x, uint64_t m)
{
    const uint64_t one_exponent = UINT64_C(1) << 52; /* carries all ones into the sign */
    uint64_t seen = 0;
    for (uint64_t i = 0; i < m; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        seen |= bits | (bits + one_exponent);
    }
    return is_sign_set(seen);
}

static bool has_end_beyond(const wr_vid *x, uint64_t m, uint32_t n)
{
    uint32_t max = 0;
    for (uint64_t i = 0; i < m; i++)
        max = x[i] > max ? x[i] : max;
    return max >= n;
}

/* Some seq is negative or smaller than the one before it. */
static bool has_odd_seq(const int64_t *x, uint64_t m, uint64_t *jumps)
{
    uint64_t seen = (uint64_t)x[0];
    uint64_t jump = 0;
    for (uint64_t i = 1; i < m; i++) {
        const uint64_t step = (uint64_t)x[i] - (uint64_t)x[i - 1];
        seen |= (uint64_t)x[i] | step;
        jump |= step ^ 1;
    }
    *jumps = jump != 0;
    return is_sign_set(seen);
}

static uint32_t count_descents(const uint32_t *x, uint64_t m)
{
    uint32_t count = 0;
    for (uint64_t i = 1; i < m; i++)
        count += x[i] < x[i - 1];
    return count;
}

static void find_range(uint32_t *min, uint32_t *max, const uint32_t *x, uint64_t m)
{
    uint32_t lo = x[0];
    uint32_t hi = x[0];
    for (uint64_t i = 1; i < m; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    *min = lo;
    *max = hi;
}

/* The facts of rows [lo, hi) when all are good and seq ascends, as is the rule. */
static bool look_quickly(block_facts *out, const wr_edges *e, uint32_t n, uint64_t lo,
                         uint64_t hi)
{
    const uint64_t m = hi - lo;
    block_facts f = {.bad = NO_ROW, .seq_min = e->seq[lo], .seq_max = e->seq[hi - 1]};
    if (has_end_beyond(e->from + lo, m, n) || has_end_beyond(e->to + lo, m, n) ||
        has_odd_value(e->value + lo, m) || has_odd_seq(e->seq + lo, m, &f.seq_jumps))
        return false;
    for (uint64_t i = lo; i < hi; i++)
        f.assets |= e->asset[i];
    f.descents = count_descents(e->time_s + lo, m);
    find_range(&f.time_min, &f.time_max, e->time_s + lo, m);
    *out = f;
    return true;
}

/* The same, row by row; makes -0.0 0.0. */
static block_facts look_at(wr_edges *e, uint32_t n, uint64_t lo, uint64_t hi)
{
    block_facts f = {.bad = NO_ROW,
                     .seq_min = e->seq[lo],
                     .seq_max = e->seq[lo],
                     .time_min = e->time_s[lo],
                     .time_max = e->time_s[lo]};
    for (uint64_t i = lo; i < hi; i++) {
        if (f.bad == NO_ROW &&
            (e->from[i] >= n || e->to[i] >= n || !is_value(e->value[i])))
            f.bad = i;
        if (e->value[i] == 0.0)
            e->value[i] = 0.0; /* -0.0 is equal but has other bits */
        f.descents += i > lo && is_after(e, i);
        f.seq_descents += i > lo && e->seq[i] < e->seq[i - 1];
        f.seq_jumps += i > lo && !is_next(e, i);
        f.assets += e->asset[i] != 0;
        f.seq_min = e->seq[i] < f.seq_min ? e->seq[i] : f.seq_min;
        f.seq_max = e->seq[i] > f.seq_max ? e->seq[i] : f.seq_max;
        f.time_min = e->time_s[i] < f.time_min ? e->time_s[i] : f.time_min;
        f.time_max = e->time_s[i] > f.time_max ? e->time_s[i] : f.time_max;
    }
    return f;
}

static block_facts look(wr_edges *e, uint32_t n, uint64_t lo, uint64_t hi)
{
    block_facts f;
    if (!look_quickly(&f, e, n, lo, hi))
        f = look_at(e, n, lo, hi);
    if (lo > 0) { /* against the last row of the block before */
        f.descents += is_after(e, lo);
        f.seq_descents += e->seq[lo] < e->seq[lo - 1];
        f.seq_jumps += !is_next(e, lo);
    }
    return f;
}

/* Facts of two neighbouring stretches, a before b. */
static block_facts joined(block_facts a, block_facts b)
{
    return (block_facts){
        .bad = a.bad != NO_ROW ? a.bad : b.bad,
        .descents = a.descents + b.descents,
        .seq_descents = a.seq_descents + b.seq_descents,
        .seq_jumps = a.seq_jumps + b.seq_jumps,
        .assets = a.assets + b.assets,
        .seq_min = a.seq_min < b.seq_min ? a.seq_min : b.seq_min,
        .seq_max = a.seq_max > b.seq_max ? a.seq_max : b.seq_max,
        .time_min = a.time_min < b.time_min ? a.time_min : b.time_min,
        .time_max = a.time_max > b.time_max ? a.time_max : b.time_max,
    };
}

static wr_status refuse(const wr_edges *e, uint32_t n, uint64_t i, wr_err *err)
{
    if (e->from[i] >= n || e->to[i] >= n)
        return wr_fail(err, WR_EINVAL,
                       "row %" PRIu64 ": transfer %" PRIu32 " -> %" PRIu32
                       " with %" PRIu32 " vertices",
                       i, e->from[i], e->to[i], n);
    return wr_fail(err, WR_EINVAL, "row %" PRIu64 ": value %g is not finite and >= 0", i,
                   e->value[i]);
}

wr_status wr_edges_validate(wr_edges *e, uint32_t n, wr_edges_facts *out, wr_err *err)
{
    *out = (wr_edges_facts){.is_sorted = true, .is_seq_sorted = true, .is_seq_row = true};
    if (e->m >= UINT32_MAX)
        return wr_fail(err, WR_ELIMIT, "%" PRIu64 " transfers (limit %" PRIu32 ")", e->m,
                       UINT32_MAX - 1);
    if (e->m == 0)
        return WR_OK;
    const uint64_t blocks = (e->m + BLOCK - 1) / BLOCK;
    WR_AUTO_ARRAY block_facts *part = wr_calloc(blocks, sizeof *part);
    if (!part)
        return wr_fail(err, WR_ENOMEM, "facts of %" PRIu64 " row blocks", blocks);

#pragma omp parallel for default(none) shared(part, e, n, blocks) \
    schedule(static) if (blocks > 1)
    for (uint64_t b = 0; b < blocks; b++) {
        const uint64_t lo = b * BLOCK;
        part[b] = look(e, n, lo, lo + BLOCK < e->m ? lo + BLOCK : e->m);
    }
    block_facts all = part[0];
    for (uint64_t b = 1; b < blocks; b++)
        all = joined(all, part[b]);

    if (all.bad != NO_ROW)
        return refuse(e, n, all.bad, err);
    const uint64_t span = (uint64_t)all.seq_max - (uint64_t)all.seq_min;
    if (span > UINT32_MAX)
        return wr_fail(err, WR_ELIMIT, "seq from %" PRId64 " to %" PRId64 " (limit 2^32)",
                       all.seq_min, all.seq_max);
    *out = (wr_edges_facts){.is_sorted = all.descents == 0,
                            .is_seq_sorted = all.seq_descents == 0,
                            .is_seq_row = all.seq_jumps == 0,
                            .has_asset = all.assets > 0,
                            .seq_min = all.seq_min,
                            .seq_span = (uint32_t)span,
                            .time_min = all.time_min,
                            .time_max = all.time_max};
    return WR_OK;
}
