#include "scoring/typology.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/progress.h"

/* Roots of a chunk (that of cycles share a budget), chunks between two looks at the stop
 * flag: part of nobody's result. */
enum { ROOTS = WR_TYPOLOGY_CHUNK, WAVE = 1024 };

typedef struct finder {
    wr_typology_view x;
    wr_typology_hits h;
    size_t hit_cap, member_cap, edge_cap;
    wr_typology_sink *sink; /* [sinks] one per chunk of a wave */
    size_t sinks;
    const wr_progress *pg;
} finder;

typedef struct pattern {
    const char *name;
    wr_typology_kernel *link; /* per wallet, first; NULL: none */
    wr_typology_kernel *find;
    bool is_by_transfer;
} pattern;

static const pattern PATTERN[WR_TYPOLOGY_COUNT] = {
    [WR_TYPOLOGY_FAN_IN] = {"fan_in", NULL, wr_typology_fan_in, false},
    [WR_TYPOLOGY_FAN_OUT] = {"fan_out", NULL, wr_typology_fan_out, false},
    [WR_TYPOLOGY_GATHER_SCATTER] = {"gather_scatter", NULL, wr_typology_gather_scatter,
                                    false},
    [WR_TYPOLOGY_SCATTER_GATHER] = {"scatter_gather", NULL, wr_typology_scatter_gather,
                                    false},
    [WR_TYPOLOGY_CYCLE] = {"cycle", NULL, wr_typology_cycle, true},
    [WR_TYPOLOGY_PEEL_CHAIN] = {"peel_chain", wr_typology_peel_link,
                                wr_typology_peel_chain, true},
    [WR_TYPOLOGY_PASS_THROUGH] = {"pass_through", NULL, wr_typology_pass_through, false},
    [WR_TYPOLOGY_STRUCTURING] = {"structuring", NULL, wr_typology_structuring, false},
    [WR_TYPOLOGY_SMURF_BRIDGE] = {"smurf_bridge", NULL, wr_typology_smurf_bridge, false},
    [WR_TYPOLOGY_BIPARTITE] = {"bipartite", NULL, wr_typology_bipartite, false},
    [WR_TYPOLOGY_STACK] = {"stack", NULL, wr_typology_stack, false},
    [WR_TYPOLOGY_CHAIN] = {"chain", wr_typology_chain_link, wr_typology_chain, true},
    [WR_TYPOLOGY_DORMANT] = {"dormant_activation", NULL, wr_typology_dormant, false},
    [WR_TYPOLOGY_DUSTING] = {"dusting", NULL, wr_typology_dusting, false},
    [WR_TYPOLOGY_MIXER] = {"mixer_use", NULL, wr_typology_mixer, false},
    [WR_TYPOLOGY_CHAIN_HOP] = {"chain_hop", NULL, wr_typology_chain_hop, false},
    [WR_TYPOLOGY_BURST] = {"burst", NULL, wr_typology_burst, false},
};

const char *wr_typology_name(wr_typology t)
{
    return PATTERN[t].name;
}

void wr_typology_hits_release(wr_typology_hits *h)
{
    wr_free(h->hit);
    wr_free(h->member);
    wr_free(h->edge);
    *h = (wr_typology_hits){0};
}

static void finder_release(finder *f)
{
    for (size_t i = 0; f->sink && i < f->sinks; i++)
        wr_typology_sink_release(&f->sink[i]);
    wr_free(f->sink);
    wr_free(f->x.next);
    wr_free(f->x.is_linked);
    wr_typology_hits_release(&f->h);
}

/* --- what is asked --------------------------------------------------------------------
 */

#define MUST_BE(is_right, ...)                           \
    do {                                                 \
        if (!(is_right))                                 \
            return wr_fail(err, WR_EINVAL, __VA_ARGS__); \
    } while (0)

