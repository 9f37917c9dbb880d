/*
 * run.h - a scoring run from store to store: load, assess, publish; and its proof.
 */
#ifndef WR_PIPELINE_RUN_RUN_H
#define WR_PIPELINE_RUN_RUN_H

#include "pipeline/run/assess.h"

/* "rYYYYMMDDTHHMMSSZ-xxxxxxxx": sorts by time (to 1/4096 s), random tail. */
void wr_run_id_new(char out[WR_RUN_ID_MAX + 1]);

/*
 * Load the graph, assess it with the labels of now and the registry's active model (or
 * none), publish.
 *
 * id    optional id (from wr_run_id_new): NULL makes one.  A failed run is recorded as
 *       failed with its error.
 */
wr_status wr_run_score(wr_assessment **out, wr_store *st, wr_settings *base,
                       const char *id, const wr_progress *pg, wr_err *err) WR_NODISCARD;

/*
 * The assessment of a stored run again, for serving: recomputed from its recorded bounds.
 *
 * id      "" = the newest complete scoring run
 * graph   optional (NULL).  In: a graph that is there already, used when its bound is the
 *         run's; out: the graph of the run, if it was loaded, also when the run could not
 *         be restored from it: so nobody need load it twice
 * Errors  WR_ENOTFOUND (no such run), WR_ECONFLICT (this program computes another output
 *         digest than the run's: score again)
 */
wr_status wr_run_restore(wr_assessment **out, wr_store *st, const char *id,
                         wr_loaded *graph, const wr_progress *pg,
                         wr_err *err) WR_NODISCARD;

/* The graph that a run was made of; one more reference. */
wr_loaded wr_run_graph(const wr_assessment *a);

typedef struct wr_verify_report {
    wr_run stored, recomputed; /* texts inside are not set */
    bool is_graph_same, is_labels_same, is_config_same, is_output_same;
    uint64_t scores_compared, scores_different; /* rows of risk_scores against memory */
} wr_verify_report;

/*
 * Recompute a stored run from its recorded bounds (max_seq, label revision, settings
 * text) and compare digests and every stored score.
 * Errors  WR_ENOTFOUND (no such run), WR_ECONFLICT (it never completed)
 * A difference is no error: the report says so.
 */
wr_status wr_run_verify(wr_verify_report *out, wr_store *st, const char *id,
                        const wr_progress *pg, wr_err *err) WR_NODISCARD;

#endif
