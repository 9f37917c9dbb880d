/*
 * couriers.h - a small world in which some wallets are bad by what they do.
 *
 * People pay each other now and then.  Couriers come in pairs: the first is paid by three
 * people within the hour and hands all of it on; every fourth first one is labelled.
 */
#ifndef WR_COURIERS_H
#define WR_COURIERS_H

#include "pipeline_test.h"

#include <stdlib.h>
#include <unistd.h>

#include "pipeline/learning/evaluate.h"

enum {
    PEOPLE = 700,
    PAYMENTS = 4200,
    PAIRS = 90,
    SPAN_S = 60 * 86400,
    PAYS_MAX = PAYMENTS + PAIRS * 5
};

typedef struct world {
    char name[PEOPLE + 2 * PAIRS][NAME_BYTES];
    test_pay pay[PAYS_MAX];
    size_t pays;
    char dir[32], truth_path[64];
    wr_store *st;
    wr_settings *cfg;
    wr_snapshot *g;
    wr_label_set labels;
    wr_truth_set truth;
} world;

static inline void pay(world *w, int from, int to, int value, int at)
{
    w->pay[w->pays++] = (test_pay){w->name[from], w->name[to], value, at};
}

static inline void people(world *w, wr_rng *r)
{
    for (int i = 0; i < PAYMENTS; i++) {
        const int at = (int)wr_rng_below(r, SPAN_S);
        /* person k comes up at k / PEOPLE of the span */
        const int born = (int)((int64_t)at * PEOPLE / SPAN_S) + 1;
        const int from = (int)wr_rng_below(r, (uint64_t)born);
        pay(w, from, (int)wr_rng_below(r, (uint64_t)born), 1 + (int)wr_rng_below(r, 900),
            at);
    }
}

static inline void couriers(world *w, wr_rng *r, FILE *truth)
{
    (void)fprintf(truth, "incident,typology,record,role,id,time\n");
    for (int k = 0; k < PAIRS; k++) {
        const int first = PEOPLE + 2 * k;
        const int at = 86400 + (int)((int64_t)k * (SPAN_S - 2 * 86400) / PAIRS);
        for (int i = 0; i < 3; i++)
            pay(w, (int)wr_rng_below(r, (uint64_t)((int64_t)at * PEOPLE / SPAN_S) + 1),
                first, 300 + (int)wr_rng_below(r, 300), at + i * 600);
        pay(w, first, first + 1, 900, at + 2400);
        pay(w, first + 1, (int)wr_rng_below(r, 10), 890, at + 4800);
        (void)fprintf(truth, "%d,%s,wallet,x,%s,%d\n%d,%s,wallet,y,%s,%d\n", k,
                      k % 2 ? "odd" : "even", w->name[first], at, k,
                      k % 2 ? "odd" : "even", w->name[first + 1], at);
        if (k % 4 == 0)
            test_label(w->st, w->name[first], "hack", 100);
    }
}

static inline void begin(world *w)
{
    *w = (world){.dir = "/tmp/wr-train.XXXXXX"};
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->truth_path, sizeof w->truth_path, "%s/truth.csv", w->dir);
    for (int i = 0; i < PEOPLE + 2 * PAIRS; i++)
        (void)snprintf(w->name[i], NAME_BYTES, "w%d", i);
    w->cfg = test_settings();
    w->st = test_store("memory:");
    wr_rng r = {.s = 7};
    FILE *f = fopen(w->truth_path, "w");
    assert_non_null(f);
    people(w, &r);
    couriers(w, &r, f);
    assert_int_equal(fclose(f), 0);
    test_put(w->st, w->pay, w->pays, 0);
    int64_t max_seq = -1;
    assert_ok(wr_load_snapshot(&w->g, w->st, &max_seq, NULL, NULL, &err));
    assert_ok(wr_load_labels(&w->labels, w->st, w->g, &w->cfg->taxonomy, -1, &err));
    assert_ok(wr_truth_set_load(&w->truth, w->truth_path, test_chain(), w->g, &err));
    assert_int_equal(w->truth.bad, 2 * PAIRS);
    assert_int_equal(w->truth.incidents, PAIRS);
    assert_int_equal(w->truth.missing, 0);
    assert_int_equal(w->truth.typologies, 2);
}

static inline void end(world *w)
{
    wr_truth_set_release(&w->truth);
    wr_label_set_release(&w->labels);
    wr_snapshot_unref(w->g);
    wr_store_close(w->st);
    wr_settings_unref(w->cfg);
    assert_int_equal(unlink(w->truth_path), 0);
    assert_int_equal(rmdir(w->dir), 0);
}

static inline wr_train_opts quick(void)
{
    wr_train_opts o = WR_TRAIN_OPTS_INIT;
    o.embargo_s = 3600;
    o.booster.rounds = 25;
    o.booster.patience = 10;
    o.booster.max_depth = 4;
    o.booster.min_child_weight = 1;
    o.booster.eta = 0.2;
    return o;
}

static inline wr_train_input input_of(const world *w)
{
    return (wr_train_input){
        .g = w->g, .labels = &w->labels, .truth = &w->truth, .cfg = w->cfg};
}

#endif
