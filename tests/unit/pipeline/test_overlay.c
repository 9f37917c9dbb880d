/*
 * Live equals rebuilt: after any stream of transfers, late ones among them, labels that
 * come and go, reloads, restarts and runs in between, what the overlay says of a wallet
 * is what a run over everything says, or it says that it is not exact.
 */
#include "pipeline_test.h"

#include "pipeline/live/now.h"
#include "pipeline/run/assess_int.h"
#include "util/rng.h"

enum { STREAMS = 24, STEPS = 12, NAMES = 40, ROWS_MAX = 60, DAY = 86400 };

typedef struct world {
    wr_store *st;
    wr_settings *cfg;
    wr_rng rng;
    uint32_t names;  /* wallets that may be named so far */
    uint32_t hashes; /* given out */
    int64_t clock_s;

    wr_assessment *a;
    wr_overlay *o;
    wr_loaded graph;

    uint64_t exact, marked, late; /* over all comparisons */
} world;

static uint32_t below(world *w, uint32_t n)
{
    return (uint32_t)wr_rng_below(&w->rng, n);
}

/* --- what happens in the world ---------------------------------------------------------
 */

static void put_transfers(world *w, uint32_t n)
{
    static const char *const asset[] = {"UNIT", "GOLD", "SAND"};
    char name[NAMES + 1][8];
    char hash[ROWS_MAX][16];
    wr_transfer t[ROWS_MAX];
    wr_put_result r = {0};
    for (uint32_t i = 0; i <= NAMES; i++)
        (void)snprintf(name[i], sizeof name[i], "w%u", i);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t value = below(w, 12) ? below(w, 1000) + 1 : 0;
        /* most come in time order, some a little late, few very late */
        const uint32_t how = below(w, 40);
        w->clock_s += below(w, 3);
        int64_t at = w->clock_s;
        if (how < 6)
            at -= below(w, 20);
        if (how == 39)
            at -= below(w, 3 * DAY);
        (void)snprintf(hash[i], sizeof hash[i], "h%u", w->hashes++);
        t[i] = (wr_transfer){.chain = test_chain(),
                             .tx_hash = wr_text_of(hash[i]),
                             .block = -1,
                             .time_s = at,
                             .from = wr_text_of(name[below(w, w->names)]),
                             .to = wr_text_of(name[below(w, w->names)]),
                             .asset = wr_text_of(asset[below(w, 8) / 3]),
                             .amount_base = (wr_amount)value * 100,
                             .decimals = 2,
                             .value = value / 7.0};
    }
    const wr_put p = {.transfer = t, .transfer_count = n};
    assert_ok(wr_store_put(w->st, &p, NULL, &r, &err));
    assert_int_equal(r.inserted, n);
}

static void change_label(world *w)
{
    static const char *const category[] = {"hack", "sanctions", "exchange", "mixer"};
    char name[8];
    (void)snprintf(name, sizeof name, "w%u", below(w, NAMES));
    const wr_label_filter one = {.chain = test_chain(), .address = wr_text_of(name)};
    uint64_t removed;
    wr_labels_report rep;
    const wr_label l = {.chain = test_chain(),
                        .address = wr_text_of(name),
                        .category = wr_text_of(category[below(w, 4)]),
                        .confidence = (uint8_t)(below(w, 100) + 1),
                        .source = WR_TEXT_LIT("test"),
                        .valid_from_s = below(w, 3) ? WR_TIME_NONE : w->clock_s - 50,
                        .valid_to_s = below(w, 5) ? WR_TIME_NONE : w->clock_s + 50};
    if (below(w, 4) == 0)
        assert_ok(wr_store_labels_remove(w->st, &one, &removed, &err));
    else
        assert_ok(wr_store_labels_put(w->st, &l, 1, &rep, &err));
}

/* --- what the server does --------------------------------------------------------------
 */

static void stop(world *w)
{
    wr_overlay_free(w->o);
    wr_loaded_release(&w->graph);
    w->o = NULL;
}

