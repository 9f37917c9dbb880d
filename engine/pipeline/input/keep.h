/*
 * keep.h - the graph kept in a file, so that the next start need not read it from the
 * store.
 *
 *   graph/snapshot_file.h    the snapshot, its sections under SHA-256
 *     └ note                 program, store id, max_seq, unpriced, graph digest
 *
 * The file is a copy of what the store says, never a source of its own.  Whatever speaks
 * against it (another store, a store put back to an older backup, damage, another
 * program) makes it refused, and the graph is read from the store as if it were not
 * there.
 *
 * Loading verifies every digest and every invariant, although this program wrote the file
 * itself: a bit that rotted would make scores that nobody can reproduce.  It takes a
 * fraction of the time of reading the store (README).  Only the question whether the
 * bytes there are the ones to be written trusts the header.
 *
 * Nothing here fails a job: what goes wrong is told, and the store is read instead.
 *
 * Thread: one object one thread, and the store handle's.  Two processes may keep the same
 * file: each load sees one whole file.
 */
#ifndef WR_PIPELINE_INPUT_KEEP_H
#define WR_PIPELINE_INPUT_KEEP_H

#include "pipeline/input/load.h"

/* What happens to the file; the text that comes with it names the file. */
typedef enum wr_kept {
    WR_KEPT_USED,    /* a graph is taken from there */
    WR_KEPT_UNUSED,  /* it holds an older graph than any that is needed */
    WR_KEPT_REFUSED, /* damaged, foreign, … : the store is read instead */
    WR_KEPT_WRITTEN,
    WR_KEPT_NOT_WRITTEN,
} wr_kept;
typedef void (*wr_kept_fn)(void *ctx, wr_kept what, const char *text);

typedef struct wr_keep {
    const char *path; /* borrowed; NULL or "" = no file, everything below does nothing */
    wr_kept_fn fn;    /* may be NULL */
    void *ctx;
    bool is_bad; /* refused: to be written anew, whatever its header says */
} wr_keep;

static inline bool wr_keep_is_wanted(const wr_keep *k)
{
    return k->path && k->path[0];
}

/*
 * The graph in the file, when a graph of its bound is needed: by the run, or as newest.
 * *out (zeroed) stays as it is when there is nothing of use; an older file costs a look
 * at its header only.
 *
 * run_id   "" = the newest complete scoring run; there may be none
 * newest   a bound from here on is the newest graph (of wr_store_safe_seq); INT64_MAX:
 *          nobody asks for that one
 * Cost     one read of the file, O(n + m) checks
 */
void wr_keep_take(wr_keep *k, wr_loaded *out, wr_store *st, const char *run_id,
                  int64_t newest);

/*
 * l goes into the file, whole or not at all; a file whose header says that it holds this
 * graph of this store is left alone.  l's digest is made when it has none.
 */
void wr_keep_put(wr_keep *k, wr_store *st, const wr_loaded *l);

#endif
