#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/live/overlay_int.h"

/* --- room ------------------------------------------------------------------------------
 */

/* handle_of[id] can be written; new places are 0. */
static wr_status reach_id(wr_overlay *o, uint32_t id, wr_err *err)
{
    const size_t before = o->handle_cap;
    if (id < before)
        return WR_OK;
    uint32_t *p = wr_grow(o->handle_of, &o->handle_cap, (size_t)id + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "live wallets up to id %" PRIu32, id);
    memset(p + before, 0, (o->handle_cap - before) * sizeof *p);
    o->handle_of = p;
    return WR_OK;
}

static wr_status reach_met(wr_overlay *o, wr_err *err)
{
    const size_t c = o->c;
    wr_met *m = wr_grow(o->met, &o->met_cap, o->met_count + 1, sizeof *m);
    if (!m)
        return wr_fail(err, WR_ENOMEM, "%zu live wallets", o->met_count);
    o->met = m;
    double *d = wr_grow(o->sent_direct, &o->sent_cap, (o->met_count + 1) * c, sizeof *d);
    if (!d)
        return wr_fail(err, WR_ENOMEM, "%zu live wallets", o->met_count);
    o->sent_direct = d;
    memset(d + o->met_count * c, 0, c * sizeof *d);
    return WR_OK;
}

/* --- one wallet ------------------------------------------------------------------------
 */

