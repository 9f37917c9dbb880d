/*
 * live_typologies_test.h - a small world whose patterns go on between runs, and what a
 * search over everything says of it.
 */
#ifndef WR_LIVE_TYPOLOGIES_TEST_H
#define WR_LIVE_TYPOLOGIES_TEST_H

#include "pipeline_test.h"

#include <stdlib.h>

#include "pipeline/live/now.h"
#include "pipeline/live/overlay_int.h"
#include "pipeline/run/assess_int.h"
#include "pipeline/run/report.h"

enum { NAMES = 36, BATCH_MAX = 40, TEXT = 4096, MEMBERS = 128, START_S = 1577836800 };

typedef struct world {
    wr_store *st;
    wr_settings *cfg;
    wr_rng rng;
    uint32_t names, hashes, hubs;
    int64_t clock_s;
    uint32_t span_s; /* of the last batch */
    wr_assessment *a;
    wr_overlay *o;
    wr_loaded graph;
    uint32_t late[NAMES]; /* transfers of each that were sent too late */
    uint64_t sent_late;
} world;

static uint64_t compared[WR_TYPOLOGY_COUNT];

static inline uint32_t below(world *w, uint32_t n)
{
    return (uint32_t)wr_rng_below(&w->rng, n);
}

static inline int by_number(const void *pa, const void *pb)
{
    const uint32_t a = *(const uint32_t *)pa;
    const uint32_t b = *(const uint32_t *)pb;
    return (a > b) - (a < b);
}

/* --- the world -------------------------------------------------------------------------
 */

/* Few addresses look alike only to a glance: the first and the last four characters. */
static inline void name_of(char out[24], uint32_t i)
{
    if (i >= NAMES) { /* a transaction */
        (void)snprintf(out, 24, "tx:%u", i);
        return;
    }
    (void)snprintf(out, 24, "aa%ub%02uxx%uy", i % 7, i, i % 7);
}

static inline void put_one(world *w, uint32_t from, uint32_t to, uint32_t value,
                           int64_t at)
{
    char name[2][24];
    char hash[16];
    name_of(name[0], from);
    name_of(name[1], to);
    (void)snprintf(hash, sizeof hash, "h%u", w->hashes++);
    const wr_transfer t = {.chain = test_chain(),
                           .tx_hash = wr_text_of(hash),
                           .block = -1,
                           .time_s = at,
                           .from = wr_text_of(name[0]),
                           .to = wr_text_of(name[1]),
                           .asset = WR_TEXT_LIT("UNIT"),
                           .amount_base = (wr_amount)value * 100,
                           .decimals = 2,
                           .value = value};
    const wr_put p = {.transfer = &t, .transfer_count = 1};
    wr_put_result r = {0};
    assert_ok(wr_store_put(w->st, &p, NULL, &r, &err));
    assert_int_equal(r.inserted, 1);
}

/* Wallets that were not met before hand on most of what they got. */
static inline void put_peel(world *w)
{
    const uint32_t v = w->names;
    if (v + 3 > NAMES || below(w, 2))
        return;
    w->names += 3;
    put_one(w, below(w, v), v, 8, w->clock_s);
    put_one(w, v, v + 1, 7, w->clock_s);
    put_one(w, v, below(w, v), 1, w->clock_s);
    put_one(w, v + 1, v + 2, 6, w->clock_s);
    put_one(w, v + 1, below(w, v), 1, w->clock_s);
}

/* Inputs, then outputs that are equal. */
static inline void put_transaction(world *w)
{
    const uint32_t hub = NAMES + w->hubs++;
    const uint32_t inputs = 1 + below(w, 3);
    for (uint32_t i = 0; i < inputs; i++)
        put_one(w, below(w, w->names), hub, 6, w->clock_s);
    for (uint32_t i = 0; i < 3; i++)
        put_one(w, hub, below(w, w->names), 2 * inputs, w->clock_s);
}

