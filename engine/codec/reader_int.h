/*
 * reader_int.h - insides of a reader and a batch, shared by the files that make them:
 *
 *   reader_open.c      format, header, close
 *   reader_text.c      bytes of a batch: input -> carry -> text; digest and mark
 *   transfer_reader.c  slices, join, batches
 */
#ifndef WR_CODEC_READER_INT_H
#define WR_CODEC_READER_INT_H

#include "codec/mark_int.h"
#include "codec/occurrence_int.h"
#include "codec/slice_int.h"
#include "codec/transfer_reader.h"

enum {
    WR_TEXT_MIN = 64 * 1024, /* text of one batch */
    WR_TEXT_MAX = 64 * 1024 * 1024,
    WR_SOURCE_MAX = 255
};

struct wr_transfer_batch_own {
    char *text;
    size_t text_len, text_cap; /* cap leaves WR_CSV_PAD behind */
    wr_slice **slice;          /* [slice_cap]; those from slice_made on are NULL */
    size_t slice_count, slice_made, slice_cap;
    wr_transfer *transfer;
    int64_t *position;
    wr_dead_letter *dead;
    size_t transfer_cap, position_cap, dead_cap;
    char source[WR_SOURCE_MAX + 1]; /* dead letters point here */
};

struct wr_transfer_reader {
    wr_input *in;
    wr_transfer_decoder *d;
    wr_csv csv;
    char source[WR_SOURCE_MAX + 1];
    uint32_t batch_rows;
    char *carry; /* [carry_pos, carry_len) was read and is in no batch yet */
    size_t carry_pos, carry_len, carry_cap;
    uint64_t record, offset; /* taken */
    wr_prefix prefix;        /* of the bytes before offset */
    uint64_t stop_at;        /* while skipping: the file ends here; else UINT64_MAX */
    bool is_end;             /* this call came to the end, or to stop_at */
    wr_err failed;           /* the input's, kept until all records before it are out */
    double record_bytes;     /* average length, to size the next text */
    wr_occurrence seen;
};

wr_status wr_batch_nomem(wr_err *err);
/* Empty batch with its `own`. */
wr_status wr_batch_reset(wr_transfer_batch *b, const wr_transfer_reader *r,
                         wr_err *err) WR_NODISCARD;

/* Text for about batch_rows records, within bounds, and not beyond a small file. */
size_t wr_reader_target(const wr_transfer_reader *r);
/* Read until the text has `bytes`, or the input ends or fails (which is kept). */
wr_status wr_reader_fill(wr_transfer_reader *r, wr_transfer_batch_own *own, size_t bytes,
                         wr_err *err) WR_NODISCARD;
/* The input has nothing more, and what was read of it is in the text. */
bool wr_reader_is_drained(const wr_transfer_reader *r);
/* Bytes that are done with: they enter mark and digest. */
void wr_reader_take(wr_transfer_reader *r, const char *from, size_t bytes);
/* What no record of this batch took waits for the next one, before what is held. */
wr_status wr_reader_keep(wr_transfer_reader *r, const char *from, size_t bytes,
                         wr_err *err) WR_NODISCARD;

#endif
