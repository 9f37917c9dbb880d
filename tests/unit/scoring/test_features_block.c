/*
 * Wallet features beside those of test_features.c: structure and exposures against their
 * definitions, the cut at T, agreement with the stream, threads, blocks, errors.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "past_gen.h"
#include "scoring/features_stream.h"

enum { GRAPHS = 200 };

static const uint32_t SCALE_S[] = {1, 700, 20000, 86400};

/* ---- structure ---- */

/* near[v*n+u]: they dealt before T and neither is a service then. */
static bool *dense(const past_gen *p)
{
    const flow_gen *g = &p->g;
    const uint32_t n = g->fl.n;
    bool *near = wr_calloc((size_t)n * n, sizeof *near);
    for (uint64_t i = 0; i < g->m; i++) {
        const wr_vid u = g->from[i], v = g->to[i];
        const int cu = wr_seeds_at(&g->seeds, u, p->as_of_s - 1);
        const int cv = wr_seeds_at(&g->seeds, v, p->as_of_s - 1);
        if (g->time_s[i] >= p->as_of_s || u == v ||
            (cu >= 0 && g->seeds.kind[cu] == WR_CATEGORY_SERVICE) ||
            (cv >= 0 && g->seeds.kind[cv] == WR_CATEGORY_SERVICE))
            continue;
        near[(size_t)u * n + v] = near[(size_t)v * n + u] = true;
    }
    return near;
}

static double component(const bool *near, uint32_t n, wr_vid v)
{
    bool *in = wr_calloc(n, sizeof *in);
    double size = 0, was = -1;
    for (in[v] = true; size > was;) {
        was = size;
        size = 0;
        for (wr_vid a = 0; a < n; a++)
            for (wr_vid b = 0; b < n && in[a]; b++)
                in[b] |= near[(size_t)a * n + b];
        for (wr_vid a = 0; a < n; a++)
            size += in[a];
    }
    wr_free(in);
    return size;
}

/* Largest k such that a wallet survives when all with fewer than k neighbours go. */
static void cores(double *core, const bool *near, uint32_t n)
{
    bool *in = wr_calloc(n, sizeof *in);
    uint32_t left = n;
    memset(in, true, n);
    for (uint32_t k = 0; left; k++)
        for (bool is_same = false; !is_same;) {
            is_same = true;
            for (wr_vid a = 0; a < n; a++) {
                uint32_t degree = 0;
                for (wr_vid b = 0; b < n; b++)
                    degree += in[b] && near[(size_t)a * n + b];
                if (!in[a] || degree > k)
                    continue;
                in[a] = is_same = false;
                core[a] = k;
                left--;
            }
        }
    wr_free(in);
}

static double clustering(const bool *near, uint32_t n, wr_vid v)
{
    wr_vid nbr[1024];
    uint32_t degree = 0, closed = 0;
    for (wr_vid u = 0; u < n; u++)
        if (near[(size_t)v * n + u])
            nbr[degree++] = u;
    const uint32_t count = degree < 64 ? degree : 64; /* evenly spaced */
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = i + 1; j < count; j++)
            closed += near[(size_t)nbr[i * degree / count] * n + nbr[j * degree / count]];
    return degree > 1 ? 2.0 * closed / (count * (count - 1.0)) : -1;
}

static void check_structure(const past_gen *p, const float *x, uint64_t seed)
{
    const uint32_t n = p->g.fl.n;
    bool *near = dense(p);
    double *core = wr_calloc(n, sizeof *core);
    cores(core, near, n);
    for (wr_vid v = 0; v < n; v++) {
        const float *row = x + (size_t)v * WR_WF_COUNT;
        const double want[] = {component(near, n, v), core[v], clustering(near, n, v)};
        const double have[] = {(double)row[WR_WF_COMPONENT], (double)row[WR_WF_CORE],
                               (double)row[WR_WF_CLUSTERING]};
        for (int k = 0; k < 3; k++)
            if (!(fabs(want[k] - have[k]) <= 1e-6))
                fail_msg("seed %u, wallet %u, structure %d: %g, not %g", (unsigned)seed,
                         v, k, have[k], want[k]);
    }
    wr_free(near);
    wr_free(core);
}

