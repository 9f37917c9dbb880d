/*
 * typology_log_int.h - the latest transfers of a stream, with rows by wallet.
 *
 * Columns grow at their end; a position is an index into them.  What nobody needs any
 * more is let go at the front, now and then: all positions move down by the same number,
 * a multiple of 64, and a wallet without a transfer left is forgotten with all that is
 * kept for it.  So memory is bounded by the window that is open longest, and a transfer
 * costs O(1) amortised.
 *
 *     let go   | 0 … still of use … count - 1
 *     (passed) |
 *
 * A view over it (typology_int.h) is what the batch kernels run on.
 *
 * One object one thread.
 */
#ifndef WR_SCORING_TYPOLOGY_LOG_INT_H
#define WR_SCORING_TYPOLOGY_LOG_INT_H

#include "graph/snapshot.h"
#include "scoring/vid_set_int.h"

typedef struct wr_typology_list {
    uint32_t *at;
    size_t count, cap;
} wr_typology_list;

bool wr_typology_push(wr_typology_list *l, uint32_t at) WR_NODISCARD;

typedef struct wr_typology_row {
    const uint32_t *at; /* [count] column positions, ascending */
    size_t count;
} wr_typology_row;

typedef struct wr_typology_leg { /* of a scatter-gather: u -> mid -> to */
    wr_vid to, mid;
    uint32_t e, f; /* positions */
} wr_typology_leg;

/* What a wallet's windows in the log have come to. */
typedef struct wr_typology_log_wallet {
    wr_typology_list out, in; /* positions, ascending */
    wr_typology_leg *leg;     /* [leg_count] as a payer, by e */
    size_t leg_count, leg_cap;
    struct {
        uint32_t start_s; /* of the last window that was tried */
        bool is_begun, holds;
    } window[3];
    bool is_leg_missing; /* a middle wallet was passed by */
    uint32_t gathered_s; /* transfers up to here are part of a gather-scatter */
    bool has_gathered;
    /* Of early news, 1 + position counted from the first transfer ever: the start of the
     * gather-scatter told last, the transfer for which legs were looked at last. */
    uint32_t early_gather, early_leg;
} wr_typology_log_wallet;

typedef struct wr_typology_log {
    wr_vid *from, *to; /* [count] */
    uint32_t *time_s, *ref;
    double *value;
    size_t count, cap[5];
    uint32_t passed; /* let go so far */
    wr_vid_set met;
    wr_typology_log_wallet *wallet; /* [met.count] */
    size_t wallet_cap;
} wr_typology_log;

bool wr_typology_log_add(wr_typology_log *g, wr_vid from, wr_vid to, uint32_t time_s,
                         double value, uint32_t ref) WR_NODISCARD;
/* NULL: no transfer of it is in the log. */
wr_typology_log_wallet *wr_typology_log_find(const wr_typology_log *g, wr_vid v);
wr_typology_row wr_typology_log_row(const wr_typology_log *g, wr_vid v, bool is_in);
/* Let go of all below `floor`, or of none; *shift: by how much positions move down. */
bool wr_typology_log_trim(wr_typology_log *g, size_t floor, uint32_t *shift) WR_NODISCARD;
void wr_typology_log_release(wr_typology_log *g);

#endif
