/*
 * history_int.h - transfers of single wallets, in the order in which money moves.
 *
 * What stream_int.h is for passes over everything, for searches that start at one wallet:
 * "payer, payee" for either direction, and the rows of a wallet in logical order.  The
 * key of a transfer is its place in that order: money always moves to a larger key.
 */
#ifndef WR_SCORING_HISTORY_INT_H
#define WR_SCORING_HISTORY_INT_H

#include "scoring/flow.h"

typedef struct wr_history {
    const wr_flow *fl;
    wr_direction direction;
} wr_history;

/* Rows by wallet are there and the labels are of this graph; else WR_EINVAL. */
wr_status wr_history_check(const wr_flow *fl, wr_vid v, wr_err *err) WR_NODISCARD;

static inline wr_vid wr_history_payer(const wr_history *h, uint32_t at)
{
    return h->direction == WR_SENDING ? h->fl->col.to[at] : h->fl->col.from[at];
}

static inline wr_vid wr_history_payee(const wr_history *h, uint32_t at)
{
    return h->direction == WR_SENDING ? h->fl->col.from[at] : h->fl->col.to[at];
}

/* Column position -> key; and, being its own inverse, key -> column position. */
static inline uint64_t wr_history_key(const wr_history *h, uint64_t at)
{
    return h->direction == WR_SENDING ? h->fl->col.m - 1 - at : at;
}

/* Category of the label of v that holds at the time of transfer `at`. */
static inline int wr_history_label(const wr_history *h, wr_vid v, uint32_t at)
{
    return wr_seeds_at(h->fl->seeds, v, h->fl->col.time_s[at]);
}

static inline bool wr_history_moves_money(const wr_history *h, uint32_t at)
{
    return h->fl->col.value[at] > 0 && h->fl->col.from[at] != h->fl->col.to[at];
}

/* One row of a wallet. */
typedef struct wr_cursor {
    const uint32_t *col;
    uint64_t count, next;
    bool is_reversed;
} wr_cursor;

static inline wr_cursor wr_history_row(const wr_history *h, wr_vid v, bool is_received)
{
    bool is_sending = h->direction == WR_SENDING;
    const wr_rows *r = is_received != is_sending ? &h->fl->in : &h->fl->out;
    return (wr_cursor){r->col + r->off[v], r->off[v + 1ULL] - r->off[v], 0, is_sending};
}

/* Column position of the transfer that the cursor stands before. */
static inline uint32_t wr_cursor_at(const wr_cursor *k)
{
    return k->col[k->is_reversed ? k->count - 1 - k->next : k->next];
}

/* Stand before the first transfer whose key is not below `key`. */
void wr_cursor_seek(wr_cursor *k, const wr_history *h, uint64_t key);

#endif
