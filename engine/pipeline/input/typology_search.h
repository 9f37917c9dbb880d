/*
 * typology_search.h - typology hits of a graph as the policy wants them: those of a run
 * and those of a frame as of any time.
 *
 * Thread: the caller's OpenMP team; same hits for any number of threads.
 */
#ifndef WR_PIPELINE_INPUT_TYPOLOGY_SEARCH_H
#define WR_PIPELINE_INPUT_TYPOLOGY_SEARCH_H

#include "pipeline/input/load.h"
#include "pipeline/input/typology_policy.h"

/* The policy, and what it means by a mixer or a swap among these labels. */
typedef struct wr_typology_ask {
    const wr_typology_policy *policy; /* borrowed; NULL: nothing is looked for */
    uint32_t mixer_mask, swap_mask;   /* bit k: column k of the labels */
} wr_typology_ask;

wr_typology_ask wr_typology_ask_of(const wr_typology_policy *p, const wr_label_set *l);

/*
 * Looks of g's addresses [n] (wr_typology_input.address_key), NULL when g has none;
 * wr_free.  Errors  WR_ENOMEM
 */
wr_status wr_typology_looks(uint64_t **look, const wr_snapshot *g,
                            wr_err *err) WR_NODISCARD;

/* Where the look-back behind the newest transfer begins; 0 without a transfer. */
uint32_t wr_typology_from(const wr_typology_policy *p, const wr_columns *col);

/*
 * Hits in the look-back of the flow, of those in `which` that the policy wants.
 * out     zeroed; empty when there is nothing to look for or in
 * look    [n] or NULL
 * Errors  of wr_typology_find
 */
wr_status wr_typology_search(wr_typology_hits *out, const wr_flow *fl,
                             const uint64_t *look, const wr_typology_ask *ask,
                             uint32_t which, const wr_progress *pg,
                             wr_err *err) WR_NODISCARD;

#endif
