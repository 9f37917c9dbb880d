/*
 * feature.h - what a feature is: one table of all of them.
 *
 * Two lists, by kind: features of a transfer, as of the moment before it
 * (features_stream.h), and of a wallet, as of a time T (features.h).  The list gives
 * column numbers (WR_TF_…, WR_WF_…), names, units, windows and monotone signs; training,
 * the model card and every explanation read them here and nowhere else.
 *
 * Every feature is a finite float; WR_FEATURE_NONE where there is nothing to measure;
 * hops that reach nothing are WR_FEATURE_FAR, so that fewer hops are never less risk.
 * None of them is an id, an absolute time or the name of a label's source.
 *
 * Thread: constant data.  Source: ALGORITHMS 4.2.
 */
#ifndef WR_SCORING_FEATURE_H
#define WR_SCORING_FEATURE_H

#include <stdint.h>

#include "scoring/feature_list.h"

enum { WR_FEATURE_BASE = 24, WR_FEATURE_BASE_TWO_HOP = 12 };
enum { WR_FEATURE_NONE = -1, WR_FEATURE_FAR = 255, WR_FEATURE_LIMITS = 3 };

typedef enum wr_feature_kind {
    WR_FEATURE_TRANSFER,
    WR_FEATURE_WALLET,
    WR_FEATURE_KIND_COUNT
} wr_feature_kind;

typedef enum wr_feature_group {
    WR_FEATURE_EXPOSURE,
    WR_FEATURE_CONTACT, /* first contact, ports, gaps: most of the accuracy */
    WR_FEATURE_VELOCITY,
    WR_FEATURE_AMOUNT,
    WR_FEATURE_FLOW,
    WR_FEATURE_STRUCTURE,
    WR_FEATURE_MOTIF, /* typology hits */
    WR_FEATURE_GROUP_COUNT
} wr_feature_group;

#define WR_TF_ENUM_(id, name, group, unit, window, sign, meaning) WR_TF_##id,
enum { WR_TRANSFER_FEATURES(WR_TF_ENUM_) WR_TF_COUNT };
#undef WR_TF_ENUM_
#define WR_WF_ENUM_(id, name, group, unit, window, sign, meaning) WR_WF_##id,
enum { WR_WALLET_FEATURES(WR_WF_ENUM_) WR_WF_COUNT };
#undef WR_WF_ENUM_

typedef struct wr_feature {
    const char *name; /* unique within its kind: [a-z0-9_] */
    const char *meaning;
    const char *unit;
    wr_feature_group group;
    uint32_t window_s; /* 0 = whole history, WR_WINDOW_OF_POLICY */
    int8_t sign;       /* monotone constraint: -1, 0, +1 */
} wr_feature;

uint32_t wr_feature_count(wr_feature_kind kind);
/* Row of column `at`, at < wr_feature_count(kind). */
const wr_feature *wr_feature_at(wr_feature_kind kind, uint32_t at);
/* Column with that name, or -1. */
int wr_feature_find(wr_feature_kind kind, const char *name);

/*
 * What aggregate.h spreads over neighbours: columns of wallet rows, the first
 * WR_FEATURE_BASE_TWO_HOP of them worth two hops.  Behaviour only: an exposure of a
 * neighbour may come from the wallet's own label, and a hit has its members anyway.
 */
const uint16_t *wr_feature_base(void); /* [WR_FEATURE_BASE] */
void wr_feature_base_row(float *base /* [WR_FEATURE_BASE] */,
                         const float *row /* [WR_WF_COUNT] */);

/*
 * A feature as it enters a mean over wallets: log(1 + x) where it spans magnitudes
 * (anything but shares, flags and ratios); nothing to measure counts as 0.
 */
float wr_feature_scaled(const wr_feature *f, float x);

const char *wr_feature_kind_name(wr_feature_kind k);   /* "transfer", "wallet" */
const char *wr_feature_group_name(wr_feature_group g); /* "exposure", "contact", … */

#endif
