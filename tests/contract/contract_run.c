#include "contract.h"

enum { ROWS = 128 };

typedef struct runs {
    wr_run run[16];
    char text[16][2][80]; /* config, detail */
    size_t n;
} runs;

static wr_status add_run(void *ctx, const wr_run *r, wr_err *err)
{
    runs *l = ctx;
    (void)err;
    assert_true(l->n < 16);
    l->run[l->n] = *r;
    (void)snprintf(l->text[l->n][0], 80, "%.*s", WR_TEXT_ARG(r->config));
    (void)snprintf(l->text[l->n][1], 80, "%.*s", WR_TEXT_ARG(r->detail));
    l->n++;
    return WR_OK;
}

static void fill_digest(wr_digest_hex *d, char c)
{
    memset(d->s, c, WR_SHA256_HEX);
    d->s[WR_SHA256_HEX] = '\0';
}

static wr_run full_run(const char *id)
{
    wr_run r = ct_run(id);
    r.as_of_s = 1700000000;
    r.max_seq = INT64_MAX;
    r.label_rev = 12;
    r.wallets = 1;
    r.transfers = UINT64_C(5000000000);
    r.labels = 3;
    r.scored = 4;
    r.unpriced = 5;
    fill_digest(&r.graph_digest, '1');
    fill_digest(&r.labels_digest, '2');
    fill_digest(&r.config_digest, '3');
    fill_digest(&r.output_digest, '4');
    (void)snprintf(r.code_version, sizeof r.code_version, "%s", "0.1.0+abcdef");
    r.config = WR_TEXT_LIT("{\"gamma\":0.85}");
    r.detail = WR_TEXT_LIT("{\"k\":29}");
    return r;
}

static void assert_same_run(const runs *got, size_t at, const wr_run *want)
{
    const wr_run *r = &got->run[at];
    assert_string_equal(r->id, want->id);
    assert_string_equal(r->kind, want->kind);
    assert_int_equal(r->status, want->status);
    assert_int_equal(r->started_s, want->started_s);
    assert_int_equal(r->finished_s, want->finished_s);
    assert_int_equal(r->as_of_s, want->as_of_s);
    assert_int_equal(r->max_seq, want->max_seq);
    assert_int_equal(r->label_rev, want->label_rev);
    assert_int_equal(r->wallets, want->wallets);
    assert_int_equal(r->transfers, want->transfers);
    assert_int_equal(r->labels, want->labels);
    assert_int_equal(r->scored, want->scored);
    assert_int_equal(r->unpriced, want->unpriced);
    assert_string_equal(r->graph_digest.s, want->graph_digest.s);
    assert_string_equal(r->labels_digest.s, want->labels_digest.s);
    assert_string_equal(r->config_digest.s, want->config_digest.s);
    assert_string_equal(r->output_digest.s, want->output_digest.s);
    assert_string_equal(r->code_version, want->code_version);
    assert_string_equal(got->text[at][0], want->config.p ? want->config.p : "");
    assert_string_equal(got->text[at][1], want->detail.p ? want->detail.p : "");
    assert_int_equal(r->config.p == NULL, want->config.p == NULL);
}

static void test_run__comes_back_and_is_replaced(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static runs got;
    wr_run r = full_run("r20261120T161200Z-0a1b2c3d");
    assert_ok(wr_store_run_put(st, &r, &err));
    got.n = 0;
    assert_ok(wr_store_run_get(st, r.id, add_run, &got, &err));
    assert_int_equal(got.n, 1);
    assert_same_run(&got, 0, &r);
    r.status = WR_RUN_FAILED;
    r.finished_s = 99;
    r.config = (wr_text){0};
    r.output_digest.s[0] = '\0';
    assert_ok(wr_store_run_put(st, &r, &err));
    got.n = 0;
    assert_ok(wr_store_run_get(st, r.id, add_run, &got, &err));
    assert_same_run(&got, 0, &r);
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.runs, 1);
}

static void test_run_get__unknown(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static runs got;
    got.n = 0;
    assert_err_says(WR_ENOTFOUND, "'r-nope'",
                    wr_store_run_get(st, "r-nope", add_run, &got, &err));
    assert_err_says(WR_ENOTFOUND, "no complete scoring run",
                    wr_store_run_get(st, "", add_run, &got, &err));
    assert_int_equal(got.n, 0);
}

