#include "pipeline/input/load.h"

#include <inttypes.h>
#include <omp.h>
#include <stdatomic.h>
#include <string.h>

/* --- transfers -----------------------------------------------------------------------
 */

/* The transfers that one handle reads. */
typedef struct edge_load {
    wr_edges edges;    /* from and to hold wallet ids until remap() */
    uint64_t *used;    /* bit w = wallet id w stands in a transfer */
    size_t used_words; /* capacity */
    uint32_t wallet_max;
    uint64_t unpriced;
    atomic_uint_fast64_t *done; /* rows of all handles */
    uint64_t expected;          /* the same at the end, for progress */
    const wr_progress *pg;
} edge_load;

static wr_status use_to(edge_load *l, uint32_t wallet, wr_err *err)
{
    if (l->used && wallet <= l->wallet_max)
        return WR_OK;
    size_t before = l->used_words;
    size_t want = (size_t)wallet / 64 + 1;
    if (want > before) {
        uint64_t *p = wr_grow(l->used, &l->used_words, want, sizeof *p);
        if (!p)
            return wr_fail(err, WR_ENOMEM, "marks of %" PRIu32 " wallets", wallet);
        memset(p + before, 0, (l->used_words - before) * sizeof *p);
        l->used = p;
    }
    l->wallet_max = wallet;
    return WR_OK;
}

static wr_status take_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    edge_load *l = ctx;
    wr_edges *e = &l->edges;
    WR_TRY(wr_edges_reserve(e, n, err));
    for (size_t i = 0; i < n; i++) {
        const wr_edge_row *r = &row[i];
        if (r->time_s < 0 || r->time_s > UINT32_MAX)
            return wr_fail(err, WR_ECORRUPT, "transfer seq %" PRId64 ": time %" PRId64,
                           r->seq, r->time_s);
        WR_TRY(use_to(l, r->from > r->to ? r->from : r->to, err));
        l->used[r->from / 64] |= UINT64_C(1) << (r->from % 64);
        l->used[r->to / 64] |= UINT64_C(1) << (r->to % 64);
        l->unpriced += (r->flags & WR_TRANSFER_UNPRICED) != 0;
        uint64_t k = e->m++;
        e->from[k] = r->from;
        e->to[k] = r->to;
        e->time_s[k] = (uint32_t)r->time_s;
        e->value[k] = r->value;
        e->asset[k] = r->asset;
        e->seq[k] = r->seq;
    }
    const uint64_t done = atomic_fetch_add(l->done, n) + n;
    return wr_progress_at(l->pg, "read transfers", done, l->expected, err);
}

/* What another handle has read comes behind. */
static wr_status append(edge_load *l, const edge_load *more, wr_err *err)
{
    wr_edges *e = &l->edges;
    const wr_edges *s = &more->edges;
    if (s->m == 0)
        return WR_OK;
    WR_TRY(wr_edges_reserve(e, s->m, err));
    WR_TRY(use_to(l, more->wallet_max, err));
    memcpy(e->from + e->m, s->from, s->m * sizeof *s->from);
    memcpy(e->to + e->m, s->to, s->m * sizeof *s->to);
    memcpy(e->time_s + e->m, s->time_s, s->m * sizeof *s->time_s);
    memcpy(e->value + e->m, s->value, s->m * sizeof *s->value);
    memcpy(e->asset + e->m, s->asset, s->m * sizeof *s->asset);
    memcpy(e->seq + e->m, s->seq, s->m * sizeof *s->seq);
    e->m += s->m;
    for (uint32_t w = 0; w <= more->wallet_max / 64; w++)
        l->used[w] |= more->used[w];
    l->unpriced += more->unpriced;
    return WR_OK;
}

static void edge_load_release(edge_load *l)
{
    wr_edges_release(&l->edges);
    wr_free(l->used);
    l->used = NULL;
}

/* --- wallets -------------------------------------------------------------------------
 */

typedef struct wallet_load {
    wr_ids *ids;
    const wr_progress *pg;
} wallet_load;

