/*
 * GET /wallets/{chain}/{address}/neighbors: from the newest graph and what came behind
 * it.
 *
 * Order and page key are (value, wallet id), which no fold or reload renumbers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"
#include "pipeline/run/report.h"

enum { LIST = 'n' };

/* Everyone on one side of a wallet, base and delta together. */
typedef struct side {
    wr_delta_view w; /* of the view's delta; d NULL: the graph alone */
    const wr_snapshot *g;
    wr_delta_pair *pair; /* [count] */
    size_t count;
} side;

static wr_vid vertex_of(const side *s, const wr_wallet_key *k)
{
    return s->w.d ? wr_delta_vertex(&s->w, k->chain, k->address)
           : s->g ? wr_ids_vertex(wr_snapshot_ids(s->g), k->chain, k->address)
                  : WR_VID_NONE;
}

static uint32_t wallet_of(const side *s, wr_vid v)
{
    return s->w.d ? wr_delta_wallet(&s->w, v) : wr_ids_wallet(wr_snapshot_ids(s->g), v);
}

static const wr_chain *chain_of(const side *s, wr_vid v)
{
    return s->w.d ? wr_delta_chain(&s->w, v) : wr_ids_chain(wr_snapshot_ids(s->g), v);
}

static wr_text address_of(const side *s, wr_vid v)
{
    return s->w.d ? wr_delta_address(&s->w, v) : wr_ids_address(wr_snapshot_ids(s->g), v);
}

/* The graph alone: before the first run nothing is followed. */
static wr_status pairs_of_graph(side *s, wr_vid v, int way, wr_err *err)
{
    const wr_pairs p =
        way == WR_DELTA_IN ? wr_snapshot_pairs_in(s->g) : wr_snapshot_pairs_out(s->g);
    s->count = p.off[v + 1ULL] - p.off[v];
    s->pair = wr_calloc(s->count, sizeof *s->pair);
    if (!s->pair)
        return wr_fail(err, WR_ENOMEM, "%zu counterparties", s->count);
    for (size_t i = 0; i < s->count; i++) {
        const uint64_t at = p.off[v] + i;
        const uint64_t id = wr_pairs_id(&p, v, at);
        s->pair[i] = (wr_delta_pair){.nbr = p.nbr[at],
                                     .value = p.value[at],
                                     .count = wr_pairs_count(&p, id),
                                     .first_s = p.first_s[id],
                                     .last_s = wr_pairs_last_s(&p, id)};
    }
    return WR_OK;
}

static wr_status read_pairs(side *s, wr_vid v, int way, wr_err *err)
{
    if (s->w.d)
        return wr_delta_pairs(&s->pair, &s->count, &s->w, v, way, err);
    return pairs_of_graph(s, v, way, err);
}

/* --- a page ----------------------------------------------------------------------------
 */

/* Order of the list: value descending, then order of first appearance. */
typedef struct neighbor {
    float value;
    uint32_t wallet;
    const wr_delta_pair *pair;
} neighbor;

