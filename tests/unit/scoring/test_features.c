/*
 * Every column of a wallet's row that its own transfers decide, against a reference that
 * scans the whole list for each number.  test_features_block.c has the rest.
 */
#include "scoring/features.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "past_gen.h"

enum { GRAPHS = 500, LIST_MAX = 1024 };

static const uint32_t SCALE_S[] = {1, 200, 700, 5000, 20000, 86400, 400000};
static const uint32_t WINDOW[] = {3600, 86400, 604800, 2592000};

/* The wallet's transfers before T, oldest first. */
typedef struct item {
    double value;
    wr_vid other;
    uint32_t t;
    int label;
    bool is_out;
} item;

typedef struct list {
    item e[LIST_MAX];
    int m;
    uint32_t as_of_s;
    const wr_seeds *s;
} list;

static void list_of(list *l, const past_gen *p, wr_vid v)
{
    const flow_gen *g = &p->g;
    l->m = 0;
    l->as_of_s = p->as_of_s;
    l->s = &g->seeds;
    for (uint64_t i = 0; i < g->m; i++) {
        const bool is_out = g->from[i] == v;
        if (g->time_s[i] >= p->as_of_s || g->from[i] == g->to[i] ||
            (!is_out && g->to[i] != v))
            continue;
        const wr_vid other = is_out ? g->to[i] : g->from[i];
        assert_true(l->m < LIST_MAX);
        l->e[l->m++] = (item){.value = g->value[i],
                              .other = other,
                              .t = g->time_s[i],
                              .label = wr_seeds_at(&g->seeds, other, g->time_s[i]),
                              .is_out = is_out};
    }
}

static bool is_inside(const list *l, int i, uint32_t window)
{
    return !window || (int64_t)l->e[i].t > (int64_t)l->as_of_s - window;
}

static bool is_first(const list *l, int i)
{
    for (int j = 0; j < i; j++)
        if (l->e[j].other == l->e[i].other && l->e[j].is_out == l->e[i].is_out)
            return false;
    return true;
}

static bool is_last(const list *l, int i)
{
    for (int j = i + 1; j < l->m; j++)
        if (l->e[j].other == l->e[i].other && l->e[j].is_out == l->e[i].is_out)
            return false;
    return true;
}

typedef enum what { COUNT, VALUE, FIRST, PARTIES } what;

static double tally(const list *l, bool is_out, uint32_t window, what w)
{
    double sum = 0;
    for (int i = 0; i < l->m; i++) {
        if (l->e[i].is_out != is_out || !is_inside(l, i, window))
            continue;
        sum += w == COUNT   ? 1
               : w == VALUE ? l->e[i].value
               : w == FIRST ? is_first(l, i)
                            : is_last(l, i);
    }
    return sum;
}

static double over(double x, double base)
{
    return base > 0 ? fmin(x / base, 1e6) : -1;
}

static double with_label(const list *l, bool is_out, int category)
{
    double sum = 0;
    for (int i = 0; i < l->m; i++)
        if (l->e[i].is_out == is_out && l->e[i].label >= 0 &&
            (category == -2 ? l->s->kind[l->e[i].label] == WR_CATEGORY_SERVICE
                            : l->e[i].label == category))
            sum += l->e[i].value;
    return over(sum, tally(l, is_out, 0, VALUE));
}

static double bad_parties(const list *l, bool is_out)
{
    double count = 0;
    for (int i = 0; i < l->m; i++) {
        bool is_bad = false;
        for (int j = 0; j < l->m; j++)
            is_bad |= l->e[j].other == l->e[i].other && l->e[j].is_out == is_out &&
                      l->e[j].label >= 0 &&
                      l->s->kind[l->e[j].label] != WR_CATEGORY_SERVICE;
        count += is_bad && l->e[i].is_out == is_out && is_first(l, i);
    }
    return count;
}

/* Central moments around the exact mean. */
static void moments(const list *l, bool is_out, double *std, double *skew, double *max)
{
    const double n = tally(l, is_out, 0, COUNT);
    const double mean = n > 0 ? tally(l, is_out, 0, VALUE) / n : 0;
    double two = 0, three = 0;
    *max = 0;
    for (int i = 0; i < l->m; i++)
        if (l->e[i].is_out == is_out) {
            two += pow(l->e[i].value - mean, 2);
            three += pow(l->e[i].value - mean, 3);
            *max = fmax(*max, l->e[i].value);
        }
    *std = n > 0 ? sqrt(two / n) : 0;
    *skew = *std > 1e-6 ? three / n / pow(*std, 3) : 0;
}

