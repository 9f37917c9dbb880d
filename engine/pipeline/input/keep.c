#include "pipeline/input/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "graph/snapshot_file.h"

/* --- the note -------------------------------------------------------------------- */

typedef struct note {
    char program[32];
    char store_id[WR_STORE_ID_HEX + 1];
    int64_t max_seq;
    uint64_t unpriced;
    wr_digest_hex graph_digest;
} note;

static wr_status note_write(wr_buf *b, const note *n, wr_err *err)
{
    wr_buf_addf(
        b, "program %s\nstore %s\nmax_seq %" PRId64 "\nunpriced %" PRIu64 "\ngraph %s\n",
        n->program, n->store_id, n->max_seq, n->unpriced, n->graph_digest.s);
    return wr_buf_status(b, "note of a snapshot", err);
}

/* Read loosely, then written again: only what gives the same bytes is a note. */
static wr_status note_read(note *n, const wr_buf *b, const char *path, wr_err *err)
{
    *n = (note){0};
    const int got = sscanf(
        wr_buf_cstr(b),
        "program %31s store %32s max_seq %18" SCNd64 " unpriced %19" SCNu64 " graph %64s",
        n->program, n->store_id, &n->max_seq, &n->unpriced, n->graph_digest.s);
    wr_buf same;
    wr_buf_init(&same, WR_SNAPSHOT_NOTE_MAX);
    wr_status s = note_write(&same, n, err);
    if (s == WR_OK &&
        (got != 5 || same.len != b->len || memcmp(same.p, b->p, b->len) != 0))
        s = wr_fail(err, WR_ECORRUPT, "%s: its note is not of a graph of a store", path);
    wr_buf_release(&same);
    return s;
}

/* --- what speaks against a file -------------------------------------------------- */

typedef struct run_bound { /* of the run that wants a graph */
    bool is_there;
    char id[WR_RUN_ID_MAX + 1];
    int64_t max_seq;
    wr_digest_hex graph_digest;
} run_bound;

static wr_status take_bound(void *ctx, const wr_run *run, wr_err *err)
{
    run_bound *b = ctx;
    (void)err;
    *b = (run_bound){true, "", run->max_seq, run->graph_digest};
    memcpy(b->id, run->id, sizeof b->id);
    return WR_OK;
}

static wr_status find_run(run_bound *b, wr_store *st, const char *run_id, wr_err *err)
{
    wr_err why = {0};
    *b = (run_bound){0};
    const wr_status s = wr_store_run_get(st, run_id, take_bound, b, &why);
    return s == WR_OK || s == WR_ENOTFOUND ? WR_OK : wr_fail(err, s, "%s", why.msg);
}

static wr_status check_note(const note *n, const char *path, wr_store *st,
                            const run_bound *run, wr_err *err)
{
    char id[WR_STORE_ID_HEX + 1];
    WR_TRY(wr_store_id(st, id, err));
    if (strcmp(n->program, WR_VERSION) != 0)
        return wr_fail(err, WR_ECONFLICT, "%s: written by version %s, this is %s", path,
                       n->program, WR_VERSION);
    if (strcmp(n->store_id, id) != 0)
        return wr_fail(err, WR_ECONFLICT, "%s: of store %s, this is %s", path,
                       n->store_id, id);
    if (run->is_there && run->max_seq == n->max_seq &&
        strcmp(run->graph_digest.s, n->graph_digest.s) != 0)
        return wr_fail(err, WR_ECONFLICT, "%s: graph %.12s…, run %s recorded %.12s…",
                       path, n->graph_digest.s, run->id, run->graph_digest.s);
    return WR_OK;
}

typedef struct last_transfer {
    const wr_snapshot *g;
    uint64_t at; /* column position */
    bool is_same;
} last_transfer;

static bool is_wallet(const wr_ids *ids, wr_vid v, const wr_chain *chain, wr_text address)
{
    return wr_ids_chain(ids, v) == chain && wr_text_eq(wr_ids_address(ids, v), address);
}

