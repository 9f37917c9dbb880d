/*
 * grade.h - how well a score told bad wallets from good ones.
 *
 * Three times: all bad ones; those of hidden incidents (nobody had a label when the
 * features were taken), where only behaviour can tell; those of known incidents (a wallet
 * of theirs was labelled), where exposure can.  Good rows are the same each time.
 * By typology: of its wallets, and of its incidents (by any wallet), how many are among
 * the highest WR_GRADE_BUDGET of all rows.  Rows that tie at the edge draw lots for the
 * places that are left, and what is told is the mean over the draws: a score that is the
 * same for everybody finds WR_GRADE_BUDGET of them.
 *
 * Source  ALGORITHMS 8
 * Thread  safe; the caller's OpenMP team, same bits for any of it
 */
#ifndef WR_PIPELINE_LEARNING_GRADE_H
#define WR_PIPELINE_LEARNING_GRADE_H

#include "pipeline/learning/block.h"
#include "scoring/reliability.h"
#include "util/json_out.h"

#define WR_GRADE_BUDGET 0.01

typedef struct wr_grade_rows {
    size_t n;
    const double *score; /* [n] higher = worse; a probability when is_probability */
    const bool *is_bad;
    const uint32_t *incident; /* [n] WR_INCIDENT_NONE = none */
    const uint8_t *typology;  /* [n] WR_TRUTH_TYPOLOGY_NONE = none */
    const bool *is_known;     /* [n] read for bad rows */
    bool is_probability;
    double threshold; /* for precision, recall and F1; NaN = none was chosen */
} wr_grade_rows;

typedef struct wr_grade {
    bool is_there; /* there was a bad row */
    wr_model_metrics m;
    wr_interval pr_auc, recall; /* 95 %, by incident; recall at WR_GRADE_BUDGET */
    wr_threshold_metrics at;
    wr_reliability reliability; /* of probabilities */
} wr_grade;

typedef struct wr_grade_typology {
    uint32_t wallets, incidents;
    double wallets_found, incidents_found; /* means over draws */
} wr_grade_typology;

typedef struct wr_grades {
    wr_grade all, hidden, known;
    wr_grade_typology typology[WR_TRUTH_TYPOLOGIES_MAX];
    bool is_probability, has_threshold;
} wr_grades;

/* Errors  WR_EINVAL (no bad row, no good row, a score that is not finite), WR_ENOMEM */
wr_status wr_grade_of(wr_grades *out, const wr_grade_rows *r, wr_err *err) WR_NODISCARD;

/*
 * Of a block's wallets: score [rows].  An incident is known when a wallet of it had a
 * label before the block's end.  threshold NaN: none.
 */
wr_status wr_grade_block(wr_grades *out, const wr_block *b, const wr_population *p,
                         const double *score, bool is_probability, double threshold,
                         wr_err *err) WR_NODISCARD;

/* Keys "test", "hidden", "known", "by_typology" into an open object. */
void wr_grade_json(wr_json_out *j, const wr_grades *g, const wr_truth_set *t);
/* The same for a terminal. */
void wr_grade_text(wr_buf *out, const wr_grades *g, const wr_truth_set *t);

#endif