static void run(world *w)
{
    stop(w);
    wr_assessment_unref(w->a);
    w->a = NULL;
    assert_ok(wr_run_score(&w->a, w->st, w->cfg, NULL, NULL, &err));
    w->graph = wr_run_graph(w->a);
    assert_ok(wr_overlay_new(&w->o, w->a, &w->graph, &err));
}

static void advance(world *w)
{
    int64_t seq;
    int64_t rev;
    assert_ok(wr_store_safe_seq(w->st, &seq, &err));
    assert_ok(wr_store_label_rev(w->st, &rev, &err));
    assert_ok(wr_overlay_advance(w->o, w->st, seq, rev, NULL, &err));
}

static void load_newest(world *w)
{
    wr_loaded l = {.max_seq = -1};
    assert_ok(wr_load_snapshot(&l.g, w->st, &l.max_seq, &l.unpriced, NULL, &err));
    wr_loaded_release(&w->graph);
    w->graph = l;
}

static void reload(world *w)
{
    load_newest(w);
    if (below(w, 2))
        put_transfers(w, below(w, 10)); /* what came while it was loaded */
    advance(w);
    assert_ok(wr_overlay_regraph(w->o, w->st, &w->graph, &err));
}

/* The newest run again, from its record, and perhaps a newer graph. */
static void restart(world *w)
{
    stop(w);
    if (below(w, 2))
        load_newest(w);
    else
        w->graph = wr_run_graph(w->a);
    assert_ok(wr_overlay_new(&w->o, w->a, &w->graph, &err));
}

/* --- comparing -------------------------------------------------------------------------
 */

