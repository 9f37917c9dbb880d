/*
 * slice_int.h - the records that start in one stretch of a batch's text.
 *
 * A slice is decoded by one thread, into lists of its own; what it gives depends on the
 * bytes, the place it starts at and the limits, and on nothing else.
 */
#ifndef WR_CODEC_SLICE_INT_H
#define WR_CODEC_SLICE_INT_H

#include "codec/csv_int.h"
#include "codec/json_int.h"

/* What all slices of a batch share; read only while they are decoded. */
typedef struct wr_slice_job {
    const wr_transfer_decoder *d;
    const wr_csv *csv; /* WR_RECORD_CSV */
    const char *text;  /* [len], then WR_CSV_PAD readable bytes */
    size_t len;
    bool is_last; /* the file ends at len */
    int64_t now_s;
    wr_text source;
} wr_slice_job;

typedef struct wr_slice {
    size_t start, end; /* decoded: [start, end) of the text */
    uint64_t records;  /* refused ones included */
    wr_status status;  /* WR_OK or WR_ENOMEM */
    wr_transfer_sink sink;
    wr_dead_letter *dead; /* position = record number inside the slice, 0.. */
    size_t dead_count, dead_cap;
    wr_arena arena;
    wr_decode w;
    wr_field_errors errors;
    wr_fields fields;
    wr_json_state json;
} wr_slice;

void wr_slice_init(wr_slice *s);
void wr_slice_release(wr_slice *s); /* safe on a zeroed struct */

/*
 * Decode the records that start in [start, border), at most max_records; what the slice
 * held before is gone.  Ends early where a record is not complete.
 */
void wr_slice_decode(wr_slice *s, const wr_slice_job *job, size_t start, size_t border,
                     uint64_t max_records);

/* Refuse a record: raw is cut at WR_DEAD_RAW_MAX; texts go to the slice's arena. */
bool wr_slice_refuse(wr_slice *s, const wr_slice_job *job, wr_text raw,
                     uint64_t raw_bytes, const char *field, const char *reason);

/* One Dumplings line (dumplings.c); as wr_json_record. */
bool wr_dumplings_record(wr_decode *w, wr_fields *r, wr_text line,
                         wr_transfer_sink *sink);

#endif