static void test_run_get__newest_complete_scoring_run(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static runs got;
    wr_run r[] = {ct_run("r1"), ct_run("r3"), ct_run("r2"),
                  ct_run("r4"), ct_run("r5"), ct_run("r6")};
    r[3].status = WR_RUN_RUNNING;
    r[4].status = WR_RUN_FAILED;
    (void)snprintf(r[5].kind, sizeof r[5].kind, "reload");
    for (size_t i = 0; i < 6; i++)
        assert_ok(wr_store_run_put(st, &r[i], &err));
    got.n = 0;
    assert_ok(wr_store_run_get(st, "", add_run, &got, &err));
    assert_string_equal(got.run[0].id, "r3");
}

static void test_run_list__newest_first_in_pages(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static runs got;
    got.n = 0;
    assert_ok(wr_store_run_list(st, "", 5, add_run, &got, &err));
    assert_int_equal(got.n, 0);
    static const char *const id[] = {"r2", "r5", "r1", "r4", "r3"};
    for (size_t i = 0; i < 5; i++) {
        wr_run r = ct_run(id[i]);
        assert_ok(wr_store_run_put(st, &r, &err));
    }
    char before[WR_RUN_ID_MAX + 1] = "";
    for (int page = 0; page < 3; page++) {
        assert_ok(wr_store_run_list(st, before, 2, add_run, &got, &err));
        (void)snprintf(before, sizeof before, "%s", got.run[got.n - 1].id);
    }
    static const char *const want[] = {"r5", "r4", "r3", "r2", "r1"};
    assert_int_equal(got.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(got.run[i].id, want[i]);
    got.n = 0;
    assert_ok(wr_store_run_list(st, "", 0, add_run, &got, &err));
    assert_int_equal(got.n, 0);
}

/* --- scores ------------------------------------------------------------------------- */

typedef struct scores {
    wr_score score[ROWS];
    char address[ROWS][8], reasons[ROWS][24];
    size_t n;
} scores;

static wr_status add_score(void *ctx, const wr_score_row *r, wr_err *err)
{
    scores *l = ctx;
    (void)err;
    assert_true(l->n < ROWS);
    assert_ptr_equal(r->chain, ct_chain(NULL));
    l->score[l->n] = r->score;
    (void)snprintf(l->address[l->n], 8, "%.*s", WR_TEXT_ARG(r->address));
    (void)snprintf(l->reasons[l->n], 24, "%.*s", WR_TEXT_ARG(r->score.reasons));
    l->n++;
    return WR_OK;
}

/* Wallets w0..w(n-1) in the store; ids in id [n]. */
static void make_wallets(wr_store *st, uint32_t *id, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char from[16];
        char to[16];
        (void)snprintf(from, sizeof from, "w%u", i);
        (void)snprintf(to, sizeof to, "w%u", (i + 1) % n);
        wr_transfer t = ct_transfer(i, 0, from, to, 1);
        ct_put_new(st, &t, 1);
    }
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "w%u", i);
        assert_ok(
            wr_store_wallet_find(st, ct_chain(NULL), wr_text_of(name), &id[i], &err));
    }
}

static wr_score_query query(const char *run_id, uint32_t limit)
{
    return (wr_score_query){
        .run_id = run_id, .level = -1, .category = -1, .limit = limit};
}

static void test_scores_put__one_comes_back(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static scores got;
    uint32_t id[3];
    make_wallets(st, id, 3);
    wr_run r = full_run("r1");
    r.status = WR_RUN_RUNNING;
    assert_ok(wr_store_run_put(st, &r, &err));
    wr_score s = {.wallet_id = id[1],
                  .level = WR_LEVEL_HIGH,
                  .category = -1,
                  .is_labelled = true,
                  .score = 0.1 + 0.2, /* not a round number: must come back bit by bit */
                  .base = 1.0 / 3.0,
                  .reasons = WR_TEXT_LIT("[{\"kind\":\"x\"}]")};
    assert_ok(ct_scores_put(st, &r, &s, 1, &err));
    got.n = 0;
    assert_ok(wr_store_score_get(st, "r1", ct_chain(NULL), WR_TEXT_LIT("w1"), add_score,
                                 &got, &err));
    assert_int_equal(got.n, 1);
    assert_string_equal(got.address[0], "w1");
    assert_string_equal(got.reasons[0], s.reasons.p);
    assert_int_equal(got.score[0].wallet_id, id[1]);
    assert_memory_equal(&got.score[0].score, &s.score, sizeof s.score);
    assert_memory_equal(&got.score[0].base, &s.base, sizeof s.base);
    assert_int_equal(got.score[0].level, WR_LEVEL_HIGH);
    assert_int_equal(got.score[0].category, -1);
    assert_true(got.score[0].is_labelled);
    static runs run; /* and the run is complete now */
    run.n = 0;
    assert_ok(wr_store_run_get(st, "", add_run, &run, &err));
    r.status = WR_RUN_COMPLETE;
    assert_same_run(&run, 0, &r);
}