static uint64_t bits(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

#define assert_bits(x, y) assert_int_equal(bits(x), bits(y))

/* Column of a taxonomy category, or -1: then nothing has to do with it. */
static int column_of(const wr_evidence *e, int category)
{
    for (uint32_t k = 0; k < e->c; k++)
        if (e->column[k] == category)
            return (int)k;
    return -1;
}

static void compare_category(const wr_evidence *live, const wr_evidence *full,
                             int category)
{
    const int i = column_of(live, category);
    const int k = column_of(full, category);
    const wr_ledger_view *x = &live->ledger[WR_RECEIVING];
    const wr_ledger_view *y = &full->ledger[WR_RECEIVING];
    assert_bits(i < 0 ? 0.0 : x->received[i], k < 0 ? 0.0 : y->received[k]);
    assert_bits(i < 0 ? 0.0 : x->direct[i], k < 0 ? 0.0 : y->direct[k]);
    assert_bits(i < 0 ? 0.0 : x->taint[i], k < 0 ? 0.0 : y->taint[k]);
    assert_bits(i < 0 ? 0.0 : (double)x->mean_hops[i],
                k < 0 ? 0.0 : (double)y->mean_hops[k]);
    assert_int_equal(i < 0 ? 0 : x->min_hops[i], k < 0 ? 0 : y->min_hops[k]);
}

static void compare_exact(const wr_evidence *live, const wr_evidence *full)
{
    const wr_ledger_view *x = &live->ledger[WR_RECEIVING];
    const wr_ledger_view *y = &full->ledger[WR_RECEIVING];
    assert_bits(x->total, y->total);
    assert_bits(x->balance, y->balance);
    assert_bits(x->overdraft, y->overdraft);
    assert_bits(x->received_unknown, y->received_unknown);
    assert_bits(x->held_unknown, y->held_unknown);
    assert_int_equal(live->own_category, full->own_category);
    assert_bits(live->own_confidence, full->own_confidence);
    for (int c = 0; c < WR_CATEGORY_MAX; c++)
        compare_category(live, full, c);
}

static void compare_activity(const wr_evidence *live, const wr_evidence *full)
{
    const wr_activity x =
        live->live.is_live ? live->activity : wr_assess_activity(live->a->g, live->v);
    const wr_activity y = wr_assess_activity(full->a->g, full->v);
    assert_int_equal(x.in_count, y.in_count);
    assert_int_equal(x.out_count, y.out_count);
    assert_int_equal(x.in_degree, y.in_degree);
    assert_int_equal(x.out_degree, y.out_degree);
    assert_int_equal(x.first_s, y.first_s);
    assert_int_equal(x.last_s, y.last_s);
    assert_float_equal(live->ledger[WR_SENDING].total, full->ledger[WR_SENDING].total,
                       1e-6);
}

static void compare_neighbors(world *w, const wr_assessment *full,
                              const wr_wallet_name *n)
{
    const wr_delta_view d = wr_delta_read(wr_overlay_delta(w->o));
    const wr_vid v = wr_delta_vertex(&d, n->chain, n->address);
    const wr_vid u = wr_ids_vertex(wr_snapshot_ids(full->g), n->chain, n->address);
    for (int way = WR_DELTA_OUT; way <= WR_DELTA_IN; way++) {
        const wr_pairs p = way == WR_DELTA_OUT ? wr_snapshot_pairs_out(full->g)
                                               : wr_snapshot_pairs_in(full->g);
        wr_delta_pair *pair = NULL;
        size_t count = 0;
        uint64_t transfers = 0;
        uint64_t expected = 0;
        assert_ok(wr_delta_pairs(&pair, &count, &d, v, way, &err));
        assert_int_equal(count, p.off[u + 1ULL] - p.off[u]);
        for (size_t i = 0; i < count; i++) {
            transfers += pair[i].count;
            expected += wr_pairs_count(&p, wr_pairs_id(&p, u, p.off[u] + i));
        }
        assert_int_equal(transfers, expected);
        wr_free(pair);
    }
}

static void compare_wallet(world *w, const wr_assessment *full, const wr_view *view,
                           wr_vid u)
{
    const wr_ids *ids = wr_snapshot_ids(full->g);
    const wr_wallet_name name = {wr_ids_chain(ids, u), wr_ids_address(ids, u)};
    wr_evidence live;
    wr_evidence rebuilt;
    bool is_there = false;
    wr_evidence_now(&live, &is_there, view, &name, 1, false);
    assert_true(is_there);
    wr_evidence_of_run(&rebuilt, full, u);
    compare_activity(&live, &rebuilt);
    compare_neighbors(w, full, &name);
    w->marked += !live.live.is_exact;
    if (!live.live.is_exact)
        return;
    w->exact++;
    compare_exact(&live, &rebuilt);
}

static void compare(world *w)
{
    wr_loaded l = {.max_seq = -1};
    wr_label_set labels = {0};
    WR_AUTO(wr_assessment) full = NULL;
    assert_ok(wr_load_snapshot(&l.g, w->st, &l.max_seq, &l.unpriced, NULL, &err));
    assert_ok(wr_load_labels(&labels, w->st, l.g, &w->cfg->taxonomy, -1, &err));
    assert_ok(wr_assess(&full, l.g, &labels, w->cfg, NULL, &err));
    const wr_view view = {.graph = w->graph.g,
                          .assessment = w->a,
                          .board = wr_overlay_board(w->o),
                          .delta = wr_overlay_delta(w->o)};
    assert_int_equal(wr_view_seq(&view), l.max_seq);
    for (wr_vid v = 0; v < wr_snapshot_n(l.g); v++)
        compare_wallet(w, full, &view, v);
    wr_loaded_release(&l);
}

/* --- tests -----------------------------------------------------------------------------
 */

static void begin(world *w, uint64_t seed)
{
    *w = (world){.st = test_store("memory:"),
                 .cfg = test_settings(),
                 .rng = {.s = seed},
                 .names = 16,
                 .clock_s = 1577836800 + 10 * DAY};
    w->cfg->live_window = 1 + below(w, 200); /* what is older is sealed */
    put_transfers(w, ROWS_MAX);
    for (int i = 0; i < 4; i++)
        change_label(w);
    run(w);
}

static void end(world *w)
{
    wr_overlay_stats s;
    wr_overlay_stats_of(w->o, &s);
    w->late += s.undone;
    stop(w);
    wr_assessment_unref(w->a);
    wr_settings_unref(w->cfg);
    wr_store_close(w->st);
}

static void step(world *w, bool has_labels)
{
    w->names = w->names + 2 < NAMES ? w->names + 2 : NAMES;
    put_transfers(w, below(w, 20));
    if (has_labels && below(w, 6) == 0)
        change_label(w);
    switch (below(w, 8)) {
    case 0:
        reload(w);
        break;
    case 1:
        restart(w);
        break;
    case 2:
        run(w);
        break;
    default:
        break;
    }
    advance(w);
    compare(w);
}

static void live_equals_rebuilt(bool has_labels, uint32_t least_exact_percent)
{
    uint64_t exact = 0;
    uint64_t marked = 0;
    uint64_t undone = 0;
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        world w;
        begin(&w, seed);
        for (int i = 0; i < STEPS; i++)
            step(&w, has_labels);
        end(&w);
        exact += w.exact;
        marked += w.marked;
        undone += w.late;
    }
    print_message("%lu exact, %lu marked, %lu taken back and put in order\n",
                  (unsigned long)exact, (unsigned long)marked, (unsigned long)undone);
    assert_true(exact * 100 >= (exact + marked) * least_exact_percent);
    assert_true(marked > 0); /* and very late ones there were */
    assert_true(undone > 0);
}