static wr_status take_wallets(void *ctx, const wr_wallet_row *row, size_t n, wr_err *err)
{
    wallet_load *l = ctx;
    for (size_t i = 0; i < n; i++)
        WR_TRY(wr_ids_add(l->ids, row[i].id, row[i].chain, row[i].address, err));
    return wr_progress_at(l->pg, "read wallets", wr_ids_count(l->ids), 0, err);
}

static wr_status read_wallets(wr_store *st, wr_ids *ids, const wr_progress *pg,
                              wr_err *err)
{
    wallet_load w = {.ids = ids, .pg = pg};
    return wr_store_scan_wallets(st, 0, take_wallets, &w, err);
}

static bool is_used(const edge_load *l, uint32_t wallet)
{
    return wallet <= l->wallet_max && (l->used[wallet / 64] >> (wallet % 64) & 1);
}

/* Of all the store's wallets those that stand in a transfer read: mostly all. */
static wr_status keep_used(wr_ids **ids, const edge_load *l, wr_err *err)
{
    const uint32_t n = wr_ids_count(*ids);
    uint32_t v = 0;
    while (v < n && l->edges.m && is_used(l, wr_ids_wallet(*ids, v)))
        v++;
    if (v == n)
        return WR_OK;
    WR_AUTO(wr_ids) kept = NULL;
    WR_TRY(wr_ids_new(&kept, err));
    for (v = 0; v < n && l->edges.m; v++) {
        const uint32_t wallet = wr_ids_wallet(*ids, v);
        if (is_used(l, wallet))
            WR_TRY(wr_ids_add(kept, wallet, wr_ids_chain(*ids, v),
                              wr_ids_address(*ids, v), err));
    }
    wr_ids_free(*ids);
    *ids = WR_STEAL(kept);
    return WR_OK;
}

/* Wallet ids in from and to become vertices: the rank of the id among those in use. */
static wr_status remap(edge_load *l, const wr_ids *ids, wr_err *err)
{
    wr_edges *e = &l->edges;
    const uint64_t m = e->m;
    const uint32_t n = wr_ids_count(ids);
    WR_AUTO_ARRAY uint32_t *vertex = wr_calloc((size_t)l->wallet_max + 1, sizeof *vertex);
    if (!vertex)
        return wr_fail(err, WR_ENOMEM, "vertices of %" PRIu32 " wallets", l->wallet_max);
    uint64_t used = 0;
    for (uint32_t w = 0; m && w <= l->wallet_max; w++)
        if (is_used(l, w))
            vertex[w] = (uint32_t)used++;
    if (used != n)
        return wr_fail(err, WR_ECORRUPT,
                       "transfers name %" PRIu64 " wallets, the store knows %" PRIu32,
                       used, n);
    wr_vid *from = e->from;
    wr_vid *to = e->to;
#pragma omp parallel for default(none) shared(from, to, vertex, m) schedule(static)
    for (uint64_t i = 0; i < m; i++) {
        from[i] = vertex[from[i]];
        to[i] = vertex[to[i]];
    }
    return WR_OK;
}

/* --- several handles -----------------------------------------------------------------
 */

/*
 * A database serves every connection from a process of its own, and writing a row for us
 * costs it more than reading it costs us: so the transfers are read in shares, ranges of
 * seq, and the wallets beside them, each over its own handle.  In the order of the shares
 * the rows are what one handle would have read.
 */
enum { SHARES_MAX = 4, HANDLES_MAX = SHARES_MAX + 1, SHARE_MIN = 65536 };

typedef struct reading {
    wr_store *st[HANDLES_MAX]; /* [handles]; the caller's, then ours */
    int handles;
    int64_t upto;                /* seq */
    edge_load share[SHARES_MAX]; /* [handles - 1]; with one handle [1] */
    atomic_uint_fast64_t done;
    uint64_t expected;
    wr_ids *ids;
} reading;

/* As many as pay: a store may have only one, or give no more of them now. */
static void open_handles(reading *r)
{
    const int threads = omp_get_max_threads();
    const uint64_t pay = r->expected / SHARE_MIN;
    int shares = threads < SHARES_MAX ? threads : SHARES_MAX;
    if ((uint64_t)shares > pay)
        shares = pay ? (int)pay : 1;
    while (threads > 1 && r->handles < shares + 1 &&
           wr_store_open_beside(&r->st[r->handles], r->st[0], NULL) == WR_OK)
        r->handles++;
}

