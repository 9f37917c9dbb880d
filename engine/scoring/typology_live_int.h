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

typedef struct wr_live_contact { /* with mixers */
    double all, mixed, told;     /* told: the last strength */
    uint64_t hit;
    bool is_truncated;
} wr_live_contact;

typedef struct wr_live_layer { /* for chains: what spent what came in */
    wr_typology_match match;   /* of serial numbers, see wr_live_log */
    /* The last inflow that leads anywhere, to where, and how much of it went there. */
    uint32_t kept, kept_to;
    double kept_value;
    bool has_kept;
} wr_live_layer;

typedef struct wr_live_wallet {
    wr_live_window *window[WR_LIVE_SLOTS];
    wr_typology_match *match[2]; /* pass-through, chain-hop */
    wr_live_life *life;
    wr_live_youth *youth; /* NULL after the burst or the youth are over */
    bool is_grown;        /* was young once */
    bool is_known;        /* has a transfer behind it */
    wr_live_peel *peel;
    wr_live_hub *hub;
    wr_typology_dust *dust;
    uint64_t dust_hit; /* the open one */
    wr_live_contact *contact;
    wr_live_layer *layer;
    uint32_t touched_s; /* last transfer */
    bool is_queued;     /* to be looked at, see typology_live_sweep.c */
} wr_live_wallet;

typedef struct wr_live_due {
    uint32_t wallet, due_s;
} wr_live_due;

typedef struct wr_live_queue { /* wallets whose windows may be over soon */
    wr_live_due *at;           /* [first, count) are in it, about in order */
    size_t first, count, cap;
} wr_live_queue;

/* --- what is searched in the log (typology_live_search.c) ------------------------------
 *
 * A cursor runs over the log behind the stream, one per kind of search, so far behind
 * that all is there which the search from the transfer under it reads.
 */

typedef enum wr_live_cursor {
    WR_LIVE_CONTACTS,
    WR_LIVE_GATHERS,
    WR_LIVE_LEGS, /* before those that need them */
    WR_LIVE_SCATTERS,
    WR_LIVE_CYCLES,
    WR_LIVE_CHAINS,
    WR_LIVE_BRIDGES, /* the blocks: in the order of their windows in the log */
    WR_LIVE_BIPARTITES,
    WR_LIVE_STACKS,
    WR_LIVE_POISONS, /* searches nothing: keeps the past */
    WR_LIVE_CURSORS
} wr_live_cursor;

typedef enum wr_live_purse { /* budgets of a root, of all its searches of a kind */
                             WR_LIVE_PURSE_BRIDGE, /* the blocks first, as above */
                             WR_LIVE_PURSE_BIPARTITE,
                             WR_LIVE_PURSE_STACK,
                             WR_LIVE_PURSE_SCATTER,
                             WR_LIVE_PURSE_POISON,
                             WR_LIVE_PURSES
} wr_live_purse;

typedef struct wr_live_spent {
    uint32_t visits[WR_LIVE_PURSES];
} wr_live_spent;

typedef struct wr_live_mark { /* of a transfer, for chains */
    uint32_t next;            /* position that it leads to, UINT32_MAX: none */
    uint32_t run;             /* 1 + number of the chain it is the end of so far */
    bool is_linked;
} wr_live_mark;

typedef struct wr_live_run { /* a chain so far */
    wr_typology_list edges;  /* refs, until it is told */
    wr_typology_tally wallets;
    uint64_t hit;
    wr_vid root;
    uint32_t links;
    uint32_t next_free; /* 1 + number */
} wr_live_run;

