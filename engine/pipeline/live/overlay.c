#include "pipeline/live/overlay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/live/overlay_int.h"

enum {
    EPOCHS = 16,
    BATCH_SEQ = 4096,   /* numbers of one batch: how much readers may have to wait for */
    SETTLE_MOST = 1024, /* transfers into the patterns: for how long nothing is applied */
};

/* --- life ------------------------------------------------------------------------------
 */

static void map_columns(wr_overlay *o)
{
    memset(o->column_of, WR_SEED_NONE, sizeof o->column_of);
    for (uint32_t k = 0; k < o->a->c; k++)
        (void)wr_overlay_column(o, wr_assess_category(o->a, k));
}

int wr_overlay_column(wr_overlay *o, int category)
{
    if (o->column_of[category] >= 0 || o->named == o->c)
        return o->column_of[category];
    const wr_category *c = &o->a->cfg->taxonomy.category[category];
    wr_ledger_live_set_kind(o->ledger, o->named, (uint8_t)c->kind);
    wr_board_name(o->board, (uint8_t)category);
    o->column_of[category] = (int8_t)o->named;
    return (int)o->named++;
}

static wr_status open_parts(wr_overlay *o, wr_err *err)
{
    const uint32_t window = wr_assess_live_window(o->a);
    const uint32_t room = wr_ledger_room(o->a->c);
    const uint32_t all = o->a->cfg->taxonomy.count;
    o->c = all > o->a->c ? (all < room ? all : room) : o->a->c;
    wr_ledger_live_opts opts = {.c = o->c, .base = &o->a->ledger[WR_RECEIVING]};
    if (window != WR_LIVE_WINDOW) {
        opts.epoch_count = window < EPOCHS ? window : EPOCHS;
        opts.epoch_rows = window / opts.epoch_count;
    }
    memcpy(opts.kind, o->a->labels.seeds.kind, sizeof opts.kind);
    WR_TRY(wr_ledger_live_new(&o->ledger, &opts, err));
    WR_TRY(wr_board_new(&o->board, o->c, err));
    map_columns(o);
    wr_board_begin(o->board);
    wr_board_end(o->board, o->stats.seq);
    return wr_delta_new(&o->delta, o->g, err);
}

static int by_seq(const void *pa, const void *pb)
{
    const wr_live_transfer *a = pa;
    const wr_live_transfer *b = pb;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

/* The run's last transfers through the live ledger: nobody's numbers change by that. */
static wr_status apply_tail(wr_overlay *o, wr_err *err)
{
    const wr_columns col = wr_snapshot_columns(o->a->g);
    const uint64_t n = col.m - o->tail_at;
    WR_AUTO_ARRAY wr_live_transfer *t = wr_calloc(n, sizeof *t);
    if (!t)
        return wr_fail(err, WR_ENOMEM, "the run's last transfers");
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t at = o->tail_at + i;
        t[i] = (wr_live_transfer){.seq = wr_columns_seq(&col, at),
                                  .value = col.value[at],
                                  .time_s = col.time_s[at],
                                  .asset = col.asset ? col.asset[at] : 0};
        WR_TRY(wr_overlay_meet_run(o, &t[i].from, col.from[at], err));
        WR_TRY(wr_overlay_meet_run(o, &t[i].to, col.to[at], err));
    }
    qsort(t, n, sizeof *t, by_seq);
    const uint32_t *touched;
    size_t count;
    return wr_ledger_live_apply(o->ledger, t, n, &touched, &count, NULL, err);
}

static uint64_t bytes_of(const wr_overlay *o)
{
    wr_overlay_stats at;
    wr_overlay_stats_of(o, &at);
    return at.bytes;
}

wr_status wr_overlay_new_bare(wr_overlay **out, wr_assessment *a, const wr_loaded *graph,
                              wr_err *err)
{
    WR_AUTO(wr_overlay) o = wr_calloc(1, sizeof *o);
    if (!o)
        return wr_fail(err, WR_ENOMEM, "live state");
    o->a = wr_assessment_acquire(a);
    o->g = wr_snapshot_acquire(graph->g);
    o->graph_seq = graph->max_seq;
    o->stats.seq = a->run.max_seq;
    o->stats.label_rev = a->run.label_rev;
    const uint64_t m = wr_snapshot_columns(a->g).m;
    o->tail_at = m > wr_assess_live_window(a) ? m - wr_assess_live_window(a) : 0;
    WR_TRY(open_parts(o, err));
    WR_TRY(apply_tail(o, err));
    o->stats.run_bytes = bytes_of(o);
    *out = WR_STEAL(o);
    return WR_OK;
}

