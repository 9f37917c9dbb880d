/*
 * pipeline_test.h - a small store with transfers and labels for pipeline tests.
 */
#ifndef WR_PIPELINE_TEST_H
#define WR_PIPELINE_TEST_H

#include "wr_test.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/run/run.h"

enum { NAME_BYTES = 24 };

static inline wr_settings *test_settings(void)
{
    wr_config cfg = {.static_gamma = 0.85,
                     .static_eps = 1e-6,
                     .static_iter_max = 100,
                     .top_k_sources = 8,
                     .poison_hops = 6};
    (void)snprintf(cfg.data_dir, sizeof cfg.data_dir, "%s/data", WR_SOURCE_DIR);
    wr_settings *s = NULL;
    assert_ok(wr_settings_load(&s, &cfg, &err));
    return s;
}

static inline wr_store *test_store(const char *dsn)
{
    wr_store *st = NULL;
    wr_migrate_report rep;
    assert_ok(wr_store_open(&st, dsn, &err));
    assert_ok(wr_store_migrate(st, &rep, &err));
    return st;
}

static inline const wr_chain *test_chain(void)
{
    const wr_chain *c = NULL;
    assert_ok(wr_chain_find(&c, WR_TEXT_LIT("opaque:test"), &err));
    return c;
}

typedef struct test_pay {
    const char *from, *to;
    int value; /* whole units */
    int at;    /* seconds behind 2020-01-01 */
} test_pay;

/* Hashes continue from `first`, so that calls add up. */
static inline void test_put(wr_store *st, const test_pay *pay, size_t n, size_t first)
{
    WR_AUTO_ARRAY wr_transfer *t = wr_calloc(n, sizeof *t);
    WR_AUTO_ARRAY char(*hash)[NAME_BYTES] = wr_calloc(n, sizeof *hash);
    assert_non_null(t);
    assert_non_null(hash);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(hash[i], NAME_BYTES, "h%zu", first + i);
        t[i] = (wr_transfer){.chain = test_chain(),
                             .tx_hash = wr_text_of(hash[i]),
                             .block = -1,
                             .time_s = 1577836800 + pay[i].at,
                             .from = wr_text_of(pay[i].from),
                             .to = wr_text_of(pay[i].to),
                             .asset = WR_TEXT_LIT("UNIT"),
                             .amount_base = (wr_amount)pay[i].value * 100,
                             .decimals = 2,
                             .value = pay[i].value};
    }
    const wr_put p = {.transfer = t, .transfer_count = n};
    wr_put_result r = {0};
    assert_ok(wr_store_put(st, &p, NULL, &r, &err));
    assert_int_equal(r.inserted, n);
}

static inline void test_label(wr_store *st, const char *address, const char *category,
                              int confidence)
{
    const wr_label l = {.chain = test_chain(),
                        .address = wr_text_of(address),
                        .category = wr_text_of(category),
                        .confidence = (uint8_t)confidence,
                        .source = WR_TEXT_LIT("test"),
                        .valid_from_s = WR_TIME_NONE,
                        .valid_to_s = WR_TIME_NONE};
    wr_labels_report rep;
    assert_ok(wr_store_labels_put(st, &l, 1, &rep, &err));
}

/* wallets "w0".."w<n-1>", m random payments in random time order, every 16th labelled */
static inline void test_random(wr_store *st, uint32_t n, uint32_t m, uint64_t seed)
{
    static const char *const category[] = {"hack", "sanctions", "exchange", "mixer",
                                           "phishing"};
    wr_rng r = {.s = seed};
    WR_AUTO_ARRAY char(*name)[NAME_BYTES] = wr_calloc(n, sizeof *name);
    WR_AUTO_ARRAY test_pay *pay = wr_calloc(m, sizeof *pay);
    assert_non_null(name);
    assert_non_null(pay);
    for (uint32_t i = 0; i < n; i++)
        (void)snprintf(name[i], NAME_BYTES, "w%u", i);
    for (uint32_t i = 0; i < m; i++)
        pay[i] = (test_pay){name[wr_rng_below(&r, n)], name[wr_rng_below(&r, n)],
                            (int)wr_rng_below(&r, 1000), (int)wr_rng_below(&r, 1000000)};
    test_put(st, pay, m, 0);
    for (uint32_t i = 0; i < n; i += 16)
        test_label(st, name[i], category[wr_rng_below(&r, 5)],
                   (int)wr_rng_below(&r, 100) + 1);
}

/* Load and assess, nothing published. */
static inline wr_status test_assess(wr_store *st, wr_settings *cfg, wr_err *e)
{
    WR_AUTO(wr_snapshot) g = NULL;
    int64_t max_seq = -1;
    WR_TRY(wr_load_snapshot(&g, st, &max_seq, NULL, NULL, e));
    wr_label_set labels = {0};
    WR_TRY(wr_load_labels(&labels, st, g, &cfg->taxonomy, -1, e));
    WR_AUTO(wr_assessment) a = NULL;
    return wr_assess(&a, g, &labels, cfg, NULL, e);
}

static inline wr_vid test_vertex(const wr_assessment *a, const char *name)
{
    return wr_ids_vertex(wr_snapshot_ids(wr_assessment_snapshot(a)), test_chain(),
                         wr_text_of(name));
}

#endif
