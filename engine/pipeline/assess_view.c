#include <string.h>

#include "pipeline/assess_int.h"

wr_run *wr_assessment_run_mut(wr_assessment *a)
{
    return &a->run;
}

const wr_run *wr_assessment_run(const wr_assessment *a)
{
    return &a->run;
}

wr_snapshot *wr_assessment_snapshot(const wr_assessment *a)
{
    return a->g;
}

const wr_seeds *wr_assessment_seeds(const wr_assessment *a)
{
    return &a->labels.seeds;
}

const wr_settings *wr_assessment_settings(const wr_assessment *a)
{
    return a->cfg;
}

const wr_vid *wr_assessment_order(const wr_assessment *a, uint32_t *count)
{
    *count = a->order_count;
    return a->order;
}

double wr_assessment_score(const wr_assessment *a, wr_vid v)
{
    return a->score[v];
}

wr_level wr_assessment_level(const wr_assessment *a, wr_vid v)
{
    return (wr_level)a->level[v];
}

int wr_assessment_category(const wr_assessment *a, wr_vid v)
{
    return a->category[v];
}

static double share_of(double part, double total)
{
    double s = total > 0.0 ? part / total : 0.0;
    return s < 1.0 ? s : 1.0;
}

static bool is_service(const wr_assessment *a, uint32_t column)
{
    return a->labels.seeds.kind[column] == WR_CATEGORY_SERVICE;
}

static uint32_t poison_hops(const wr_poison *p, wr_vid v)
{
    return p->min_hops[v] == WR_POISON_NONE ? 0 : p->min_hops[v];
}

static void view_activity(const wr_assessment *a, wr_vid v, wr_wallet_view *out)
{
    const wr_columns col = a->flow.col;
    const wr_rows rows[WR_DIRECTIONS] = {a->flow.in, a->flow.out};
    const wr_pairs in = wr_snapshot_pairs_in(a->g);
    const wr_pairs outp = wr_snapshot_pairs_out(a->g);
    out->in_count = rows[0].off[v + 1ULL] - rows[0].off[v];
    out->out_count = rows[1].off[v + 1ULL] - rows[1].off[v];
    out->in_degree = (uint32_t)(in.off[v + 1ULL] - in.off[v]);
    out->out_degree = (uint32_t)(outp.off[v + 1ULL] - outp.off[v]);
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        const wr_rows *r = &rows[d];
        if (r->off[v] == r->off[v + 1ULL])
            continue;
        int64_t first = col.time_s[r->col[r->off[v]]]; /* rows are in time order */
        int64_t last = col.time_s[r->col[r->off[v + 1ULL] - 1]];
        if (!out->first_s || first < out->first_s)
            out->first_s = first;
        if (last > out->last_s)
            out->last_s = last;
    }
}

void wr_assessment_wallet(const wr_assessment *a, wr_vid v, wr_wallet_view *out)
{
    const wr_ledger_view in = wr_ledger_at(&a->ledger[WR_RECEIVING], v);
    const wr_ledger_view sent = wr_ledger_at(&a->ledger[WR_SENDING], v);
    const wr_fifo_view f = wr_fifo_at(&a->fifo, v);
    const int own = a->labels.seeds.category[v];
    *out = (wr_wallet_view){
        .score = a->score[v],
        .base = a->base[v],
        .level = (wr_level)a->level[v],
        .category = a->category[v],
        .own_category = own < 0 ? -1 : wr_assess_category(a, (uint32_t)own),
        .own_confidence = own < 0 ? 0.0
                          : a->labels.seeds.confidence
                              ? (double)a->labels.seeds.confidence[v]
                              : 1.0,
        .state = a->labels.is_available ? WR_STATE_SCORED : WR_STATE_LABELS_UNAVAILABLE,
        .received = in.total,
        .sent = sent.total,
        .unknown_share = share_of(in.received_unknown, in.total),
        .balance = in.balance,
        .association = a->association[0][v],
        .association_value = a->association[1][v],
        .max_transfer_share = (double)in.max_share,
        .poison_in = poison_hops(&a->poison[WR_RECEIVING], v),
        .poison_out = poison_hops(&a->poison[WR_SENDING], v),
    };
    for (uint32_t k = 0; k < a->c; k++)
        if (!is_service(a, k))
            out->fifo_share += share_of(f.received[k], f.total);
    view_activity(a, v, out);
}

static wr_exposure exposure_of(const wr_assessment *a, wr_vid v, uint32_t k, int d)
{
    const wr_ledger_view l = wr_ledger_at(&a->ledger[d], v);
    const size_t i = (size_t)v * a->c + k;
    double indirect = l.received[k] - l.direct[k];
    indirect = indirect > 0.0 ? indirect : 0.0;
    return (wr_exposure){
        .category = (uint8_t)wr_assess_category(a, k),
        .direction = (uint8_t)d,
        .min_hops = (float)l.min_hops[k],
        .mean_hops = l.mean_hops[k],
        .direct_value = l.direct[k],
        .indirect_value = indirect,
        .total_value = l.total,
        .direct_share = share_of(l.direct[k], l.total),
        .indirect_share = share_of(indirect, l.total),
        .holdings_share = d == WR_RECEIVING ? share_of(l.taint[k], l.balance) : 0.0,
        .static_share = (double)a->shares[d][i],
        .static_known_share = (double)a->known[d][i],
    };
}

uint32_t wr_assessment_exposures(const wr_assessment *a, wr_vid v,
                                 wr_exposure out[WR_EXPOSURES_MAX])
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < a->c; k++)
        for (int d = 0; d < WR_DIRECTIONS; d++) {
            wr_exposure e = exposure_of(a, v, k, d);
            if (e.direct_value > 0.0 || e.indirect_value > 0.0 || e.static_share > 0.0)
                out[count++] = e;
        }
    return count;
}

uint32_t wr_assessment_origins(const wr_assessment *a, wr_vid v,
                               wr_origin out[WR_ORIGINS_MAX], double *other)
{
    const wr_attribution_view o = wr_attribution_at(&a->origin, v);
    uint32_t count = 0;
    for (; count < o.received_count && count < WR_ORIGINS_MAX; count++) {
        const wr_vid source = o.received[count].vid;
        const int k = a->labels.seeds.category[source];
        out[count] =
            (wr_origin){.source = source,
                        .category = k < 0 ? -1 : wr_assess_category(a, (uint32_t)k),
                        .value = o.received[count].value};
    }
    *other = o.received_other;
    return count;
}
