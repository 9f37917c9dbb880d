#include "pipeline/run/evidence.h"

#include <string.h>

#include "pipeline/run/assess_int.h"

void wr_evidence_of_run(wr_evidence *e, const wr_assessment *a, wr_vid v)
{
    const wr_ids *ids = wr_snapshot_ids(a->g);
    const float *q = a->labels.seeds.confidence;
    const int own = a->labels.seeds.category[v];
    e->a = a;
    e->v = v;
    e->chain = wr_ids_chain(ids, v);
    e->address = wr_ids_address(ids, v);
    e->c = a->c;
    memcpy(e->column, a->labels.column, sizeof e->column);
    e->ledger[WR_RECEIVING] = wr_ledger_at(&a->ledger[WR_RECEIVING], v);
    e->ledger[WR_SENDING] = wr_ledger_at(&a->ledger[WR_SENDING], v);
    e->own_category = own < 0 ? -1 : wr_assess_category(a, (uint32_t)own);
    e->own_confidence = own < 0 ? 0.0 : q ? (double)q[v] : 1.0;
    e->is_by_rules = false;
    e->live = (wr_live_note){.is_exact = true, .seq = a->run.max_seq};
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

wr_activity wr_assess_activity(const wr_snapshot *g, wr_vid v)
{
    const wr_columns col = wr_snapshot_columns(g);
    const wr_rows rows[] = {wr_snapshot_rows_in(g), wr_snapshot_rows_out(g)};
    const wr_pairs in = wr_snapshot_pairs_in(g);
    const wr_pairs outp = wr_snapshot_pairs_out(g);
    wr_activity out = {.in_count = rows[0].off[v + 1ULL] - rows[0].off[v],
                       .out_count = rows[1].off[v + 1ULL] - rows[1].off[v],
                       .in_degree = (uint32_t)(in.off[v + 1ULL] - in.off[v]),
                       .out_degree = (uint32_t)(outp.off[v + 1ULL] - outp.off[v])};
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        const wr_rows *r = &rows[d];
        if (r->off[v] == r->off[v + 1ULL])
            continue;
        int64_t first = col.time_s[r->col[r->off[v]]]; /* rows are in time order */
        int64_t last = col.time_s[r->col[r->off[v + 1ULL] - 1]];
        if (!out.first_s || first < out.first_s)
            out.first_s = first;
        if (last > out.last_s)
            out.last_s = last;
    }
    return out;
}

/* What only a run knows: nothing of a wallet met after it. */
static void view_of_run(const wr_evidence *e, wr_wallet_view *out)
{
    const wr_assessment *a = e->a;
    const wr_vid v = e->v;
    if (v == WR_VID_NONE)
        return;
    const wr_fifo_view f = wr_fifo_at(&a->fifo, v);
    out->is_judged = a->probability != NULL;
    out->probability = out->is_judged ? a->probability[v] : 0.0;
    out->novelty = out->is_judged ? a->novelty[v] : 0.0;
    out->association = a->association[0][v];
    out->association_value = a->association[1][v];
    out->poison_in = poison_hops(&a->poison[WR_RECEIVING], v);
    out->poison_out = poison_hops(&a->poison[WR_SENDING], v);
    for (uint32_t k = 0; k < a->c; k++)
        if (!is_service(a, k))
            out->fifo_share += share_of(f.received[k], f.total);
}

void wr_evidence_wallet(const wr_evidence *e, wr_wallet_view *out)
{
    const wr_ledger_view *in = &e->ledger[WR_RECEIVING];
    const wr_activity act =
        e->live.is_live ? e->activity : wr_assess_activity(e->a->g, e->v);
    *out = (wr_wallet_view){
        .own_category = e->own_category,
        .own_confidence = e->own_confidence,
        .state = !e->a->labels.is_available ? WR_STATE_LABELS_UNAVAILABLE
                 : !e->live.is_exact        ? WR_STATE_STALE
                                            : WR_STATE_SCORED,
        .received = in->total,
        .sent = e->ledger[WR_SENDING].total,
        .unknown_share = share_of(in->received_unknown, in->total),
        .balance = in->balance,
        .max_transfer_share = (double)in->max_share,
        .in_count = act.in_count,
        .out_count = act.out_count,
        .in_degree = act.in_degree,
        .out_degree = act.out_degree,
        .first_s = act.first_s,
        .last_s = act.last_s,
    };
    out->score = wr_evidence_score(e, &out->base, &out->category);
    out->level = wr_policy_level(&e->a->cfg->policy, out->score);
    view_of_run(e, out);
}

static wr_exposure exposure_of(const wr_evidence *e, uint32_t k, int d)
{
    const wr_assessment *a = e->a;
    const wr_ledger_view *l = &e->ledger[d];
    const bool is_of_run = e->v != WR_VID_NONE && k < a->c;
    const size_t i = is_of_run ? (size_t)e->v * a->c + k : 0;
    double indirect = l->received[k] - l->direct[k];
    indirect = indirect > 0.0 ? indirect : 0.0;
    return (wr_exposure){
        .category = e->column[k],
        .direction = (uint8_t)d,
        .min_hops = (float)l->min_hops[k],
        .mean_hops = l->mean_hops[k],
        .direct_value = l->direct[k],
        .indirect_value = indirect,
        .total_value = l->total,
        .direct_share = share_of(l->direct[k], l->total),
        .indirect_share = share_of(indirect, l->total),
        .holdings_share = d == WR_RECEIVING ? share_of(l->taint[k], l->balance) : 0.0,
        .static_share = is_of_run ? (double)a->shares[d][i] : 0.0,
        .static_known_share = is_of_run ? (double)a->known[d][i] : 0.0,
    };
}

uint32_t wr_evidence_exposures(const wr_evidence *e, wr_exposure out[WR_EXPOSURES_MAX])
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < e->c; k++)
        for (int d = 0; d < WR_DIRECTIONS; d++) {
            wr_exposure x = exposure_of(e, k, d);
            if (x.direct_value > 0.0 || x.indirect_value > 0.0 || x.static_share > 0.0)
                out[count++] = x;
        }
    return count;
}
