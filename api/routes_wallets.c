#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"
#include "pipeline/explain.h"

enum { LIST = 'n' };

static bool is_stale(const wr_exchange *x, const wr_view *v)
{
    return wr_watch_is_stale(x->app->watch, wr_assessment_run(v->assessment));
}

/* The vertex of k in the run's own graph; WR_VID_NONE. */
static wr_vid scored_vertex(const wr_assessment *a, const wr_wallet_key *k)
{
    return wr_ids_vertex(wr_snapshot_ids(wr_assessment_snapshot(a)), k->chain,
                         k->address);
}

wr_status wr_route_wallet(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    WR_TRY(wr_app_path_wallet(x, &k, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    wr_vid v = scored_vertex(view.assessment, &k);
    wr_json_out j = wr_exchange_json(x);
    if (v == WR_VID_NONE)
        wr_report_not_in_graph(&j, view.assessment, k.chain, k.address);
    else
        wr_report_wallet(&j, view.assessment, v, is_stale(x, &view));
    return WR_OK;
}

/* --- exposure --------------------------------------------------------------------------
 */

static wr_status put_push(wr_json_out *j, const wr_view *view, const wr_wallet_key *k,
                          wr_err *err)
{
    wr_vid v = wr_ids_vertex(wr_snapshot_ids(view->graph), k->chain, k->address);
    if (v != WR_VID_NONE)
        return wr_explain_push(j, view->assessment, view->graph, v, err);
    wr_json_null(j);
    return WR_OK;
}

wr_status wr_route_exposure(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    bool is_push = false;
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    wr_query_bool(x, "push", &is_push);
    WR_TRY(wr_request_check(x, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    const wr_run *run = wr_assessment_run(view.assessment);
    wr_vid v = scored_vertex(view.assessment, &k);
    wr_state state = WR_STATE_NOT_IN_GRAPH;
    if (v != WR_VID_NONE) {
        wr_wallet_view w;
        wr_assessment_wallet(view.assessment, v, &w);
        state =
            w.state == WR_STATE_SCORED && is_stale(x, &view) ? WR_STATE_STALE : w.state;
    }
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '{');
    wr_app_identity(&j, k.chain, k.address);
    wr_json_kv_cstr(&j, "state", wr_state_name(state));
    wr_json_kv_cstr(&j, "run_id", run->id);
    wr_app_time(&j, "as_of", run->as_of_s, 0);
    wr_json_key(&j, "exposures");
    if (v == WR_VID_NONE) {
        wr_json_open(&j, '[');
        wr_json_close(&j, ']');
    } else {
        wr_report_exposures(&j, view.assessment, v);
    }
    wr_json_key(&j, "push");
    if (is_push)
        WR_TRY(put_push(&j, &view, &k, err));
    else
        wr_json_null(&j);
    wr_json_close(&j, '}');
    return WR_OK;
}

/* --- paths -----------------------------------------------------------------------------
 */

wr_status wr_route_paths(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    wr_explain_opts o = WR_EXPLAIN_OPTS_INIT;
    int direction = WR_RECEIVING;
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    wr_query_choice(x, "direction", "receiving|sending", &direction);
    wr_query_u32(x, "limit", 1, 50, &o.paths_max);
    wr_query_u32(x, "hops", 1, 32, &o.hops_max);
    wr_text category = wr_query_bounded(x, "category", WR_CATEGORY_ID_MAX);
    WR_TRY(wr_request_check(x, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    o.direction = (wr_direction)direction;
    const wr_taxonomy *tx = &wr_assessment_settings(view.assessment)->taxonomy;
    if (category.p && (o.category = wr_taxonomy_find(tx, category)) < 0)
        wr_request_note(x, "/query/category", "invalid", "'%.*s' is no category",
                        WR_TEXT_ARG(category));
    WR_TRY(wr_request_check(x, err));
    wr_vid v;
    WR_TRY(wr_app_vertex(x, wr_assessment_snapshot(view.assessment), &k, &v, err));
    wr_json_out j = wr_exchange_json(x);
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_explain_paths(&j, view.assessment, v, &o, st, err);
    wr_store_pool_give(x->app->pool, st, s);
    return s;
}

/* --- neighbours ------------------------------------------------------------------------
 */

/* Order of the list: value descending, neighbour ascending. */
typedef struct neighbor {
    float value;
    wr_vid nbr;
    uint64_t pair;
} neighbor;

static bool comes_before(const neighbor *a, const neighbor *b)
{
    return a->value > b->value || (a->value == b->value && a->nbr < b->nbr);
}

/* Heap with the one that comes last on top. */
static void sift_down(neighbor *h, uint32_t n, uint32_t i)
{
    for (;;) {
        uint32_t last = i;
        for (uint32_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
            if (comes_before(&h[last], &h[c]))
                last = c;
        if (last == i)
            return;
        neighbor t = h[i];
        h[i] = h[last];
        h[last] = t;
        i = last;
    }
}

static void sift_up(neighbor *h, uint32_t i)
{
    while (i > 0 && comes_before(&h[(i - 1) / 2], &h[i])) {
        neighbor t = h[i];
        h[i] = h[(i - 1) / 2];
        h[(i - 1) / 2] = t;
        i = (i - 1) / 2;
    }
}

/* The first `limit` of v's row that come after `after`: one pass, O(degree · log limit).
 */
static uint32_t select_page(neighbor *h, uint32_t limit, const wr_pairs *p, wr_vid v,
                            const neighbor *after, bool *is_more)
{
    uint32_t n = 0;
    *is_more = false;
    for (uint64_t i = p->off[v]; i < p->off[v + 1ULL]; i++) {
        uint64_t id = wr_pairs_id(p, i);
        neighbor one = {.value = p->value[id], .nbr = p->nbr[i], .pair = id};
        if (after && !comes_before(after, &one))
            continue;
        if (n < limit) {
            h[n] = one;
            sift_up(h, n++);
            continue;
        }
        *is_more = true;
        if (comes_before(&one, &h[0])) {
            h[0] = one;
            sift_down(h, n, 0);
        }
    }
    for (uint32_t end = n; end > 1; end--) { /* heap sort: the last one goes to the end */
        neighbor t = h[0];
        h[0] = h[end - 1];
        h[end - 1] = t;
        sift_down(h, end - 1, 0);
    }
    return n;
}

static void put_neighbor(wr_json_out *j, const wr_view *view, const wr_pairs *p,
                         const neighbor *n)
{
    const wr_ids *ids = wr_snapshot_ids(view->graph);
    wr_wallet_key k = {.chain = wr_ids_chain(ids, n->nbr),
                       .address = wr_ids_address(ids, n->nbr)};
    wr_json_open(j, '{');
    wr_json_key(j, "wallet");
    wr_vid v = scored_vertex(view->assessment, &k);
    if (v == WR_VID_NONE)
        wr_report_not_in_graph(j, view->assessment, k.chain, k.address);
    else
        wr_report_wallet_short(j, view->assessment, v);
    wr_json_kv_f64(j, "value", (double)n->value);
    wr_json_kv_u64(j, "transfers", p->count[n->pair]);
    wr_app_time(j, "first_seen", p->first_s[n->pair], 0);
    wr_app_time(j, "last_seen", p->last_s[n->pair], 0);
    wr_json_close(j, '}');
}

static bool read_after(const char *payload, int direction, wr_vid of, neighbor *out)
{
    uint64_t way;
    uint64_t v;
    uint64_t bits;
    uint64_t nbr;
    if (!wr_page_u64(&payload, 10, 1, &way) ||
        !wr_page_u64(&payload, 10, UINT32_MAX, &v) ||
        !wr_page_u64(&payload, 16, UINT32_MAX, &bits) ||
        !wr_page_u64(&payload, 10, UINT32_MAX, &nbr) || *payload)
        return false;
    uint32_t value = (uint32_t)bits;
    memcpy(&out->value, &value, sizeof out->value);
    out->nbr = (wr_vid)nbr;
    return (int)way == direction && v == of;
}

typedef struct neighbor_page {
    wr_vid v;
    int direction; /* 0 in, 1 out */
    wr_pairs pairs;
    neighbor *item; /* [count] */
    uint32_t count;
    bool is_more;
} neighbor_page;

static void put_page(wr_json_out *j, const wr_view *view, const neighbor_page *g)
{
    wr_json_key(j, "neighbors");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < g->count; i++)
        put_neighbor(j, view, &g->pairs, &g->item[i]);
    wr_json_close(j, ']');
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    if (g->is_more) {
        const neighbor *last = &g->item[g->count - 1];
        uint32_t bits;
        memcpy(&bits, &last->value, sizeof bits);
        (void)snprintf(payload, sizeof payload, "%d %" PRIu32 " %" PRIx32 " %" PRIu32,
                       g->direction, g->v, bits, last->nbr);
    }
    wr_app_next_page(j, LIST, g->is_more ? payload : NULL);
}

static void put_neighbors(wr_exchange *x, const wr_view *view, const wr_wallet_key *k,
                          const neighbor_page *g)
{
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '{');
    char id[WR_CHAIN_ID_MAX + WR_ADDRESS_MAX + 2];
    (void)snprintf(id, sizeof id, "%s:%s", k->chain->id, k->text);
    wr_json_kv_cstr(&j, "id", id);
    wr_json_kv_cstr(&j, "direction", g->direction == 0 ? "in" : "out");
    wr_json_kv_u64(&j, "degree", g->pairs.off[g->v + 1ULL] - g->pairs.off[g->v]);
    put_page(&j, view, g);
    wr_json_close(&j, '}');
}

wr_status wr_route_neighbors(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    uint32_t limit = 100;
    neighbor_page g = {0};
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    wr_query_choice(x, "direction", "in|out", &g.direction);
    wr_query_u32(x, "limit", 1, 1000, &limit);
    bool is_page = wr_app_page(x, LIST, payload);
    WR_TRY(wr_request_check(x, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    WR_TRY(wr_app_vertex(x, view.graph, &k, &g.v, err));
    neighbor after = {0};
    if (is_page && !read_after(payload, g.direction, g.v, &after))
        wr_request_note(x, "/query/page", "invalid",
                        "a token of another wallet or direction");
    WR_TRY(wr_request_check(x, err));
    g.pairs = g.direction == 0 ? wr_snapshot_pairs_in(view.graph)
                               : wr_snapshot_pairs_out(view.graph);
    g.item = wr_arena_alloc(&x->arena, limit * sizeof *g.item);
    if (!g.item)
        return wr_fail(err, WR_ENOMEM, "%u neighbours", limit);
    g.count =
        select_page(g.item, limit, &g.pairs, g.v, is_page ? &after : NULL, &g.is_more);
    put_neighbors(x, &view, &k, &g);
    return WR_OK;
}
