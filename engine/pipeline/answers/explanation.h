/*
 * explanation.h - everything that stands behind one wallet's score, in one document.
 *
 * { wallet,            as report.h
 *   score_parts,       what the score is made of; points add up to it
 *   typologies,        hits with the wallet in them: members, transfers, amounts, times;
 *                      those met since the run with their newest transfers
 *   static_interval,   as wr_explain_push
 *   received_paths, sent_paths,   as wr_explain_paths
 *   counterfactuals,   the score without a label, and as of an earlier time
 *   model }            probability, and the features that make it by SHAP; null: no
 *                      trained model
 *
 * Wallet, score_parts and typologies.live are of the evidence that is given (of a run, or
 * of now); all else is of the run.  api/openapi.yaml describes the same.  Thread: safe,
 * readers only.
 */
#ifndef WR_PIPELINE_ANSWERS_EXPLANATION_H
#define WR_PIPELINE_ANSWERS_EXPLANATION_H

#include "pipeline/answers/explain.h"
#include "pipeline/answers/what_if.h"

enum { WR_EXPLANATION_HITS_MAX = 100, WR_EXPLANATION_LABELS_MAX = 5 };

typedef struct wr_explanation_opts {
    uint32_t paths_max, hops_max; /* as wr_explain_opts */
    uint32_t hits_max;            /* typology hits shown: 0..WR_EXPLANATION_HITS_MAX */
    uint32_t items_max;           /* members and transfers shown of each: 1..1000 */
    uint32_t labels_max;    /* labels left out in turn: 0..WR_EXPLANATION_LABELS_MAX */
    int64_t as_of_s;        /* WR_TIME_NONE: not asked */
    uint64_t transfers_max; /* of a counterfactual's ledgers, as wr_what_if_opts */
} wr_explanation_opts;

#define WR_EXPLANATION_OPTS_INIT                                                         \
    {                                                                                    \
        .paths_max = 5, .hops_max = 8, .hits_max = 10, .items_max = 20, .labels_max = 3, \
        .as_of_s = WR_TIME_NONE, .transfers_max = WR_WHAT_IF_TRANSFERS_MAX               \
    }

/*
 * Points in the order of the parts, largest first: 100 times what the product of (1 -
 * part) loses by each; then what the floor lifts and what rounding moves.  The sum is the
 * published score; an order of the parts is a choice, the parts themselves are not.
 */
void wr_explain_score_parts(wr_json_out *j, const wr_evidence *e);

/*
 * Explanation.model: what each feature added to the margin (log odds before calibration),
 * largest first, WR_EXPLANATION_FEATURES of them and the rest as one number; they and
 * margin_mean add up to margin.  `features` null: the row of v is not kept
 * (assess_int.h). null as a whole: no model scores. Errors  WR_ENOMEM, of the booster
 */
enum { WR_EXPLANATION_FEATURES = 15 };
wr_status wr_explain_model(wr_json_out *j, const wr_assessment *a, wr_vid v,
                           wr_err *err) WR_NODISCARD;

/*
 * e       of a wallet that is in the run's graph
 * st      for transaction hashes; NULL leaves them out
 * Errors  WR_EINVAL (an option out of range: names it), WR_ENOMEM, of the store
 * Cost    that of the paths, and up to labels_max + 1 other worlds (what_if.h)
 */
wr_status wr_explain_wallet(wr_json_out *j, const wr_evidence *e,
                            const wr_explanation_opts *o, wr_store *st,
                            wr_err *err) WR_NODISCARD;

/*
 * The same in two halves, for a server: members of an object that is open.  The first
 * looks up hashes, the second computes and needs no store, so that no handle is held
 * meanwhile.  Errors  as above
 */
wr_status wr_explain_evidence(wr_json_out *j, const wr_evidence *e,
                              const wr_explanation_opts *o, wr_store *st,
                              wr_err *err) WR_NODISCARD;
wr_status wr_explain_otherwise(wr_json_out *j, const wr_evidence *e,
                               const wr_explanation_opts *o, wr_err *err) WR_NODISCARD;

#endif