static void test_overlay__equals_a_run_over_everything(void **state)
{
    (void)state;
    live_equals_rebuilt(false, 40);
}

static void test_overlay__equals_a_run_also_when_labels_change(void **state)
{
    (void)state;
    live_equals_rebuilt(true, 20);
}

static void test_overlay__sanctioned_payee_counts_at_once(void **state)
{
    (void)state;
    world w = {.st = test_store("memory:"), .cfg = test_settings()};
    static const test_pay before[] = {{"thief", "b", 10, 1}, {"clean", "b", 30, 2}};
    static const test_pay after[] = {{"clean", "thief", 5, 3}, {"b", "new", 8, 4}};
    test_put(w.st, before, 2, 0);
    test_label(w.st, "thief", "sanctions", 100);
    run(&w);
    test_put(w.st, after, 2, 100);
    advance(&w);
    const wr_view view = {.graph = w.graph.g,
                          .assessment = w.a,
                          .board = wr_overlay_board(w.o),
                          .delta = wr_overlay_delta(w.o)};
    const wr_wallet_name name[] = {{test_chain(), WR_TEXT_LIT("clean")},
                                   {test_chain(), WR_TEXT_LIT("new")}};
    wr_evidence e[2];
    bool is_there[2];
    wr_evidence_now(e, is_there, &view, name, 2, false);
    assert_true(is_there[0] && is_there[1]);
    double base;
    int category;
    assert_true(wr_evidence_score(&e[0], &base, &category) >= 0.95); /* the floor */
    assert_true(e[0].live.is_exact && e[0].live.has_paid_since);
    const int k =
        column_of(&e[1], wr_taxonomy_find(&w.cfg->taxonomy, WR_TEXT_LIT("sanctions")));
    assert_bits(e[1].ledger[WR_RECEIVING].received[k], 2.0); /* a quarter of 8 */
    assert_bits(e[1].ledger[WR_RECEIVING].total, 8.0);
    assert_int_equal(e[1].v, WR_VID_NONE);
    end(&w);
}

