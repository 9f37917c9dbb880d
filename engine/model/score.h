/*
 * score.h - what the engine says of a wallet, and why.
 *
 * Scores are finite doubles in [0, 1]; published as 0..100 with two decimals, rounded
 * half to even (wr_score_publish).
 */
#ifndef WR_MODEL_SCORE_H
#define WR_MODEL_SCORE_H

#include <stdint.h>

#include "model/label.h"

typedef enum wr_level {
    WR_LEVEL_LOW,
    WR_LEVEL_MEDIUM,
    WR_LEVEL_HIGH,
    WR_LEVEL_SEVERE,
    WR_LEVEL_COUNT
} wr_level;

typedef enum wr_state { /* unknown is not clean: part of every answer */
                        WR_STATE_SCORED,
                        WR_STATE_NOT_IN_GRAPH,
                        WR_STATE_STALE, /* newer transfers or labels than the run saw */
                        WR_STATE_LABELS_UNAVAILABLE, /* no label at all was loaded */
                        WR_STATE_COUNT
} wr_state;

typedef enum wr_direction { WR_RECEIVING, WR_SENDING } wr_direction;

const char *wr_level_name(wr_level l);         /* "low" … "severe" */
const char *wr_state_name(wr_state s);         /* "scored", "not_in_graph", … */
const char *wr_direction_name(wr_direction d); /* "receiving", "sending" */
wr_status wr_level_parse(wr_level *out, wr_text t, wr_err *err) WR_NODISCARD;

/* 0..100 with two decimals, half to even on the double's exact value: 1/32 -> 3.12. */
double wr_score_publish(double score);

/* Exposure of one wallet to one category in one direction. */
typedef struct wr_exposure {
    uint8_t category;  /* index in the taxonomy */
    uint8_t direction; /* wr_direction */
    float min_hops;    /* 1 = direct; 0 = unknown */
    float mean_hops;   /* value-weighted; 0 = unknown */
    double direct_value;
    double indirect_value;
    double total_value;                  /* received (sent) by the wallet in all */
    double direct_share, indirect_share; /* of total_value, 0..1 */
    double holdings_share;               /* of the balance now; receiving only */
    double static_share;                 /* 5.2, all in the denominator */
    double static_known_share;           /* 5.2, share of the known */
} wr_exposure;

typedef enum wr_reason_kind {
    WR_REASON_EXPOSURE,    /* category, direction, direct/indirect share, part of S */
    WR_REASON_FLOOR,       /* a policy floor lifted the score */
    WR_REASON_OWN_LABEL,   /* the wallet is labelled itself */
    WR_REASON_TYPOLOGY,    /* part of a pattern; adds what the policy's weight says */
    WR_REASON_MODEL,       /* probability of the trained model; rule = its id */
    WR_REASON_ASSOCIATION, /* hint: close to labelled wallets (never counted as exposure)
                            */
    WR_REASON_UNKNOWN_ORIGIN, /* share of received value whose origin is not in the data
                               */
    WR_REASON_UNPRICED,
} wr_reason_kind;

/* One typology that a wallet is part of: its strongest hit, as its root if of any. */
typedef struct wr_reason_typology {
    uint8_t typology; /* wr_typology of scoring/typology.h */
    bool is_root;
    bool is_partial;    /* a budget or the hub cap may have left something out */
    uint32_t hits;      /* of this typology with the wallet in it */
    uint32_t transfers; /* of the strongest hit, as all below */
    double strength;    /* [0, 1] */
    double amount;      /* value units */
    int64_t first_s, last_s;
} wr_reason_typology;

typedef struct wr_reason {
    wr_reason_kind kind;
    int category;  /* -1 = none */
    int direction; /* -1 = none */
    double part; /* what it adds: the factor's w_c·min(1, ρ/ρ0), the floor, … in [0,1] */
    double share;        /* 0..1 */
    double value;        /* value units */
    double direct_value; /* the part of value that came straight from labelled wallets */
    char rule[48];       /* floor id; "" otherwise */
    wr_reason_typology typology; /* of WR_REASON_TYPOLOGY only */
} wr_reason;

/* One wallet's row of a scoring run (table risk_scores). */
typedef struct wr_score {
    uint32_t wallet_id;
    uint8_t level;    /* wr_level */
    int8_t category;  /* strongest one, -1 = none */
    bool is_labelled; /* by itself */
    double score;     /* [0, 1] */
    double base;      /* before floors */
    wr_text reasons;  /* JSON array, or absent */
} wr_score;

#endif
