/*
 * explain.h - where the money came from (or went): paths with explained mass + residual,
 * and contacts, which carry none.
 */
#ifndef WR_PIPELINE_ANSWERS_EXPLAIN_H
#define WR_PIPELINE_ANSWERS_EXPLAIN_H

#include "pipeline/run/report.h"

typedef struct wr_explain_opts {
    wr_direction direction;
    int category;       /* -1 = all illicit and risky ones */
    uint32_t paths_max; /* 1..50 */
    uint32_t hops_max;  /* 1..32; of paths (a contact is as short as can be) */
} wr_explain_opts;

#define WR_EXPLAIN_OPTS_INIT                                                     \
    {                                                                            \
        .direction = WR_RECEIVING, .category = -1, .paths_max = 5, .hops_max = 8 \
    }

/*
 * { id, direction, exposed_value, explained_value, residual_value, paths: [ { category,
 *   source, value, share, hops, steps: [ { from, to, time, value, seq, tx_hash } ] } ],
 *   contacts: [ { category, source, hops, bottleneck_value, is_truncated, steps } ] }
 *
 * A contact (scoring/contact.h) stands there for each category that poison reaches and of
 * which the ledger carried nothing: money could have come this way, but by the haircut
 * the payers' money was of unknown origin.  source null and no steps: see is_truncated.
 *
 * st      for transaction hashes of the steps; NULL leaves them out
 * Errors  WR_EINVAL (an option out of range: names it), WR_ENOMEM, of the store
 */
wr_status wr_explain_paths(wr_json_out *j, const wr_assessment *a, wr_vid v,
                           const wr_explain_opts *opts, wr_store *st,
                           wr_err *err) WR_NODISCARD;

/*
 * Exposure of v as the static view sees it, by local push with certificate (5.3): array
 * of { category_id, direction, low, high, is_truncated }.
 *
 * g, v    the wallet in g.  When g is newer than the run's graph and the wallet is not in
 *         the latter, its pairs of g are put beside the run's graph.
 */
wr_status wr_explain_push(wr_json_out *j, const wr_assessment *a, const wr_snapshot *g,
                          wr_vid v, wr_err *err) WR_NODISCARD;

#endif