static void test_features_rows__structure_by_definition(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts o = flow_gen_shape(seed);
        past_gen p;
        if (seed % 100 == 99) { /* some wallets with more neighbours than are looked at */
            o.n = 100;
            o.m = 5000;
        }
        past_gen_init(&p, seed, &o, 1 + (uint32_t)(seed % 3));
        float *x = past_gen_rows(&p, NULL);
        check_structure(&p, x, seed);
        wr_free(x);
        past_gen_release(&p);
    }
}

/* ---- exposures ---- */

typedef struct exposures {
    wr_ledger received, sent;
    wr_fifo fifo;
    wr_poison in, out;
    float *x_in, *x_out;
    wr_feature_exposures ex;
} exposures;

static void exposures_init(exposures *e, const past_gen *p)
{
    const uint32_t n = p->g.fl.n, c = p->g.seeds.c;
    wr_ledger_opts lo = WR_LEDGER_OPTS_INIT;
    const wr_fifo_opts fo = WR_FIFO_OPTS_INIT;
    wr_rng r = {.s = n};
    *e = (exposures){0};
    assert_ok(wr_ledger_run(&e->received, &p->g.fl, &lo, &err));
    lo.direction = WR_SENDING;
    assert_ok(wr_ledger_run(&e->sent, &p->g.fl, &lo, &err));
    assert_ok(wr_fifo_run(&e->fifo, &p->g.fl, &fo, &err));
    assert_ok(wr_poison_run(&e->in, &p->g.fl, WR_RECEIVING, 9, NULL, &err));
    assert_ok(wr_poison_run(&e->out, &p->g.fl, WR_SENDING, 9, NULL, &err));
    e->x_in = wr_calloc((size_t)n * c, sizeof *e->x_in);
    e->x_out = wr_calloc((size_t)n * c, sizeof *e->x_out);
    for (size_t i = 0; i < (size_t)n * c; i++) {
        e->x_in[i] = (float)wr_rng_unit(&r) / (float)c;
        e->x_out[i] = (float)wr_rng_unit(&r) / (float)c;
    }
    e->ex = (wr_feature_exposures){.received = &e->received,
                                   .sent = &e->sent,
                                   .fifo = &e->fifo,
                                   .poison_in = &e->in,
                                   .poison_out = &e->out,
                                   .static_received = e->x_in,
                                   .static_sent = e->x_out};
}

static void exposures_release(exposures *e)
{
    wr_ledger_release(&e->received);
    wr_ledger_release(&e->sent);
    wr_fifo_release(&e->fifo);
    wr_poison_release(&e->in);
    wr_poison_release(&e->out);
    wr_free(e->x_in);
    wr_free(e->x_out);
}

/* Sum over categories of a kind of x[c], divided by `of`; 0 when of is 0. */
static double kind_share(const double *x, const wr_seeds *s, int kind, double of)
{
    double sum = 0;
    for (uint32_t c = 0; c < s->c; c++)
        sum += s->kind[c] == kind ? x[c] : 0;
    return of > 0 ? sum / of : 0;
}

static void expect(const float *row, int column, double want, uint64_t seed)
{
    if (!(fabs((double)row[column] - want) <= 1e-5 * fmax(1, fabs(want))))
        fail_msg("seed %u, %s: %.9g, not %.9g", (unsigned)seed,
                 wr_feature_at(WR_FEATURE_WALLET, (uint32_t)column)->name,
                 (double)row[column], want);
}

