/*
 * board_pages.h - records by wallet id, for one writer and readers without a lock: what
 * board.h and typology_board.h stand on.
 *
 *   page[wallet id / 4096] ─► 4096 slots ─► record, not freed while the pages live; a
 *                                           slot may get another one
 *
 * A record is made of atomic 64-bit words.  The version is odd while the writer changes
 * some; a reader copies and looks at the version again: what it took is of one moment,
 * for as many records as it copied in one read.  The writer never waits for a reader; a
 * reader tries again while the writer writes.
 *
 * Thread: _read, _of, _bytes any; the rest the writer's.
 */
#ifndef WR_PIPELINE_LIVE_BOARD_PAGES_H
#define WR_PIPELINE_LIVE_BOARD_PAGES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

typedef _Atomic uint64_t wr_board_word;
typedef _Atomic(void *) wr_board_slot;

typedef struct wr_board_pages {
    _Atomic uint64_t version, bytes;
    _Atomic(struct wr_board_page *) *page; /* by wallet id / 4096 */
    /* the writer's own */
    struct wr_board_page *pages;
    struct wr_board_chunk *chunks;
    size_t chunk_used;
} wr_board_pages;

/* p zeroed.  Errors  WR_ENOMEM */
wr_status wr_board_pages_init(wr_board_pages *p, wr_err *err) WR_NODISCARD;
void wr_board_pages_release(
    wr_board_pages *p); /* nobody reads any more; zeroed: nothing */

/* The slot of a wallet, NULL when out of memory (err says so); made when it is new. */
wr_board_slot *wr_board_slot_of(wr_board_pages *p, uint32_t wallet_id,
                                wr_err *err) WR_NODISCARD;
/* Zeroed, for a record of at most 64 KiB; NULL when out of memory. */
void *wr_board_record(wr_board_pages *p, size_t bytes, wr_err *err) WR_NODISCARD;

/* Records, and what slots hold, change between the two alone. */
void wr_board_pages_begin(wr_board_pages *p);
void wr_board_pages_end(wr_board_pages *p);

/* What is in the wallet's slot, or NULL. */
void *wr_board_record_of(const wr_board_pages *p, uint32_t wallet_id);
/* copy(ctx), again until nothing changed meanwhile. */
void wr_board_read(const wr_board_pages *p, void (*copy)(void *ctx), void *ctx);

uint64_t wr_board_pages_bytes(const wr_board_pages *p);

#endif