static void want_side(double *at, const list *l, bool is_out, const wr_features_opts *o)
{
    double std, skew, max, last = 0, top = 0, port = 0, last_s = -1, is_new = 0;
    const double n = tally(l, is_out, 0, COUNT), parties = tally(l, is_out, 0, PARTIES);
    const double value = tally(l, is_out, 0, VALUE);
    for (int i = 0; i < l->m; i++) {
        if (l->e[i].is_out != is_out)
            continue;
        double same = 0, before = 0;
        for (int j = 0; j < l->m; j++)
            same += l->e[j].is_out == is_out && l->e[j].other == l->e[i].other;
        for (int j = 0; l->e[j].other != l->e[i].other || l->e[j].is_out != is_out; j++)
            before += l->e[j].is_out == is_out && is_first(l, j);
        top = fmax(top, same);
        port = before + 1;
        last = l->e[i].value;
        last_s = l->as_of_s - l->e[i].t;
        is_new = is_first(l, i);
    }
    moments(l, is_out, &std, &skew, &max);
    *at++ = last_s;
    for (int w = 1; w < 4; w++)
        *at++ =
            over(tally(l, is_out, WINDOW[w], FIRST), tally(l, is_out, WINDOW[w], COUNT));
    *at++ = is_new;
    *at++ = port;
    *at++ = over(n, parties);
    *at++ = over(top, n);
    for (int w = 0; w < 4; w++)
        *at++ = tally(l, is_out, WINDOW[w], COUNT);
    *at++ = n;
    for (int w = 1; w < 4; w++)
        *at++ = tally(l, is_out, WINDOW[w], PARTIES);
    *at++ = parties;
    for (int w = 1; w < 4; w++)
        *at++ = tally(l, is_out, WINDOW[w], VALUE);
    *at++ = value;
    *at++ = n > 0 ? value / n : 0;
    *at++ = std;
    *at++ = max;
    *at++ = skew;
    *at++ = n > 0 ? over(last, value / n) : -1;
    *at++ = with_label(l, is_out, -2);
    *at++ = with_label(l, is_out, o->mixer);
    *at++ = with_label(l, is_out, o->bridge);
    *at = with_label(l, is_out, o->dex);
}

/* Money in unit coins would be the honest model; here parcels, matched one by one. */
static double want_hold(const list *l)
{
    double left[LIST_MAX], part[LIST_MAX * 2], stay[LIST_MAX * 2], total = 0;
    int parts = 0;
    for (int i = 0; i < l->m; i++) {
        double need = l->e[i].is_out ? l->e[i].value : 0;
        left[i] = l->e[i].is_out ? 0 : l->e[i].value;
        for (int j = 0; j < i; j++) {
            const double take = fmin(left[j], need);
            if (take <= 0)
                continue;
            left[j] -= take;
            need -= take;
            part[parts] = take;
            stay[parts++] = l->e[i].t - l->e[j].t;
            total += take;
        }
    }
    /* the smallest stay that at least half of the value does not exceed */
    double best = -1;
    for (int k = 0; k < parts; k++) {
        double sum = 0;
        for (int j = 0; j < parts; j++)
            sum += stay[j] <= stay[k] ? part[j] : 0;
        if (sum >= total / 2 * (1 - 1e-12) && (best < 0 || stay[k] < best))
            best = stay[k];
    }
    return best;
}

static double digits(const list *l)
{
    double count[10] = {0}, n = 0, distance = 0;
    for (int i = 0; i < l->m; i++) {
        char text[32];
        if (l->e[i].value <= 0)
            continue;
        (void)snprintf(text, sizeof text, "%.15e", l->e[i].value);
        count[text[0] - '0']++;
        n++;
    }
    for (int d = 1; d <= 9; d++)
        distance += fabs(count[d] / fmax(n, 1) - log10(1 + 1.0 / d));
    return n >= 50 ? distance : -1;
}

static void want_rhythm(double *row, const list *l)
{
    double days = 0, hours = 0, burst = 0, night = 0, squares = 0;
    const double n = l->m, gaps = n - 1;
    const double mean = n > 1 ? (l->e[l->m - 1].t - l->e[0].t) / gaps : -1;
    for (int i = 0; i < l->m; i++) {
        double near = 0;
        for (int j = 0; j < l->m; j++)
            near += j <= i && l->e[j].t + 600ULL > l->e[i].t;
        burst = fmax(burst, near);
        days += !i || l->e[i].t / 86400 != l->e[i - 1].t / 86400;
        hours += !i || l->e[i].t / 3600 != l->e[i - 1].t / 3600;
        night += l->e[i].t / 3600 % 24 < 6;
        squares += i ? pow(l->e[i].t - l->e[i - 1].t - mean, 2) : 0;
    }
    row[WR_WF_ACTIVE_DAYS] = days;
    row[WR_WF_PER_HOUR] = over(n, hours);
    row[WR_WF_BURST] = burst;
    row[WR_WF_GAP_MEAN] = mean;
    row[WR_WF_GAP_CV] = mean > 0 ? sqrt(squares / gaps) / mean : -1;
    row[WR_WF_NIGHT] = over(night, n);
    row[WR_WF_AGE] = n > 0 ? (double)(l->as_of_s - l->e[0].t) : -1;
    row[WR_WF_IDLE] = n > 0 ? (double)(l->as_of_s - l->e[l->m - 1].t) : -1;
}

