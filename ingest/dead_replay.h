/*
 * dead_replay.h - refused records tried again, once what was wrong is put right.
 *
 * A letter's kept bytes are decoded as a JSON object with the options at hand; what can
 * be read now is stored, and its letter is removed, in one transaction a batch and source
 * (wr_put.resolved).  So a source's counters keep adding up: a letter leaves records and
 * dead, the transfers in its place count as inserted or duplicates.  A UTXO transaction
 * brings several.  Where a source stands is left alone: its next offset is written as it
 * was, under the fence when offsets are kept, so that a consumer may run meanwhile.
 *
 * What stays a letter, and is told:
 *   - what is refused again, with the reason of today
 *   - letters of which only a beginning was kept (over WR_DEAD_RAW_MAX bytes)
 *   - rows of CSV files, which mean nothing without their header
 *   - a conflict that is one still: the store writes its letter anew, with a new id
 *
 * Not while a file is being loaded: its mark would be set back (and its next batch sets
 * it forward again).  A record without a hash is keyed as the only one of its content.
 * Thread: one object one thread.
 */
#ifndef WR_INGEST_DEAD_REPLAY_H
#define WR_INGEST_DEAD_REPLAY_H

#include "codec/transfer_json.h"
#include "store/store.h"

typedef enum wr_dead_fate {
    WR_DEAD_REPLAYED, /* or would be, in a dry run */
    WR_DEAD_REFUSED,  /* again, or in conflict */
    WR_DEAD_CUT,      /* not whole */
    WR_DEAD_ROW,      /* of a CSV file */
    WR_DEAD_NO_SOURCE /* its source is not kept: nothing could be counted */
} wr_dead_fate;

typedef struct wr_dead_replay_opts {
    const wr_transfer_decoder *decoder;
    wr_text source;    /* "" = all */
    int32_t partition; /* -1 = all */
    const int64_t *id; /* [id_count] ascending; NULL: all letters that are there now */
    size_t id_count;
    bool is_dry; /* decode only */
    /* Each letter that was looked at; why is "" when it was replayed.  NULL = not told.
     */
    void (*told)(void *ctx, const wr_dead_row *d, wr_dead_fate fate, const char *why);
    void *ctx;
    const wr_progress *pg;
} wr_dead_replay_opts;

typedef struct wr_dead_replay_report {
    uint64_t letters;  /* looked at */
    uint64_t replayed; /* gone; in a dry run: could go */
    uint64_t transfers, inserted, duplicates;
    uint64_t conflicts; /* transfers; their letters are new ones */
    uint64_t refused, cut, rows, no_source;
    uint64_t missing; /* ids that are no letter (any more), or not of the source */
} wr_dead_replay_report;

/*
 * rep     filled as far as it went, also on failure: what it counts is in the store
 * Errors  WR_ESTOPPED, of the store (WR_ECONFLICT: the source kept moving), WR_ENOMEM
 */
wr_status wr_dead_replay(wr_dead_replay_report *rep, wr_store *st,
                         const wr_dead_replay_opts *o, wr_err *err) WR_NODISCARD;

/* A letter's id as somebody typed it.  WR_EINVAL. */
wr_status wr_dead_id_parse(int64_t *id, wr_text t, wr_err *err) WR_NODISCARD;

#endif