/* Time of the newest transfer of a row before column `at`; 0 = none. */
static uint32_t last_before(const wr_rows *r, const uint32_t *time_s, wr_vid v,
                            uint64_t at)
{
    uint64_t lo = r->off[v];
    uint64_t hi = r->off[v + 1ULL];
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (r->col[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > r->off[v] ? time_s[r->col[lo - 1]] : 0;
}

/* Newest transfer that is in the states of the ledger's base. */
static uint32_t base_last_s(const wr_overlay *o, wr_vid run_v)
{
    const wr_columns col = wr_snapshot_columns(o->a->g);
    const wr_rows in = wr_snapshot_rows_in(o->a->g);
    const wr_rows out = wr_snapshot_rows_out(o->a->g);
    const uint32_t got = last_before(&in, col.time_s, run_v, o->tail_at);
    const uint32_t paid = last_before(&out, col.time_s, run_v, o->tail_at);
    return got > paid ? got : paid;
}

/* Everything but the label is known: id, run_v, v.  The ledger gets its handle. */
static wr_status add(wr_overlay *o, uint32_t *handle, const wr_met *w, wr_err *err)
{
    WR_TRY(reach_id(o, w->id, err));
    WR_TRY(reach_met(o, err));
    const wr_delta_view all = wr_delta_read_all(o->delta);
    const wr_live_wallet known = {
        .category = w->column,
        .confidence = w->confidence,
        .from_s = w->from_s,
        .to_s = w->to_s,
        .is_hub = wr_delta_is_hub(&all, w->v),
        .base_v = w->run_v,
        .base_last_s = w->run_v != WR_VID_NONE ? base_last_s(o, w->run_v) : 0,
    };
    WR_TRY(wr_ledger_live_add(o->ledger, handle, &known, err));
    wr_met *to = &o->met[o->met_count++];
    *to = *w;
    to->inexact_from_s = UINT32_MAX;
    if (w->v < wr_snapshot_n(o->g))
        to->activity = wr_assess_activity(o->g, w->v);
    o->handle_of[w->id] = *handle + 1;
    return WR_OK;
}

static void set_label(wr_met *w, int column, float confidence, uint32_t from_s,
                      uint32_t to_s)
{
    w->column = (int8_t)column;
    w->confidence = confidence;
    w->from_s = from_s;
    w->to_s = to_s;
    w->is_dated = from_s > 0 || to_s < UINT32_MAX;
}

/* The label that the run saw. */
static void take_seed(const wr_overlay *o, wr_met *w)
{
    const wr_seeds *s = &o->a->labels.seeds;
    const int k = s->category[w->run_v];
    set_label(w, k, s->confidence ? s->confidence[w->run_v] : 1.0F,
              s->from_s ? s->from_s[w->run_v] : 0,
              s->to_s ? s->to_s[w->run_v] : UINT32_MAX);
    w->own_category = (int8_t)(k < 0 ? -1 : wr_assess_category(o->a, (uint32_t)k));
    w->own_confidence = k < 0 ? 0.0F : w->confidence;
}

wr_status wr_overlay_meet_typologies(wr_overlay *o, wr_met *w, wr_err *err)
{
    w->typology_v = wr_live_typologies_find(o->typologies, w->id);
    if (w->typology_v != WR_VID_NONE)
        return WR_OK;
    const wr_delta_view all = wr_delta_read_all(o->delta);
    const wr_live_newcomer x = {.wallet_id = w->id,
                                .category = w->own_category,
                                .from_s = w->from_s,
                                .to_s = w->to_s,
                                .chain = wr_delta_chain(&all, w->v),
                                .address = wr_delta_address(&all, w->v),
                                .is_hub = wr_delta_is_hub(&all, w->v)};
    return wr_live_typologies_meet(o->typologies, &w->typology_v, &x, err);
}

static wr_status meet_run(wr_overlay *o, uint32_t *handle, uint32_t id, wr_vid run_v,
                          wr_err *err)
{
    wr_met w = {.id = id, .run_v = run_v, .v = wr_delta_find_wallet(o->delta, id)};
    if (w.v == WR_VID_NONE)
        return wr_fail(err, WR_ECORRUPT, "wallet %" PRIu32 " is not in the newest graph",
                       id);
    take_seed(o, &w);
    WR_TRY(wr_overlay_meet_typologies(o, &w, err));
    return add(o, handle, &w, err);
}

wr_status wr_overlay_meet_run(wr_overlay *o, uint32_t *handle, wr_vid run_v, wr_err *err)
{
    const uint32_t id = wr_ids_wallet(wr_snapshot_ids(o->a->g), run_v);
    *handle = wr_overlay_handle(o, id);
    return *handle != UINT32_MAX ? WR_OK : meet_run(o, handle, id, run_v, err);
}

/* --- labels of wallets that the run did not know -------------------------------------
 */

typedef struct labels {
    const wr_overlay *o;
    const uint32_t *id; /* [n] ascending */
    size_t n;
    wr_seeds best; /* by place in id; categories are the taxonomy's */
} labels;

static size_t place_of(const labels *l, uint32_t id)
{
    size_t lo = 0;
    size_t hi = l->n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (l->id[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static wr_status take_label(void *ctx, const wr_label_row *row, wr_err *err)
{
    labels *l = ctx;
    const wr_label *b = &row->label;
    const wr_taxonomy *tx = &l->o->a->cfg->taxonomy;
    const size_t at = place_of(l, row->wallet_id);
    const int c = wr_taxonomy_find(tx, b->category);
    if (at == l->n || l->id[at] != row->wallet_id)
        return wr_fail(err, WR_ECORRUPT, "label of wallet %" PRIu32 ", not asked for",
                       row->wallet_id);
    if (c >= 0)
        wr_seeds_offer(&l->best, tx, (wr_vid)at, c, b->confidence / 100.0,
                       wr_label_time(b->valid_from_s, 0),
                       wr_label_time(b->valid_to_s, UINT32_MAX));
    return WR_OK;
}

/* id: ascending, each once.  l->best is released by the caller. */
static wr_status read_labels(labels *l, wr_store *st, int64_t rev, wr_err *err)
{
    WR_TRY(wr_seeds_init(&l->best, (uint32_t)l->n, &l->o->a->cfg->taxonomy, err));
    return wr_store_labels_of(st, rev, l->id, l->n, take_label, l, err);
}

static wr_status meet_unseen(wr_overlay *o, const labels *l, wr_err *err)
{
    for (size_t i = 0; i < l->n; i++) {
        wr_met w = {.id = l->id[i],
                    .run_v = WR_VID_NONE,
                    .v = wr_delta_find_wallet(o->delta, l->id[i])};
        const int c = l->best.category[i];
        if (w.v == WR_VID_NONE)
            return wr_fail(
                err, WR_ECORRUPT,
                "transfers name wallet %" PRIu32 ", which the store does not know", w.id);
        set_label(&w, c < 0 ? WR_SEED_NONE : wr_overlay_column(o, c),
                  l->best.confidence[i], l->best.from_s[i], l->best.to_s[i]);
        w.own_category = (int8_t)c;
        w.own_confidence = c < 0 ? 0.0F : l->best.confidence[i];
        uint32_t handle;
        WR_TRY(wr_overlay_meet_typologies(o, &w, err));
        WR_TRY(add(o, &handle, &w, err));
        if (c >= 0 && w.column < 0) /* no room for its category */
            WR_TRY(wr_overlay_mark_reach(o, w.v, 0, WR_DELTA_OUT, err));
    }
    return WR_OK;
}

/* --- a batch ---------------------------------------------------------------------------
 */

typedef struct newcomers {
    wr_overlay *o;
    uint32_t *id; /* [count] */
    size_t count, cap;
} newcomers;

static wr_status take_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    wr_overlay *o = ctx;
    wr_vid v;
    for (size_t i = 0; i < n; i++)
        WR_TRY(wr_delta_add_wallet(o->delta, &v, row[i].id, row[i].chain, row[i].address,
                                   err));
    return WR_OK;
}

static wr_status note(newcomers *u, uint32_t id, wr_err *err)
{
    wr_overlay *o = u->o;
    if (wr_overlay_handle(o, id) != UINT32_MAX)
        return WR_OK;
    const wr_vid run_v = wr_ids_vertex_of_wallet(wr_snapshot_ids(o->a->g), id);
    if (run_v != WR_VID_NONE) {
        uint32_t handle;
        return meet_run(o, &handle, id, run_v, err);
    }
    uint32_t *p = wr_grow(u->id, &u->cap, u->count + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%zu new wallets", u->count);
    u->id = p;
    u->id[u->count++] = id;
    return WR_OK;
}

static int by_id(const void *pa, const void *pb)
{
    const uint32_t a = *(const uint32_t *)pa;
    const uint32_t b = *(const uint32_t *)pb;
    return (a > b) - (a < b);
}

static void sort_ids(newcomers *u)
{
    size_t kept = 0;
    qsort(u->id, u->count, sizeof *u->id, by_id);
    for (size_t i = 0; i < u->count; i++)
        if (i == 0 || u->id[i] != u->id[i - 1])
            u->id[kept++] = u->id[i];
    u->count = kept;
}

/* Those that no graph has yet come with their addresses from the store. */
static wr_status find_addresses(newcomers *u, wr_store *st, wr_err *err)
{
    WR_AUTO_ARRAY uint32_t *nowhere = wr_calloc(u->count, sizeof *nowhere);
    if (!nowhere)
        return wr_fail(err, WR_ENOMEM, "%zu new wallets", u->count);
    size_t n = 0;
    for (size_t i = 0; i < u->count; i++)
        if (wr_delta_find_wallet(u->o->delta, u->id[i]) == WR_VID_NONE)
            nowhere[n++] = u->id[i];
    return n ? wr_store_wallets_get(st, nowhere, n, take_wallets, u->o, err) : WR_OK;
}

wr_status wr_overlay_meet_rows(wr_overlay *o, wr_store *st, int64_t rev, wr_err *err)
{
    newcomers u = {.o = o};
    wr_status s = WR_OK;
    for (size_t i = 0; i < o->row_count && s == WR_OK; i++) {
        s = note(&u, o->row[i].from, err);
        if (s == WR_OK)
            s = note(&u, o->row[i].to, err);
    }
    labels l = {.o = o};
    if (s == WR_OK && u.count) {
        sort_ids(&u);
        s = find_addresses(&u, st, err);
        l.id = u.id;
        l.n = u.count;
        if (s == WR_OK)
            s = read_labels(&l, st, rev, err);
        if (s == WR_OK)
            s = meet_unseen(o, &l, err);
    }
    wr_seeds_release(&l.best);
    wr_free(u.id);
    return s;
}

/* --- labels of now ---------------------------------------------------------------------
 */

wr_status wr_overlay_read_own(wr_overlay *o, wr_store *st, int64_t rev,
                              const uint32_t *handle, size_t n, wr_err *err)
{
    newcomers u = {.o = o};
    labels l = {.o = o};
    u.id = wr_calloc(n, sizeof *u.id);
    if (!u.id)
        return wr_fail(err, WR_ENOMEM, "%zu labelled wallets", n);
    for (; u.count < n; u.count++)
        u.id[u.count] = o->met[handle[u.count]].id;
    sort_ids(&u);
    l.id = u.id;
    l.n = u.count;
    const wr_status s = read_labels(&l, st, rev, err);
    for (size_t i = 0; s == WR_OK && i < l.n; i++) {
        wr_met *w = &o->met[wr_overlay_handle(o, l.id[i])];
        w->own_category = l.best.category[i];
        w->own_confidence = w->own_category < 0 ? 0.0F : l.best.confidence[i];
    }
    wr_seeds_release(&l.best);
    wr_free(u.id);
    return s;
}
