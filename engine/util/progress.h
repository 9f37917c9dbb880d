/*
 * progress.h - how long work says where it is, and how it is asked to stop.
 *
 * Kernels and loaders take a `wr_progress *` (may be NULL) and call wr_progress_at
 * about every 100 ms of work, never inside an OpenMP region but by the thread that
 * entered it.  It calls the owner's function (terminal line, job record) and answers
 * WR_ESTOPPED once the stop flag is set; the callee then returns with nothing half done.
 */
#ifndef WR_UTIL_PROGRESS_H
#define WR_UTIL_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

#include "util/err.h"

typedef struct wr_progress {
    void (*show)(void *ctx, const char *phase, uint64_t done, uint64_t total);
    void *ctx;
    const atomic_bool *stop; /* may be NULL */
} wr_progress;

/* total 0 = unknown.  Errors  WR_ESTOPPED ("stopped on request in <phase>") */
wr_status wr_progress_at(const wr_progress *pg, const char *phase, uint64_t done,
                         uint64_t total, wr_err *err) WR_NODISCARD;

/*
 * A terminal line on stderr: "phase  12.3 M / 40.0 M  31%  2.1 M/s  ETA 13 s", redrawn
 * at most five times a second and only after the first second; nothing when stderr is
 * no terminal.  wr_progress_line_done clears it.  Thread: one object one thread.
 */
typedef struct wr_progress_line {
    int64_t start_us, shown_us;
    const char *phase; /* pointer identity marks a new phase */
    uint64_t phase_base;
    int is_tty, is_shown;
} wr_progress_line;

void wr_progress_line_init(wr_progress_line *l);
void wr_progress_line_show(void *ctx, const char *phase, uint64_t done, uint64_t total);
void wr_progress_line_done(wr_progress_line *l);

/* SIGINT and SIGTERM set the returned flag; a second one ends the process at once. */
const atomic_bool *wr_progress_catch_signals(void);

#endif
