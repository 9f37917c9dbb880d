/*
 * train_int.h - a training under way, shared by the files that do it and describe it.
 */
#ifndef WR_PIPELINE_LEARNING_TRAIN_INT_H
#define WR_PIPELINE_LEARNING_TRAIN_INT_H

#include "pipeline/learning/train.h"

typedef struct wr_trainer {
    const wr_train_input *in;
    const wr_train_opts *o;
    uint32_t from_s[WR_TRAIN_BLOCKS], to_s[WR_TRAIN_BLOCKS];
    wr_population population;
    uint8_t *fold_of;  /* [n] or NULL */
    uint8_t *share_of; /* [n] or NULL */
    wr_digest_hex graph_digest;

    uint32_t columns;
    uint32_t *column;  /* [columns] of the frame */
    const char **name; /* [columns] */
    int8_t *sign;      /* [columns] */
    uint32_t forest_columns;
    uint32_t *forest_column; /* [forest_columns] of the above */

    wr_block block[WR_TRAIN_BLOCKS];
    float *x; /* [rows * columns] of train */
    wr_booster_opts booster_opts;
    wr_booster *booster;
    wr_booster_fit fit;
    wr_forest *forest;
    wr_calibration calibration;
    double threshold;
    wr_grades *grades;
    wr_drift *drift; /* [columns] */
    wr_drift score_drift;
} wr_trainer;

/* train_manifest.c: what learned.h keeps beside the trees, as JSON. */
void wr_train_manifest(wr_buf *out, const wr_trainer *t);

#endif