/* From: RECEIVED or SENT columns; the enum is laid out alike for both. */
static void check_ledger(const float *row, int first, const wr_ledger_view *w,
                         const wr_seeds *s, uint64_t seed)
{
    double top = 0, hops = 0, weight = 0, nearest = 255, value[3] = {0};
    for (uint32_t c = 0; c < s->c; c++) {
        value[s->kind[c]] += w->received[c];
        if (s->kind[c] == WR_CATEGORY_SERVICE || w->received[c] <= 0)
            continue;
        top = fmax(top, w->total > 0 ? w->received[c] / w->total : 0);
        hops += w->received[c] * (double)w->mean_hops[c];
        weight += w->received[c];
        nearest = fmin(nearest, w->min_hops[c]);
    }
    for (int kind = 0; kind < 2; kind++) {
        const double all = kind_share(w->received, s, kind, w->total);
        const double direct = kind_share(w->direct, s, kind, w->total);
        expect(row, first + 2 * kind, direct, seed);
        expect(row, first + 2 * kind + 1, all - direct, seed);
        expect(row, first + 5 + kind, value[kind], seed);
    }
    expect(row, first + 4, w->total > 0 ? w->received_unknown / w->total : 0, seed);
    expect(row, first + 7, top, seed);
    expect(row, first + 8, (double)w->max_share, seed);
    expect(row, first + 9, weight > 0 ? hops / weight : 255, seed);
    expect(row, first + 10, nearest, seed);
}

static void check_static(const float *row, int first, const float *x, const wr_seeds *s,
                         uint64_t seed)
{
    double value[3] = {0}, top = 0;
    for (uint32_t c = 0; c < s->c; c++) {
        value[s->kind[c]] += (double)x[c];
        top = s->kind[c] == WR_CATEGORY_SERVICE ? top : fmax(top, (double)x[c]);
    }
    expect(row, first + 12, value[WR_CATEGORY_ILLICIT], seed);
    expect(row, first + 13, value[WR_CATEGORY_RISKY], seed);
    expect(row, first + 14, top, seed);
}

static void test_features_rows__exposures_are_the_views(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        const flow_gen_opts o = flow_gen_shape(seed);
        past_gen p;
        exposures e;
        past_gen_init(&p, seed, &o, 100);
        past_gen_cut(&p);
        exposures_init(&e, &p);
        float *x = past_gen_rows(&p, &e.ex);
        const wr_seeds *s = &p.g.seeds;
        for (wr_vid v = 0; v < p.g.fl.n; v++) {
            const float *row = x + (size_t)v * WR_WF_COUNT;
            const wr_ledger_view in = wr_ledger_at(&e.received, v);
            const wr_ledger_view out = wr_ledger_at(&e.sent, v);
            const wr_fifo_view fifo = wr_fifo_at(&e.fifo, v);
            check_ledger(row, WR_WF_RECEIVED_ILLICIT_DIRECT, &in, s, seed);
            check_ledger(row, WR_WF_SENT_ILLICIT_DIRECT, &out, s, seed);
            check_static(row, WR_WF_RECEIVED_ILLICIT_DIRECT, e.x_in + (size_t)v * s->c, s,
                         seed);
            check_static(row, WR_WF_SENT_ILLICIT_DIRECT, e.x_out + (size_t)v * s->c, s,
                         seed);
            expect(row, WR_WF_RECEIVED_CONTACT_HOPS, e.in.min_hops[v], seed);
            expect(row, WR_WF_SENT_CONTACT_HOPS, e.out.min_hops[v], seed);
            expect(row, WR_WF_HELD_ILLICIT, kind_share(in.taint, s, 0, in.balance), seed);
            expect(row, WR_WF_HELD_RISKY, kind_share(in.taint, s, 1, in.balance), seed);
            expect(row, WR_WF_FIFO_ILLICIT, kind_share(fifo.received, s, 0, fifo.total),
                   seed);
            expect(row, WR_WF_FIFO_RISKY, kind_share(fifo.received, s, 1, fifo.total),
                   seed);
        }
        wr_free(x);
        exposures_release(&e);
        past_gen_release(&p);
    }
}