static wr_status check_counts(const wr_typology_opts *o, wr_err *err)
{
    const struct {
        const char *name;
        uint32_t value, min;
    } count[] = {
        {"hub_cap", o->hub_cap, 1},
        {"visits_max", o->visits_max, 1},
        {"hits_max", o->hits_max, 1},
        {"fan_count", o->fan_count, 1},
        {"gather_count", o->gather_count, 1},
        {"gather_out_count", o->gather_out_count, 1},
        {"scatter_count", o->scatter_count, 1},
        {"cycle_hops_max", o->cycle_hops_max, 2},
        {"cycle_visits_mean", o->cycle_visits_mean, 1},
        {"peel_hops", o->peel_hops, 1},
        {"pass_events", o->pass_events, 1},
        {"structuring_count", o->structuring_count, 1},
        {"bridge_count", o->bridge_count, 1},
        {"bipartite_senders", o->bipartite_senders, 2},
        {"bipartite_receivers", o->bipartite_receivers, 2},
        {"chain_wallets", o->chain_wallets, 1},
        {"dust_count", o->dust_count, 1},
        {"coinjoin_outputs", o->coinjoin_outputs, 2},
        {"hop_events", o->hop_events, 1},
    };
    for (size_t i = 0; i < sizeof count / sizeof count[0]; i++)
        MUST_BE(count[i].value >= count[i].min,
                "%s %" PRIu32 ", wanted at least %" PRIu32, count[i].name, count[i].value,
                count[i].min);
    MUST_BE(o->cycle_hops_max <= WR_TYPOLOGY_HOPS_MAX,
            "cycle_hops_max %" PRIu32 ", wanted at most %d", o->cycle_hops_max,
            WR_TYPOLOGY_HOPS_MAX);
    MUST_BE(o->from_s <= o->to_s, "scope from %" PRIu32 " to %" PRIu32, o->from_s,
            o->to_s);
    return WR_OK;
}

static wr_status check_numbers(const wr_typology_opts *o, wr_err *err)
{
    const struct {
        const char *name;
        double value;
        bool is_share; /* in (0, 1]; else >= 0 */
    } number[] = {
        {"fan_even_min", o->fan_even_min, false},
        {"gather_before_min", o->gather_before_min, true},
        {"gather_ratio_min", o->gather_ratio_min, false},
        {"gather_ratio_max", o->gather_ratio_max, false},
        {"scatter_ratio_min", o->scatter_ratio_min, false},
        {"scatter_ratio_max", o->scatter_ratio_max, false},
        {"cycle_even_min", o->cycle_even_min, true},
        {"peel_share_min", o->peel_share_min, true},
        {"pass_share_min", o->pass_share_min, true},
        {"pass_value_min", o->pass_value_min, false},
        {"structuring_low", o->structuring_low, true},
        {"structuring_sum_min", o->structuring_sum_min, false},
        {"bridge_score_min", o->bridge_score_min, true},
        {"bipartite_density_min", o->bipartite_density_min, true},
        {"dormant_gap_ratio", o->dormant_gap_ratio, false},
        {"dormant_share_min", o->dormant_share_min, true},
        {"dust_value_max", o->dust_value_max, false},
        {"dust_spread", o->dust_spread, false},
        {"hop_share_min", o->hop_share_min, true},
        {"burst_value_min", o->burst_value_min, false},
        {"burst_share_min", o->burst_share_min, true},
    };
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        const double y = number[i].value;
        if (number[i].is_share)
            MUST_BE(y > 0 && y <= 1, "%s %g, wanted a share in (0, 1]", number[i].name,
                    y);
        else
            MUST_BE(y >= 0 && y < 1e300, "%s %g, wanted 0 or more", number[i].name, y);
    }
    for (int i = 0; i < WR_TYPOLOGY_THRESHOLDS; i++)
        MUST_BE(o->structuring_threshold[i] > (i ? o->structuring_threshold[i - 1] : 0),
                "structuring_threshold %g, wanted positive and ascending",
                o->structuring_threshold[i]);
    return WR_OK;
}

wr_status wr_typology_check_opts(const wr_typology_opts *o, wr_err *err)
{
    WR_TRY(check_counts(o, err));
    return check_numbers(o, err);
}

static wr_status check(const wr_typology_input *in, uint32_t which,
                       const wr_typology_opts *o, wr_err *err)
{
    const wr_flow *fl = &in->flow;
    MUST_BE(fl->in.off && fl->out.off && fl->in.n == fl->n && fl->out.n == fl->n,
            "rows by wallet are missing");
    MUST_BE(fl->seeds && fl->seeds->n == fl->n,
            "labels of %" PRIu32 " wallets for a graph of %" PRIu32,
            fl->seeds ? fl->seeds->n : 0, fl->n);
    MUST_BE(which && !(which & ~(uint32_t)WR_TYPOLOGY_ALL), "typologies 0x%" PRIx32,
            which);
    return wr_typology_check_opts(o, err);
}

/* --- one typology ---------------------------------------------------------------------
 */

