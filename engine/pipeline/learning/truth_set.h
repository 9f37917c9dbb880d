/*
 * truth_set.h - who was bad, by vertex of one graph: what training learns from and
 * evaluations judge by.
 *
 * Thread: immutable after load.
 */
#ifndef WR_PIPELINE_LEARNING_TRUTH_SET_H
#define WR_PIPELINE_LEARNING_TRUTH_SET_H

#include "graph/snapshot.h"
#include "scoring/model_metrics.h"
#include "scoring/seeds.h"
#include "util/digest.h"

enum {
    WR_TRUTH_TYPOLOGIES_MAX = 64,
    WR_TRUTH_NAME_MAX = 31,
    WR_TRUTH_TYPOLOGY_NONE = 255
};

typedef struct wr_truth_set {
    uint32_t n;
    uint32_t *incident; /* [n] 0.. by first appearance; WR_INCIDENT_NONE = not bad */
    uint8_t *typology;  /* [n] index of name, or WR_TRUTH_TYPOLOGY_NONE */
    bool *is_unknown;   /* [n] may be bad or good: in no block; never of a bad one */
    char name[WR_TRUTH_TYPOLOGIES_MAX][WR_TRUTH_NAME_MAX + 1];
    uint32_t typologies, incidents;
    uint64_t bad;     /* wallets of the graph */
    uint64_t missing; /* in the list, not in the graph */
    wr_digest_hex digest;
} wr_truth_set;

/*
 * From a list of incidents (codec/truth.h).  A wallet that is named twice belongs to the
 * first incident; one that is both bad and unknown is bad.
 *
 * chain   of its addresses
 * Errors  of codec/truth.h; WR_EPARSE (a name longer than WR_TRUTH_NAME_MAX bytes, more
 *         than WR_TRUTH_TYPOLOGIES_MAX of them), WR_EINVAL (graph without addresses)
 */
wr_status wr_truth_set_load(wr_truth_set *out, const char *path, const wr_chain *chain,
                            const wr_snapshot *g, wr_err *err) WR_NODISCARD;

/* Every wallet with an illicit label is bad, an incident by itself.  Errors  WR_ENOMEM */
wr_status wr_truth_set_of_labels(wr_truth_set *out, const wr_seeds *seeds,
                                 wr_err *err) WR_NODISCARD;
void wr_truth_set_release(wr_truth_set *t); /* safe on a zeroed struct */

static inline bool wr_truth_is_bad(const wr_truth_set *t, wr_vid v)
{
    return t->incident[v] != WR_INCIDENT_NONE;
}

#endif