static wr_status compare_last(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    last_transfer *l = ctx;
    const wr_columns c = wr_snapshot_columns(l->g);
    const wr_ids *ids = wr_snapshot_ids(l->g);
    const wr_transfer *t = &row->transfer;
    (void)err;
    l->is_same = t->time_s == (int64_t)c.time_s[l->at] && t->value == c.value[l->at] &&
                 is_wallet(ids, c.from[l->at], t->chain, t->from) &&
                 is_wallet(ids, c.to[l->at], t->chain, t->to);
    return WR_OK;
}

/*
 * The transfer that came last must be the one that the store has under its number: a copy
 * of the database, or one put back to a backup, keeps the id and goes another way.
 */
static wr_status check_last(const wr_snapshot *g, const char *path, wr_store *st,
                            wr_err *err)
{
    const wr_columns c = wr_snapshot_columns(g);
    if (c.m == 0)
        return WR_OK;
    if (!wr_snapshot_ids(g))
        return wr_fail(err, WR_ECORRUPT, "%s: no wallets", path);
    last_transfer l = {.g = g};
    for (uint64_t i = 1; i < c.m; i++)
        if (wr_columns_seq(&c, i) > wr_columns_seq(&c, l.at))
            l.at = i;
    const int64_t seq = wr_columns_seq(&c, l.at);
    wr_err why = {0};
    const wr_status s = wr_store_transfer_get(st, seq, compare_last, &l, &why);
    if (s == WR_ENOTFOUND)
        return wr_fail(
            err, WR_ECONFLICT,
            "%s: newer than the store, which has no transfer with seq %" PRId64, path,
            seq);
    if (s != WR_OK)
        return wr_fail(err, s, "%s", why.msg);
    if (!l.is_same)
        return wr_fail(err, WR_ECONFLICT,
                       "%s: of another history: the store has another transfer with "
                       "seq %" PRId64,
                       path, seq);
    return WR_OK;
}

/* --- load and save --------------------------------------------------------------- */

/* By the header alone; a note that is wrong or foreign is "needed": load says why. */
static wr_status peek(note *n, bool *is_needed, const char *path, wr_store *st,
                      const run_bound *run, int64_t newest, wr_err *err)
{
    const wr_snapshot_load_opts trusted = {.is_trusted = true};
    WR_AUTO(wr_snapshot) g = NULL;
    wr_buf b;
    wr_buf_init(&b, WR_SNAPSHOT_NOTE_MAX);
    const wr_status s = wr_snapshot_load(&g, path, &b, &trusted, err);
    if (s == WR_OK)
        *is_needed = note_read(n, &b, path, NULL) != WR_OK ||
                     check_note(n, path, st, run, NULL) != WR_OK ||
                     n->max_seq >= newest ||
                     (run->is_there && n->max_seq == run->max_seq);
    wr_buf_release(&b);
    return s;
}

static wr_status load_checked(wr_loaded *out, wr_buf *b, const char *path, wr_store *st,
                              const run_bound *run, wr_err *err)
{
    WR_AUTO(wr_snapshot) g = NULL;
    note n;
    WR_TRY(wr_snapshot_load(&g, path, b, NULL, err));
    WR_TRY(note_read(&n, b, path, err));
    WR_TRY(check_note(&n, path, st, run, err));
    WR_TRY(check_last(g, path, st, err));
    *out = (wr_loaded){.g = WR_STEAL(g),
                       .max_seq = n.max_seq,
                       .unpriced = n.unpriced,
                       .digest = n.graph_digest};
    return WR_OK;
}

/* out->g stays NULL when nobody needs a graph of its bound. */
static wr_status load(wr_loaded *out, const char *path, wr_store *st, const char *run_id,
                      int64_t newest, wr_err *err)
{
    run_bound run;
    bool is_needed = false;
    note n;
    WR_TRY(find_run(&run, st, run_id, err));
    WR_TRY(peek(&n, &is_needed, path, st, &run, newest, err));
    if (!is_needed) {
        *out = (wr_loaded){.max_seq = n.max_seq};
        return WR_OK;
    }
    wr_buf b;
    wr_buf_init(&b, WR_SNAPSHOT_NOTE_MAX);
    const wr_status s = load_checked(out, &b, path, st, &run, err);
    wr_buf_release(&b);
    return s;
}

