/*
 * typology_board.h - which patterns the live state has met each wallet in, for readers.
 *
 * One writer, any number of readers, no lock (board_pages.h); a wallet's slot has a list
 * of records, one for each typology it is in.
 *
 * Thread: _new, _begin, _put, _end the writer's; the rest any.
 */
#ifndef WR_PIPELINE_LIVE_TYPOLOGY_BOARD_H
#define WR_PIPELINE_LIVE_TYPOLOGY_BOARD_H

#include "pipeline/run/evidence.h"

typedef struct wr_typology_board wr_typology_board;

/* from_s  transfers from here on are looked at.  Errors  WR_ENOMEM */
wr_status wr_typology_board_new(wr_typology_board **out, uint32_t from_s,
                                wr_err *err) WR_NODISCARD;
wr_typology_board *wr_typology_board_acquire(wr_typology_board *b);
void wr_typology_board_unref(wr_typology_board *b); /* accepts NULL */
WR_DEFINE_AUTO(wr_typology_board, wr_typology_board_unref)

void wr_typology_board_begin(wr_typology_board *b);
/*
 * hits 0: none any more; seq: of the newest transfers of its strongest hit, then 0.
 * Errors  WR_ENOMEM (nothing has changed)
 */
wr_status wr_typology_board_put(wr_typology_board *b, uint32_t wallet_id,
                                const wr_reason_typology *r,
                                const int64_t seq[WR_TYPOLOGY_SEQS],
                                wr_err *err) WR_NODISCARD;
/* How many transfers of the wallet came too late to be looked at. */
wr_status wr_typology_board_put_late(wr_typology_board *b, uint32_t wallet_id,
                                     uint32_t late, wr_err *err) WR_NODISCARD;
void wr_typology_board_end(wr_typology_board *b);
/* From here on patterns may be missing, of any wallet. */
void wr_typology_board_miss(wr_typology_board *b);

/* What is known of one wallet. */
void wr_typology_board_get(const wr_typology_board *b, uint32_t wallet_id,
                           wr_typologies_now *out);
uint64_t wr_typology_board_bytes(const wr_typology_board *b);

#endif