static void test_features_rows__no_exposures_read_as_none(void **state)
{
    (void)state;
    const flow_gen_opts o = flow_gen_shape(3);
    past_gen p;
    past_gen_init(&p, 3, &o, 100);
    float *x = past_gen_rows(&p, NULL);
    for (uint32_t c = 0; c < WR_WF_COUNT; c++) {
        const wr_feature *f = wr_feature_at(WR_FEATURE_WALLET, c);
        if (f->group == WR_FEATURE_EXPOSURE && !strstr(f->name, "parties"))
            assert_true(x[c] == (strcmp(f->unit, "hops") == 0 ? 255.0f : 0.0f));
        if (f->group == WR_FEATURE_MOTIF)
            assert_true(x[c] == 0.0f);
    }
    wr_free(x);
    past_gen_release(&p);
}

/* ---- as of T ---- */

static void test_features_rows__the_future_changes_no_byte(void **state)
{
    (void)state;
    uint64_t cut = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        const flow_gen_opts o = flow_gen_shape(seed);
        past_gen p;
        past_gen_init(&p, seed, &o, SCALE_S[seed % 4]);
        const uint64_t m = p.g.m;
        float *whole = past_gen_rows(&p, NULL);
        past_gen_cut(&p);
        float *part = past_gen_rows(&p, NULL);
        cut += p.g.m < m;
        assert_memory_equal(whole, part, (size_t)p.g.fl.n * WR_WF_COUNT * sizeof *part);
        wr_free(whole);
        wr_free(part);
        past_gen_release(&p);
    }
    assert_true(cut > GRAPHS / 2);
}

/*
 * A second implementation of counts, parties and values: what the stream says of a
 * wallet just before a transfer at T is what the rows say of it as of T.
 */
static void test_features_rows__agree_with_the_stream(void **state)
{
    (void)state;
    const wr_feature_stream_opts so = WR_FEATURE_STREAM_OPTS_INIT;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        const flow_gen_opts o = flow_gen_shape(seed);
        past_gen p;
        past_gen_init(&p, seed, &o, SCALE_S[seed % 4]);
        past_gen_cut(&p);
        float *x = past_gen_rows(&p, NULL);
        WR_AUTO(wr_feature_stream) s = NULL;
        assert_ok(wr_feature_stream_new(&s, &so, &err));
        for (uint64_t i = 0; i < p.g.m; i++) {
            const wr_feature_event e = {p.g.from[i], p.g.to[i], p.g.time_s[i],
                                        p.g.value[i]};
            assert_ok(wr_feature_stream_next(s, NULL, &e, &err));
        }
        for (wr_vid v = 0; v < p.g.fl.n; v++) {
            const wr_feature_event self = {v, v, p.as_of_s, 1}; /* changes nothing */
            const float *row = x + (size_t)v * WR_WF_COUNT;
            float y[WR_TF_COUNT];
            assert_ok(wr_feature_stream_next(s, y, &self, &err));
            assert_true(row[WR_WF_AGE] == y[WR_TF_FROM_AGE]);
            assert_true(row[WR_WF_IDLE] == y[WR_TF_TO_IDLE]);
            for (int k = 0; k < 13; k++) {
                expect(row, WR_WF_OUT_COUNT_1H + k,
                       (double)y[WR_TF_FROM_OUT_COUNT_1H + k], seed);
                expect(row, WR_WF_IN_COUNT_1H + k, (double)y[WR_TF_TO_IN_COUNT_1H + k],
                       seed);
            }
        }
        wr_free(x);
        past_gen_release(&p);
    }
}

/* ---- threads, blocks, hubs ---- */

