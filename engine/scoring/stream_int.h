/*
 * stream_int.h - transfers one after the other, as "payer u, payee v", for any direction.
 *
 * Decodes blocks of transfers into small records in cache: the sending direction is the
 * reversed list with ends swapped, several assets are one list per asset.  Transfers that
 * change nothing (to oneself, of value zero) are left out here.  So every kernel is
 * written once and sees plain records.
 *
 *     block   item[0 .. count)           to be processed
 *             item[count .. count+ahead) the next ones, for prefetch only
 *
 * kind[v] says in one byte whether v needs thought: almost all are 0.
 */
#ifndef WR_SCORING_STREAM_INT_H
#define WR_SCORING_STREAM_INT_H

#include "scoring/flow.h"
#include "util/progress.h"

enum {
    WR_KIND_CATEGORY = 0x1f, /* category + 1, 0 = no label */
    WR_KIND_DATED = 0x20,    /* the label has a validity: ask wr_seeds_at */
    WR_KIND_HUB = 0x40,
    WR_KIND_SERVICE = 0x80,
};

enum { WR_STREAM_BLOCK = 512, WR_STREAM_AHEAD = 32 };

typedef struct wr_stream_item {
    double a; /* > 0 */
    wr_vid u, v;
    uint32_t t;
    uint32_t at; /* column position */
} wr_stream_item;

typedef struct wr_stream_block {
    const wr_stream_item *item;
    size_t count, ahead;
} wr_stream_block;

typedef struct wr_stream {
    const wr_flow *fl;
    wr_direction direction;
    uint8_t *kind;         /* [n] */
    uint32_t *order;       /* [m] positions by (asset, position); NULL = as they are */
    uint32_t asset_count;  /* lists, >= 1 */
    uint64_t *asset_first; /* [asset_count+1] in order; NULL with one list */
} wr_stream;

typedef struct wr_stream_use {
    void *ctx;
    wr_status (*block)(void *ctx, const wr_stream_block *b, wr_err *err);
    /* With several assets, after each one, for both ends of each of its transfers (often
     * more than once): move what v holds of this asset to the sums, empty the state. */
    wr_status (*fold)(void *ctx, wr_vid v, wr_err *err);
    uint16_t *asset; /* optional, with several assets: set to the one being read */
    /* Optional: told once for each list before its first transfer of position pause_at or
     * later, with the positions of those.  Receiving only. */
    wr_status (*pause)(void *ctx, const uint32_t *order /* NULL: identity */,
                       uint64_t first, uint64_t end, wr_err *err);
    uint64_t pause_at;
    const char *phase;
    const wr_progress *pg;
} wr_stream_use;

/*
 * is_split  one list per asset; false: assets are not told apart
 * Errors    WR_EINVAL (seeds of another n; a value negative, not finite or above
 *           WR_LEDGER_VALUE_MAX), WR_ELIMIT (2^32-1 transfers or more), WR_ENOMEM
 */
wr_status wr_stream_init(wr_stream *out, const wr_flow *fl, wr_direction direction,
                         bool is_split, wr_err *err) WR_NODISCARD;
void wr_stream_release(wr_stream *s); /* safe on a zeroed struct */
#define WR_STREAM_AUTO __attribute__((cleanup(wr_stream_release)))

/* Every transfer once, in order.  Errors  of the callbacks, WR_ESTOPPED */
wr_status wr_stream_run(const wr_stream *s, const wr_stream_use *use,
                        wr_err *err) WR_NODISCARD;

/* Category of the label of v that holds at t, or WR_SEED_NONE. */
static inline int wr_stream_label(const wr_stream *s, wr_vid v, uint32_t t)
{
    unsigned k = s->kind[v];
    if (k & WR_KIND_DATED)
        return wr_seeds_at(s->fl->seeds, v, t);
    return (int)(k & WR_KIND_CATEGORY) - 1;
}

static inline double wr_stream_confidence(const wr_stream *s, wr_vid v)
{
    const float *q = s->fl->seeds->confidence;
    return q ? (double)q[v] : 1.0;
}

static inline bool wr_stream_is_service(const wr_stream *s, int category)
{
    return s->fl->seeds->kind[category] == WR_CATEGORY_SERVICE;
}

static inline bool wr_stream_is_hub(const wr_stream *s, wr_vid v)
{
    return (s->kind[v] & WR_KIND_HUB) != 0;
}

#endif