/* In order of time; mixed: in any, back to the start of the batch before. */
static inline void put_batch(world *w, uint32_t n, bool is_mixed)
{
    const int64_t begin_s = w->clock_s;
    const uint32_t back_s = is_mixed ? w->span_s : 0;
    uint32_t at[BATCH_MAX];
    w->span_s = 4 + below(w, 30);
    for (uint32_t i = 0; i < n; i++)
        at[i] = below(w, back_s + w->span_s);
    if (!is_mixed)
        qsort(at, n, sizeof *at, by_number);
    put_peel(w);
    if (below(w, 3) == 0)
        put_transaction(w);
    for (uint32_t i = 0; i < n; i++)
        put_one(w, below(w, w->names), below(w, w->names),
                below(w, 15) ? 1 + below(w, 8) : 0, begin_s + at[i] - back_s);
    w->clock_s = begin_s + w->span_s;
}

static inline void set_patterns(world *w)
{
    wr_typology_opts *o = &w->cfg->typology.opts;
    o->visits_max = o->hits_max = 1000000;
    o->cycle_visits_mean = UINT32_MAX;
    o->fan_count = 3 + below(w, 3);
    o->fan_even_min = below(w, 2) ? 0.2 : 0;
    o->gather_count = o->gather_out_count = 1 + below(w, 3);
    o->gather_before_min = 0.3;
    o->gather_ratio_min = o->scatter_ratio_min = 0.5;
    o->gather_ratio_max = o->scatter_ratio_max = 2;
    o->scatter_count = 2;
    o->cycle_hops_max = 2 + below(w, 3);
    o->cycle_even_min = 0.3;
    o->peel_hops = 2;
    o->peel_share_min = 0.5;
    o->pass_events = 1 + below(w, 2);
    o->pass_share_min = 0.5;
    o->pass_value_min = 12;
    o->structuring_count = 2;
    o->structuring_threshold[0] = 3;
    o->structuring_threshold[1] = 6;
    o->structuring_threshold[2] = 9;
    o->structuring_low = 0.5;
    o->bridge_count = 2;
    o->bridge_score_min = 0.3;
    o->bipartite_senders = o->bipartite_receivers = 2;
    o->bipartite_density_min = 0.5;
    o->chain_wallets = 2 + below(w, 2);
    o->dormant_gap_ratio = 2;
    o->dust_count = 2;
    o->dust_spread = 0.25;
    o->hop_events = 1;
    o->hop_share_min = 0.5;
    o->burst_value_min = 4;
    o->burst_share_min = 0.5;
}

static inline void set_windows(world *w)
{
    wr_typology_opts *o = &w->cfg->typology.opts;
    o->fan_window_s = 10 + below(w, 60);
    o->gather_window_s = 10 + below(w, 40);
    o->scatter_window_s = 10 + below(w, 30);
    o->cycle_window_s = 5 + below(w, 30);
    o->peel_hold_s = 5 + below(w, 30);
    o->pass_hold_s = 5 + below(w, 20);
    o->pass_window_s = 10 + below(w, 60);
    o->structuring_window_s = 10 + below(w, 40);
    o->bridge_window_s = 10 + below(w, 30);
    o->bipartite_window_s = 5 + below(w, 20);
    o->stack_window_s = 10 + below(w, 30);
    o->dormant_gap_s = 5 + below(w, 20);
    o->dormant_window_s = 10 + below(w, 40);
    o->dust_window_s = 10 + below(w, 40);
    o->poison_window_s = 10 + below(w, 60);
    o->hop_hold_s = 5 + below(w, 20);
    o->hop_window_s = 10 + below(w, 40);
    o->burst_age_s = 20 + below(w, 60);
    o->burst_hold_s = 10 + below(w, 30);
    assert_ok(wr_typology_check_opts(o, &err));
}

static inline void set_labels(world *w)
{
    static const char *const category[] = {"mixer", "bridge", "exchange", "hack"};
    for (uint32_t i = 0; i < 4; i++) {
        char name[24];
        name_of(name, below(w, NAMES)); /* of a wallet that the run knows, or not yet */
        test_label(w->st, name, category[i], 80);
    }
}