static void test_features_rows__same_bytes_for_any_threads_and_blocks(void **state)
{
    (void)state;
    const int before = omp_get_max_threads();
    const flow_gen_opts o = {.n = 3000,
                             .m = 40000,
                             .c = 6,
                             .assets = 1,
                             .hubs = 50,
                             .label_prob = 0.1,
                             .self_prob = 0.01};
    past_gen p;
    exposures e;
    past_gen_init(&p, 1, &o, 300);
    for (uint64_t i = 0; i < p.g.m; i += 3) /* one wallet longer than the hold looks */
        p.g.from[i] = p.g.from[i] < o.n ? 7 : p.g.from[i];
    p.as_of_s = past_gen_last(&p);
    past_gen_cut(&p);
    exposures_init(&e, &p);
    const uint32_t n = p.g.fl.n;
    float *want = past_gen_rows(&p, &e.ex);
    assert_true(want[(size_t)7 * WR_WF_COUNT + WR_WF_OUT_COUNT] > 4096);
    const wr_features_opts fo = past_gen_options(&p);
    for (int threads = 1; threads <= 8; threads *= 2) {
        const size_t ld = WR_WF_COUNT + (size_t)threads;
        const uint32_t block = 97U * (uint32_t)threads;
        omp_set_num_threads(threads);
        WR_AUTO(wr_features) f = NULL;
        float *x = wr_calloc(block * ld, sizeof *x);
        assert_ok(wr_features_new(&f, &p.g.fl, &p.v.vw, &fo, &err));
        for (uint32_t first = 0; first < n; first += block) {
            const uint32_t rows = n - first < block ? n - first : block;
            assert_ok(wr_features_rows(x, ld, f, first, rows, &e.ex, &err));
            for (uint32_t k = 0; k < rows; k++)
                assert_memory_equal(x + k * ld, want + (first + k) * (size_t)WR_WF_COUNT,
                                    WR_WF_COUNT * sizeof *x);
        }
        wr_free(x);
    }
    omp_set_num_threads(before);
    wr_free(want);
    exposures_release(&e);
    past_gen_release(&p);
}

/* ---- lists ---- */

static void test_features_rows_of__the_rows_of_the_block(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 300, .m = 3000, .c = 4, .assets = 1, .label_prob = 0.3};
    past_gen p;
    exposures e;
    past_gen_init(&p, 5, &shape, 700);
    past_gen_cut(&p);
    exposures_init(&e, &p);
    float *want = past_gen_rows(&p, &e.ex);
    const wr_features_opts o = past_gen_options(&p);
    WR_AUTO(wr_features) f = NULL;
    assert_ok(wr_features_new(&f, &p.g.fl, &p.v.vw, &o, &err));
    wr_rng r = {.s = 5};
    wr_vid wallet[500];
    for (size_t k = 0; k < 500; k++)
        wallet[k] = (wr_vid)wr_rng_below(&r, 300);
    float *x = wr_calloc(500UL * WR_WF_COUNT, sizeof *x);
    assert_ok(wr_features_rows_of(x, WR_WF_COUNT, f, wallet, 500, &e.ex, &err));
    for (size_t k = 0; k < 500; k++)
        assert_memory_equal(x + k * WR_WF_COUNT, want + (size_t)wallet[k] * WR_WF_COUNT,
                            WR_WF_COUNT * sizeof *x);
    assert_ok(wr_features_rows_of(x, WR_WF_COUNT, f, NULL, 0, &e.ex, &err));
    wallet[7] = 300;
    wr_err why = {0};
    assert_int_equal(wr_features_rows_of(x, WR_WF_COUNT, f, wallet, 500, NULL, &why),
                     WR_EINVAL);
    assert_string_equal(why.msg, "wallet 300 of 300");
    wr_free(x);
    wr_free(want);
    exposures_release(&e);
    past_gen_release(&p);
}

/* ---- errors ---- */

static void refuse(const past_gen *p, const wr_features_opts *o, const wr_flow *fl,
                   const char *message)
{
    wr_features *f = NULL;
    wr_err e = {0};
    assert_int_equal(wr_features_new(&f, fl, &p->v.vw, o, &e), WR_EINVAL);
    assert_string_equal(e.msg, message);
    assert_null(f);
}

