#include "pipeline/run/assess_int.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/input/side_by_side.h"
#include "scoring/arrival.h"

/* --- the kernels that walk transfers one by one: independent, so side by side ----------
 */

static wr_status run_ledger(void *ctx, wr_direction d, const wr_progress *pg, wr_err *err)
{
    wr_assessment *a = ctx;
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = d;
    o.mark = a->mark[d];
    o.is_state_kept = d == WR_RECEIVING; /* the live ledger goes on from there */
    o.state_tail = d == WR_RECEIVING ? wr_assess_live_window(a) : 0;
    o.pg = pg;
    return wr_ledger_run(&a->ledger[d], &a->flow, &o, err);
}

static wr_status run_fifo(void *ctx, wr_direction d, const wr_progress *pg, wr_err *err)
{
    wr_assessment *a = ctx;
    wr_fifo_opts o = WR_FIFO_OPTS_INIT;
    o.direction = d;
    o.pg = pg;
    return wr_fifo_run(&a->fifo, &a->flow, &o, err);
}

static wr_status run_poison(void *ctx, wr_direction d, const wr_progress *pg, wr_err *err)
{
    wr_assessment *a = ctx;
    return wr_poison_run(&a->poison[d], &a->flow, d, a->cfg->opts.poison_hops, pg, err);
}

static wr_status run_arrival(void *ctx, wr_direction d, const wr_progress *pg,
                             wr_err *err)
{
    wr_assessment *a = ctx;
    return wr_arrival(a->hold_s[d], &a->flow, d, pg, err);
}

static wr_status run_origin(void *ctx, wr_direction d, const wr_progress *pg, wr_err *err)
{
    wr_assessment *a = ctx;
    wr_attribution_opts o = WR_ATTRIBUTION_OPTS_INIT;
    o.direction = d;
    o.k = a->cfg->opts.top_k;
    o.pg = pg;
    return wr_attribution_run(&a->origin, &a->flow, &o, err);
}

static wr_status run_transfer_kernels(wr_assessment *a, const wr_progress *pg,
                                      wr_err *err)
{
    static const wr_side side[] = {
        {run_ledger, WR_RECEIVING},  {run_ledger, WR_SENDING},   {run_fifo, WR_RECEIVING},
        {run_origin, WR_RECEIVING},  {run_poison, WR_RECEIVING}, {run_poison, WR_SENDING},
        {run_arrival, WR_RECEIVING}, {run_arrival, WR_SENDING},
    };
    return wr_side_by_side(side, sizeof side / sizeof *side, a, pg, err);
}

/* --- the kernels that walk pairs: parallel inside, so one after the other --------------
 */

static wr_status run_static(wr_assessment *a, wr_direction d, bool is_known_only,
                            const wr_progress *pg, wr_err *err)
{
    const wr_views vw = wr_views_of(a->g);
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    o.direction = d;
    o.damping = a->cfg->opts.gamma;
    o.eps = a->cfg->opts.eps;
    o.max_step = a->cfg->opts.iter_max;
    o.hold_s = a->hold_s[d];
    o.is_known_only = is_known_only;
    o.is_label_seen_past = true;
    o.pg = pg;
    return wr_static_exposure(is_known_only ? a->known[d] : a->shares[d],
                              is_known_only ? &a->known_rep[d] : &a->shares_rep[d], &vw,
                              &a->labels.seeds, &o, err);
}

static wr_status run_pair_kernels(wr_assessment *a, const wr_progress *pg, wr_err *err)
{
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        WR_TRY(run_static(a, (wr_direction)d, false, pg, err));
        WR_TRY(run_static(a, (wr_direction)d, true, pg, err));
    }
    wr_phases_end(&a->phases, "static exposure");
    const wr_views vw = wr_views_of(a->g);
    wr_association_opts o = WR_ASSOCIATION_OPTS_INIT;
    o.damping = a->cfg->opts.gamma;
    o.eps = a->cfg->opts.eps;
    o.max_step = a->cfg->opts.iter_max;
    o.pg = pg;
    WR_TRY(wr_association(a->association[0], a->association[1], &a->association_rep, &vw,
                          &a->labels.seeds, &o, err));
    wr_phases_end(&a->phases, "association");
    return WR_OK;
}

/* --- making one ------------------------------------------------------------------------
 */

static wr_status allocate(wr_assessment *a, wr_err *err)
{
    const size_t n = a->n;
    const size_t m = a->flow.col.m;
    bool ok = true;
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        a->mark[d] = wr_alloc_big(m, sizeof *a->mark[d]);
        a->hold_s[d] = wr_alloc_big(n * a->c, sizeof *a->hold_s[d]);
        a->shares[d] = wr_alloc_big(n * a->c, sizeof *a->shares[d]);
        a->known[d] = wr_alloc_big(n * a->c, sizeof *a->known[d]);
        a->association[d] = wr_alloc_big(n, sizeof *a->association[d]);
        ok = ok && a->mark[d] && a->hold_s[d] && a->shares[d] && a->known[d] &&
             a->association[d];
    }
    a->score = wr_alloc_big(n, sizeof *a->score);
    a->base = wr_alloc_big(n, sizeof *a->base);
    a->level = wr_alloc_big(n, sizeof *a->level);
    a->category = wr_alloc_big(n, sizeof *a->category);
    a->order = wr_alloc_big(n, sizeof *a->order);
    ok = ok && a->score && a->base && a->level && a->category && a->order;
    return ok ? WR_OK
              : wr_fail(err, WR_ENOMEM, "assessment of %" PRIu32 " wallets", a->n);
}

