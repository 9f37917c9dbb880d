/*
 * live_hits.h - the news of a stream of typologies, kept as hits, by wallet.
 *
 * Every hit is kept as it grows, with its transfers and its members; those that have a
 * transfer which came after the run are the ones that wallets are told of: what is of the
 * run alone the run has told.  Bounded: beyond the caps a hit, or what it grows by, is
 * left out and counted, and the board of typologies says that something is missing.
 *
 * Thread: one; the board is read by all.
 */
#ifndef WR_PIPELINE_LIVE_LIVE_HITS_H
#define WR_PIPELINE_LIVE_LIVE_HITS_H

#include "pipeline/live/typology_board.h"
#include "scoring/typology_live.h"

enum {
    WR_LIVE_HITS_MAX = 1 << 20,
    WR_LIVE_HIT_PLACES_MAX = 1 << 25, /* transfers and members of all hits */
};

typedef struct wr_live_hits wr_live_hits;

/* What the refs of the news mean. */
typedef struct wr_live_edge {
    int64_t seq;
    double value;
    wr_vid from, to;
    uint32_t time_s;
    bool is_newer;   /* came after the run */
    bool is_settled; /* of the run, and all refs below it are */
} wr_live_edge;
typedef wr_live_edge (*wr_live_edge_fn)(const void *ctx, uint32_t ref);

/* hits_max, places_max: 0 = the usual.  Errors  WR_ENOMEM */
wr_status wr_live_hits_new(wr_live_hits **out, uint32_t hits_max, uint64_t places_max,
                           wr_live_edge_fn edge, const void *ctx,
                           wr_err *err) WR_NODISCARD;
void wr_live_hits_free(wr_live_hits *h); /* accepts NULL */
WR_DEFINE_AUTO(wr_live_hits, wr_live_hits_free)

/*
 * *left_out grows by what the caps left out.
 * Cost  of each piece of news its transfers, and the members of its hit when it is weaker
 *       than before; else the members once per _publish, however many hits they are in
 * Errors  WR_ENOMEM: h is of no use any more
 */
wr_status wr_live_hits_listen(wr_live_hits *h, const wr_typology_told *told,
                              uint64_t *left_out, wr_err *err) WR_NODISCARD;

/*
 * Another run is behind the stream: _edge_fn says of other transfers that they came after
 * it.  Wallets are told of the hits that have one, all anew: the next _publish goes to an
 * empty board.  Of the others those are let go that ended before over_s, when nothing can
 * join them any more; a contact with a mixer never ends.
 * Cost    O(transfers of hits since the run, members of the hits told)
 * Errors  WR_ENOMEM: h is of no use any more
 */
wr_status wr_live_hits_rebase(wr_live_hits *h, uint32_t over_s, wr_err *err) WR_NODISCARD;

/* The store's id of a wallet. */
typedef uint32_t (*wr_live_wallet_fn)(const void *ctx, wr_vid v);
/* What has changed since the last call, to the board; between its _begin and _end. */
wr_status wr_live_hits_publish(wr_live_hits *h, wr_typology_board *b,
                               wr_live_wallet_fn id, const void *ctx,
                               wr_err *err) WR_NODISCARD;

typedef struct wr_live_hit {
    double strength, amount;
    uint32_t *edge; /* [edge_count] refs, ascending */
    wr_vid *member; /* [member_count] ascending, the root among them */
    uint32_t edge_count, edge_cap, member_count, member_cap;
    wr_vid root;
    uint32_t first_s, last_s;
    uint8_t typology, variant;
    bool is_partial, is_hub_truncated;
    bool has_newer; /* a transfer that came after the run: wallets are told of it */
    bool is_gone;   /* part of another by now */
    bool has_grown; /* since the last _publish */
} wr_live_hit;

size_t wr_live_hits_count(const wr_live_hits *h);
const wr_live_hit *wr_live_hits_at(const wr_live_hits *h,
                                   size_t i); /* in the order they began */
/* Those that wallets are told of. */
uint64_t wr_live_hits_told(const wr_live_hits *h);
uint64_t wr_live_hits_bytes(const wr_live_hits *h);

#endif