static void want_row(double *row, const list *l, const wr_features_opts *o)
{
    double round = 0, below = 0, dust = 0, mutual = 0, parties = 0;
    want_side(row + WR_WF_OUT_GAP, l, true, o);
    want_side(row + WR_WF_IN_GAP, l, false, o);
    want_rhythm(row, l);
    for (int i = 0; i < l->m; i++) {
        const double x = l->e[i].value;
        bool is_met = false, is_back = false;
        for (int j = 0; j < l->m; j++) {
            is_met |= j < i && l->e[j].other == l->e[i].other;
            is_back |= l->e[j].other == l->e[i].other && l->e[j].is_out != l->e[i].is_out;
        }
        parties += !is_met;
        mutual += !is_met && is_back;
        round += x > 0 && x == floor(x) && fmod(x, 100) == 0;
        below +=
            (x >= 360 && x < 400) || (x >= 2700 && x < 3000) || (x >= 9000 && x < 10000);
        dust += x < 50;
    }
    row[WR_WF_ROUND] = over(round, l->m);
    row[WR_WF_BELOW] = over(below, l->m);
    row[WR_WF_DUST] = over(dust, l->m);
    row[WR_WF_BENFORD] = digits(l);
    const uint32_t pass[] = {3600, 86400, 2592000};
    const int column[] = {WR_WF_PASS_1H, WR_WF_PASS_24H, WR_WF_PASS_30D};
    for (int k = 0; k < 3; k++) {
        const double in = tally(l, false, pass[k], VALUE);
        const double out = tally(l, true, pass[k], VALUE);
        row[column[k]] = over(fmin(in, out), fmax(in, out));
    }
    const double in = tally(l, false, 0, VALUE), out = tally(l, true, 0, VALUE);
    row[WR_WF_HOLD] = want_hold(l);
    row[WR_WF_RETAINED] = over(fmax(in - out, 0), in);
    row[WR_WF_OUT_SHARE] = over(out, in + out);
    row[WR_WF_RECIPROCITY] = over(mutual, parties);
    row[WR_WF_RECEIVED_BAD_PARTIES] = bad_parties(l, false);
    row[WR_WF_SENT_BAD_PARTIES] = bad_parties(l, true);
}

/* Columns that another test has: exposures but for bad parties, structure of the graph.
 */
static bool is_elsewhere(uint32_t c)
{
    const wr_feature *f = wr_feature_at(WR_FEATURE_WALLET, c);
    if (c == WR_WF_RECEIVED_BAD_PARTIES || c == WR_WF_SENT_BAD_PARTIES)
        return false;
    return f->group == WR_FEATURE_EXPOSURE || f->group == WR_FEATURE_MOTIF ||
           c == WR_WF_CLUSTERING || c == WR_WF_COMPONENT || c == WR_WF_CORE;
}

static void check_row(const float *row, const double *want, uint64_t seed, wr_vid v)
{
    for (uint32_t c = 0; c < WR_WF_COUNT; c++) {
        if (is_elsewhere(c))
            continue;
        if (!(fabs((double)row[c] - want[c]) <= 2e-5 * fmax(1, fabs(want[c]))))
            fail_msg("seed %u, wallet %u, %s: %.9g, not %.9g", (unsigned)seed, v,
                     wr_feature_at(WR_FEATURE_WALLET, c)->name, (double)row[c], want[c]);
    }
}

static void test_features_rows__every_column_against_the_whole_list(void **state)
{
    (void)state;
    static list l;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        if (seed % 10 == 0) {
            shape.n = 3; /* enough transfers of one wallet for first digits */
            shape.m = 300;
        }
        past_gen p;
        past_gen_init(&p, seed, &shape, SCALE_S[seed % 7]);
        const wr_features_opts o = past_gen_options(&p);
        float *x = past_gen_rows(&p, NULL);
        for (wr_vid v = 0; v < p.g.fl.n; v++) {
            double want[WR_WF_COUNT];
            for (int c = 0; c < WR_WF_COUNT; c++)
                want[c] = (double)NAN;
            list_of(&l, &p, v);
            want_row(want, &l, &o);
            check_row(x + (size_t)v * WR_WF_COUNT, want, seed, v);
        }
        wr_free(x);
        past_gen_release(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_features_rows__every_column_against_the_whole_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