static void test_features_new__errors_say_what(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 10, .m = 30, .c = 4, .assets = 1, .label_prob = 0.3};
    past_gen p;
    past_gen_init(&p, 1, &shape, 1);
    wr_features_opts o = past_gen_options(&p);
    wr_flow fl = p.g.fl;
    o.dust = (double)NAN;
    refuse(&p, &o, &fl, "dust below nan");
    o = past_gen_options(&p);
    o.limit[2] = -1;
    refuse(&p, &o, &fl, "reporting limit -1");
    o = past_gen_options(&p);
    o.dex = 4;
    refuse(&p, &o, &fl, "category 4 of 4");
    o = past_gen_options(&p);
    fl.out.off = NULL;
    refuse(&p, &o, &fl, "rows by wallet are missing");
    fl = p.g.fl;
    fl.n = 9;
    refuse(&p, &o, &fl, "labels of 10 wallets for a graph of 9");
    p.g.seeds.n = 9;
    refuse(&p, &o, &fl, "pairs of 10 wallets for a graph of 9");
    p.g.seeds.n = 10;
    const atomic_bool stop = true;
    const wr_progress pg = {.stop = &stop};
    o.pg = &pg;
    wr_features *f = NULL;
    wr_err e = {0};
    assert_int_equal(wr_features_new(&f, &p.g.fl, &p.v.vw, &o, &e), WR_ESTOPPED);
    assert_string_equal(e.msg, "stopped on request in neighbours");
    past_gen_release(&p);
}

static void test_features_rows__errors_and_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 200, .m = 3000, .c = 4, .assets = 1, .label_prob = 0.3};
    past_gen p;
    exposures e;
    past_gen_init(&p, 1, &shape, 1);
    p.as_of_s = UINT32_MAX;
    exposures_init(&e, &p);
    const wr_features_opts o = past_gen_options(&p);
    wr_features *f = NULL;
    assert_oom_safe(wr_features_new(&f, &p.g.fl, &p.v.vw, &o, &err));
    float *x = wr_calloc(200UL * WR_WF_COUNT, sizeof *x);
    omp_set_num_threads(1);
    assert_oom_safe(wr_features_rows(x, WR_WF_COUNT, f, 0, 200, &e.ex, &err));
    wr_err why[5] = {0};
    assert_int_equal(wr_features_rows(x, WR_WF_COUNT, f, 1, 200, NULL, why), WR_EINVAL);
    assert_string_equal(why->msg, "rows 1 and 200 more of 200");
    assert_int_equal(wr_features_rows(x, 100, f, 0, 200, NULL, why + 1), WR_EINVAL);
    char want[64];
    (void)snprintf(want, sizeof want, "rows of 100 for %d features", WR_WF_COUNT);
    assert_string_equal(why[1].msg, want);
    e.ex.received = &e.sent;
    assert_int_equal(wr_features_rows(x, WR_WF_COUNT, f, 0, 200, &e.ex, why + 2),
                     WR_EINVAL);
    assert_string_equal(why[2].msg, "ledger of the other direction");
    e.ex.received = &e.received;
    e.fifo.c = 3;
    assert_int_equal(wr_features_rows(x, WR_WF_COUNT, f, 0, 200, &e.ex, why + 3),
                     WR_EINVAL);
    assert_string_equal(why[3].msg,
                        "fifo of 200 wallets and 3 categories, not 200 and 4");
    const wr_motifs strange = {.n = 3};
    e.ex.fifo = NULL;
    e.ex.motifs = &strange;
    assert_int_equal(wr_features_rows(x, WR_WF_COUNT, f, 0, 200, &e.ex, why + 4),
                     WR_EINVAL);
    assert_string_equal(why[4].msg, "typology hits of 3 wallets, not 200");
    wr_free(x);
    wr_features_free(f);
    wr_features_free(NULL);
    exposures_release(&e);
    past_gen_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_features_rows__structure_by_definition),
        wr_unit_test(test_features_rows__exposures_are_the_views),
        wr_unit_test(test_features_rows__no_exposures_read_as_none),
        wr_unit_test(test_features_rows__the_future_changes_no_byte),
        wr_unit_test(test_features_rows__agree_with_the_stream),
        wr_unit_test(test_features_rows__same_bytes_for_any_threads_and_blocks),
        wr_unit_test(test_features_rows_of__the_rows_of_the_block),
        wr_unit_test(test_features_new__errors_say_what),
        wr_unit_test(test_features_rows__errors_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
