/*
 * board.h - what the live state says of each wallet it has moved, for readers.
 *
 * One writer, any number of readers, no lock (board_pages.h): what a reader takes is from
 * between two batches, for as many wallets as it asked in one call, never half a
 * transfer.  It tries again while the writer writes (some 20 us for a batch).
 *
 * Thread: _begin, _put, _end the writer's; the rest any.
 */
#ifndef WR_PIPELINE_LIVE_BOARD_H
#define WR_PIPELINE_LIVE_BOARD_H

#include "pipeline/live/typology_board.h"
#include "pipeline/run/evidence.h"

typedef struct wr_board wr_board;

/* c: columns of a record, named one after the other by _name.  Errors  WR_ENOMEM */
wr_status wr_board_new(wr_board **out, uint32_t c, wr_err *err) WR_NODISCARD;
wr_board *wr_board_acquire(wr_board *b);
void wr_board_unref(wr_board *b); /* accepts NULL */
WR_DEFINE_AUTO(wr_board, wr_board_unref)

/* What is published of one wallet; arrays [c]. */
typedef struct wr_board_entry {
    wr_live_state in; /* receiving side; pointers of in.view point into it */
    double sent;      /* since the run, value units */
    double sent_direct[WR_CATEGORY_MAX]; /* of it, straight to a labelled wallet */
    wr_activity activity;
    int own_category; /* taxonomy's, -1 = none */
    double own_confidence;
    bool is_exact;
    bool has_newer; /* transfers that came after the run */
} wr_board_entry;

/* The patterns that go with it: a reference is acquired; before readers have the board.
 * NULL of one without. */
void wr_board_set_typologies(wr_board *b, wr_typology_board *t /* may be NULL */);
const wr_typology_board *wr_board_typologies(const wr_board *b);

/* The next column is of this category; before anything is put there. */
void wr_board_name(wr_board *b, uint8_t category);
/* Columns that have a name, and their categories; asked after _get. */
uint32_t wr_board_columns(const wr_board *b, uint8_t category[WR_CATEGORY_MAX]);

void wr_board_begin(wr_board *b);
/* Errors  WR_ENOMEM (nothing has changed) */
wr_status wr_board_put(wr_board *b, uint32_t wallet_id, const wr_board_entry *e,
                       wr_err *err) WR_NODISCARD;
/* seq: every transfer up to it is in; ends what _begin began. */
void wr_board_end(wr_board *b, int64_t seq);
/* From here on nothing on the board, or of the run, is exact any more (too much at once
 * would have to be marked). */
void wr_board_give_up(wr_board *b);

/*
 * Entries of n wallets at one moment; is_there[i] false: the live state has not moved it.
 * Returns the seq of that moment.
 */
int64_t wr_board_get(const wr_board *b, const uint32_t *wallet_id, size_t n,
                     wr_board_entry *out /* [n] */, bool *is_there /* [n] */);
int64_t wr_board_seq(const wr_board *b);
bool wr_board_is_given_up(const wr_board *b);
uint64_t wr_board_bytes(const wr_board *b);

#endif
