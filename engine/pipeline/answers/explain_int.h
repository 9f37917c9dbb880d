/*
 * explain_int.h - JSON that explain.c and explanation.c write alike.
 */
#ifndef WR_PIPELINE_ANSWERS_EXPLAIN_INT_H
#define WR_PIPELINE_ANSWERS_EXPLAIN_INT_H

#include "pipeline/run/report.h"
#include "scoring/push.h"

/* A wallet as "chain:address"; without a key, as the next value. */
void wr_explain_put_id(wr_json_out *j, const wr_snapshot *g, wr_vid v);
void wr_explain_kv_id(wr_json_out *j, const char *key, const wr_snapshot *g, wr_vid v);

/* PathStep of the transfer at column position `at`; st NULL: without its hash. */
wr_status wr_explain_put_step(wr_json_out *j, const wr_assessment *a, uint32_t at,
                              wr_store *st, wr_err *err) WR_NODISCARD;

/* The items of one direction's intervals, into an array that is open. */
void wr_explain_put_interval(wr_json_out *j, const wr_assessment *a,
                             const wr_push_result *r, wr_direction d);

#endif
