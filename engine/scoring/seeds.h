/*
 * seeds.h - labels as kernels see them: one entry per vertex, by index.
 *
 * A wallet with several labels keeps one: sanctions-like weight first (higher weight),
 * then illicit before risky before service, then higher confidence, then lower category
 * index, then the earlier start and the later end of validity; whatever the order of
 * offers.  pipeline/ makes it from the store; kernels only read. Thread: immutable after
 * build.
 */
#ifndef WR_SCORING_SEEDS_H
#define WR_SCORING_SEEDS_H

#include <stdint.h>

#include "graph/snapshot.h"
#include "model/category.h"

enum { WR_SEED_NONE = -1 };

typedef struct wr_seeds {
    uint32_t n;                    /* vertices of the graph */
    uint32_t c;                    /* categories C, 1..WR_CATEGORY_MAX */
    int8_t *category;              /* [n] index, or WR_SEED_NONE */
    float *confidence;             /* [n] 0..1: q(v) in ALGORITHMS 2.1; NULL = all 1 */
    uint32_t *from_s;              /* [n] label holds from this time on; NULL = always */
    uint32_t *to_s;                /* [n] … until before this time; NULL = always */
    uint8_t kind[WR_CATEGORY_MAX]; /* wr_category_kind by category */
    uint64_t count;                /* labelled vertices */
} wr_seeds;

/* All four arrays, nobody labelled.  Errors  WR_EINVAL (categories), WR_ENOMEM */
wr_status wr_seeds_init(wr_seeds *s, uint32_t n, const wr_taxonomy *tx,
                        wr_err *err) WR_NODISCARD;
void wr_seeds_release(wr_seeds *s); /* safe on a zeroed struct */

/* Offer one label to vertex v; kept when it ranks above the one there (see top). */
void wr_seeds_offer(wr_seeds *s, const wr_taxonomy *tx, wr_vid v, int category,
                    double confidence, uint32_t from_s, uint32_t to_s);

/* Label of v that holds at time t, or WR_SEED_NONE. */
static inline int wr_seeds_at(const wr_seeds *s, wr_vid v, uint32_t t)
{
    int c = s->category[v];
    if (c >= 0 && ((s->from_s && t < s->from_s[v]) || (s->to_s && t >= s->to_s[v])))
        return WR_SEED_NONE;
    return c;
}

#endif
