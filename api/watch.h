/*
 * watch.h - what the store holds by now, looked at by one thread and read by all.
 *
 * Tells whether the scores served are stale (newer transfers or labels than their run
 * saw), whether the store answers at all, and the counts that metrics publish.  The tail
 * cursor is read every two seconds; counts only when it moved, and never more than a
 * fiftieth of the time.  A write through this server pokes it.  Thread: safe.
 */
#ifndef WR_API_WATCH_H
#define WR_API_WATCH_H

#include "model/run.h"
#include "store/store.h"

typedef struct wr_watch wr_watch;

wr_status wr_watch_open(wr_watch **out, const char *dsn, wr_err *err) WR_NODISCARD;
void wr_watch_close(wr_watch *w); /* accepts NULL */

typedef struct wr_watched {
    bool is_known;    /* looked at least once */
    bool is_store_ok; /* the last look succeeded */
    wr_counts counts;
    int64_t counted_s; /* wall clock */
} wr_watched;
void wr_watch_get(wr_watch *w, wr_watched *out);

/* Look again now. */
void wr_watch_poke(wr_watch *w);

/* Did transfers or labels come after these?  Two atomic reads. */
bool wr_watch_is_newer(const wr_watch *w, int64_t max_seq, int64_t label_rev);
/* Did they come after run? */
bool wr_watch_is_stale(const wr_watch *w, const wr_run *run);

#endif