static void test_overlay__new_label_shows_and_marks(void **state)
{
    (void)state;
    world w = {.st = test_store("memory:"), .cfg = test_settings()};
    static const test_pay pay[] = {
        {"x", "thief", 10, 1}, {"thief", "b", 10, 2}, {"clean", "c", 30, 2}};
    test_put(w.st, pay, 3, 0);
    run(&w);
    test_label(w.st, "thief", "hack", 90);
    advance(&w);
    const wr_view view = {.graph = w.graph.g,
                          .assessment = w.a,
                          .board = wr_overlay_board(w.o),
                          .delta = wr_overlay_delta(w.o)};
    static const struct {
        const char *name;
        bool is_exact;
    } expect[] = {
        {"thief", false}, {"b", false}, {"x", false}, {"clean", true}, {"c", true}};
    for (size_t i = 0; i < 5; i++) {
        const wr_wallet_name name = {test_chain(), wr_text_of(expect[i].name)};
        wr_evidence e;
        bool is_there;
        wr_evidence_now(&e, &is_there, &view, &name, 1, false);
        assert_true(is_there);
        assert_int_equal(e.live.is_exact, expect[i].is_exact);
        assert_int_equal(e.own_category >= 0, i == 0); /* its own label at once */
    }
    end(&w);
}

/* Is the wallet's money told as exact?  own: its category of now, -1 = none. */
static bool is_exact_now(const world *w, const char *wallet, int *own)
{
    const wr_view view = {.graph = w->graph.g,
                          .assessment = w->a,
                          .board = wr_overlay_board(w->o),
                          .delta = wr_overlay_delta(w->o)};
    const wr_wallet_name name = {test_chain(), wr_text_of(wallet)};
    wr_evidence e;
    bool is_there;
    wr_evidence_now(&e, &is_there, &view, &name, 1, false);
    assert_true(is_there);
    *own = e.own_category;
    return e.live.is_exact;
}

/* The ledger goes on with the label that the run saw: who is paid after the change is
 * not exact either. */
static void test_overlay__payees_of_a_changed_label_are_marked(void **state)
{
    (void)state;
    static const test_pay before[] = {{"x", "shop", 10, 1}};
    static const test_pay after[] = {{"shop", "b", 10, 2}, {"b", "c", 4, 3}};
    world w = {.st = test_store("memory:"), .cfg = test_settings()};
    int own;
    test_put(w.st, before, 1, 0);
    test_label(w.st, "shop", "exchange", 100);
    run(&w);
    test_label(w.st, "shop", "hack", 100);
    advance(&w);
    test_put(w.st, after, 2, 100);
    advance(&w);
    assert_false(is_exact_now(&w, "b", &own));
    assert_false(is_exact_now(&w, "c", &own));
    end(&w);
}

/* A long catch-up comes in pieces, which ask for no newer labels. */
static void test_overlay__labels_of_new_wallets_without_a_newer_revision(void **state)
{
    (void)state;
    static const test_pay before[] = {{"a", "b", 10, 1}};
    static const test_pay after[] = {{"b", "thief", 10, 2}, {"thief", "c", 4, 3}};
    world w = {.st = test_store("memory:"), .cfg = test_settings()};
    int64_t seq;
    int own;
    test_put(w.st, before, 1, 0);
    test_label(w.st, "a", "hack", 100);
    test_label(w.st, "thief", "hack", 100);
    run(&w);
    test_put(w.st, after, 2, 100);
    assert_ok(wr_store_safe_seq(w.st, &seq, &err));
    assert_ok(wr_overlay_advance(w.o, w.st, seq, 0, NULL, &err));
    assert_true(is_exact_now(&w, "thief", &own));
    assert_true(own >= 0);
    compare(&w);
    end(&w);
}