typedef struct wr_live_candidates { /* blocks that wait for earlier ones */
    wr_typology_sink sink;
    uint64_t *taken; /* bit per position: part of a hit */
    size_t words, words_cap;
} wr_live_candidates;

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
    wr_live_queue queue;
    bool is_begun, is_ended;
    /* The log and what is kept with it. */
    wr_typology_log log;
    wr_flow fl; /* over the log */
    wr_typology_view x;
    wr_typology_sink sink;
    size_t cursor[WR_LIVE_CURSORS];
    wr_live_candidates wait[2]; /* bipartite, stack */
    wr_live_mark *mark;         /* [log.count] when chains are wanted */
    wr_live_run *run;
    size_t mark_cap, run_count, run_cap;
    uint32_t run_free; /* 1 + number */
    wr_vid_set spender;
    wr_live_spent *spent; /* [spender.count] */
    size_t spent_cap;
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

/* The wallet has a transfer: it is looked at when it will have been silent. */
bool wr_live_touch(wr_typology_live *l, wr_live_wallet *w, uint32_t time_s) WR_NODISCARD;
/* Behind each transfer: what is over is let go.  O(1) amortised */
bool wr_live_sweep(wr_typology_live *l) WR_NODISCARD;
/* Let go of lots that are done or too old, when they are most of them. */
void wr_live_match_trim(wr_typology_match *m);

/* For both sides, hubs too; the wallet is looked up anew. */
wr_status wr_live_peel_chain(wr_typology_live *l, const wr_typology_transfer *t,
                             wr_err *err) WR_NODISCARD;

/* The wallet's state, made when not there; moves the others.  Errors  WR_ENOMEM */
wr_status wr_live_meet(wr_live_wallet **w, wr_typology_live *l, wr_vid v,
                       wr_err *err) WR_NODISCARD;

bool wr_live_dusting(wr_typology_live *l, const wr_live_side *s) WR_NODISCARD;

/* Everything in the log that is decided before `now_s`. */
bool wr_live_search(wr_typology_live *l, uint64_t now_s) WR_NODISCARD;
/* A transfer of any kind before the end of the scope enters the log.  Its serial number
 * is its position plus what was passed: it does not change. */
bool wr_live_log(wr_typology_live *l, const wr_typology_transfer *t) WR_NODISCARD;
void wr_live_search_release(wr_typology_live *l);

/* Of these searches, from the transfer at a cursor or the newest one; in their own files.
 */
bool wr_live_chain_mark(wr_typology_live *l) WR_NODISCARD; /* the newest */
bool wr_live_chain_close(wr_typology_live *l, uint32_t at) WR_NODISCARD;
void wr_live_chain_trim(wr_typology_live *l, uint32_t shift);
void wr_live_chain_release(wr_typology_live *l);
bool wr_live_poison(wr_typology_live *l) WR_NODISCARD; /* the newest */
bool wr_live_early(wr_typology_live *l) WR_NODISCARD;  /* the newest */
bool wr_live_contact_close(wr_typology_live *l, uint32_t at) WR_NODISCARD;
bool wr_live_contact_end(wr_typology_live *l) WR_NODISCARD;

/* The scratch sink, empty, with what v has spent of its budget; and back, hits told. */
wr_typology_sink *wr_live_sink(wr_typology_live *l, wr_vid v, wr_live_purse p);
bool wr_live_done(wr_typology_live *l, wr_vid v, wr_live_purse p,
                  wr_typology t) WR_NODISCARD;
/* May a gather-scatter start with this transfer? */
bool wr_live_can_gather(const wr_typology_live *l, uint32_t at);
/* News like n with these positions. */
bool wr_live_tell_at(wr_typology_live *l, const wr_typology_news *n, const uint32_t *at,
                     size_t count) WR_NODISCARD;

void wr_live_window_free(wr_live_window *s); /* accepts NULL */
void wr_live_layer_free(wr_live_layer *y);   /* accepts NULL */
void wr_live_peel_free(wr_live_peel *p);     /* accepts NULL */
void wr_live_hub_free(wr_live_hub *h);       /* accepts NULL */
void wr_live_life_free(wr_live_life *f);     /* accepts NULL */
void wr_live_youth_free(wr_live_youth *y);   /* accepts NULL */

#endif
