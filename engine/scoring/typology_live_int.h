/*
 * typology_live_int.h - the state of a wallet in a stream of typologies.
 *
 * Everything is made when first needed: a wallet that was met once holds little.  The
 * steps return false when memory ran out.
 */
#ifndef WR_SCORING_TYPOLOGY_LIVE_INT_H
#define WR_SCORING_TYPOLOGY_LIVE_INT_H

#include "scoring/typology_int.h"
#include "scoring/typology_live.h"
#include "scoring/vid_set_int.h"

/* A window whose events bring their edges along: pool[ref] = how many, then they. */
typedef struct wr_live_window {
    wr_typology_window w;
    wr_typology_list pool;
    uint64_t hit; /* of the open window */
} wr_live_window;

typedef enum wr_live_slot {
    WR_LIVE_FAN_IN,
    WR_LIVE_FAN_OUT,
    WR_LIVE_STRUCTURING, /* by threshold, then out and in */
    WR_LIVE_PASS = WR_LIVE_STRUCTURING + 2 * WR_TYPOLOGY_THRESHOLDS,
    WR_LIVE_HOP,
    WR_LIVE_SLOTS
} wr_live_slot;

typedef struct wr_live_waking { /* has woken, and not yet paid out enough */
    double balance, paid;
    uint32_t first_s, looked_at;
    wr_typology_list edges;
} wr_live_waking;

typedef struct wr_live_life { /* for dormant activation */
    double balance;
    uint32_t last_s;
    bool is_seen;
    wr_typology_list gaps;
    wr_live_waking *waking;
    size_t waking_count, waking_cap;
} wr_live_life;

typedef struct wr_live_youth { /* for burst */
    double received, spent;
    uint32_t born_s;
    wr_typology_list edges;
    wr_typology_match match;
} wr_live_youth;

typedef struct wr_live_peel { /* a hop of a peel chain, from the wallet's first transfer
                               */
    double value;
    uint32_t e, time_s; /* that transfer */
    wr_vid payer;       /* of it, through a hub; WR_VID_NONE: nobody or several */
    uint32_t big;       /* UINT32_MAX: none yet */
    wr_vid big_to;
    uint32_t smalls, payments;
    uint64_t hit; /* of the chain that starts here */
    wr_typology_list edges;
} wr_live_peel;

typedef struct wr_live_hub { /* a transaction */
    wr_vid payer;            /* WR_VID_NONE: several */
    uint32_t time_s;         /* first input */
    bool is_looked_at;       /* within the payer's cap */
    wr_typology_list ways;   /* inputs */
} wr_live_hub;

typedef struct wr_live_wallet {
    wr_live_window *window[WR_LIVE_SLOTS];
    wr_typology_match *match[2]; /* pass-through, chain-hop */
    wr_live_life *life;
    wr_live_youth *youth; /* NULL after the burst or the youth are over */
    bool is_grown;        /* was young once */
    bool is_known;        /* has a transfer behind it */
    wr_live_peel *peel;
    wr_live_hub *hub;
} wr_live_wallet;

struct wr_typology_live {
    const wr_typology_input *in;
    wr_typology_opts o;
    uint32_t which;
    wr_vid_set met;
    wr_live_wallet *wallet; /* [met.count] */
    size_t wallet_cap;
    wr_typology_news *news;
    size_t news_count, news_cap;
    wr_typology_list edges, scratch;
    uint64_t hits;
    uint32_t last_s, last_ref;
    bool is_begun;
};

/* One side of a transfer, seen by the wallet. */
typedef struct wr_live_side {
    const wr_typology_transfer *t;
    wr_live_wallet *w;
    wr_vid v;
    bool is_in;
    bool is_service;  /* v, now */
    bool is_in_scope; /* not only history */
} wr_live_side;

static inline bool wr_live_wants(const wr_typology_live *l, wr_typology t)
{
    return l->which >> t & 1;
}

/* News with these edges; for a new hit (0) a number is given. */
bool wr_live_tell(wr_typology_live *l, const wr_typology_news *n, const uint32_t *edge,
                  size_t count) WR_NODISCARD;

bool wr_live_rows(wr_typology_live *l, const wr_live_side *s) WR_NODISCARD;
bool wr_live_passages(wr_typology_live *l, const wr_live_side *s) WR_NODISCARD;
bool wr_live_dormant(wr_typology_live *l, const wr_live_side *s) WR_NODISCARD;
bool wr_live_burst(wr_typology_live *l, const wr_live_side *s) WR_NODISCARD;

/* For both sides, hubs too; the wallet is looked up anew. */
wr_status wr_live_peel_chain(wr_typology_live *l, const wr_typology_transfer *t,
                             wr_err *err) WR_NODISCARD;

/* The wallet's state, made when not there; moves the others.  Errors  WR_ENOMEM */
wr_status wr_live_meet(wr_live_wallet **w, wr_typology_live *l, wr_vid v,
                       wr_err *err) WR_NODISCARD;

void wr_live_peel_free(wr_live_peel *p);   /* accepts NULL */
void wr_live_hub_free(wr_live_hub *h);     /* accepts NULL */
void wr_live_life_free(wr_live_life *f);   /* accepts NULL */
void wr_live_youth_free(wr_live_youth *y); /* accepts NULL */

#endif