static wr_status append(finder *f, const wr_typology_sink *k, int t, wr_err *err)
{
    wr_typology_hits *h = &f->h;
    h->partial_roots[t] += k->partial_roots;
    h->truncated_roots[t] += k->truncated_roots;
    if (!k->hit_count)
        return WR_OK;
    void *p = wr_grow(h->hit, &f->hit_cap, h->count + k->hit_count, sizeof *h->hit);
    if (p)
        h->hit = p;
    void *q = wr_grow(h->member, &f->member_cap, h->member_total + k->member_count,
                      sizeof *h->member);
    if (q)
        h->member = q;
    void *r =
        wr_grow(h->edge, &f->edge_cap, h->edge_total + k->edge_count, sizeof *h->edge);
    if (r)
        h->edge = r;
    if (!p || !q || !r)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " hits", h->count);
    for (size_t i = 0; i < k->hit_count; i++) {
        wr_typology_hit *hit = &h->hit[h->count++];
        *hit = k->hit[i];
        hit->typology = (uint8_t)t;
        hit->member += h->member_total;
        hit->edge += h->edge_total;
    }
    memcpy(h->member + h->member_total, k->member, k->member_count * sizeof *k->member);
    memcpy(h->edge + h->edge_total, k->edge, k->edge_count * sizeof *k->edge);
    h->member_total += k->member_count;
    h->edge_total += k->edge_count;
    return WR_OK;
}

static void chunk(wr_typology_sink *k, const wr_typology_view *x,
                  wr_typology_kernel *kernel, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end && !k->is_out_of_memory; i++) {
        k->is_partial = k->is_hub_truncated = false;
        k->visits = 0;
        k->is_out_of_memory = !kernel(k, x, i);
        k->partial_roots += k->is_partial;
        k->truncated_roots += k->is_hub_truncated;
    }
}

/* All roots in [first, end), in waves of chunks. */
static wr_status sweep(finder *f, int t, wr_typology_kernel *kernel, uint64_t first,
                       uint64_t end, wr_err *err)
{
    for (uint64_t at = first; at < end; at += (uint64_t)ROOTS * WAVE) {
        WR_TRY(wr_progress_at(f->pg, PATTERN[t].name, at - first, end - first, err));
        const uint64_t left = (end - at + ROOTS - 1) / ROOTS;
        const uint64_t chunks = left < WAVE ? left : WAVE;
        wr_typology_sink *sink = f->sink;
        const wr_typology_view *x = &f->x;
#pragma omp parallel for default(none) shared(sink, x, kernel, at, end, chunks) \
    schedule(dynamic, 1) if (chunks > 1)
        for (uint64_t c = 0; c < chunks; c++) {
            const uint64_t from = at + c * ROOTS;
            chunk(&sink[c], x, kernel, from, from + ROOTS < end ? from + ROOTS : end);
        }
        for (uint64_t c = 0; c < chunks; c++) {
            if (sink[c].is_out_of_memory)
                return wr_fail(err, WR_ENOMEM, "search for %s", PATTERN[t].name);
            WR_TRY(append(f, &sink[c], t, err));
            wr_typology_sink_release(&sink[c]);
        }
    }
    return WR_OK;
}

static int by_root_and_edges(const void *a, const void *b, void *edges)
{
    const wr_typology_hit *x = a, *y = b;
    const uint32_t *edge = edges, *p = edge + x->edge, *q = edge + y->edge;
    if (x->root != y->root)
        return x->root < y->root ? -1 : 1;
    for (uint32_t i = 0; i < x->edge_count && i < y->edge_count; i++)
        if (p[i] != q[i])
            return p[i] < q[i] ? -1 : 1;
    if (x->edge_count != y->edge_count)
        return x->edge_count < y->edge_count ? -1 : 1;
    return (x->variant > y->variant) - (x->variant < y->variant);
}

/* Blocks are found from each of their senders: by first transfer, then by root, a
 * candidate at least half of whose transfers stand in earlier hits is none. */
int wr_typology_by_first_edge(const void *a, const void *b, void *edges)
{
    const wr_typology_hit *x = a, *y = b;
    const uint32_t *edge = edges;
    if (edge[x->edge] != edge[y->edge])
        return edge[x->edge] < edge[y->edge] ? -1 : 1;
    return by_root_and_edges(a, b, edges);
}

static wr_status thin_out(finder *f, uint64_t before, wr_err *err)
{
    wr_typology_hits *h = &f->h;
    if (h->count == before)
        return WR_OK;
    WR_AUTO_ARRAY uint64_t *taken = wr_calloc(f->x.fl->col.m / 64 + 1, sizeof *taken);
    if (!taken)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " hits", h->count);
    qsort_r(h->hit + before, h->count - before, sizeof *h->hit, wr_typology_by_first_edge,
            h->edge);
    uint64_t kept = before;
    for (uint64_t i = before; i < h->count; i++) {
        const wr_typology_hit hit = h->hit[i];
        if (wr_typology_take(taken, h->edge + hit.edge, hit.edge_count))
            h->hit[kept++] = hit;
    }
    h->count = kept;
    return WR_OK;
}

