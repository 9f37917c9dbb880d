/*
 * ledger_live.h - the receiving ledger as a stream: one transfer after the other, behind
 * a ledger that was made in one pass.
 *
 * Same kernel, same arithmetic, same order as ledger.h: after any stream the state of
 * each wallet has the bits that wr_ledger_run gives over base and stream together (sums
 * over all wallets, injected and absorbed, are not kept).  The order that counts is
 * (time, seq) among the transfers of one wallet and asset; transfers that share no wallet
 * commute.
 *
 *     slot   one (wallet, asset): a ledger row, made when first met, from the base's
 *            state of that wallet and asset or empty
 *     log    the newest transfers, in the order they were applied, in epochs of equal
 *            size; an epoch keeps the rows that its slots had before it (undo)
 *     late   a transfer older than one that a slot of its own has seen
 *
 * While the log still holds all of those, epochs are taken back, the late one is put in
 * its place and the rest is applied again.  Otherwise it is applied out of order and
 * reported: the caller must say that what depends on it is not exact.  That is what money
 * of its payee and its payer (not of the payer when its label held) reaches from there,
 * in base and stream, forward in (time, seq) within the asset, and nothing else.
 *
 * Assets of one wallet are folded in ascending asset id, as wr_ledger_run does.
 *
 * Thread: one object one thread.  Nothing here is read by others: the caller publishes.
 */
#ifndef WR_SCORING_LEDGER_LIVE_H
#define WR_SCORING_LEDGER_LIVE_H

#include "scoring/ledger.h"

typedef struct wr_ledger_live wr_ledger_live;

/* Transfers that can be taken back with epoch_rows and epoch_count as they come: what a
 * base's state_tail should be. */
enum { WR_LIVE_WINDOW = 128 * 1024 };

typedef struct wr_ledger_live_opts {
    /* Columns.  May be more than the base has, as far as its rows have room (8, or 16):
     * for categories that come up later. */
    uint32_t c;
    uint8_t kind[WR_CATEGORY_MAX]; /* wr_category_kind by column */
    const wr_ledger *base; /* borrowed, receiving, made with is_state_kept; NULL = none */
    uint32_t epoch_rows;   /* transfers per epoch; 0 = 1024 */
    uint32_t epoch_count;  /* epochs that can be taken back; 0 = 128 */
} wr_ledger_live_opts;

/* Errors  WR_EINVAL (base of other columns or direction, or without states), WR_ENOMEM */
wr_status wr_ledger_live_new(wr_ledger_live **out, const wr_ledger_live_opts *o,
                             wr_err *err) WR_NODISCARD;
void wr_ledger_live_free(wr_ledger_live *l); /* accepts NULL */
/* Kind (wr_category_kind) of a column that no wallet has been added with so far. */
void wr_ledger_live_set_kind(wr_ledger_live *l, uint32_t column, uint8_t kind);
WR_DEFINE_AUTO(wr_ledger_live, wr_ledger_live_free)

/* What is known of a wallet when it is first met. */
typedef struct wr_live_wallet {
    int category;          /* column of its label, or WR_SEED_NONE */
    float confidence;      /* 0..1 */
    uint32_t from_s, to_s; /* validity; 0 and UINT32_MAX = always */
    bool is_hub;
    wr_vid base_v; /* vertex in the base, WR_VID_NONE = it was not there */
    /* Time of its newest transfer that is in the base's states, 0 = none: what is older,
     * in an asset of which the base has a state of it, comes too late to be placed. */
    uint32_t base_last_s;
} wr_live_wallet;
/* Handle of a new wallet: 0, 1, …   All states that the base has of it are copied.
 * Errors  WR_ENOMEM (it was not added) */
wr_status wr_ledger_live_add(wr_ledger_live *l, uint32_t *wallet, const wr_live_wallet *w,
                             wr_err *err) WR_NODISCARD;

typedef struct wr_live_transfer {
    int64_t seq;
    double value;
    uint32_t time_s;
    uint32_t from, to; /* handles */
    uint16_t asset;
    bool is_out_of_order; /* out: it came too late to be put in its place */
} wr_live_transfer;

/*
 * Apply a batch: ascending seq, all above those of earlier batches; any times.  Sorted by
 * (time, seq) inside.  Transfers to oneself and of value zero change nothing.
 *
 * touched  out: handles whose state may have changed, each once, those applied again
 *          included; borrowed until the next call
 * undone   optional: transfers that were taken back and applied again
 * Errors   WR_EINVAL (value out of range, unknown handle, seq not above the one before:
 *          names it; nothing was applied), WR_ENOMEM (the object is then of no use, every
 *          later call says so too: make a new one)
 * Cost     O(C) per transfer; a late one costs what came after it
 */
wr_status wr_ledger_live_apply(wr_ledger_live *l, wr_live_transfer *t, size_t n,
                               const uint32_t **touched, size_t *touched_count,
                               uint64_t *undone, wr_err *err) WR_NODISCARD;

/* One wallet over all its assets, arrays included; what wr_ledger_view points at. */
typedef struct wr_live_state {
    wr_ledger_view view; /* max_at is UINT32_MAX; pointers into the arrays below */
    double received[WR_CATEGORY_MAX], direct[WR_CATEGORY_MAX], taint[WR_CATEGORY_MAX];
    float mean_hops[WR_CATEGORY_MAX], held_hops[WR_CATEGORY_MAX];
} wr_live_state;
void wr_ledger_live_at(const wr_ledger_live *l, uint32_t wallet, wr_live_state *out);

uint64_t wr_ledger_live_bytes(const wr_ledger_live *l);

#endif
