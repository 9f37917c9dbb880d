/* Every invariant that snapshot.h documents, with an array bound checked before use. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "graph/ids_int.h"
#include "graph/snapshot_int.h"

static wr_status check_columns(const wr_snapshot *g, wr_err *err)
{
    const wr_columns c = wr_snapshot_columns(g);
    uint64_t low = c.m > 0 && !c.seq_low ? c.m - 1 : 0;
    for (uint64_t i = 0; i < c.m; i++) {
        if (c.from[i] >= g->n || c.to[i] >= g->n)
            return wr_fail(err, WR_ECORRUPT,
                           "transfer %" PRIu64 ": %" PRIu32 " -> %" PRIu32
                           " with n=%" PRIu32,
                           i, c.from[i], c.to[i], g->n);
        if (!isfinite(c.value[i]) || signbit(c.value[i]))
            return wr_fail(err, WR_ECORRUPT, "transfer %" PRIu64 ": value %g", i,
                           c.value[i]);
        if (i > 0 && (c.time_s[i - 1] > c.time_s[i] ||
                      (c.time_s[i - 1] == c.time_s[i] && c.seq_low &&
                       c.seq_low[i - 1] > c.seq_low[i])))
            return wr_fail(err, WR_ECORRUPT, "transfer %" PRIu64 " is out of order", i);
        if (c.seq_low && c.seq_low[i] > low)
            low = c.seq_low[i];
    }
    if (c.seq_base > INT64_MAX - (int64_t)low)
        return wr_fail(err, WR_ECORRUPT, "seq base %" PRId64 " + %" PRIu64, c.seq_base,
                       low);
    return WR_OK;
}

static wr_status check_off(const uint32_t *off, uint32_t n, uint64_t m, const char *what,
                           wr_err *err)
{
    if (off[0] != 0 || off[n] != m)
        return wr_fail(err, WR_ECORRUPT,
                       "%s: rows span %" PRIu32 "..%" PRIu32 " of %" PRIu64, what, off[0],
                       off[n], m);
    for (uint32_t v = 0; v < n; v++)
        if (off[v] > off[v + UINT64_C(1)])
            return wr_fail(err, WR_ECORRUPT, "%s: row %" PRIu32 " ends before it starts",
                           what, v);
    return WR_OK;
}

/* Ascending within rows and each entry in the row of its key: then it is a permutation.
 */
static wr_status check_rows(const wr_rows *r, const wr_vid *key, const char *what,
                            wr_err *err)
{
    WR_TRY(check_off(r->off, r->n, r->m, what, err));
    for (uint32_t v = 0; v < r->n; v++)
        for (uint64_t k = r->off[v]; k < r->off[v + UINT64_C(1)]; k++) {
            if (r->col[k] >= r->m || key[r->col[k]] != v)
                return wr_fail(err, WR_ECORRUPT, "%s: row %" PRIu32 " lists %" PRIu32,
                               what, v, r->col[k]);
            if (k > r->off[v] && r->col[k - 1] >= r->col[k])
                return wr_fail(err, WR_ECORRUPT, "%s: row %" PRIu32 " not ascending",
                               what, v);
        }
    return WR_OK;
}

static wr_status check_pair_rows(const wr_pairs *p, const char *what, wr_err *err)
{
    WR_TRY(check_off(p->off, p->n, p->m, what, err));
    for (uint32_t v = 0; v < p->n; v++)
        for (uint64_t k = p->off[v]; k < p->off[v + UINT64_C(1)]; k++) {
            if (p->nbr[k] >= p->n || p->nbr[k] == v)
                return wr_fail(err, WR_ECORRUPT, "%s: row %" PRIu32 " lists %" PRIu32,
                               what, v, p->nbr[k]);
            if (k > p->off[v] && p->nbr[k - 1] >= p->nbr[k])
                return wr_fail(err, WR_ECORRUPT, "%s: row %" PRIu32 " not ascending",
                               what, v);
        }
    return WR_OK;
}

/* The in-rows are the out-rows turned round: as many pairs, each with its value's bits.
 */
static wr_status check_pair_ends(const wr_pairs *out, const wr_pairs *in, wr_err *err)
{
    for (uint32_t v = 0; v < in->n; v++)
        for (uint64_t k = in->off[v]; k < in->off[v + UINT64_C(1)]; k++) {
            const uint64_t id = wr_pairs_id(in, v, k);
            if (id == UINT64_MAX)
                return wr_fail(err, WR_ECORRUPT,
                               "pairs in: %" PRIu32 " -> %" PRIu32 " is no pair",
                               in->nbr[k], v);
            if (memcmp(&in->value[k], &out->value[id], sizeof *in->value) != 0)
                return wr_fail(
                    err, WR_ECORRUPT,
                    "pairs in: %" PRIu32 " -> %" PRIu32 " has value %g, not %g",
                    in->nbr[k], v, (double)in->value[k], (double)out->value[id]);
        }
    return WR_OK;
}