static void test_overlay__an_old_view_does_not_tell_half_a_transfer(void **state)
{
    (void)state;
    static const test_pay before[] = {{"a", "b", 10, 1}};
    static const test_pay after[] = {{"b", "new", 4, 2}};
    world w = {.st = test_store("memory:"), .cfg = test_settings()};
    test_put(w.st, before, 1, 0);
    test_label(w.st, "a", "exchange", 100);
    run(&w);
    const wr_view old = {.assessment = w.a,
                         .board = wr_overlay_board(w.o),
                         .delta = wr_delta_acquire(wr_overlay_delta(w.o))};
    const wr_wallet_name name[] = {{test_chain(), WR_TEXT_LIT("b")},
                                   {test_chain(), WR_TEXT_LIT("new")}};
    wr_evidence e[2];
    bool is_there[2];
    load_newest(&w);
    assert_ok(wr_overlay_regraph(w.o, w.st, &w.graph, &err));
    wr_evidence_now(e, is_there, &old, name, 2, false);
    assert_true(is_there[0] && !is_there[1] && e[0].live.is_exact); /* nothing came yet */
    test_put(w.st, after, 1, 100);
    advance(&w);
    wr_evidence_now(e, is_there, &old, name, 2, false);
    assert_true(is_there[0] && !is_there[1]);
    assert_bits(e[0].ledger[WR_RECEIVING].balance, 6.0);
    assert_false(e[0].live.is_exact);
    wr_evidence_now(e, is_there, &old, name, 1, false);
    assert_true(e[0].live.is_exact); /* alone it is right */
    const wr_view now = {.assessment = w.a,
                         .board = wr_overlay_board(w.o),
                         .delta = wr_overlay_delta(w.o)};
    wr_evidence_now(e, is_there, &now, name, 2, false);
    assert_true(is_there[0] && is_there[1] && e[0].live.is_exact && e[1].live.is_exact);
    assert_bits(e[1].ledger[WR_RECEIVING].balance, 4.0);
    wr_delta_unref(old.delta);
    end(&w);
}

/* One column is the run's; seven more come up, and the ledger's rows have room for no
 * other: from there on payees are not exact. */
static void test_overlay__later_categories_have_columns_while_there_is_room(void **state)
{
    (void)state;
    static const char *const category[] = {"sanctions", "ransomware", "darknet",
                                           "phishing",  "scam",       "mixer",
                                           "exchange",  "gambling"};
    enum { LATER = sizeof category / sizeof *category, ROOM = 7 };
    world w = {.st = test_store("memory:"), .cfg = test_settings()};
    static const test_pay before[] = {{"thief", "x", 10, 1}};
    test_put(w.st, before, 1, 0);
    test_label(w.st, "thief", "hack", 100);
    run(&w);
    for (int i = 0; i < LATER; i++) {
        char from[8];
        char to[8];
        int own;
        (void)snprintf(from, sizeof from, "l%d", i);
        (void)snprintf(to, sizeof to, "p%d", i);
        const test_pay pay = {from, to, 7, 10 + i};
        test_label(w.st, from, category[i], 100);
        advance(&w); /* the label is there before the wallet */
        test_put(w.st, &pay, 1, 100 + (uint32_t)i);
        advance(&w);
        assert_int_equal(is_exact_now(&w, to, &own), i < ROOM);
        (void)is_exact_now(&w, from, &own);
        assert_int_equal(own,
                         wr_taxonomy_find(&w.cfg->taxonomy, wr_text_of(category[i])));
    }
    compare(&w); /* what is exact has the bits of a run with all columns */
    end(&w);
}

static void test_overlay__refuses_a_graph_beyond_it(void **state)
{
    (void)state;
    world w;
    begin(&w, 77);
    put_transfers(&w, 5);
    load_newest(&w);
    wr_err why = {0};
    assert_int_equal(wr_overlay_regraph(w.o, w.st, &w.graph, &why), WR_EINVAL);
    assert_non_null(strstr(why.msg, "for a live state at"));

    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_overlay__equals_a_run_over_everything),
        wr_unit_test(test_overlay__equals_a_run_also_when_labels_change),
        wr_unit_test(test_overlay__sanctioned_payee_counts_at_once),
        wr_unit_test(test_overlay__new_label_shows_and_marks),
        wr_unit_test(test_overlay__payees_of_a_changed_label_are_marked),
        wr_unit_test(test_overlay__labels_of_new_wallets_without_a_newer_revision),
        wr_unit_test(test_overlay__an_old_view_does_not_tell_half_a_transfer),
        wr_unit_test(test_overlay__later_categories_have_columns_while_there_is_room),
        wr_unit_test(test_overlay__refuses_a_graph_beyond_it),
    };
    return cmocka_run_group_tests_name("pipeline/overlay", tests, NULL, NULL);
}