static void test_scores_put__twice_is_a_conflict(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    uint32_t id[2];
    make_wallets(st, id, 2);
    wr_run r = ct_run("r1");
    wr_score s = {.wallet_id = id[0], .score = 0.5, .base = 0.5};
    assert_ok(ct_scores_put(st, &r, &s, 1, &err));
    s.score = 0.9;
    r.scored = 77;
    assert_err_says(WR_ECONFLICT, "run r1 already has scores",
                    ct_scores_put(st, &r, &s, 1, &err));
    static scores got;
    static runs run;
    got.n = run.n = 0;
    wr_score_query q = query("r1", 10);
    assert_ok(wr_store_scores_top(st, &q, add_score, &got, &err));
    assert_int_equal(got.n, 1);
    assert_true(got.score[0].score < 0.6);
    assert_ok(wr_store_run_get(st, "r1", add_run, &run, &err));
    assert_int_equal(run.run[0].scored, 0); /* the record was not touched either */
}

/* The second of three rows. */
static wr_status fail_at_second(void *ctx, size_t i, wr_score *row, wr_err *err)
{
    const uint32_t *id = ctx;
    if (i == 1)
        return wr_fail(err, WR_ELIMIT, "no second row");
    *row = (wr_score){.wallet_id = id[i], .score = 0.5, .base = 0.5};
    return WR_OK;
}

static void test_scores_put__a_row_fails(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    uint32_t id[3];
    static scores got;
    got.n = 0;
    make_wallets(st, id, 3);
    wr_run r = ct_run("r1");
    assert_err_says(WR_ELIMIT, "no second row",
                    wr_store_scores_put(st, &r, 3, fail_at_second, id, &err));
    wr_score_query q = query("r1", 10);
    assert_err(WR_ENOTFOUND, wr_store_scores_top(st, &q, add_score, &got, &err));
    assert_int_equal(got.n, 0);
    const wr_score s = {.wallet_id = id[0], .score = 0.5, .base = 0.5};
    assert_ok(ct_scores_put(st, &r, &s, 1, &err));
    assert_ok(wr_store_scores_top(st, &q, add_score, &got, &err));
    assert_int_equal(got.n, 1);
}

static void test_scores_put__none(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static scores got;
    got.n = 0;
    wr_run r = ct_run("r1");
    assert_ok(ct_scores_put(st, &r, NULL, 0, &err));
    wr_score_query q = query("", 10);
    assert_ok(wr_store_scores_top(st, &q, add_score, &got, &err));
    assert_int_equal(got.n, 0);
}

static void test_scores__unknown_run_or_wallet(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static scores got;
    got.n = 0;
    uint32_t id[2];
    make_wallets(st, id, 2);
    wr_score_query q = query("", 10);
    const wr_chain *c = ct_chain(NULL);
    assert_err(WR_ENOTFOUND, wr_store_scores_top(st, &q, add_score, &got, &err));
    q.run_id = "nope";
    assert_err_says(WR_ENOTFOUND, "'nope'",
                    wr_store_scores_top(st, &q, add_score, &got, &err));
    assert_err(WR_ENOTFOUND,
               wr_store_score_get(st, "", c, WR_TEXT_LIT("w0"), add_score, &got, &err));
    wr_run r = ct_run("r1");
    wr_score s = {.wallet_id = id[0], .score = 0.5, .base = 0.5};
    assert_ok(ct_scores_put(st, &r, &s, 1, &err));
    assert_err_says(
        WR_ENOTFOUND, "opaque:test:w1",
        wr_store_score_get(st, "r1", c, WR_TEXT_LIT("w1"), add_score, &got, &err));
    assert_err(WR_ENOTFOUND,
               wr_store_score_get(st, "r1", c, WR_TEXT_LIT("zz"), add_score, &got, &err));
    assert_int_equal(got.n, 0);
    assert_ok(wr_store_score_get(st, "", c, WR_TEXT_LIT("w0"), add_score, &got, &err));
    assert_int_equal(got.n, 1);
}

enum { WALLETS = 60 };

/* Many equal scores, so that pages end inside of them. */
static void publish_sixty(wr_store *st, uint32_t id[WALLETS], wr_score s[WALLETS])
{
    make_wallets(st, id, WALLETS);
    for (unsigned i = 0; i < WALLETS; i++)
        s[i] = (wr_score){.wallet_id = id[(i * 7) % WALLETS],
                          .level = (uint8_t)(i % WR_LEVEL_COUNT),
                          .category = (int8_t)((int)(i % 5) - 1),
                          .is_labelled = i % 3 == 0,
                          .score = (double)(i % 4) / 3.0,
                          .base = 0};
    wr_run r = ct_run("r1");
    assert_ok(ct_scores_put(st, &r, s, WALLETS, &err));
}