/* Numbers that a bit leads to lie inside the arrays. */
static wr_status check_repeats(const wr_pairs *p, wr_err *err)
{
    const wr_repeats *r = &p->repeats;
    uint64_t before = 0;
    for (uint64_t w = 0; w < wr_bit_words(p->m); w++) {
        if (r->before[w] != before)
            return wr_fail(err, WR_ECORRUPT,
                           "repeats: %" PRIu32 " before pair %" PRIu64
                           ", counted %" PRIu64,
                           r->before[w], 64 * w, before);
        before += (uint64_t)__builtin_popcountll(r->bits[w]);
    }
    if (p->m % 64 && r->bits[p->m / 64] >> (p->m % 64))
        return wr_fail(err, WR_ECORRUPT, "repeats: bit behind pair %" PRIu64, p->m);
    if (before != r->m)
        return wr_fail(err, WR_ECORRUPT, "repeats: %" PRIu64 " bits for %" PRIu64, before,
                       r->m);
    return WR_OK;
}

typedef struct tally {
    double sum;
    uint32_t count, first_s, last_s;
} tally;

static bool is_tally(const wr_pairs *p, uint64_t id, const tally *t)
{
    const float value = (float)t->sum;
    return wr_pairs_count(p, id) == t->count && p->first_s[id] == t->first_s &&
           wr_pairs_last_s(p, id) == t->last_s && p->value[id] == value &&
           !signbit(p->value[id]);
}

/* Count everything again from the rows. */
static wr_status check_tallies(const wr_snapshot *g, wr_err *err)
{
    const wr_pairs p = wr_snapshot_pairs_out(g);
    WR_AUTO_ARRAY tally *t = wr_calloc(p.m, sizeof *t);
    if (!t)
        return wr_fail(err, WR_ENOMEM, "tallies of %" PRIu64 " pairs", p.m);
    for (uint64_t i = 0; i < g->m; i++) {
        if (g->from[i] == g->to[i])
            continue;
        const uint64_t id = wr_row_find(p.off, p.nbr, g->from[i], g->to[i]);
        if (id == UINT64_MAX)
            return wr_fail(err, WR_ECORRUPT, "no pair for transfer %" PRIu64, i);
        if (t[id].count == 0)
            t[id].first_s = g->time_s[i];
        t[id].count++;
        t[id].sum += g->value[i];
        t[id].last_s = g->time_s[i];
    }
    for (uint64_t id = 0; id < p.m; id++)
        if (!is_tally(&p, id, &t[id]))
            return wr_fail(err, WR_ECORRUPT,
                           "pair %" PRIu64 " differs from its transfers", id);
    return WR_OK;
}

static wr_status check_hubs(const wr_snapshot *g, wr_err *err)
{
    if (g->hub && g->n % 64 && g->hub[g->n / 64] >> (g->n % 64))
        return wr_fail(err, WR_ECORRUPT, "hub bit behind vertex %" PRIu32, g->n);
    for (wr_vid v = 0; g->ids && v < g->n; v++)
        if (wr_address_is_hub(wr_ids_address(g->ids, v)) && !wr_snapshot_is_hub(g, v))
            return wr_fail(err, WR_ECORRUPT, "vertex %" PRIu32 " lacks its hub bit", v);
    return WR_OK;
}

wr_status wr_snapshot_check(const wr_snapshot *g, wr_err *err)
{
    assert(g);
    if (g->ids) {
        if (wr_ids_count(g->ids) != g->n)
            return wr_fail(err, WR_ECORRUPT, "%" PRIu32 " wallets for n=%" PRIu32,
                           wr_ids_count(g->ids), g->n);
        WR_TRY(wr_ids_check(g->ids, err));
    }
    WR_TRY(check_columns(g, err));
    const wr_rows out = wr_snapshot_rows_out(g);
    const wr_rows in = wr_snapshot_rows_in(g);
    WR_TRY(check_rows(&out, g->from, "rows out", err));
    WR_TRY(check_rows(&in, g->to, "rows in", err));
    const wr_pairs pout = wr_snapshot_pairs_out(g);
    const wr_pairs pin = wr_snapshot_pairs_in(g);
    WR_TRY(check_pair_rows(&pout, "pairs out", err));
    WR_TRY(check_pair_rows(&pin, "pairs in", err));
    WR_TRY(check_pair_ends(&pout, &pin, err));
    WR_TRY(check_repeats(&pout, err));
    WR_TRY(check_tallies(g, err));
    return check_hubs(g, err);
}
