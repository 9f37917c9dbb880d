/*
 * assess.h - graph + labels + settings -> every wallet's exposures, score and reasons.
 *
 * An assessment is one scoring run's whole result in memory: arrays by vertex and the
 * run record with its digests.  It owns a reference on its snapshot.  The steps are
 * those of ALGORITHMS section 10: ledgers, FIFO, arrival, poison, static exposures,
 * association, typologies, score, floors, order, digest.
 *
 * Immutable after wr_assess; counted; any number of reader threads.
 */
#ifndef WR_PIPELINE_RUN_ASSESS_H
#define WR_PIPELINE_RUN_ASSESS_H

#include "model/run.h"
#include "pipeline/input/load.h"
#include "pipeline/input/settings.h"

typedef struct wr_assessment wr_assessment;

enum {
    WR_EXPOSURES_MAX = 2 * WR_CATEGORY_MAX, /* category × direction */
    WR_REASONS_MAX = 2 * WR_CATEGORY_MAX + WR_FLOOR_MAX + WR_TYPOLOGY_COUNT + 8
};

/*
 * g       one reference is acquired
 * labels  taken (empty afterwards, also on failure)
 * cfg     one reference is acquired
 * Errors  WR_ENOMEM, WR_ESTOPPED, WR_ENOCONV never (the bound is recorded instead)
 * Cost    O(m·C) for the ledgers, k·pairs·C for the static views; OpenMP team of the
 * caller
 */
wr_status wr_assess(wr_assessment **out, wr_snapshot *g, wr_label_set *labels,
                    wr_settings *cfg, const wr_progress *pg, wr_err *err) WR_NODISCARD;
wr_assessment *wr_assessment_acquire(wr_assessment *a);
void wr_assessment_unref(wr_assessment *a); /* accepts NULL */
WR_DEFINE_AUTO(wr_assessment, wr_assessment_unref)

uint64_t wr_assessment_bytes(const wr_assessment *a); /* without its graph; O(1) */

/* What the model that scored it has to say of the run. */
typedef struct wr_model_note {
    const char *id; /* borrowed */
    double score_psi, feature_psi_max;
    uint32_t features_moved; /* PSI above 0.25 */
} wr_model_note;
bool wr_assessment_model(const wr_assessment *a, wr_model_note *out); /* false: none */

const wr_run *wr_assessment_run(
    const wr_assessment *a); /* digests, counts, detail JSON */
wr_snapshot *wr_assessment_snapshot(const wr_assessment *a); /* borrowed */
const wr_seeds *wr_assessment_seeds(const wr_assessment *a);
const wr_settings *wr_assessment_settings(const wr_assessment *a);

/* Wallets (vertices but hubs) by (score descending, vertex ascending): [*count]. */
const wr_vid *wr_assessment_order(const wr_assessment *a, uint32_t *count);
double wr_assessment_score(const wr_assessment *a, wr_vid v); /* [0, 1] */
const double *wr_assessment_scores(const wr_assessment *a);   /* [n] */
wr_level wr_assessment_level(const wr_assessment *a, wr_vid v);
int wr_assessment_category(const wr_assessment *a, wr_vid v); /* -1 = none */

typedef struct wr_wallet_view {
    double score, base; /* [0, 1] */
    wr_level level;
    int category;                /* strongest, -1 = none */
    int own_category;            /* the wallet's own label, -1 = none */
    double own_confidence;       /* 0..1 */
    wr_state state;              /* SCORED or LABELS_UNAVAILABLE */
    double received, sent;       /* value units */
    double unknown_share;        /* of received value, origin not in the data */
    double balance;              /* value units, as the ledger sees it */
    double fifo_share;           /* received, summed over illicit + risky categories */
    bool is_judged;              /* by a model, in the run: */
    double probability, novelty; /* calibrated P(illicit); forest.h; 0..1 */
    double association, association_value; /* weights 1 and sqrt(value), 0..1 */
    double max_transfer_share;      /* largest tainted share of one incoming transfer */
    uint32_t poison_in, poison_out; /* hops; 0 = not reached */
    uint64_t in_count, out_count;   /* transfers */
    uint32_t in_degree, out_degree; /* distinct counterparties */
    int64_t first_s, last_s;        /* 0 when none */
} wr_wallet_view;

/* v < n.  O(degree) for first/last, else O(C). */
void wr_assessment_wallet(const wr_assessment *a, wr_vid v, wr_wallet_view *out);
/* Exposures with any value or share, by category then direction; returns how many. */
uint32_t wr_assessment_exposures(const wr_assessment *a, wr_vid v,
                                 wr_exposure out[WR_EXPOSURES_MAX]);
/*
 * Largest part first.  base = 1 - product of (1 - part) over EXPOSURE, OWN_LABEL and
 * TYPOLOGY (one for each typology that v is in); score = max(base, part of each FLOOR);
 * the other kinds have part 0 and add nothing.
 */
uint32_t wr_assessment_reasons(const wr_assessment *a, wr_vid v,
                               wr_reason out[WR_REASONS_MAX]);

/* Typology hits of the policy's window (typology_policy.h). */
const wr_typology_hits *wr_assessment_typologies(const wr_assessment *a);
int64_t wr_assessment_typologies_from(const wr_assessment *a); /* where it begins */
/* Indices of the hits that v is in, ascending: [*count], borrowed. */
const uint32_t *wr_assessment_hits_of(const wr_assessment *a, wr_vid v, uint32_t *count);

/* Labelled wallets that v's received taint came from, largest first; lower bounds. */
typedef struct wr_origin {
    wr_vid source;
    int category;
    double value; /* value units */
} wr_origin;
uint32_t wr_assessment_origins(const wr_assessment *a, wr_vid v,
                               wr_origin out[WR_ORIGINS_MAX], double *other);

#endif