static wr_status read_share(reading *r, int i, int shares, wr_err *err)
{
    const int64_t step = r->upto / shares;
    const int64_t upto = i == shares - 1 ? r->upto : step * (i + 1);
    edge_load *l = &r->share[i];
    WR_TRY(wr_edges_reserve(&l->edges, i ? r->expected / (uint64_t)shares : r->expected,
                            err));
    if (shares == 1)
        return wr_store_scan_all_edges(r->st[0], upto, take_edges, l, err);
    return wr_store_scan_edges(r->st[i], step * i, upto, take_edges, l, err);
}

/* One share for each handle but the last, which has the wallets. */
static wr_status read_at_once(reading *r, const wr_progress *pg, wr_err *err)
{
    const int wallets = r->handles - 1;
    wr_status status[HANDLES_MAX];
    wr_err why[HANDLES_MAX] = {{0}};
    const wr_progress quiet = {.stop = pg ? pg->stop : NULL};
    for (int i = 1; i < wallets; i++)
        r->share[i].pg = &quiet;
#pragma omp parallel for default(none) shared(r, status, why, quiet) \
    firstprivate(wallets) num_threads(wallets + 1) schedule(static, 1)
    for (int i = 0; i <= wallets; i++) /* share 0, which shows progress, on this thread */
        status[i] = i < wallets ? read_share(r, i, wallets, &why[i])
                                : read_wallets(r->st[i], r->ids, &quiet, &why[i]);
    for (int i = 0; i <= wallets; i++)
        if (status[i] != WR_OK)
            return wr_fail(err, status[i], "%s", why[i].msg);
    for (int i = 1; i < wallets; i++) {
        WR_TRY(append(&r->share[0], &r->share[i], err));
        edge_load_release(&r->share[i]);
    }
    return WR_OK;
}

static wr_status build(wr_snapshot **out, reading *r, const wr_progress *pg, wr_err *err)
{
    WR_TRY(wr_ids_new(&r->ids, err));
    if (r->handles > 1) {
        WR_TRY(read_at_once(r, pg, err));
    } else {
        WR_TRY(read_share(r, 0, 1, err));
        WR_TRY(read_wallets(r->st[0], r->ids, pg, err));
    }
    WR_TRY(keep_used(&r->ids, &r->share[0], err));
    WR_TRY(remap(&r->share[0], r->ids, err));
    return wr_snapshot_build(out, &r->share[0].edges, WR_STEAL(r->ids), 0, pg, err);
}

wr_status wr_load_snapshot(wr_snapshot **out, wr_store *st, int64_t *max_seq,
                           uint64_t *unpriced, const wr_progress *pg, wr_err *err)
{
    int64_t upto = *max_seq;
    if (upto < 0)
        WR_TRY(wr_store_safe_seq(st, &upto, err));
    wr_counts counts;
    WR_TRY(wr_store_counts(st, &counts, err));
    reading r = {.st = {st}, .handles = 1, .upto = upto, .expected = counts.transfers};
    for (int i = 0; i < SHARES_MAX; i++)
        r.share[i] = (edge_load){.done = &r.done, .expected = counts.transfers, .pg = pg};
    open_handles(&r);
    wr_status s = build(out, &r, pg, err);
    if (s == WR_OK)
        *max_seq = upto;
    if (s == WR_OK && unpriced)
        *unpriced = r.share[0].unpriced;
    wr_ids_free(r.ids);
    for (int i = 0; i < SHARES_MAX; i++)
        edge_load_release(&r.share[i]);
    for (int i = 1; i < r.handles; i++)
        wr_store_close(r.st[i]);
    return s == WR_OK ? s : wr_fail_ctx(err, s, "loading the graph");
}

wr_loaded wr_loaded_share(const wr_loaded *l)
{
    if (l->g)
        (void)wr_snapshot_acquire(l->g);
    return *l;
}

void wr_loaded_release(wr_loaded *l)
{
    wr_snapshot_unref(l->g);
    *l = (wr_loaded){0};
}
