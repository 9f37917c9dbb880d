/*
 * policy.h - what is configuration about a score: levels and floors (data/policy.yaml).
 *
 * Immutable after load; its canonical text (wr_policy.text) is stored with every run
 * and enters the configuration digest.
 */
#ifndef WR_MODEL_POLICY_H
#define WR_MODEL_POLICY_H

#include "model/category.h"
#include "model/score.h"

enum { WR_FLOOR_MAX = 32, WR_FLOOR_ID_MAX = 47 };

typedef enum wr_floor_contact {
    WR_FLOOR_DIRECT,   /* counterparty itself is labelled */
    WR_FLOOR_INDIRECT, /* through unlabelled wallets */
    WR_FLOOR_ANY,      /* direct + indirect */
} wr_floor_contact;

/* score >= floor when the exposure reaches min_share OR min_value (both 0: any at all).
 */
typedef struct wr_floor {
    char id[WR_FLOOR_ID_MAX + 1];
    uint32_t categories; /* bit c = category c counts; values are summed */
    uint32_t directions; /* bit WR_RECEIVING | bit WR_SENDING (1u << direction) */
    wr_floor_contact contact;
    double min_share; /* of received (sent) value, 0..1; < 0 = not used */
    double min_value; /* in value units; < 0 = not used */
    double floor;     /* score in [0, 1] */
} wr_floor;

typedef struct wr_policy {
    double level_min[WR_LEVEL_COUNT]; /* lower bound per level; [WR_LEVEL_LOW] = 0 */
    double sending_weight; /* share of w_c that sending exposure carries, 0..1 */
    uint32_t floor_count;
    wr_floor floor[WR_FLOOR_MAX];
} wr_policy;

/* The level whose band holds score; score in [0, 1]. */
wr_level wr_policy_level(const wr_policy *p, double score);

#endif
