/*
 * ledger_live_int.h - a live ledger in memory: slots for the kernel, epochs to go back.
 *
 * The kernel of the batch ledger runs on it unchanged: what it takes for a vertex is a
 * slot, and every array it reads by vertex (rows, kinds, labels, sparse tables) is by
 * slot and grows.  ledger_live_slots.c makes them, ledger_live_undo.c keeps the log.
 *
 *     wallet   handle -> what is known of it, and its slots by ascending asset
 *     slot     row, label, mark {last_s, epoch, pre}
 *     epoch    entries in the order applied; for each slot it touched, once, what that
 *              was before: row, sums straight from a label, mark
 *
 * The marks make a chain: slot -> its pre-image in the newest epoch that touched it ->
 * the one before ...  A walk along it until last_s <= t finds the first epoch that must
 * be taken back for a transfer of time t, or that it is gone: then it is sealed.  Nothing
 * is to be done when the oldest epoch is overwritten.
 *
 * Epochs first .. now are there, at ring[epoch % count]; all but the last are full.
 * A payer with a label that holds is not touched: its row plays no part.
 */
#ifndef WR_SCORING_LEDGER_LIVE_INT_H
#define WR_SCORING_LEDGER_LIVE_INT_H

#include "scoring/ledger_int.h"
#include "scoring/ledger_live.h"

enum { WR_LIVE_CHUNK = 512, WR_LIVE_AHEAD = 16 };

#define WR_LIVE_NO_EPOCH UINT32_MAX

typedef struct wr_live_ref {
    uint32_t slot;
    uint16_t asset;
} wr_live_ref;

typedef struct wr_live_owner {
    wr_live_wallet w;
    uint32_t count;    /* slots */
    wr_live_ref one;   /* most wallets have one */
    wr_live_ref *many; /* from two on, ascending asset */
    size_t cap;
    bool is_touched;
} wr_live_owner;

typedef struct wr_live_mark {
    uint32_t last_s; /* newest time applied */
    uint32_t epoch;  /* newest that touched it; WR_LIVE_NO_EPOCH = none ever did */
    uint32_t pre;    /* place of its pre-image there */
} wr_live_mark;

typedef struct wr_live_entry {
    double a;
    int64_t seq;
    uint32_t u, v; /* slots */
    uint32_t t;
} wr_live_entry;

typedef struct wr_live_pre {
    uint32_t slot;
    wr_live_mark before;
    bool has_direct, has_through; /* C values each in more */
} wr_live_pre;

typedef struct wr_live_epoch {
    wr_live_entry *entry;
    wr_live_pre *pre;
    unsigned char *row; /* [pre_count] rows */
    double *more;
    uint32_t count, pre_count;
    size_t more_count, entry_cap, pre_cap, row_cap, more_cap;
} wr_live_epoch;

struct wr_ledger_live {
    /* the kernel's view; arrays in x, s and seeds are owned */
    wr_ledger_run_ctx x;
    wr_stream s;
    wr_flow fl;
    wr_seeds seeds;
    wr_ledger_opts run_opts;
    wr_status (*block)(void *ctx, const wr_stream_block *b, wr_err *err);
    const wr_ledger *base;

    size_t row_bytes;
    unsigned char *row_mem; /* x.row is its first whole cache line */
    uint32_t slot_count;
    size_t slot_cap; /* of every array by slot */
    uint32_t *owner; /* handle */
    wr_live_mark *mark;

    wr_live_owner *wallet;
    uint32_t wallet_count;
    size_t wallet_cap;
    uint64_t refs; /* room in the lists of wallets that have several */

    wr_live_epoch *ring;
    uint32_t epoch_rows, epoch_count, first, now;

    wr_live_entry *work, *spare; /* to be applied; for sorting */
    size_t work_count, work_cap, spare_cap;
    wr_stream_item item[WR_LIVE_CHUNK];
    uint32_t *touched;
    size_t touched_count, touched_cap;
    int64_t last_seq;
    bool is_broken; /* memory ran out in the middle */
};

static inline const wr_live_ref *wr_live_refs(const wr_live_owner *w)
{
    return w->many ? w->many : &w->one;
}

/* Slot of (wallet, asset); made when there is none.  Errors  WR_ENOMEM */
wr_status wr_live_slot(uint32_t *slot, wr_ledger_live *l, uint32_t wallet, uint16_t asset,
                       wr_err *err) WR_NODISCARD;
/* One slot for each state that the base has of this wallet.  Errors  WR_ENOMEM */
wr_status wr_live_take_base(wr_ledger_live *l, uint32_t wallet, wr_err *err) WR_NODISCARD;
/* Forget the slots from `count` on. */
void wr_live_drop_slots(wr_ledger_live *l, uint32_t count);

/* Lower *epoch to the first that holds something of slot later than t; false: sealed. */
bool wr_live_find_epoch(uint32_t *epoch, const wr_ledger_live *l, uint32_t slot,
                        uint32_t t);
/* Undo epochs k .. now; their entries are put behind the work.  Errors  WR_ENOMEM */
wr_status wr_live_take_back(wr_ledger_live *l, uint32_t k, wr_err *err) WR_NODISCARD;
/* By (time, seq).  Errors  WR_ENOMEM */
wr_status wr_live_sort_work(wr_ledger_live *l, wr_err *err) WR_NODISCARD;
/* Apply the work, logged.  Errors  WR_ENOMEM */
wr_status wr_live_do_work(wr_ledger_live *l, wr_err *err) WR_NODISCARD;

static inline bool wr_live_is_paid_by_label(const wr_ledger_live *l, uint32_t u,
                                            uint32_t t)
{
    return l->s.kind[u] && wr_stream_label(&l->s, u, t) >= 0;
}

/* Room for one more at the end of an array; false when out of memory. */
#define WR_LIVE_GROW(array, cap, want) \
    wr_live_grow_(&(array), &(cap), want, sizeof *(array))
static inline bool wr_live_grow_(void *array, size_t *cap, size_t want, size_t size)
{
    void *p;
    __builtin_memcpy(&p, array, sizeof p);
    p = wr_grow(p, cap, want, size);
    if (p)
        __builtin_memcpy(array, &p, sizeof p);
    return p != NULL;
}

#endif
