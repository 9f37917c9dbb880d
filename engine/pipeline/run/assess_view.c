#include "pipeline/run/assess_int.h"

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

const double *wr_assessment_scores(const wr_assessment *a)
{
    return a->score;
}

wr_level wr_assessment_level(const wr_assessment *a, wr_vid v)
{
    return (wr_level)a->level[v];
}

int wr_assessment_category(const wr_assessment *a, wr_vid v)
{
    return a->category[v];
}

void wr_assessment_wallet(const wr_assessment *a, wr_vid v, wr_wallet_view *out)
{
    wr_evidence e;
    wr_evidence_of_run(&e, a, v);
    wr_evidence_wallet(&e, out);
}

uint32_t wr_assessment_exposures(const wr_assessment *a, wr_vid v,
                                 wr_exposure out[WR_EXPOSURES_MAX])
{
    wr_evidence e;
    wr_evidence_of_run(&e, a, v);
    return wr_evidence_exposures(&e, out);
}

uint32_t wr_assessment_reasons(const wr_assessment *a, wr_vid v,
                               wr_reason out[WR_REASONS_MAX])
{
    wr_evidence e;
    wr_evidence_of_run(&e, a, v);
    return wr_evidence_reasons(&e, out);
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