static void describe(wr_assessment *a)
{
    wr_run *r = &a->run;
    const wr_columns col = a->flow.col;
    r->status = WR_RUN_RUNNING;
    memcpy(r->kind, "score", sizeof "score");
    r->as_of_s = col.m ? col.time_s[col.m - 1] : 0;
    r->transfers = col.m;
    r->wallets = a->n;
    r->labels = a->labels.count;
    r->labels_digest = a->labels.digest;
    r->config_digest = a->cfg->digest;
    (void)memcpy(r->code_version, WR_VERSION, sizeof WR_VERSION);
    r->config = wr_text_of(a->cfg->text);
}

static wr_status compute(wr_assessment *a, const wr_progress *pg, wr_err *err)
{
    WR_TRY(allocate(a, err));
    describe(a);
    WR_TRY(wr_snapshot_digest(a->g, &a->run.graph_digest, err));
    wr_phases_end(&a->phases, "graph digest");
    WR_TRY(run_transfer_kernels(a, pg, err));
    wr_phases_end(&a->phases, "ledgers, fifo, origins, poison, arrival");
    WR_TRY(run_pair_kernels(a, pg, err));
    WR_TRY(wr_assess_find_typologies(a, pg, err));
    wr_phases_end(&a->phases, "typologies");
    WR_TRY(wr_assess_judge(a, pg, err));
    wr_phases_end(&a->phases, "model");
    WR_TRY(wr_progress_at(pg, "score", 0, 0, err));
    WR_TRY(wr_assess_score_all(a, err));
    wr_phases_end(&a->phases, "score");
    WR_TRY(wr_assess_digest(a, err));
    wr_phases_end(&a->phases, "output digest");
    return WR_OK;
}

wr_status wr_assess(wr_assessment **out, wr_snapshot *g, wr_label_set *labels,
                    wr_settings *cfg, const wr_progress *pg, wr_err *err)
{
    WR_AUTO(wr_assessment) a = wr_calloc(1, sizeof *a);
    if (!a) {
        wr_label_set_release(labels);
        return wr_fail(err, WR_ENOMEM, "assessment");
    }
    atomic_init(&a->refs, 1);
    a->labels = *labels;
    *labels = (wr_label_set){0};
    a->g = wr_snapshot_acquire(g);
    a->cfg = wr_settings_acquire(cfg);
    a->n = wr_snapshot_n(g);
    a->c = a->labels.seeds.c;
    a->flow = wr_flow_of(g, &a->labels.seeds);
    a->phases = wr_phases_begin();
    WR_TRY(compute(a, pg, err));
    *out = WR_STEAL(a);
    return WR_OK;
}

enum { OWN_BLOCKS = 5 * WR_DIRECTIONS + 9 };

/* What an assessment has allocated itself; its parts know the rest. */
static void own_blocks(void *block[OWN_BLOCKS], const wr_assessment *a)
{
    void *const own[OWN_BLOCKS] = {
        a->mark[0],     a->mark[1],  a->hold_s[0], a->hold_s[1],      a->shares[0],
        a->shares[1],   a->known[0], a->known[1],  a->association[0], a->association[1],
        a->probability, a->novelty,  a->drift,     a->score,          a->base,
        a->level,       a->category, a->order,     a->detail,
    };
    memcpy(block, own, sizeof own);
}

uint64_t wr_assessment_bytes(const wr_assessment *a)
{
    void *own[OWN_BLOCKS];
    const wr_seeds *s = &a->labels.seeds;
    const wr_typology_hits *h = &a->typology.hits;
    own_blocks(own, a);
    uint64_t bytes = wr_block_bytes(a) + wr_fifo_bytes(&a->fifo) +
                     wr_attribution_bytes(&a->origin) + wr_block_bytes(a->rows.place) +
                     wr_block_bytes(a->rows.x) + wr_block_bytes(a->labels.sources) +
                     wr_block_bytes(s->category) + wr_block_bytes(s->confidence) +
                     wr_block_bytes(s->from_s) + wr_block_bytes(s->to_s) +
                     wr_block_bytes(h->hit) + wr_block_bytes(h->member) +
                     wr_block_bytes(h->edge) + wr_block_bytes(a->typology.off) +
                     wr_block_bytes(a->typology.hit);
    for (size_t i = 0; i < OWN_BLOCKS; i++)
        bytes += wr_block_bytes(own[i]);
    for (int d = 0; d < WR_DIRECTIONS; d++)
        bytes += wr_ledger_bytes(&a->ledger[d]) + wr_poison_bytes(&a->poison[d]);
    return bytes;
}

wr_assessment *wr_assessment_acquire(wr_assessment *a)
{
    atomic_fetch_add(&a->refs, 1);
    return a;
}

static void release(wr_assessment *a)
{
    void *own[OWN_BLOCKS];
    own_blocks(own, a);
    for (size_t i = 0; i < OWN_BLOCKS; i++)
        wr_free(own[i]);
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        wr_ledger_release(&a->ledger[d]);
        wr_poison_release(&a->poison[d]);
    }
    wr_fifo_release(&a->fifo);
    wr_attribution_release(&a->origin);
    wr_assess_typologies_release(&a->typology);
    wr_kept_rows_release(&a->rows);
    wr_label_set_release(&a->labels);
    wr_snapshot_unref(a->g);
    wr_settings_unref(a->cfg);
    wr_free(a);
}

void wr_assessment_unref(wr_assessment *a)
{
    if (a && atomic_fetch_sub(&a->refs, 1) == 1)
        release(a);
}
