/*
 * transfer_reader.h - a file of transfers as a row of batches.
 *
 * input.h gives bytes; the reader cuts them into records (lines; CSV rows may hold line
 * breaks inside quotes), decodes slices of fixed size on all OpenMP threads and joins
 * them in the order of the file.  A slice starts at a guess (the first line break after
 * its border) which is confirmed by where the slice before it ended, and is decoded again
 * when the guess was wrong; so the result is that of one thread, whatever the thread
 * count.
 *
 * Every record is accepted (one transfer; a UTXO transaction several) or refused (one
 * dead letter), exactly once, and is never split over two batches.  Blank lines are no
 * records. A record over WR_RECORD_MAX_BYTES is refused without being kept whole.  A CSV
 * row whose quote never closes within that limit is refused as one line, and reading goes
 * on after it.  A row must have as many columns as the header; NUL and bytes that are no
 * UTF-8 refuse the record.
 *
 * Presets are chosen by --format or by the header; without one, a file whose first byte
 * is
 * '{' is NDJSON and anything else is CSV with ',' ';' or tab between columns.
 *
 *   batch:  [ text of the records ][ arenas of the slices ]   <- texts point here
 *           [ transfer … ][ dead … ]
 *
 * Thread: one object one thread; decoding uses the caller's OpenMP team inside the call.
 */
#ifndef WR_CODEC_TRANSFER_READER_H
#define WR_CODEC_TRANSFER_READER_H

#include "codec/input.h"
#include "codec/transfer_opts.h"

typedef struct wr_transfer_reader wr_transfer_reader;

/* Up to where a file was taken: the start of the next record. */
typedef struct wr_transfer_mark {
    uint64_t record; /* records before it */
    uint64_t offset; /* decompressed bytes before it */
    uint64_t digest; /* of those bytes; tells a changed file, is no evidence */
} wr_transfer_mark;

enum { WR_TRANSFER_MARK_TEXT = 64 };
/* "1:<record>:<offset>:<digest hex>" for wr_source_mark.resume. */
void wr_transfer_mark_format(char out[WR_TRANSFER_MARK_TEXT], const wr_transfer_mark *m);
/* Errors  WR_EPARSE */
wr_status wr_transfer_mark_parse(wr_transfer_mark *m, wr_text t,
                                 wr_err *err) WR_NODISCARD;

typedef struct wr_transfer_batch_own wr_transfer_batch_own;

/*
 * One batch; zero it ({0}) before first use, hand it to wr_transfer_reader_next again and
 * again, release it at the end.  Two of them let the caller store one while the next is
 * decoded.  The arrays and all texts live until the next call with the same batch.
 */
typedef struct wr_transfer_batch {
    const wr_transfer *transfer; /* [transfer_count] in the order of the file */
    size_t transfer_count;
    const int64_t *position;    /* [transfer_count] record number of each, 1.. */
    const wr_dead_letter *dead; /* [dead_count]; position = record number, 1.. */
    size_t dead_count;
    uint64_t records;      /* in this batch, refused ones included */
    wr_transfer_mark next; /* where to go on once this batch is stored */
    wr_transfer_batch_own *own;
} wr_transfer_batch;

void wr_transfer_batch_release(wr_transfer_batch *b); /* safe on a zeroed struct */

typedef struct wr_transfer_reader_opts {
    wr_transfer_opts transfer;
    const char *path;    /* file or "-" */
    const char *source;  /* goes into dead letters; NULL = "file:" and the file's name */
    uint32_t batch_rows; /* most records of one batch, > 0 */
} wr_transfer_reader_opts;

#define WR_TRANSFER_READER_OPTS_INIT                            \
    {                                                           \
        .transfer = WR_TRANSFER_OPTS_INIT, .batch_rows = 100000 \
    }

/*
 * Opens the file and reads its header.
 *
 * Errors  WR_EPARSE  CSV header without a needed column (names what is missing and what
 *                    was found), with the same column twice, or an empty file
 *         WR_EINVAL  an option: unknown format, map of a column that is not there, no
 *                    chain in file or options
 *         WR_EIO, WR_ECORRUPT, WR_ENOMEM as wr_input_open; WR_ENOTFOUND (chain)
 */
wr_status wr_transfer_reader_open(wr_transfer_reader **out,
                                  const wr_transfer_reader_opts *o,
                                  wr_err *err) WR_NODISCARD;
void wr_transfer_reader_close(wr_transfer_reader *r); /* accepts NULL */
WR_DEFINE_AUTO(wr_transfer_reader, wr_transfer_reader_close)

/*
 * Go to a mark of an earlier run, before the first batch is taken.  The bytes before it
 * are read again: their digest must be the same, and equal records without a tx_hash must
 * be counted.  Decompressing and hashing only, unless hashes are derived.
 * Errors  WR_ECONFLICT (the file is shorter or its beginning has changed), and as _next
 */
wr_status wr_transfer_reader_skip(wr_transfer_reader *r, const wr_transfer_mark *to,
                                  wr_err *err) WR_NODISCARD;

/*
 * Next batch; b->records == 0 is the end.
 *
 * A damaged file first gives all records that were complete; the call after that fails,
 * and b is then empty.  The last line needs no line break (in a damaged file it is
 * dropped, since it may be cut). Errors  WR_ECORRUPT, WR_EIO (as wr_input_read),
 * WR_ELIMIT (over 2 * 10^8 records without a tx_hash in one file), WR_ENOMEM
 */
wr_status wr_transfer_reader_next(wr_transfer_reader *r, wr_transfer_batch *b,
                                  wr_err *err) WR_NODISCARD;

const char *wr_transfer_reader_format(const wr_transfer_reader *r); /* as detected */
wr_input_info wr_transfer_reader_tell(
    const wr_transfer_reader *r); /* for progress, ETA */

#endif