static inline void load_newest(world *w)
{
    wr_loaded l = {.max_seq = -1};
    assert_ok(wr_load_snapshot(&l.g, w->st, &l.max_seq, &l.unpriced, NULL, &err));
    wr_loaded_release(&w->graph);
    w->graph = l;
}

static inline void stop(world *w)
{
    wr_overlay_free(w->o);
    wr_loaded_release(&w->graph);
    wr_assessment_unref(w->a);
    w->o = NULL;
    w->a = NULL;
}

static inline void run(world *w)
{
    stop(w);
    assert_ok(wr_run_score(&w->a, w->st, w->cfg, NULL, NULL, &err));
    w->graph = wr_run_graph(w->a);
    assert_ok(wr_overlay_new(&w->o, w->a, &w->graph, &err));
}

static inline void advance(world *w)
{
    int64_t seq;
    int64_t rev;
    assert_ok(wr_store_safe_seq(w->st, &seq, &err));
    assert_ok(wr_store_label_rev(w->st, &rev, &err));
    assert_ok(wr_overlay_advance(w->o, w->st, seq, rev, NULL, &err));
}

/*
 * Another run, with some transfers behind it: the patterns of the one before go on.
 * false: they cannot, and all is as it was.
 */
static inline bool run_on(world *w, uint32_t since, bool is_mixed)
{
    wr_assessment *a = NULL;
    wr_overlay *o = NULL;
    assert_ok(wr_run_score(&a, w->st, w->cfg, NULL, NULL, &err));
    wr_loaded graph = wr_run_graph(a);
    put_batch(w, since, is_mixed);
    advance(w);
    assert_ok(wr_overlay_new_bare(&o, a, &graph, &err));
    wr_overlay *before = w->o;
    w->o = o;
    advance(w);
    wr_live_typologies *l = wr_overlay_give(before, o);
    if (!l) {
        w->o = before;
        wr_overlay_free(o);
        wr_loaded_release(&graph);
        wr_assessment_unref(a);
        return false;
    }
    assert_ok(wr_overlay_take(o, l, &err));
    w->o = before;
    stop(w);
    w->o = o;
    w->a = a;
    w->graph = graph;
    return true;
}

static inline void begin(world *w, uint64_t seed)
{
    *w = (world){.st = test_store("memory:"),
                 .cfg = test_settings(),
                 .rng = {.s = seed},
                 .names = 8,
                 .clock_s = START_S};
    set_patterns(w);
    set_windows(w);
    set_labels(w);
}

static inline void end(world *w)
{
    stop(w);
    wr_settings_unref(w->cfg);
    wr_store_close(w->st);
}

/* --- what a search over everything finds -----------------------------------------------
 */

/* A hit as a line of text: what it says, and whom it is of. */
typedef struct line {
    char text[TEXT];
    uint8_t typology;
    double strength;
    uint32_t root;
    uint32_t member[MEMBERS];
    size_t members;
} line;

typedef struct lines {
    line *at;
    size_t count, cap;
} lines;

static inline int by_text(const void *pa, const void *pb)
{
    return strcmp(((const line *)pa)->text, ((const line *)pb)->text);
}

/* head, then the members (store ids) in ascending order. */
static inline void write_line(lines *l, const line *head, const char *numbers)
{
    line *p = wr_grow(l->at, &l->cap, l->count + 1, sizeof *p);
    assert_non_null(p);
    l->at = p;
    line *x = &l->at[l->count++];
    *x = *head;
    qsort(x->member, x->members, sizeof *x->member, by_number);
    int n = snprintf(x->text, TEXT, "%s root %u %s strength %.9g:",
                     wr_typology_name((wr_typology)x->typology), x->root, numbers,
                     x->strength);
    for (size_t i = 0; i < x->members && n < TEXT; i++)
        n += snprintf(x->text + n, (size_t)(TEXT - n), " %u", x->member[i]);
    assert_true(n < TEXT);
}

