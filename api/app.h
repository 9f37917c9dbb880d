/*
 * app.h - everything the handlers stand on, opened once and shared by all workers.
 *
 * Reads work on a view (graph and assessment, counted); jobs run on the compute thread of
 * pipeline/live/live.h, the only place of OpenMP in this process; the store is reached
 * through a pool.  Nothing here computes.  Thread: fields are set before the server
 * starts.
 */
#ifndef WR_API_APP_H
#define WR_API_APP_H

#include "api/blob.h"
#include "api/server.h"
#include "api/store_pool.h"
#include "api/watch.h"
#include "codec/transfer_json.h"
#include "pipeline/live/now.h"

struct wr_app {
    const wr_config *cfg;
    wr_settings *settings;
    wr_live *live;
    wr_store_pool *pool;
    wr_watch *watch;
    wr_transfer_decoder *decoder;
    _Atomic(wr_server *)
        server; /* NULL until it listens, although it may serve by then */
    wr_service service;
    wr_cache cache;           /* rendered answers of GET /scores/top */
    pthread_mutex_t put_lock; /* one writer of source "http" at a time */
    char docs_dir[WR_CONFIG_TEXT_MAX];
    char restore_id[WR_RUN_ID_MAX + 1]; /* the job that loads what was there at start */
    int64_t start_s;
};

/*
 * Opens store, settings, compute thread; migrates nothing.
 * docs_dir  folder of swagger-ui-dist, "" = look in the usual places
 * Errors    of the parts; WR_ECONFLICT with what to run when the schema is not current;
 *           WR_EINVAL (memory: has nothing to serve)
 */
wr_status wr_app_open(wr_app **out, const wr_config *cfg, const char *docs_dir,
                      wr_err *err) WR_NODISCARD;
void wr_app_close(wr_app *app); /* after the server has stopped; accepts NULL */

/* Load graph and newest run as a job.  */
wr_status wr_app_restore(wr_app *app, wr_err *err) WR_NODISCARD;

typedef enum wr_scores_state {
    WR_SCORES_LOADING, /* the restore job works */
    WR_SCORES_FAILED,  /* it has failed; a new run mends it */
    WR_SCORES_NONE,    /* there is no run yet */
    WR_SCORES_LOADED,
} wr_scores_state;
/* job may be NULL; filled for LOADING and FAILED. */
wr_scores_state wr_app_scores_state(wr_app *app, const wr_view *view, wr_job_status *job);

/* view with cleanup; take it with wr_live_view or wr_app_scored_view. */
#define WR_AUTO_VIEW __attribute__((cleanup(wr_view_release))) wr_view

/*
 * Answers from this view must say `stale`: the live state is gone or more than
 * WR_LIVE_BEHIND_MAX_S behind; without one, the store has gone on since the run.
 */
enum { WR_LIVE_BEHIND_MAX_S = 10 };
bool wr_app_is_stale(wr_app *app, const wr_view *view);

/* A view that has an assessment, or the problem that says why there is none. */
wr_status wr_app_scored_view(wr_exchange *x, wr_view *out, wr_err *err) WR_NODISCARD;

/* Path parameters {chain}/{address}, canonical; wrong ones are noted as field errors. */
typedef struct wr_wallet_key {
    const wr_chain *chain; /* of the table, or &unseen: then no record has named it */
    wr_chain unseen;
    char text[WR_ADDRESS_MAX + 1];
    wr_text address; /* of text */
} wr_wallet_key;
wr_status wr_app_path_wallet(wr_exchange *x, wr_wallet_key *k, wr_err *err) WR_NODISCARD;
/* "chain:address" (CAIP-10); everything that is wrong is noted under pointer. */
bool wr_app_read_caip10(wr_exchange *x, wr_wallet_key *k, wr_text id,
                        const char *pointer);
/* Chain and address from anywhere; notes what is wrong under the pointers. false: wrong.
 */
bool wr_app_read_wallet(wr_exchange *x, wr_wallet_key *k, wr_text chain, wr_text address,
                        const char *chain_pointer, const char *address_pointer);
/* The vertex, or problem NOT_FOUND. */
wr_status wr_app_vertex(wr_exchange *x, const wr_snapshot *g, const wr_wallet_key *k,
                        wr_vid *v, wr_err *err) WR_NODISCARD;

/* "next_page": token, or null when payload is NULL. */
void wr_app_next_page(wr_json_out *j, char list, const char *payload);
/* Payload of ?page=; false when absent or wrong (then noted). */
bool wr_app_page(wr_exchange *x, char list, char payload[]);

/* id (CAIP-10), chain, address as members. */
void wr_app_identity(wr_json_out *j, const wr_chain *chain, wr_text address);

#endif