/* Every wallet met has its name there, and readers what is known of it. */
static wr_status set_typologies(wr_overlay *o, wr_live_typologies *l, wr_err *err)
{
    const uint64_t before = bytes_of(o);
    o->typologies = l;
    for (size_t i = 0; i < o->met_count; i++)
        WR_TRY(wr_overlay_meet_typologies(o, &o->met[i], err));
    wr_board_set_typologies(o->board, wr_live_typologies_board(l));
    o->stats.run_bytes += bytes_of(o) - before;
    return WR_OK;
}

wr_status wr_overlay_new(wr_overlay **out, wr_assessment *a, const wr_loaded *graph,
                         wr_err *err)
{
    WR_AUTO(wr_overlay) o = NULL;
    WR_AUTO(wr_live_typologies) l = NULL;
    WR_TRY(wr_overlay_new_bare(&o, a, graph, err));
    WR_TRY(wr_live_typologies_new(&l, a, err));
    WR_TRY(set_typologies(o, WR_STEAL(l), err));
    *out = WR_STEAL(o);
    return WR_OK;
}

bool wr_overlay_can_give(const wr_overlay *before, const wr_assessment *a)
{
    return before && !before->stats.is_given_up &&
           before->stats.label_rev == a->run.label_rev &&
           wr_live_typologies_can_rebase(before->typologies, a);
}

wr_live_typologies *wr_overlay_give(wr_overlay *before, const wr_overlay *o)
{
    if (!wr_overlay_can_give(before, o->a) || before->stats.seq != o->stats.seq ||
        before->stats.label_rev != o->stats.label_rev)
        return NULL;
    wr_live_typologies_stats_of(before->typologies, &before->given);
    return WR_STEAL(before->typologies);
}

wr_status wr_overlay_take(wr_overlay *o, wr_live_typologies *l, wr_err *err)
{
    WR_AUTO(wr_live_typologies) taken = l;
    WR_TRY(wr_live_typologies_rebase(taken, o->a, err));
    return set_typologies(o, WR_STEAL(taken), err);
}

void wr_overlay_free(wr_overlay *o)
{
    if (!o)
        return;
    wr_ledger_live_free(o->ledger);
    wr_live_typologies_free(o->typologies);
    wr_board_unref(o->board);
    wr_delta_unref(o->delta);
    wr_snapshot_unref(o->g);
    wr_assessment_unref(o->a);
    wr_free(o->met);
    wr_free(o->sent_direct);
    wr_free(o->handle_of);
    wr_free(o->dirty);
    wr_free(o->row);
    wr_free(o->transfer);
    wr_free(o);
}

wr_board *wr_overlay_board(const wr_overlay *o)
{
    return o->board;
}

wr_delta *wr_overlay_delta(const wr_overlay *o)
{
    return o->delta;
}

void wr_overlay_stats_of(const wr_overlay *o, wr_overlay_stats *out)
{
    const wr_delta_view all = wr_delta_read_all(o->delta);
    *out = o->stats;
    out->wallets = o->met_count;
    out->delta_transfers = all.m;
    out->typologies = o->given;
    if (o->typologies)
        wr_live_typologies_stats_of(o->typologies, &out->typologies);
    out->ledger_bytes = wr_ledger_live_bytes(o->ledger);
    out->board_bytes = wr_board_bytes(o->board);
    out->delta_bytes = wr_delta_bytes(o->delta);
    out->bytes = out->ledger_bytes + out->board_bytes + out->delta_bytes +
                 o->met_cap * sizeof *o->met + o->sent_cap * sizeof *o->sent_direct +
                 o->handle_cap * sizeof *o->handle_of + out->typologies.bytes;
}

/* --- one batch -------------------------------------------------------------------------
 */