static wr_status find_one(finder *f, int t, wr_err *err)
{
    const pattern *p = &PATTERN[t];
    const uint64_t before = f->h.count;
    if (p->link) {
        if (!f->x.next) {
            f->x.next = wr_alloc_big(f->x.fl->col.m + 1, sizeof *f->x.next);
            f->x.is_linked = wr_alloc_big(f->x.fl->col.m + 1, sizeof *f->x.is_linked);
        }
        if (!f->x.next || !f->x.is_linked)
            return wr_fail(err, WR_ENOMEM, "links of %" PRIu64 " transfers",
                           f->x.fl->col.m);
        memset(f->x.next, 0xff, f->x.fl->col.m * sizeof *f->x.next);
        memset(f->x.is_linked, 0, f->x.fl->col.m * sizeof *f->x.is_linked);
        WR_TRY(sweep(f, t, p->link, 0, f->x.fl->n, err));
    }
    if (p->is_by_transfer)
        WR_TRY(sweep(f, t, p->find, f->x.lo, f->x.end, err));
    else
        WR_TRY(sweep(f, t, p->find, 0, f->x.fl->n, err));
    if (t == WR_TYPOLOGY_BIPARTITE || t == WR_TYPOLOGY_STACK)
        WR_TRY(thin_out(f, before, err));
    if (f->h.count > before + 1)
        qsort_r(f->h.hit + before, f->h.count - before, sizeof *f->h.hit,
                by_root_and_edges, f->h.edge);
    return WR_OK;
}

/* Arrays of their true size, in the order of the hits. */
static wr_status pack(wr_typology_hits *out, const wr_typology_hits *h, wr_err *err)
{
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits p = *h;
    p.hit = wr_calloc(h->count, sizeof *p.hit);
    p.member = wr_calloc(h->member_total, sizeof *p.member);
    p.edge = wr_calloc(h->edge_total, sizeof *p.edge);
    if (!p.hit || !p.member || !p.edge)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " hits", h->count);
    uint64_t member = 0, edge = 0;
    for (uint64_t i = 0; i < h->count; i++) {
        wr_typology_hit *to = &p.hit[i];
        *to = h->hit[i];
        memcpy(p.member + member, h->member + to->member,
               to->member_count * sizeof *p.member);
        memcpy(p.edge + edge, h->edge + to->edge, to->edge_count * sizeof *p.edge);
        to->member = member;
        to->edge = edge;
        member += to->member_count;
        edge += to->edge_count;
    }
    p.member_total = member;
    p.edge_total = edge;
    *out = p;
    p = (wr_typology_hits){0};
    return WR_OK;
}

wr_status wr_typology_find(wr_typology_hits *out, const wr_typology_input *in,
                           uint32_t which, const wr_typology_opts *o,
                           const wr_progress *pg, wr_err *err)
{
    WR_TRY(check(in, which, o, err));
    __attribute__((cleanup(finder_release)))
    finder f = {.x = {.in = in, .fl = &in->flow, .o = o}, .pg = pg};
    f.x.lo = wr_columns_before(&in->flow.col, o->from_s);
    f.x.end = wr_columns_before(&in->flow.col, o->to_s);
    const uint64_t roots = f.x.end > in->flow.n ? f.x.end : in->flow.n;
    f.sinks = roots / ROOTS < WAVE ? (size_t)(roots / ROOTS) + 1 : WAVE;
    f.sink = wr_calloc(f.sinks, sizeof *f.sink);
    if (!f.sink)
        return wr_fail(err, WR_ENOMEM, "search for typologies");
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        if (which >> t & 1)
            WR_TRY(find_one(&f, t, err));
    return pack(out, &f.h, err);
}

void wr_typology_summary(wr_typology_wallet *per, uint32_t n, const wr_typology_hits *h)
{
    for (uint32_t v = 0; v < n; v++)
        per[v] = (wr_typology_wallet){0};
    for (uint64_t i = 0; i < h->count; i++) {
        const wr_typology_hit *hit = &h->hit[i];
        per[hit->root].root_mask |= 1U << hit->typology;
        for (uint32_t k = 0; k < hit->member_count; k++) {
            wr_typology_wallet *w = &per[h->member[hit->member + k]];
            if (!w->hits++ || (float)hit->strength > w->strength) {
                w->strength = (float)hit->strength;
                w->strongest = i;
            }
            w->mask |= 1U << hit->typology;
        }
    }
}