/* A file that cannot be read does not hold it. */
static bool holds(const char *path, const wr_buf *want)
{
    const wr_snapshot_load_opts trusted = {.is_trusted = true};
    WR_AUTO(wr_snapshot) g = NULL;
    wr_buf b;
    wr_buf_init(&b, WR_SNAPSHOT_NOTE_MAX);
    const bool is_same = wr_snapshot_load(&g, path, &b, &trusted, NULL) == WR_OK &&
                         b.len == want->len && memcmp(b.p, want->p, b.len) == 0;
    wr_buf_release(&b);
    return is_same;
}

static wr_status save(bool *is_written, const char *path, wr_store *st,
                      const wr_loaded *l, bool is_forced, wr_err *err)
{
    note n = {.max_seq = l->max_seq,
              .unpriced = l->unpriced,
              .graph_digest = l->digest,
              .program = WR_VERSION};
    WR_TRY(wr_store_id(st, n.store_id, err));
    if (!n.graph_digest.s[0])
        WR_TRY(wr_snapshot_digest(l->g, &n.graph_digest, err));
    wr_buf b;
    wr_buf_init(&b, WR_SNAPSHOT_NOTE_MAX);
    wr_status s = note_write(&b, &n, err);
    const bool is_there = s == WR_OK && !is_forced && holds(path, &b);
    if (s == WR_OK && !is_there)
        s = wr_snapshot_save(l->g, path, (wr_text){b.p, (uint32_t)b.len}, err);
    wr_buf_release(&b);
    if (s == WR_OK)
        *is_written = !is_there;
    return s;
}

/* --- what a job sees of it ------------------------------------------------------- */

static void tell(const wr_keep *k, wr_kept what, const char *text)
{
    if (k->fn)
        k->fn(k->ctx, what, text);
}

static void tell_graph(const wr_keep *k, wr_kept what, const wr_loaded *l)
{
    char text[WR_ERR_MSG_MAX];
    (void)snprintf(text, sizeof text, "%s: %" PRIu64 " transfers up to seq %" PRId64,
                   k->path, wr_snapshot_columns(l->g).m, l->max_seq);
    tell(k, what, text);
}

void wr_keep_take(wr_keep *k, wr_loaded *out, wr_store *st, const char *run_id,
                  int64_t newest)
{
    wr_err why = {0};
    wr_loaded l = {0};
    if (!wr_keep_is_wanted(k))
        return;
    const wr_status s = load(&l, k->path, st, run_id, newest, &why);
    k->is_bad = s != WR_OK;
    if (s == WR_OK && l.g) {
        tell_graph(k, WR_KEPT_USED, &l);
        *out = l;
    } else if (s == WR_OK) {
        char text[WR_ERR_MSG_MAX];
        (void)snprintf(text, sizeof text,
                       "%s: up to seq %" PRId64 ", which nobody needs now", k->path,
                       l.max_seq);
        tell(k, WR_KEPT_UNUSED, text);
    } else if (s != WR_ENOTFOUND) {
        tell(k, WR_KEPT_REFUSED, why.msg);
    }
}

void wr_keep_put(wr_keep *k, wr_store *st, const wr_loaded *l)
{
    wr_err why = {0};
    bool is_written = false;
    if (!wr_keep_is_wanted(k))
        return;
    const wr_status s = save(&is_written, k->path, st, l, k->is_bad, &why);
    if (s != WR_OK) {
        tell(k, WR_KEPT_NOT_WRITTEN, why.msg);
        return;
    }
    k->is_bad = false;
    if (is_written)
        tell_graph(k, WR_KEPT_WRITTEN, l);
}