static wr_status take_rows(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    wr_overlay *o = ctx;
    wr_edge_row *p = wr_grow(o->row, &o->row_cap, o->row_count + n, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%zu new transfers", o->row_count + n);
    o->row = p;
    memcpy(o->row + o->row_count, row, n * sizeof *row);
    o->row_count += n;
    return WR_OK;
}

static wr_status apply_ledger(wr_overlay *o, wr_err *err)
{
    wr_live_transfer *t = wr_grow(o->transfer, &o->transfer_cap, o->row_count, sizeof *t);
    if (!t)
        return wr_fail(err, WR_ENOMEM, "%zu new transfers", o->row_count);
    o->transfer = t;
    for (size_t i = 0; i < o->row_count; i++) {
        const wr_edge_row *r = &o->row[i];
        t[i] = (wr_live_transfer){.seq = r->seq,
                                  .value = r->value,
                                  .time_s = (uint32_t)r->time_s,
                                  .from = wr_overlay_handle(o, r->from),
                                  .to = wr_overlay_handle(o, r->to),
                                  .asset = r->asset};
    }
    const uint32_t *touched;
    size_t count;
    uint64_t undone;
    WR_TRY(
        wr_ledger_live_apply(o->ledger, t, o->row_count, &touched, &count, &undone, err));
    o->stats.undone += undone;
    for (size_t i = 0; i < count; i++)
        WR_TRY(wr_overlay_set_dirty(o, touched[i], err));
    return WR_OK;
}

static void see_time(wr_activity *a, int64_t time_s)
{
    if (!a->first_s || time_s < a->first_s)
        a->first_s = time_s;
    if (time_s > a->last_s)
        a->last_s = time_s;
}

/* The graph's newest transfers are in the base already, and counted there. */
static wr_status grow_graph(wr_overlay *o, const wr_live_transfer *t, wr_err *err)
{
    wr_met *u = &o->met[t->from];
    wr_met *v = &o->met[t->to];
    bool is_new_pair;
    if (t->seq <= o->graph_seq)
        return WR_OK;
    const wr_delta_row row = {.seq = t->seq,
                              .value = t->value,
                              .time_s = t->time_s,
                              .from = u->v,
                              .to = v->v,
                              .asset = t->asset};
    WR_TRY(wr_delta_append(o->delta, &row, &is_new_pair, err));
    u->activity.out_count++;
    v->activity.in_count++;
    u->activity.out_degree += is_new_pair;
    v->activity.in_degree += is_new_pair;
    see_time(&u->activity, t->time_s);
    see_time(&v->activity, t->time_s);
    return WR_OK;
}

static void add_sent(wr_overlay *o, const wr_live_transfer *t)
{
    const wr_met *v = &o->met[t->to];
    if (t->from == t->to || !(t->value > 0))
        return;
    o->met[t->from].sent += t->value;
    const int k = wr_met_label(v, t->time_s);
    if (k >= 0)
        o->sent_direct[(size_t)t->from * o->c + (uint32_t)k] +=
            (double)v->confidence * t->value;
}

static wr_status apply_typologies(wr_overlay *o, wr_err *err)
{
    for (size_t i = 0; i < o->row_count; i++) {
        const wr_live_transfer *t = &o->transfer[i];
        const wr_live_arrival x = {.seq = t->seq,
                                   .value = t->value,
                                   .time_s = t->time_s,
                                   .from = o->met[t->from].typology_v,
                                   .to = o->met[t->to].typology_v};
        WR_TRY(wr_live_typologies_take(o->typologies, &x, err));
    }
    return wr_live_typologies_publish(o->typologies, err);
}

static wr_status apply_rows(wr_overlay *o, wr_err *err)
{
    WR_TRY(apply_ledger(o, err));
    for (size_t i = 0; i < o->row_count; i++) {
        const wr_live_transfer *t = &o->transfer[i];
        WR_TRY(grow_graph(o, t, err));
        add_sent(o, t);
        o->met[t->from].has_newer = o->met[t->to].has_newer = true;
        WR_TRY(wr_overlay_set_dirty(o, t->from, err));
        WR_TRY(wr_overlay_set_dirty(o, t->to, err));
    }
    o->stats.applied += o->row_count;
    return wr_overlay_mark_batch(o, err);
}

/* The overlay is of no use when it breaks half-way. */
static wr_status broken(wr_overlay *o, wr_status s, wr_err *err)
{
    o->stats.is_given_up = true;
    wr_board_give_up(o->board);
    return wr_fail(err, s == WR_ENOMEM ? WR_ENOMEM : WR_ECORRUPT, "live state");
}

static wr_status publish(wr_overlay *o, wr_err *err)
{
    wr_status s = WR_OK;
    wr_board_begin(o->board);
    for (size_t i = 0; i < o->dirty_count && s == WR_OK; i++) {
        wr_met *w = &o->met[o->dirty[i]];
        wr_board_entry e = {.sent = w->sent,
                            .activity = w->activity,
                            .own_category = w->own_category,
                            .own_confidence = (double)w->own_confidence,
                            .is_exact = !w->is_marked,
                            .has_newer = w->has_newer};
        wr_ledger_live_at(o->ledger, o->dirty[i], &e.in);
        memcpy(e.sent_direct, o->sent_direct + (size_t)o->dirty[i] * o->c,
               o->c * sizeof *e.sent_direct);
        s = wr_board_put(o->board, w->id, &e, err);
        w->is_dirty = false;
    }
    o->dirty_count = 0;
    if (s != WR_OK)
        s = broken(o, s, err);
    /* inside: who finds a new address finds it on the board, and who sees this batch on
     * the board finds the address of everyone in it */
    wr_delta_publish(o->delta);
    wr_board_end(o->board, o->stats.seq);
    return s;
}

static wr_status advance_batch(wr_overlay *o, wr_store *st, int64_t upto_seq,
                               int64_t label_rev, wr_err *err)
{
    o->row_count = 0;
    WR_TRY(wr_store_scan_edges(st, o->stats.seq, upto_seq, take_rows, o, err));
    WR_TRY(wr_overlay_meet_rows(o, st, label_rev, err));
    wr_status s = apply_rows(o, err);
    if (s != WR_OK)
        return broken(o, s, err);
    o->stats.seq = upto_seq;
    WR_TRY(publish(o, err));
    s = apply_typologies(o, err); /* behind: nobody waits for a search */
    return s == WR_OK ? WR_OK : broken(o, s, err);
}

wr_status wr_overlay_advance(wr_overlay *o, wr_store *st, int64_t upto_seq,
                             int64_t label_rev, const atomic_bool *stop, wr_err *err)
{
    /* never labels of before those that are marked: changes up to there do not come again
     */
    const int64_t rev = label_rev > o->stats.label_rev ? label_rev : o->stats.label_rev;
    while (o->stats.seq < upto_seq && !(stop && atomic_load(stop))) {
        const int64_t next = o->stats.seq + BATCH_SEQ;
        WR_TRY(advance_batch(o, st, next < upto_seq ? next : upto_seq, rev, err));
    }
    if (label_rev <= o->stats.label_rev)
        return WR_OK;
    WR_TRY(wr_overlay_mark_labels(o, st, label_rev, err));
    return publish(o, err);
}

wr_status wr_overlay_settle(wr_overlay *o, bool *is_more, wr_err *err)
{
    wr_status s = wr_live_typologies_settle(o->typologies, SETTLE_MOST, is_more, err);
    if (s == WR_OK)
        s = wr_live_typologies_publish(o->typologies, err);
    return s == WR_OK ? WR_OK : broken(o, s, err);
}

/* --- another graph ---------------------------------------------------------------------
 */

typedef struct regraph {
    wr_overlay *o;
    wr_delta *d; /* the new one */
    wr_delta_view old;
} regraph;

static wr_status vertex_of(regraph *r, wr_vid *v, uint32_t wallet_id, wr_err *err)
{
    *v = wr_delta_find_wallet(r->d, wallet_id);
    if (*v != WR_VID_NONE)
        return WR_OK;
    const wr_vid before = wr_delta_find_wallet(r->o->delta, wallet_id);
    if (before == WR_VID_NONE)
        return wr_fail(err, WR_ECORRUPT, "wallet %" PRIu32 " was not met", wallet_id);
    return wr_delta_add_wallet(r->d, v, wallet_id, wr_delta_chain(&r->old, before),
                               wr_delta_address(&r->old, before), err);
}

static wr_status take_again(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    regraph *r = ctx;
    for (size_t i = 0; i < n; i++) {
        bool is_new_pair;
        wr_delta_row t = {.seq = row[i].seq,
                          .value = row[i].value,
                          .time_s = (uint32_t)row[i].time_s,
                          .asset = row[i].asset};
        WR_TRY(vertex_of(r, &t.from, row[i].from, err));
        WR_TRY(vertex_of(r, &t.to, row[i].to, err));
        WR_TRY(wr_delta_append(r->d, &t, &is_new_pair, err));
    }
    return WR_OK;
}

wr_status wr_overlay_regraph(wr_overlay *o, wr_store *st, const wr_loaded *graph,
                             wr_err *err)
{
    WR_AUTO(wr_delta) d = NULL;
    if (graph->max_seq > o->stats.seq || graph->max_seq < o->graph_seq)
        return wr_fail(err, WR_EINVAL,
                       "a graph up to %" PRId64 " for a live state at %" PRId64,
                       graph->max_seq, o->stats.seq);
    WR_TRY(wr_delta_new(&d, graph->g, err));
    regraph r = {.o = o, .d = d, .old = wr_delta_read_all(o->delta)};
    WR_TRY(wr_store_scan_edges(st, graph->max_seq, o->stats.seq, take_again, &r, err));
    wr_vid v;
    for (size_t i = 0; i < o->met_count; i++) /* those marked, but in no newer transfer */
        WR_TRY(vertex_of(&r, &v, o->met[i].id, err));
    wr_delta_publish(d);
    for (size_t i = 0; i < o->met_count; i++)
        o->met[i].v = wr_delta_find_wallet(d, o->met[i].id);
    wr_delta_close(o->delta, o->stats.seq);
    wr_delta_unref(o->delta);
    o->delta = WR_STEAL(d);
    wr_snapshot_unref(o->g);
    o->g = wr_snapshot_acquire(graph->g);
    o->graph_seq = graph->max_seq;
    return WR_OK;
}
