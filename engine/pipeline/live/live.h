/*
 * live.h - what a server serves right now, and the jobs that replace it.
 *
 * A view is the newest graph, the newest run's assessment (whose graph may be older), and
 * what came since: the board (wallets as the live ledger has them) and the delta (the
 * transfers behind the graph).  Graph and assessment are immutable; board and delta grow
 * while they are held, and each read of them is of one moment.  Readers take a reference,
 * work, and drop it.
 *
 * Compute thread: owns all OpenMP work, one job at a time: reload (graph only) or score
 * (graph + assessment + publish); between jobs it folds a delta that has grown into a new
 * graph, or scores a run of its own because the live state is too large (live_bound.h).
 * A job swaps the view only when it has succeeded; a failed one leaves the old view
 * serving.  It and its team run below everybody else's priority (nice).
 *
 * Tail thread: follows the store and moves board and delta on (tail.h).
 *
 * Thread: all functions safe from any thread.
 */
#ifndef WR_PIPELINE_LIVE_LIVE_H
#define WR_PIPELINE_LIVE_LIVE_H

#include "pipeline/input/keep.h"
#include "pipeline/live/tail.h"
#include "pipeline/run/run.h"

typedef struct wr_live wr_live;

typedef enum wr_job_kind { WR_JOB_RELOAD, WR_JOB_SCORE, WR_JOB_RESTORE } wr_job_kind;

typedef struct wr_job_status {
    char run_id[WR_RUN_ID_MAX + 1];
    wr_job_kind kind;
    wr_run_status status;
    char phase[48];
    uint64_t done, total; /* of the phase; total 0 = unknown */
    int64_t started_s, finished_s;
    char error[WR_ERR_MSG_MAX];
} wr_job_status;

typedef struct wr_view {
    wr_snapshot *graph;        /* NULL before the first load */
    wr_assessment *assessment; /* NULL before the first run */
    wr_board *board;           /* NULL: nothing is followed; then delta is NULL as well */
    wr_delta *delta;           /* behind graph */
    int64_t graph_max_seq;
    int64_t graph_loaded_s;
    uint64_t version; /* +1 at each swap: key for caches */
} wr_view;

/*
 * Opens its own store handles from dsn.  Nothing is loaded yet.
 *
 * fold_rows  a delta of so many transfers, and a quarter of its base, is folded into a
 * new graph; 0 = 1 000 000
 */
wr_status wr_live_open(wr_live **out, const char *dsn, wr_settings *cfg,
                       uint64_t fold_rows, wr_err *err) WR_NODISCARD;
/* Asks a running job to stop, waits for it, frees.  Accepts NULL. */
void wr_live_close(wr_live *lv);
WR_DEFINE_AUTO(wr_live, wr_live_close)

/*
 * Keep the graph in the file `path` (keep.h): written behind each job, read by RESTORE.
 * A job is not the worse for a file that cannot be read or written.  The file holds the
 * graph of the run that is served, because the next start needs that one whatever has
 * arrived by then; the newest graph only while there is no run.
 *
 * path  "" = no file; borrowed
 * fn    told what happens, on the compute thread
 * Thread  before the first job
 */
void wr_live_keep(wr_live *lv, const char *path, wr_kept_fn fn, void *ctx);

/* Told of a run of its own, on the compute thread: when it begins (job->status is
 * WR_RUN_RUNNING; why in words), and when it is over. */
typedef void (*wr_live_own_fn)(void *ctx, const wr_job_status *job, const char *why);
/*
 * Score a run of its own, as wr_live_start(SCORE) does, when the live state has more than
 * bytes_max (live_bound.h); 0 = never.
 *
 * fn  may be NULL
 */
void wr_live_set_bound(wr_live *lv, uint64_t bytes_max, wr_live_own_fn fn, void *ctx);

typedef struct wr_live_own_runs {
    uint64_t bytes_max; /* 0 = none */
    uint64_t begun, failed;
} wr_live_own_runs;
void wr_live_own_runs_of(wr_live *lv, wr_live_own_runs *out);

/* OpenMP threads of the jobs to come; 0 = what the runtime chooses. */
void wr_live_set_threads(wr_live *lv, int threads);

wr_view wr_live_view(wr_live *lv); /* acquires all four */
void wr_view_release(wr_view *v);
/* The version such a view would have now: one atomic read. */
uint64_t wr_live_version(const wr_live *lv);

/* How far the live state is behind the store, and what of it is not exact. */
void wr_live_freshness(wr_live *lv, wr_freshness *out);

/* Folds done since the start, and why the last one failed ("" = it did not). */
uint64_t wr_live_folds(wr_live *lv, char error[WR_ERR_MSG_MAX]);

/*
 * Start a job; answers at once.  RESTORE: load the graph and re-assess the newest
 * complete run without publishing (start of a server); each transfer is read once, and
 * not at all where the kept file holds the graph.
 *
 * run_id   out: the job's id; on WR_ECONFLICT the id of the job that runs
 * Errors   WR_ECONFLICT (one runs already), WR_ESTOPPED (closing)
 */
wr_status wr_live_start(wr_live *lv, wr_job_kind kind, char run_id[WR_RUN_ID_MAX + 1],
                        wr_err *err) WR_NODISCARD;

/* The running job, or one of the last 64 finished ones.  WR_ENOTFOUND. */
wr_status wr_live_job(wr_live *lv, const char *run_id, wr_job_status *out,
                      wr_err *err) WR_NODISCARD;
/* Wait until it has finished.  WR_ETIMEOUT after wait_ms. */
wr_status wr_live_wait(wr_live *lv, const char *run_id, int64_t wait_ms,
                       wr_job_status *out, wr_err *err) WR_NODISCARD;

#endif
