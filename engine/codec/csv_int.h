/*
 * csv_int.h - header and rows of CSV: bytes to slots, no field is copied.
 *
 * Rows end at LF (a CR before it is dropped).  A field that begins with '"' is quoted:
 * delimiters and line breaks inside are text, "" is a quote; a '"' elsewhere is text.
 *
 *   row fast way:  16 bytes at a time, a bit mask of delimiter, LF and '"'
 *   row careful:   byte by byte, entered when a field begins with '"'
 *
 * A row is complete when its LF is in the buffer or the buffer ends the file.  A quote
 * that does not close within WR_RECORD_MAX_BYTES of the row's start (or before the end of
 * the file) makes the row its first line alone, refused.
 */
#ifndef WR_CODEC_CSV_INT_H
#define WR_CODEC_CSV_INT_H

#include "codec/decode_int.h"

enum { WR_CSV_COLUMNS_MAX = 1024, WR_CSV_PAD = 16 /* readable bytes behind a buffer */ };

typedef struct wr_csv {
    char delimiter;
    uint32_t columns;
    uint8_t slot[WR_CSV_COLUMNS_MAX];
    wr_layout layout; /* names point into header */
    char *header;     /* copy of its line; owned */
} wr_csv;

/*
 * Read a header line (without its line break), pick the preset when the decoder is
 * detecting, and map columns to slots.
 * Errors  WR_EPARSE (missing or duplicate column, more than WR_CSV_COLUMNS_MAX, quotes),
 *         WR_EINVAL (map names a column that is not there; no chain), WR_ENOMEM
 */
wr_status wr_csv_header(wr_csv *csv, wr_transfer_decoder *d, wr_text line,
                        wr_err *err) WR_NODISCARD;
void wr_csv_release(wr_csv *csv);

typedef enum wr_row_state {
    WR_ROW_OK,      /* slots are set */
    WR_ROW_BLANK,   /* nothing but blanks */
    WR_ROW_BAD,     /* what says why */
    WR_ROW_PARTIAL, /* its end is not in the buffer */
    WR_ROW_NOMEM
} wr_row_state;

typedef struct wr_row {
    const char *next; /* start of the next row */
    const char *end;  /* of this row's text, line break left out */
    uint32_t columns; /* counted */
    const char *what; /* WR_ROW_BAD: words; "columns" (wr_row_columns): too few or many */
} wr_row;

extern const char wr_row_columns[]; /* columns is not what the header has */

/*
 * One row at p.  [p, end) is followed by WR_CSV_PAD readable bytes; is_last: the file
 * ends at end.  Slots not named by the header keep what they hold.
 */
wr_row_state wr_csv_row(const wr_csv *csv, const char *p, const char *end, bool is_last,
                        wr_text *slot /* [WR_SLOT_COUNT] */, wr_arena *arena,
                        wr_row *row);

#endif
