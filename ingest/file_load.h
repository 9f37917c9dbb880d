/*
 * file_load.h - one file into the store: continue where it was left, count everything.
 *
 * A file is known by its name and its first bytes ("file:set1.csv.gz:9f86d081884c7d65").
 * Its mark (records, bytes, digest of the bytes before) is written in the transaction of
 * each batch, so a load that was interrupted - Ctrl-C, kill -9, power - goes on behind
 * the last stored batch, and a complete file has nothing left to give.  When the bytes
 * before the mark have changed, reading starts again and what is there is a duplicate;
 * what had been refused is tried anew, so its dead letters give way to those of this
 * reading (wr_source_mark.is_restart).  The same when a reread is asked for.
 * Stdin and pipes are new sources each time, unless they are given a name.
 *
 * records = inserted + duplicates + dead letters, counted in transfers: a UTXO
 * transaction counts as its inputs and outputs, a refused record as one. Thread: one
 * object one thread; decoding uses the caller's OpenMP team.
 */
#ifndef WR_INGEST_FILE_LOAD_H
#define WR_INGEST_FILE_LOAD_H

#include "codec/transfer_reader.h"
#include "store/store.h"

typedef struct wr_file_load_opts {
    wr_transfer_reader_opts reader; /* path, format, defaults, batch_rows */
    const char
        *source;    /* instead of the name made from path and first bytes; NULL = that */
    bool is_reread; /* read from the start even when a mark is there */
    const wr_progress *pg;
} wr_file_load_opts;

typedef struct wr_file_load_report {
    char source[256];
    char format[32];
    uint64_t records, inserted, duplicates, conflicts, dead; /* of this call */
    uint64_t skipped; /* records before the mark: stored by an earlier call */
    bool is_changed; /* the beginning differed from the mark: read again from the start */
    double seconds;
} wr_file_load_report;

/*
 * rep     filled as far as it went, also on failure: what it counts is in the store
 * Errors  WR_ESTOPPED (on request; the mark stands), WR_ECORRUPT (a damaged file: all
 *         complete records before the damage are stored), WR_EINVAL (source),
 * WR_ECONFLICT (a named pipe whose beginning has changed), of the reader and the store
 */
wr_status wr_file_load(wr_file_load_report *rep, wr_store *st, const wr_file_load_opts *o,
                       wr_err *err) WR_NODISCARD;

#endif
