/*
 * learned_int.h - what a trained scorer is made of; for learned.c and learned_card.c.
 */
#ifndef WR_PIPELINE_SCORER_LEARNED_INT_H
#define WR_PIPELINE_SCORER_LEARNED_INT_H

#include <stdatomic.h>

#include "codec/manifest.h"
#include "pipeline/scorer/learned.h"

struct wr_learned {
    atomic_int refs;
    char id[WR_LEARNED_ID_MAX + 1];
    wr_digest_hex digest;
    char *text; /* of the manifest */
    wr_arena arena;
    wr_manifest manifest; /* in arena */
    wr_booster *booster;
    wr_calibration calibration;
    wr_forest *forest;
    uint32_t *forest_column; /* [wr_forest_features] columns of the trees */
    wr_drift *drift;         /* [features of the booster + 1], the last: probability */
};

#endif
