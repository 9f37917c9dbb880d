/*
 * evidence.h - what one wallet's answer stands on: a run, or a run and what came since.
 *
 * Score, exposures and reasons are functions of an evidence, so that a wallet of the run
 * and one that the live graph has moved on are judged by the same code:
 *
 *     of a run    both ledgers, label and activity as the run saw them
 *     of now      receiving ledger, label and activity of the live state (overlay.h); the
 *                 sending ledger is the run's plus what was sent since, of which only
 * what went straight to a labelled wallet is known: the rest of a sending exposure is
 * known again after the next run (live.is_sending_newer says so).  Static shares,
 * association, FIFO, poison, origins, typologies and a model's probability are the run's;
 * patterns that transfers made since stand apart (live.typologies)
 *
 * A struct of the caller; pointers inside point into it and into the assessment, so it is
 * not to be copied.  Thread: safe, readers only; the caller holds the view.
 */
#ifndef WR_PIPELINE_RUN_EVIDENCE_H
#define WR_PIPELINE_RUN_EVIDENCE_H

#include "pipeline/run/assess.h"
#include "scoring/ledger_live.h"

typedef struct wr_activity {
    uint64_t in_count, out_count;   /* transfers */
    uint32_t in_degree, out_degree; /* distinct counterparties */
    int64_t first_s, last_s;        /* 0 when none */
} wr_activity;

enum { WR_TYPOLOGY_SEQS = 8 };

typedef struct wr_typology_now {
    wr_reason_typology reason;
    int64_t seq[WR_TYPOLOGY_SEQS]; /* newest transfers of its strongest hit; then 0 */
} wr_typology_now;

/* Which patterns the live state has met a wallet in (live/typology_board.h). */
typedef struct wr_typologies_now {
    bool is_followed; /* false: no pattern is looked for, all below is zero */
    bool is_complete; /* nothing was missed: no late transfer, no cap */
    uint32_t from_s;  /* only transfers from here on become part of a pattern */
    uint32_t late;    /* of its transfers, that came too late */
    uint32_t count;
    wr_typology_now found[WR_TYPOLOGY_COUNT]; /* [count] by typology */
} wr_typologies_now;

/* What the live state says about the answer itself. */
typedef struct wr_live_note {
    bool is_live;        /* transfers of this wallet came after the run */
    bool is_exact;       /* receiving side and label are what a new run would find */
    bool has_paid_since; /* the sending side holds more than the run's */
    int64_t seq;         /* every transfer up to this one is in */
    wr_typologies_now typologies; /* patterns met since the run; no part of the score */
} wr_live_note;

typedef struct wr_evidence {
    const wr_assessment *a;
    wr_vid v; /* in the run's graph; WR_VID_NONE: it was met after the run */
    const wr_chain *chain;
    wr_text address;
    uint32_t c; /* columns of the ledgers; of now also categories that came up since */
    uint8_t column[WR_CATEGORY_MAX]; /* [c] taxonomy index */
    wr_ledger_view ledger[2];        /* by wr_direction */
    int own_category;                /* taxonomy's, -1 = none */
    double own_confidence;           /* 0..1 */
    bool is_by_rules; /* score it as if no model were there: other worlds (what_if.h) */
    wr_activity activity; /* of now only; of a run: see wr_evidence_wallet */
    wr_live_note live;
    /* what ledger[] points into, of now */
    wr_live_state in;
    double sent[WR_CATEGORY_MAX], sent_direct[WR_CATEGORY_MAX];
} wr_evidence;

/* The evidence of a run, for vertex v < n of its graph. */
void wr_evidence_of_run(wr_evidence *e, const wr_assessment *a, wr_vid v);

/* Score in [0, 1]; base before floors; category: the strongest, -1 = none. */
double wr_evidence_score(const wr_evidence *e, double *base, int *category);
/* Cost O(C), of a run a look at its rows more. */
void wr_evidence_wallet(const wr_evidence *e, wr_wallet_view *out);
/* As wr_assessment_exposures and wr_assessment_reasons. */
uint32_t wr_evidence_exposures(const wr_evidence *e, wr_exposure out[WR_EXPOSURES_MAX]);
uint32_t wr_evidence_reasons(const wr_evidence *e, wr_reason out[WR_REASONS_MAX]);

#endif
