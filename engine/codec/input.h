/*
 * input.h - bytes of a file or of stdin, plain, gzip or zstd, in order.
 *
 * What a file is shows in its first bytes, never in its name: 1f 8b is gzip (members
 * may follow each other), 28 b5 2f fd or a skippable frame is zstd (so may frames),
 * anything else is plain.  A UTF-8 byte order mark at the start is dropped but counted
 * in offsets; UTF-16 is refused by name.  Members of a .zip are not read: use
 *   unzip -p data.zip member.csv | walletrisk-ingest file -
 *
 * A stream that is cut off or damaged first delivers every byte that could be decoded;
 * the read after that fails, so what was complete can be kept.  Cut off, all of it is
 * right; damaged, gzip may notice late (at the checksum, the end of a member).
 * Thread: one object one thread.
 */
#ifndef WR_CODEC_INPUT_H
#define WR_CODEC_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/mem.h"

typedef enum wr_input_kind {
    WR_INPUT_PLAIN,
    WR_INPUT_GZIP,
    WR_INPUT_ZSTD,
} wr_input_kind;

typedef struct wr_input wr_input;

/*
 * path    file, fifo or "-" for stdin
 * Errors  WR_EIO (cannot open, a folder; names the path), WR_EPARSE (UTF-16, .zip, xz,
 * bzip2), WR_ECORRUPT, WR_ENOMEM
 */
wr_status wr_input_open(wr_input **out, const char *path, wr_err *err) WR_NODISCARD;
void wr_input_close(wr_input *in); /* accepts NULL; stdin stays open */
WR_DEFINE_AUTO(wr_input, wr_input_close)

/*
 * Next decompressed bytes, as many as fit; *got == 0 is the end (cap > 0).
 *
 * Errors  WR_ECORRUPT (cut off, checksum, bytes behind the end: names file and offset),
 *         WR_EIO.  Once failed, every later read fails the same way.
 * Cost    plain: one read(2); gzip ~0.3 GB/s, zstd ~1 GB/s
 */
wr_status wr_input_read(wr_input *in, void *buf, size_t cap, size_t *got,
                        wr_err *err) WR_NODISCARD;

/*
 * The whole file, appended to `out` (which holds the limit).
 * Errors  as open and read; WR_ELIMIT (over the maximum of out)
 */
wr_status wr_input_read_all(wr_buf *out, const char *path, wr_err *err) WR_NODISCARD;

typedef struct wr_input_info {
    wr_input_kind kind;
    uint64_t offset;     /* decompressed bytes delivered so far, the mark included */
    uint64_t file_bytes; /* bytes taken from the file so far (compressed ones) */
    uint64_t file_total; /* its size; 0 when unknown (stdin, fifo) */
} wr_input_info;

wr_input_info wr_input_tell(const wr_input *in);
const char *wr_input_kind_name(wr_input_kind k); /* "plain", "gzip", "zstd" */

#endif