static inline void batch_hits(lines *l, const wr_assessment *full,
                              const wr_typology_hits *h, int64_t run_seq)
{
    const wr_ids *ids = wr_snapshot_ids(full->g);
    const wr_columns *col = &full->flow.col;
    for (uint64_t i = 0; i < h->count; i++) {
        const wr_typology_hit *x = &h->hit[i];
        line head = {.typology = x->typology,
                     .strength = x->strength,
                     .root = wr_ids_wallet(ids, x->root),
                     .members = x->member_count};
        assert_true(x->member_count <= MEMBERS);
        char numbers[128];
        bool has_newer = false;
        for (uint32_t k = 0; k < x->edge_count; k++)
            has_newer |= wr_columns_seq(col, h->edge[x->edge + k]) > run_seq;
        for (uint32_t k = 0; k < x->member_count; k++)
            head.member[k] = wr_ids_wallet(ids, h->member[x->member + k]);
        (void)snprintf(numbers, sizeof numbers, "variant %u edges %u amount %.9g %u..%u",
                       x->variant, x->edge_count, x->amount, x->first_s, x->last_s);
        if (has_newer)
            write_line(l, &head, numbers);
    }
}

static inline void search_everything(lines *l, world *w)
{
    wr_loaded all = {.max_seq = -1};
    wr_label_set labels = {0};
    WR_AUTO(wr_assessment) full = NULL;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_load_snapshot(&all.g, w->st, &all.max_seq, &all.unpriced, NULL, &err));
    assert_ok(wr_load_labels(&labels, w->st, all.g, &w->cfg->taxonomy, -1, &err));
    assert_ok(wr_assess(&full, all.g, &labels, w->cfg, NULL, &err));
    wr_loaded_release(&all);
    WR_AUTO_ARRAY uint64_t *look = wr_calloc(full->n, sizeof *look);
    assert_non_null(look);
    wr_typology_input in = {.flow = full->flow, .address_key = look};
    for (wr_vid v = 0; v < full->n; v++) {
        const wr_ids *ids = wr_snapshot_ids(full->g);
        look[v] = wr_address_look(wr_ids_chain(ids, v), wr_ids_address(ids, v));
    }
    for (uint32_t k = 0; k < full->c; k++) {
        const uint32_t bit = 1U << wr_assess_category(full, k);
        in.mixer_mask |= w->cfg->typology.mixers & bit ? 1U << k : 0;
        in.swap_mask |= w->cfg->typology.swaps & bit ? 1U << k : 0;
    }
    wr_typology_opts o = w->cfg->typology.opts;
    o.from_s = wr_live_typologies_from(w->o->typologies);
    assert_ok(wr_typology_find(&h, &in, w->cfg->typology.live.which, &o, NULL, &err));
    batch_hits(l, full, &h, w->a->run.max_seq);
}

/* --- what the live state found ---------------------------------------------------------
 */

static inline uint32_t id_of(const world *w, wr_vid v)
{
    uint32_t id = 0;
    while (wr_live_typologies_find(w->o->typologies, id) != v)
        id++;
    return id;
}

static inline void live_hits(lines *l, const world *w)
{
    const wr_live_hits *h = wr_live_typologies_hits(w->o->typologies);
    for (size_t i = 0; i < wr_live_hits_count(h); i++) {
        const wr_live_hit *x = wr_live_hits_at(h, i);
        char numbers[128];
        line head = {.typology = x->typology,
                     .strength = x->strength,
                     .root = id_of(w, x->root),
                     .members = x->member_count};
        for (size_t k = 0; k < x->member_count; k++)
            head.member[k] = id_of(w, x->member[k]);
        (void)snprintf(numbers, sizeof numbers, "variant %u edges %u amount %.9g %u..%u",
                       x->variant, x->edge_count, x->amount, x->first_s, x->last_s);
        if (x->has_newer && !x->is_gone)
            write_line(l, &head, numbers);
    }
}

static inline void assert_same(const lines *live, const lines *batch, uint64_t seed)
{
    for (size_t i = 0; i < live->count || i < batch->count; i++) {
        const char *x = i < live->count ? live->at[i].text : "nothing";
        const char *y = i < batch->count ? batch->at[i].text : "nothing";
        if (strcmp(x, y) != 0)
            fail_msg("seed %lu: live  %s\nbatch %s", (unsigned long)seed, x, y);
        compared[batch->at[i].typology]++;
    }
}

