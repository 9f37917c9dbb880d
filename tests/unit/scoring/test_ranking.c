/*
 * Seeded ranking: a planted graph where the answer is known, the real set in ../shared
 * (figures known from an independent prototype), errors, threads, memory.
 */
#include "scoring/ranking.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "wr_test.h"

static void add(wr_edges *e, wr_vid from, wr_vid to, uint32_t time_s, double value)
{
    assert_ok(wr_edges_reserve(e, 1, &err));
    e->from[e->m] = from;
    e->to[e->m] = to;
    e->time_s[e->m] = time_s;
    e->value[e->m] = value;
    e->asset[e->m] = 0;
    e->seq[e->m] = (int64_t)e->m;
    e->m++;
}

/*
 * 20 bad wallets (0..19) pay one cash-out wallet 40; 20 good ones (20..39) pay a shop 41;
 * an exchange 42 pays everybody; 43..102 are its other customers, who pay the shop.
 */
enum { BAD = 20, GOOD = 20, N = 103 };

static wr_snapshot *planted(uint32_t noise)
{
    wr_edges e = {0};
    wr_rng r = {.s = 3};
    for (uint32_t i = 0; i < noise; i++)
        add(&e, (wr_vid)wr_rng_below(&r, N), (wr_vid)wr_rng_below(&r, N), 500 + 10 * i,
            5);
    wr_snapshot *g = NULL;
    for (wr_vid v = 0; v < N; v++) {
        if (v >= 40 && v <= 42)
            continue;
        add(&e, 42, v, 1000 + v, 10);
        add(&e, v, v < BAD ? 40 : 41, 2000 + v, 9);
    }
    assert_ok(wr_snapshot_build(&g, &e, NULL, N, NULL, &err));
    wr_edges_release(&e);
    return g;
}

static void planted_lists(wr_vid *bad, wr_vid *good, wr_ranking_input *in)
{
    for (wr_vid v = 0; v < BAD; v++)
        bad[v] = v;
    for (wr_vid v = 0; v < GOOD; v++)
        good[v] = BAD + v;
    *in = (wr_ranking_input){bad, BAD, good, GOOD};
}

static const wr_ranking_row *row(const wr_ranking *r, const char *view)
{
    for (uint32_t i = 0; i < r->rows; i++)
        if (strcmp(r->row[i].view, view) == 0)
            return &r->row[i];
    fail_msg("no row %s", view);
    return NULL;
}

static void test_ranking_run__planted_cash_out(void **state)
{
    (void)state;
    wr_vid bad[BAD], good[GOOD];
    wr_ranking_input in;
    wr_ranking r;
    wr_ranking_opts o = WR_RANKING_OPTS_INIT;
    wr_snapshot *g = planted(0);
    planted_lists(bad, good, &in);
    assert_ok(wr_ranking_run(&r, g, &in, &o, &err));
    assert_int_equal(r.splits, 5);
    assert_int_equal(r.labels, 10);
    assert_int_equal(r.hidden, 10);
    assert_int_equal(r.good, 20);
    assert_true(fabs(r.base_rate - 1.0 / 3) < 1e-12);
    assert_int_equal(r.rows, 14);
    assert_true(row(&r, "combination")->auc == 1 && row(&r, "combination")->ap == 1);
    /* money never flows from a labelled wallet to a hidden one */
    assert_true(row(&r, "ledger share, receiving")->auc == 0.5);
    assert_true(row(&r, "poison distance, receiving")->auc == 0.5);
    assert_true(row(&r, "static exposure, sending")->auc == 0.5);
    for (uint32_t i = 0; i < r.rows; i++) {
        const wr_ranking_row *w = &r.row[i];
        assert_true(w->auc_min <= w->auc + 1e-12 && w->auc <= w->auc_max + 1e-12);
        assert_true(w->ap_min <= w->ap + 1e-12 && w->ap <= w->ap_max + 1e-12);
        assert_true(w->auc >= 0 && w->auc <= 1 && w->ap > 0 && w->ap <= 1);
        assert_int_equal(w->is_control, i >= 12);
    }
    wr_snapshot_unref(g);
}

static void test_ranking_run__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    wr_vid bad[BAD], good[GOOD];
    wr_ranking_input in;
    wr_ranking want, r;
    wr_ranking_opts o = WR_RANKING_OPTS_INIT;
    wr_snapshot *g = planted(300);
    planted_lists(bad, good, &in);
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_ok(wr_ranking_run(&want, g, &in, &o, &err));
    omp_set_num_threads(4);
    assert_ok(wr_ranking_run(&r, g, &in, &o, &err));
    omp_set_num_threads(before);
    assert_memory_equal(&want, &r, sizeof r);
    o.seed = 2; /* other draws: another result, or the seed is not used */
    assert_ok(wr_ranking_run(&r, g, &in, &o, &err));
    assert_memory_not_equal(&want, &r, sizeof r);
    wr_snapshot_unref(g);
}

