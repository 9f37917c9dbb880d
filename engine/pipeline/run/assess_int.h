/*
 * assess_int.h - what an assessment holds; shared by the files that make and read it.
 */
#ifndef WR_PIPELINE_RUN_ASSESS_INT_H
#define WR_PIPELINE_RUN_ASSESS_INT_H

#include <stdatomic.h>

#include "pipeline/input/phases.h"
#include "pipeline/run/evidence.h"
#include "pipeline/run/kept_rows.h"
#include "scoring/association.h"
#include "scoring/attribution.h"
#include "scoring/fifo.h"
#include "scoring/ledger.h"
#include "scoring/poison.h"
#include "scoring/static_exposure.h"

enum { WR_DIRECTIONS = 2 };

/* Typology hits of the policy's window, and which of them each wallet is in. */
typedef struct wr_assess_typologies {
    uint32_t from_s; /* the window begins; it ends with the newest transfer */
    wr_typology_hits hits;
    /* By wallet; all three NULL when there is no hit. */
    uint64_t *off; /* [n + 1] */
    uint32_t *hit; /* [off[n]] ascending for each wallet */
} wr_assess_typologies;

struct wr_assessment {
    atomic_int refs;
    wr_snapshot *g;
    wr_settings *cfg;
    wr_label_set labels;
    wr_run run;
    char *detail; /* owns run.detail */

    uint32_t n, c; /* vertices, columns (labels.column tells the category) */
    wr_flow flow;
    wr_ledger ledger[WR_DIRECTIONS];
    wr_ledger_mark *mark[WR_DIRECTIONS]; /* [m] */
    wr_fifo fifo;
    wr_poison poison[WR_DIRECTIONS];
    wr_attribution origin;
    uint32_t *hold_s[WR_DIRECTIONS]; /* [n*c] causal mask data, for push */
    float *shares[WR_DIRECTIONS];    /* [n*c] static exposure */
    float *known[WR_DIRECTIONS];     /* [n*c] share of the known */
    wr_static_report shares_rep[WR_DIRECTIONS], known_rep[WR_DIRECTIONS];
    double *association[2]; /* [n] weights 1, weights sqrt(value) */
    wr_association_report association_rep;

    wr_assess_typologies typology;

    double *probability, *novelty; /* [n] by the model; NULL: none scores */
    double *drift;                 /* [columns of the model] PSI against training */
    double score_drift;
    wr_kept_rows rows; /* of the most probable wallets, as the model saw them */

    double *score, *base; /* [n] */
    uint8_t *level;       /* [n] */
    int8_t *category;     /* [n] taxonomy index, -1 = none */
    wr_vid *order;        /* [order_count] */
    uint32_t order_count;

    wr_phases phases;
};

/* The last transfers that the live state takes itself, so that it can take them back. */
static inline uint32_t wr_assess_live_window(const wr_assessment *a)
{
    return a->cfg->live_window ? a->cfg->live_window : WR_LIVE_WINDOW;
}

static inline int wr_assess_category(const wr_assessment *a, uint32_t column)
{
    return a->labels.column[column];
}

/* evidence.c: what v did in g. */
wr_activity wr_assess_activity(const wr_snapshot *g, wr_vid v);

/* assess_model.c: probability, novelty and drift, when the settings have a model. */
wr_status wr_assess_judge(wr_assessment *a, const wr_progress *pg,
                          wr_err *err) WR_NODISCARD;
enum { WR_ASSESS_ROWS_BYTES = 256 << 20 }; /* of a->rows: 184 000 wallets, all columns */
/* Key "model" of the run's detail; features that have moved by so much are named. */
#define WR_ASSESS_DRIFT_NOTED 0.1
void wr_assess_model_notes(wr_json_out *j, const wr_assessment *a);

/* score.c: score, base, level, category of all vertices, and their order. */
wr_status wr_assess_score_all(wr_assessment *a, wr_err *err) WR_NODISCARD;

/* assess_typology.c: a->typology, which is empty before. */
wr_status wr_assess_find_typologies(wr_assessment *a, const wr_progress *pg,
                                    wr_err *err) WR_NODISCARD;
void wr_assess_typologies_release(wr_assess_typologies *t);
/* Key "typologies" of the run's detail. */
void wr_assess_typology_notes(wr_json_out *j, const wr_assessment *a);
/* What the reason of each typology that v is in says: [count], by typology. */
uint32_t wr_assess_typology_reasons(const wr_assessment *a, wr_vid v,
                                    wr_reason_typology out[WR_TYPOLOGY_COUNT]);

/* output.c: digest over every published number in vertex order. */
wr_status wr_assess_digest(wr_assessment *a, wr_err *err) WR_NODISCARD;
/* output.c: keys "static_exposure", "association", "conservation_gap", "typologies" of
 * the run's detail. */
void wr_assess_notes(wr_json_out *j, const wr_assessment *a);

#endif