static bool comes_before(const neighbor *a, const neighbor *b)
{
    return a->value > b->value || (a->value == b->value && a->wallet < b->wallet);
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

/* The first `limit` that come after `after`: one pass, O(degree · log limit). */
static uint32_t select_page(neighbor *h, uint32_t limit, const side *s,
                            const neighbor *after, bool *is_more)
{
    uint32_t n = 0;
    *is_more = false;
    for (size_t i = 0; i < s->count; i++) {
        const wr_delta_pair *p = &s->pair[i];
        neighbor one = {.value = p->value, .wallet = wallet_of(s, p->nbr), .pair = p};
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

/* --- answer ----------------------------------------------------------------------------
 */

typedef struct page {
    const wr_view *view;
    const side *s;
    uint32_t of;   /* wallet id */
    int direction; /* 0 in, 1 out */
    bool is_stale, is_more;
    neighbor *item; /* [count] */
    uint32_t count;
} page;

static void put_neighbor(wr_json_out *j, const page *g, const neighbor *n)
{
    const wr_wallet_name name = {chain_of(g->s, n->pair->nbr),
                                 address_of(g->s, n->pair->nbr)};
    wr_evidence e;
    bool is_there = false;
    wr_json_open(j, '{');
    wr_json_key(j, "wallet");
    wr_evidence_now(&e, &is_there, g->view, &name, 1, g->is_stale);
    if (is_there)
        wr_report_wallet_short(j, &e);
    else
        wr_report_not_in_graph(j, g->view->assessment, name.chain, name.address);
    wr_json_kv_f64(j, "value", (double)n->value);
    wr_json_kv_u64(j, "transfers", n->pair->count);
    wr_json_kv_time_or(j, "first_seen", n->pair->first_s, 0);
    wr_json_kv_time_or(j, "last_seen", n->pair->last_s, 0);
    wr_json_close(j, '}');
}

static bool read_after(const char *payload, const page *g, neighbor *out)
{
    uint64_t way;
    uint64_t of;
    uint64_t bits;
    uint64_t wallet;
    if (!wr_page_u64(&payload, 10, 1, &way) ||
        !wr_page_u64(&payload, 10, UINT32_MAX, &of) ||
        !wr_page_u64(&payload, 16, UINT32_MAX, &bits) ||
        !wr_page_u64(&payload, 10, UINT32_MAX, &wallet) || *payload)
        return false;
    uint32_t value = (uint32_t)bits;
    memcpy(&out->value, &value, sizeof out->value);
    out->wallet = (uint32_t)wallet;
    return (int)way == g->direction && of == g->of;
}

static void put_page(wr_json_out *j, const page *g)
{
    wr_json_key(j, "neighbors");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < g->count; i++)
        put_neighbor(j, g, &g->item[i]);
    wr_json_close(j, ']');
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    if (g->is_more) {
        const neighbor *last = &g->item[g->count - 1];
        uint32_t bits;
        memcpy(&bits, &last->value, sizeof bits);
        (void)snprintf(payload, sizeof payload, "%d %" PRIu32 " %" PRIx32 " %" PRIu32,
                       g->direction, g->of, bits, last->wallet);
    }
    wr_app_next_page(j, LIST, g->is_more ? payload : NULL);
}

static void put_answer(wr_exchange *x, const wr_wallet_key *k, const page *g)
{
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '{');
    char id[WR_CAIP10_MAX + 1];
    wr_address_caip10(id, k->chain, wr_text_of(k->text));
    wr_json_kv_cstr(&j, "id", id);
    wr_json_kv_cstr(&j, "direction", g->direction == 0 ? "in" : "out");
    wr_json_kv_u64(&j, "degree", g->s->count);
    put_page(&j, g);
    wr_json_close(&j, '}');
}

/* Which page, then the page. */
static wr_status answer(wr_exchange *x, const wr_wallet_key *k, page *g, uint32_t limit,
                        const char *payload /* NULL: the first */, wr_err *err)
{
    neighbor after = {0};
    if (payload && !read_after(payload, g, &after))
        wr_request_note(x, "/query/page", "invalid",
                        "a token of another wallet or direction");
    WR_TRY(wr_request_check(x, err));
    g->item = wr_arena_alloc(&x->arena, limit * sizeof *g->item);
    if (!g->item)
        return wr_fail(err, WR_ENOMEM, "%u neighbours", limit);
    g->count = select_page(g->item, limit, g->s, payload ? &after : NULL, &g->is_more);
    put_answer(x, k, g);
    return WR_OK;
}

wr_status wr_route_neighbors(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    uint32_t limit = 100;
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    page g = {.view = &view};
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    wr_query_choice(x, "direction", "in|out", &g.direction);
    wr_query_u32(x, "limit", 1, 1000, &limit);
    bool is_page = wr_app_page(x, LIST, payload);
    WR_TRY(wr_request_check(x, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    side s = {.g = view.graph};
    if (view.delta)
        s.w = wr_delta_read(view.delta);
    const wr_vid v = vertex_of(&s, &k);
    if (v == WR_VID_NONE)
        return wr_refuse(x, err, WR_PROBLEM_NOT_FOUND,
                         "the address is in no transfer of the graph");
    WR_TRY(read_pairs(&s, v, g.direction == 0 ? WR_DELTA_IN : WR_DELTA_OUT, err));
    g.s = &s;
    g.of = wallet_of(&s, v);
    g.is_stale = wr_app_is_stale(x->app, &view);
    const wr_status r = answer(x, &k, &g, limit, is_page ? payload : NULL, err);
    wr_free(s.pair);
    return r;
}