static void test_ranking_run__errors(void **state)
{
    (void)state;
    wr_vid bad[BAD], good[GOOD];
    wr_ranking_input in, x;
    wr_ranking r = {.splits = 77};
    wr_ranking_opts o = WR_RANKING_OPTS_INIT;
    wr_snapshot *g = planted(0);
    planted_lists(bad, good, &in);
    x = in;
    x.bad_count = 1;
    wr_err e = {0};
    assert_int_equal(wr_ranking_run(&r, g, &x, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "1 bad and 20 good wallets, not 2 and 1 at least");
    x = in;
    x.good_count = 0;
    assert_err(WR_EINVAL, wr_ranking_run(&r, g, &x, &o, &err));
    good[3] = bad[5];
    e = (wr_err){0};
    assert_int_equal(wr_ranking_run(&r, g, &in, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "vertex 5 is listed twice");
    good[3] = N;
    e = (wr_err){0};
    assert_int_equal(wr_ranking_run(&r, g, &in, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "vertex 103 is no wallet of the graph");
    good[3] = BAD + 3;
    o.splits = 0;
    assert_err(WR_EINVAL, wr_ranking_run(&r, g, &in, &o, &err));
    o.splits = WR_RANKING_SPLITS_MAX + 1;
    assert_err(WR_EINVAL, wr_ranking_run(&r, g, &in, &o, &err));
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    o = (wr_ranking_opts)WR_RANKING_OPTS_INIT;
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_ranking_run(&r, g, &in, &o, &err));
    assert_int_equal(r.splits, 77);
    o.pg = NULL;
    o.splits = 1;
    assert_oom_safe(wr_ranking_run(&r, g, &in, &o, &err));
    wr_snapshot_unref(g);
}

/* ---- the real set ---- */

typedef struct address {
    char text[44];
    wr_vid v;
} address;

typedef struct book {
    address *slot; /* open addressing */
    uint32_t size, count;
} book;

static wr_vid vertex(book *b, const char *text, bool may_add)
{
    uint64_t h = 1469598103934665603ULL;
    for (const char *p = text; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211ULL;
    uint32_t k = (uint32_t)(h % b->size);
    while (b->slot[k].text[0] && strcmp(b->slot[k].text, text) != 0)
        k = (k + 1) % b->size;
    if (!b->slot[k].text[0]) {
        if (!may_add)
            return WR_VID_NONE;
        (void)snprintf(b->slot[k].text, sizeof b->slot[k].text, "%s", text);
        b->slot[k].v = b->count++;
    }
    return b->slot[k].v;
}

static wr_snapshot *load_transfers(book *b, const char *path)
{
    char line[512], from[64], to[64];
    unsigned time_s;
    double value;
    wr_edges e = {0};
    wr_snapshot *g = NULL;
    gzFile f = gzopen(path, "rb");
    assert_non_null(f);
    assert_non_null(gzgets(f, line, sizeof line)); /* header */
    while (gzgets(f, line, sizeof line)) {
        /* NOLINTNEXTLINE(cert-err34-c): a file of ours, whose numbers are small */
        assert_int_equal(sscanf(line, "%*[^,],%u,%*[^,],%63[^,],%63[^,],%lf", &time_s,
                                from, to, &value),
                         4);
        wr_vid u = vertex(b, from, true), v = vertex(b, to, true);
        add(&e, u, v, time_s, value);
    }
    assert_int_equal(gzclose(f), Z_OK);
    assert_ok(wr_snapshot_build(&g, &e, NULL, b->count, NULL, &err));
    wr_edges_release(&e);
    return g;
}

static void load_labels(book *b, const char *path, wr_vid *bad, wr_vid *good,
                        wr_ranking_input *in)
{
    char line[256], text[64];
    int is_bad;
    *in = (wr_ranking_input){.bad = bad, .good = good};
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f)) {
        /* NOLINTNEXTLINE(cert-err34-c): a file of ours, the flag is 0 or 1 */
        assert_int_equal(sscanf(line, "%63[^,],%d", text, &is_bad), 2);
        wr_vid v = vertex(b, text, false);
        assert_int_not_equal(v, WR_VID_NONE);
        if (is_bad)
            bad[in->bad_count++] = v;
        else
            good[in->good_count++] = v;
    }
    (void)fclose(f);
}

static void is_near(const wr_ranking *r, const char *view, double auc, double ap)
{
    const wr_ranking_row *w = row(r, view);
    if (fabs(w->auc - auc) > 0.04 || fabs(w->ap - ap) > 0.05)
        fail_msg("%s: %.3f / %.3f, known %.3f / %.3f", view, w->auc, w->ap, auc, ap);
}

static void test_ranking_run__real_phishing_set(void **state)
{
    (void)state;
    const char *transfers =
        WR_SHARED_DIR "/data/eth_phish_set1/eth_phish_set1_transactions.csv.gz";
    if (access(transfers, R_OK) != 0) {
        print_message("skipped: %s is not there\n", transfers);
        skip();
    }
    book b = {.size = 16384};
    b.slot = wr_calloc(b.size, sizeof *b.slot);
    wr_vid bad[400], good[400];
    wr_ranking_input in;
    wr_snapshot *g = load_transfers(&b, transfers);
    load_labels(&b, WR_SHARED_DIR "/data/eth_phish_set1/eth_phish_set1_labels.csv", bad,
                good, &in);
    assert_int_equal(in.bad_count, 350);
    assert_int_equal(in.good_count, 350);
    wr_ranking r;
    wr_ranking_opts o = WR_RANKING_OPTS_INIT;
    o.splits = 5;
    assert_ok(wr_ranking_run(&r, g, &in, &o, &err));
    if (getenv("WR_SHOW"))
        for (uint32_t i = 0; i < r.rows; i++)
            print_message("%-40s %.3f %.3f\n", r.row[i].view, r.row[i].auc, r.row[i].ap);
    is_near(&r, "undirected pagerank / degree", 0.722, 0.611);
    is_near(&r, "association, weights 1", 0.752, 0.714);
    is_near(&r, "association, weights sqrt(value)", 0.742, 0.680);
    is_near(&r, "ledger share, receiving", 0.620, 0.480);
    is_near(&r, "combination", 0.853, 0.777);
    wr_snapshot_unref(g);
    wr_free(b.slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_ranking_run__planted_cash_out),
        wr_unit_test(test_ranking_run__same_bits_for_any_thread_count),
        wr_unit_test(test_ranking_run__errors),
        wr_unit_test(test_ranking_run__real_phishing_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
