/*
 * snapshot_file.h - a snapshot on disk: written once, mapped at the next start.
 *
 *   header    magic "WRSNAP\r\n", version, byte-order mark, n, m, pairs, seq base,
 *             repeats, table of sections (name, offset, bytes, SHA-256), SHA-256 of it
 *   sections  each array as it is in memory, starting on a 64-byte boundary, the gaps
 *             zero; ids included; a note of the caller's
 *
 * Loading maps the file read-only: arrays are used in place and cost no copy.  The
 * digests find damage, not forgery; so that not even a forged file can make a kernel read
 * outside an array, a load checks every invariant (wr_snapshot_check) as well, unless
 * told that the file is its own. Thread: safe.  The file may be replaced while mapped,
 * not written to.
 */
#ifndef WR_GRAPH_SNAPSHOT_FILE_H
#define WR_GRAPH_SNAPSHOT_FILE_H

#include "graph/snapshot.h"
#include "util/buf.h"

enum { WR_SNAPSHOT_FILE_VERSION = 3, WR_SNAPSHOT_NOTE_MAX = 4096 };

/*
 * Write to a temporary name beside `path`, fsync, rename, fsync the folder: at any moment
 * `path` is the old file or the new one.
 *
 * note    kept with it (which store, which max_seq); at most WR_SNAPSHOT_NOTE_MAX bytes
 * Errors  WR_EIO (names the path), WR_ELIMIT (note), WR_ENOMEM; nothing is left behind
 */
wr_status wr_snapshot_save(const wr_snapshot *g, const char *path, wr_text note,
                           wr_err *err) WR_NODISCARD;

typedef struct wr_snapshot_load_opts {
    bool is_trusted; /* check the header alone: O(1), for a file this machine wrote itself
                      */
} wr_snapshot_load_opts;

/*
 * note    optional (NULL): the note is appended to it
 * opts    NULL = verify everything
 * Errors  WR_ENOTFOUND (no such file), WR_EIO, WR_ENOMEM;
 *         WR_EPARSE (not a snapshot, other byte order, newer version);
 *         WR_ECORRUPT (damaged, cut: names the file and the section)
 * Cost    one read of the file (digests) and O(n + m) checks; trusted: page faults later
 */
wr_status wr_snapshot_load(wr_snapshot **out, const char *path, wr_buf *note,
                           const wr_snapshot_load_opts *opts, wr_err *err) WR_NODISCARD;

#endif