static inline wr_status time_of(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)err;
    *(int64_t *)ctx = row->transfer.time_s;
    return WR_OK;
}

/* The newest transfers of the hit, the last one last. */
static inline void assert_transfers(const world *w, const wr_typology_now *now)
{
    int64_t before_s = now->reason.first_s;
    for (uint32_t i = 0; i < WR_TYPOLOGY_SEQS; i++) {
        assert_int_equal(now->seq[i] > 0, i < now->reason.transfers);
        if (!now->seq[i])
            break;
        int64_t time_s = 0;
        assert_ok(wr_store_transfer_get(w->st, now->seq[i], time_of, &time_s, &err));
        assert_true(time_s >= before_s);
        before_s = time_s;
    }
    assert_int_equal(before_s, now->reason.last_s);
}

/* What readers are told of one wallet is what the batch's hits say. */
static inline void assert_told(const world *w, const lines *batch,
                               const wr_typologies_now *now, uint32_t id)
{
    wr_reason_typology by[WR_TYPOLOGY_COUNT] = {{0}};
    uint32_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const line *x = &batch->at[i];
        wr_reason_typology *r = &by[x->typology];
        if (!bsearch(&id, x->member, x->members, sizeof id, by_number))
            continue;
        count += r->hits == 0;
        const bool is_root = x->root == id;
        if (!r->hits || is_root > r->is_root ||
            (is_root == r->is_root && x->strength > r->strength))
            *r = (wr_reason_typology){
                .hits = r->hits, .is_root = is_root, .strength = x->strength};
        r->hits++;
    }
    assert_int_equal(now->count, count);
    for (uint32_t i = 0; i < count; i++) {
        const wr_reason_typology *r = &now->found[i].reason;
        assert_transfers(w, &now->found[i]);
        assert_int_equal(r->hits, by[r->typology].hits);
        assert_int_equal(r->is_root, by[r->typology].is_root);
        assert_float_equal(r->strength, by[r->typology].strength, 1e-9);
        assert_true(r->transfers > 0 && r->last_s >= r->first_s &&
                    r->first_s > START_S / 2);
    }
}

static inline wr_view view_of(const world *w)
{
    return (wr_view){.graph = w->graph.g,
                     .assessment = w->a,
                     .board = wr_overlay_board(w->o),
                     .delta = wr_overlay_delta(w->o)};
}

static inline wr_typologies_now told_of(const world *w, uint32_t name, uint32_t *id)
{
    const wr_view view = view_of(w);
    char text[24];
    name_of(text, name);
    const wr_wallet_name n = {test_chain(), wr_text_of(text)};
    wr_evidence e;
    bool is_there;
    wr_evidence_now(&e, &is_there, &view, &n, 1, false);
    if (!is_there)
        return (wr_typologies_now){0};
    const wr_delta_view d = wr_delta_read(view.delta);
    *id = wr_delta_wallet(&d, wr_delta_vertex(&d, n.chain, n.address));
    assert_true(e.live.typologies.is_followed);
    return e.live.typologies;
}

static inline void compare(world *w, uint64_t seed)
{
    lines live = {0};
    lines batch = {0};
    assert_ok(wr_live_typologies_end(w->o->typologies, &err));
    assert_ok(wr_live_typologies_publish(w->o->typologies, &err));
    search_everything(&batch, w);
    live_hits(&live, w);
    if (live.count)
        qsort(live.at, live.count, sizeof *live.at, by_text);
    if (batch.count)
        qsort(batch.at, batch.count, sizeof *batch.at, by_text);
    if (!w->sent_late)
        assert_same(&live, &batch, seed);
    for (uint32_t i = 0; i < NAMES; i++) {
        uint32_t id = 0;
        const wr_typologies_now now = told_of(w, i, &id);
        assert_int_equal(now.late, w->late[i]);
        assert_int_equal(id && now.is_complete, id && !w->sent_late);
        if (id && !w->sent_late)
            assert_told(w, &batch, &now, id);
    }
    wr_free(live.at);
    wr_free(batch.at);
}

#endif
