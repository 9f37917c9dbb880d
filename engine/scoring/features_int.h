/*
 * features_int.h - the parts of a wallet's row; features.c calls them in turn.
 *
 *   features_structure.c   once: neighbours as of T, components, cores; clustering
 *   features_history.c     the pass over a wallet's transfers -> wr_past
 *   features_wallet.c      wr_past -> columns
 *   features_exposure.c    the caller's views -> columns
 */
#ifndef WR_SCORING_FEATURES_INT_H
#define WR_SCORING_FEATURES_INT_H

#include "scoring/features.h"
#include "scoring/links_int.h"
#include "scoring/undirected_int.h"

enum { WR_HOLD_MAX = 4096, WR_CLUSTER_MAX = 64, WR_BENFORD_MIN = 50, WR_BURST_S = 600 };
enum {
    WR_PAST_WINDOWS = 4,
    WR_PAST_LONG = 3
}; /* 1 h, 24 h, 7 d, 30 d; all but the first */
enum { WR_PAST_OUT, WR_PAST_IN, WR_PAST_SIDES };

struct wr_features {
    const wr_flow *fl;
    wr_features_opts o;
    wr_undirected near;  /* as of T, without services */
    uint32_t *component; /* [n] size of v's */
    uint32_t *core;      /* [n] */
};

/* A counterparty of the wallet at hand, by side. */
typedef struct wr_party {
    wr_vid v;
    uint32_t count[WR_PAST_SIDES], last_s[WR_PAST_SIDES], port[WR_PAST_SIDES];
    bool is_bad[WR_PAST_SIDES]; /* illicit or risky at one of the transfers */
} wr_party;

/* What the wallet paid, or received. */
typedef struct wr_past_side {
    uint32_t count[WR_PAST_WINDOWS], new_count[WR_PAST_LONG], parties[WR_PAST_LONG];
    double value[WR_PAST_WINDOWS];
    uint32_t life_count, life_parties, top_count, bad_parties;
    uint32_t last_s, last_port;
    bool is_last_new;
    double life_value, mean, m2, m3, max, last;
    double service, mixer, bridge, dex; /* value with such */
} wr_past_side;

typedef struct wr_past {
    wr_past_side side[WR_PAST_SIDES];
    uint32_t count, first_s, last_s;
    uint32_t days, hours, night, burst, round, below, dust, digits;
    uint32_t digit[10];
    double gap_mean, gap_m2;
    uint32_t mutual, parties; /* counterparties in both directions, in any */
    double hold_s;            /* WR_FEATURE_NONE = nothing matched */
} wr_past;

typedef struct wr_hold {
    double value;
    uint32_t time_s; /* of the transfer; of a match: how long it stayed */
    bool is_out;
} wr_hold;

/* One thread's workspace. */
typedef struct wr_features_work {
    wr_party *party;
    size_t party_count, party_cap;
    uint32_t *table; /* [table_size] party + 1; all 0 between wallets */
    size_t table_size;
    wr_hold recent[WR_HOLD_MAX], match[WR_HOLD_MAX];
} wr_features_work;

bool wr_features_work_init(wr_features_work *w) WR_NODISCARD; /* false = no memory */
void wr_features_work_release(wr_features_work *w);           /* safe when zeroed */

/* Errors  WR_ENOMEM, WR_ESTOPPED */
wr_status wr_features_structure(wr_features *f, const wr_views *vw,
                                wr_err *err) WR_NODISCARD;
float wr_features_clustering(const wr_features *f, wr_vid v);

/* false = no memory */
bool wr_features_past(wr_past *p, wr_features_work *w, const wr_features *f,
                      wr_vid v) WR_NODISCARD;
void wr_features_put_past(float *row, const wr_features *f, const wr_past *p);
/* ex may be NULL.  bad parties come from the past. */
void wr_features_put_exposure(float *row, const wr_features *f,
                              const wr_feature_exposures *ex, wr_vid v);
void wr_features_put_motifs(float *row, const wr_motifs *m /* may be NULL */, wr_vid v);

#endif