static bool comes_before(const wr_score *a, const wr_score *b)
{
    if (a->score > b->score || a->score < b->score)
        return a->score > b->score;
    return a->wallet_id < b->wallet_id;
}

static void test_scores_top__order_is_stable_over_pages(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static scores all;
    static scores paged;
    uint32_t id[WALLETS];
    wr_score s[WALLETS];
    publish_sixty(st, id, s);
    all.n = 0;
    wr_score_query q = query("r1", ROWS);
    assert_ok(wr_store_scores_top(st, &q, add_score, &all, &err));
    assert_int_equal(all.n, WALLETS);
    for (size_t i = 1; i < all.n; i++)
        assert_true(comes_before(&all.score[i - 1], &all.score[i]));
    for (uint32_t size = 1; size <= 64; size = size * 2 + 1) {
        q = query("r1", size);
        paged.n = 0;
        for (size_t before = SIZE_MAX; before != paged.n;) {
            before = paged.n;
            assert_ok(wr_store_scores_top(st, &q, add_score, &paged, &err));
            q.after_score = paged.score[paged.n - 1].score;
            q.after_wallet_id = paged.score[paged.n - 1].wallet_id;
        }
        assert_int_equal(paged.n, WALLETS);
        for (size_t i = 0; i < WALLETS; i++)
            assert_int_equal(paged.score[i].wallet_id, all.score[i].wallet_id);
    }
    q = query("r1", 0);
    paged.n = 0;
    assert_ok(wr_store_scores_top(st, &q, add_score, &paged, &err));
    assert_int_equal(paged.n, 0);
}

static bool is_wanted(const wr_score *s, const wr_score_query *q)
{
    return s->score >= q->min_score && (q->level < 0 || q->level == s->level) &&
           (q->category < 0 || q->category == s->category) &&
           !(q->is_labelled_left_out && s->is_labelled);
}

static void test_scores_top__filters(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static scores got;
    uint32_t id[WALLETS];
    wr_score s[WALLETS];
    publish_sixty(st, id, s);
    for (int bits = 0; bits < 16; bits++) {
        wr_score_query q = query("r1", ROWS);
        q.min_score = bits & 1 ? 1.0 / 3.0 : 0; /* the bound itself is in */
        q.level = bits & 2 ? WR_LEVEL_HIGH : -1;
        q.category = bits & 4 ? 3 : -1;
        q.is_labelled_left_out = bits & 8;
        got.n = 0;
        assert_ok(wr_store_scores_top(st, &q, add_score, &got, &err));
        size_t want = 0;
        for (size_t i = 0; i < WALLETS; i++)
            want += is_wanted(&s[i], &q);
        assert_int_equal(got.n, want);
        for (size_t i = 0; i < got.n; i++)
            assert_true(is_wanted(&got.score[i], &q));
    }
}

static void test_scores_top__of_the_run_asked_for(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    static scores got;
    uint32_t id[3];
    make_wallets(st, id, 3);
    for (unsigned i = 1; i <= 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "r%u", i);
        wr_run r = ct_run(name);
        wr_score s = {.wallet_id = id[i - 1], .score = 0.1 * i, .base = 0};
        assert_ok(ct_scores_put(st, &r, &s, 1, &err));
    }
    wr_score_query q = query("r2", 10);
    got.n = 0;
    assert_ok(wr_store_scores_top(st, &q, add_score, &got, &err));
    assert_int_equal(got.n, 1);
    assert_string_equal(got.address[0], "w1");
    q.run_id = "";
    got.n = 0;
    assert_ok(wr_store_scores_top(st, &q, add_score, &got, &err));
    assert_int_equal(got.n, 1);
    assert_string_equal(got.address[0], "w2");
}

int contract_run(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_run__comes_back_and_is_replaced),
        wr_unit_test(test_run_get__unknown),
        wr_unit_test(test_run_get__newest_complete_scoring_run),
        wr_unit_test(test_run_list__newest_first_in_pages),
        wr_unit_test(test_scores_put__one_comes_back),
        wr_unit_test(test_scores_put__twice_is_a_conflict),
        wr_unit_test(test_scores_put__a_row_fails),
        wr_unit_test(test_scores_put__none),
        wr_unit_test(test_scores__unknown_run_or_wallet),
        wr_unit_test(test_scores_top__order_is_stable_over_pages),
        wr_unit_test(test_scores_top__filters),
        wr_unit_test(test_scores_top__of_the_run_asked_for),
    };
    return cmocka_run_group_tests_name("run", any, NULL, NULL);
}
