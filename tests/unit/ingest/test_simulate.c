#include "wr_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/simulate.h"
#include "ingest/simulate_text.h"

enum { CAST_MAX = 256, INCIDENTS_MAX = 1024 };

/* One planted incident as the stream showed it. */
typedef struct told {
    wr_sim_typology typology;
    uint32_t cast, payments;
    wr_sim_wallet wallet[CAST_MAX];
    uint32_t appears[CAST_MAX]; /* payments that the wallet is a part of */
    uint64_t has[CAST_MAX];     /* received and not yet paid on */
    bool has_public_source;
} told;

typedef struct watch {
    bool is_utxo;
    uint64_t payments, stop_after;
    int64_t last_s, first_s;
    uint64_t roles, services, customers;
    uint64_t wrong_time, wrong_number, wrong_amount, wrong_change, wrong_end, overdrawn;
    told incident[INCIDENTS_MAX + 1];
} watch;

static uint32_t cast_at(const told *t, wr_sim_wallet w)
{
    uint32_t i = 0;
    while (i < t->cast && t->wallet[i] != w)
        i++;
    return i; /* cast = not of it */
}

static void watch_incident(watch *w, const wr_sim_payment *p)
{
    told *t = &w->incident[p->incident];
    const uint32_t from = cast_at(t, p->from);
    const uint32_t to = cast_at(t, p->to);
    t->payments++;
    w->wrong_end += from == t->cast && to == t->cast;
    if (from < t->cast) {
        t->appears[from]++;
        w->overdrawn += t->has[from] < p->amount + p->change;
        t->has[from] -= p->amount;
        w->wrong_change += p->change && p->change != t->has[from];
    }
    if (to < t->cast) {
        t->appears[to]++;
        t->has[to] += p->amount;
    }
}

static wr_status take_payment(void *ctx, const wr_sim_payment *p, wr_err *err)
{
    watch *w = ctx;
    w->wrong_number += p->number != w->payments++;
    w->wrong_time += p->time_s < w->last_s;
    w->first_s = p->number ? w->first_s : p->time_s;
    w->last_s = p->time_s;
    w->wrong_amount += p->amount == 0;
    w->wrong_change +=
        (p->change != 0) != (p->change_to != 0) || (p->change && !w->is_utxo);
    w->wrong_end += p->from == 0 || p->to == 0 || p->from == p->to;
    if (p->incident)
        watch_incident(w, p);
    return w->payments == w->stop_after ? wr_fail(err, WR_EIO, "disk is full") : WR_OK;
}

static wr_status take_role(void *ctx, const wr_sim_role *r, wr_err *err)
{
    (void)err;
    watch *w = ctx;
    told *t = &w->incident[r->incident];
    w->roles++;
    t->typology = r->typology;
    t->has_public_source = t->has_public_source || r->is_public;
    t->wallet[t->cast++] = r->wallet;
    w->wrong_time += r->time_s < w->last_s;
    return WR_OK;
}

static wr_status take_service(void *ctx, const wr_sim_service *s, wr_err *err)
{
    (void)err;
    watch *w = ctx;
    w->services++;
    w->wrong_end += wr_sim_class_of(s->wallet) != WR_SIM_SERVICE || w->payments != 0;
    return WR_OK;
}

static wr_status take_customer(void *ctx, const wr_sim_customer *c, wr_err *err)
{
    (void)err;
    watch *w = ctx;
    w->customers++;
    w->wrong_end +=
        c->number != w->customers || wr_sim_class_of(c->account) != WR_SIM_USER;
    return WR_OK;
}

static wr_sim_sink sink_of(watch *w)
{
    return (wr_sim_sink){take_payment, take_role, take_service, take_customer, w};
}

static void check_world(const wr_sim_opts *o)
{
    WR_AUTO_ARRAY watch *w = wr_calloc(1, sizeof *w);
    assert_non_null(w);
    w->is_utxo = o->is_utxo;
    w->last_s = o->start_s;
    const wr_sim_sink sink = sink_of(w);
    assert_ok(wr_simulate(o, &sink, &err));
    assert_int_equal(w->payments, o->payments);
    assert_int_equal(w->wrong_number + w->wrong_time + w->wrong_amount + w->wrong_change +
                         w->wrong_end + w->overdrawn,
                     0);
    assert_int_equal(w->first_s, o->start_s);
    assert_true(w->last_s < o->start_s + o->span_s);
    assert_true(w->services > 20);
    for (uint64_t k = 1; k <= o->incidents; k++) {
        const told *t = &w->incident[k];
        assert_int_equal(t->typology, (k - 1) % WR_SIM_TYPOLOGY_COUNT);
        assert_in_range(t->payments, 5, WR_SIM_STEPS_MAX);
        for (uint32_t i = 0; i < t->cast; i++)
            if (!t->appears[i])
                fail_msg("seed %" PRIu64 ": wallet %" PRIu32 " of incident %" PRIu64
                         " (%s) is in no payment",
                         o->seed, i, k, wr_sim_typology_name(t->typology));
    }
    assert_int_equal(w->incident[o->incidents + 1].cast, 0);
}

static void test_simulate__plants_what_was_asked_for(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        o.seed = seed;
        o.payments = 4000;
        o.incidents = 14;
        o.pool = 100;
        o.is_utxo = seed % 2;
        check_world(&o);
    }
}

static void test_simulate__limits(void **state)
{
    (void)state;
    static const struct {
        uint64_t payments, incidents;
        uint32_t pool;
        int64_t span_s;
    } list[] = {
        {1, 0, 16, 1},          {128, 1, 16, 1},           {896, 7, 16, 86400},
        {128000, 1000, 64, 60}, {131072, 1024, 16, 36000}, {20000, 0, 4096, 315360000},
        {9999, 70, 17, 100},
    };
    for (size_t i = 0; i < 2 * (sizeof list / sizeof *list); i++) {
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        o.seed = i;
        o.payments = list[i / 2].payments;
        o.incidents = list[i / 2].incidents < INCIDENTS_MAX ? list[i / 2].incidents
                                                            : INCIDENTS_MAX - 1;
        o.pool = list[i / 2].pool;
        o.span_s = list[i / 2].span_s;
        o.is_utxo = i % 2;
        check_world(&o);
    }
}

static void test_simulate__public_percent_is_kept(void **state)
{
    (void)state;
    WR_AUTO_ARRAY watch *w = wr_calloc(1, sizeof *w);
    assert_non_null(w);
    for (uint32_t percent = 0; percent <= 100; percent += 100) {
        memset(w, 0, sizeof *w);
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        o.payments = 20000;
        o.incidents = 70;
        o.public_percent = percent;
        const wr_sim_sink sink = sink_of(w);
        assert_ok(wr_simulate(&o, &sink, &err));
        for (uint64_t k = 1; k <= o.incidents; k++)
            assert_int_equal(w->incident[k].has_public_source, percent == 100);
    }
}

static void test_simulate__option_errors(void **state)
{
    (void)state;
    static const struct {
        wr_sim_opts o;
        const char *message;
    } bad[] = {
        {{.payments = 0, .pool = 16, .span_s = 1}, "payments must be at least 1"},
        {{.payments = 1, .pool = 15, .span_s = 1}, "pool 15 is outside 16..16777216"},
        {{.payments = 1, .pool = 16777217, .span_s = 1},
         "pool 16777217 is outside 16..16777216"},
        {{.payments = 1, .pool = 16, .span_s = 0}, "span 0 s must be at least 1"},
        {{.payments = 1, .pool = 16, .span_s = 1, .public_percent = 101},
         "public_percent 101 is outside 0..100"},
        {{.payments = 255, .pool = 16, .span_s = 1, .incidents = 2},
         "2 incidents do not fit 255 payments: at most 1 in 128"},
    };
    WR_AUTO_ARRAY watch *w = wr_calloc(1, sizeof *w);
    assert_non_null(w);
    const wr_sim_sink sink = sink_of(w);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_err err = {0};
        assert_int_equal(wr_simulate(&bad[i].o, &sink, &err), WR_EINVAL);
        assert_string_equal(err.msg, bad[i].message);
    }
    assert_int_equal(w->payments, 0);
}

static void test_simulate__sink_error_and_stop(void **state)
{
    (void)state;
    WR_AUTO_ARRAY watch *w = wr_calloc(1, sizeof *w);
    assert_non_null(w);
    w->stop_after = 17;
    const wr_sim_sink sink = sink_of(w);
    wr_sim_opts o = WR_SIM_OPTS_INIT;
    assert_err(WR_EIO, wr_simulate(&o, &sink, &err));
    assert_int_equal(w->payments, 17);

    const atomic_bool stop = true;
    const wr_progress pg = {.stop = &stop};
    memset(w, 0, sizeof *w);
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_simulate(&o, &sink, &err));
    assert_true(w->payments < o.payments);
}

static wr_status ignore(void *ctx, const wr_sim_payment *p, wr_err *err)
{
    (void)err;
    *(uint64_t *)ctx += p->amount;
    return WR_OK;
}

static void test_simulate__only_payments_and_out_of_memory(void **state)
{
    (void)state;
    uint64_t sum = 0;
    const wr_sim_sink sink = {.payment = ignore, .ctx = &sum};
    wr_sim_opts o = WR_SIM_OPTS_INIT;
    o.payments = 1000;
    o.incidents = 7;
    assert_oom_safe(wr_simulate(&o, &sink, &err));
    assert_true(sum > 0);
}

static void test_typology_name__all_and_unknown(void **state)
{
    (void)state;
    for (int t = 0; t < WR_SIM_TYPOLOGY_COUNT; t++)
        assert_string_not_equal(wr_sim_typology_name((wr_sim_typology)t), "unknown");
    assert_string_equal(wr_sim_typology_name(WR_SIM_TYPOLOGY_COUNT), "unknown");
}

/* --- text --------------------------------------------------------------------------- */

typedef struct texts {
    char *p[4]; /* transfers, truth, labels, customers; free() */
    size_t len[4];
} texts;

static void make_texts(texts *t, const wr_sim_opts *o, bool is_all)
{
    const wr_chain *chain = NULL;
    wr_sim_files f = {.seed = o->seed, .is_utxo = o->is_utxo};
    FILE **to[] = {&f.transfers, &f.truth, &f.labels, &f.customers};
    assert_ok(
        wr_chain_find(&chain, wr_text_of(o->is_utxo ? "BTC" : "eip155:1337"), &err));
    f.chain = chain;
    *t = (texts){0};
    for (int i = 0; i < (is_all ? 4 : 1); i++) {
        *to[i] = open_memstream(&t->p[i], &t->len[i]);
        assert_non_null(*to[i]);
    }
    assert_ok(wr_sim_files_begin(&f, &err));
    const wr_sim_sink sink = wr_sim_files_sink(&f);
    assert_ok(wr_simulate(o, &sink, &err));
    assert_ok(wr_sim_files_end(&f, &err));
    for (int i = 0; i < (is_all ? 4 : 1); i++)
        assert_int_equal(fclose(*to[i]), 0);
}

static void free_texts(texts *t)
{
    for (int i = 0; i < 4; i++)
        free(t->p[i]); /* open_memstream's own */
}

static bool is_same(const texts *a, const texts *b, int i)
{
    return a->len[i] == b->len[i] && memcmp(a->p[i], b->p[i], a->len[i]) == 0;
}

static void test_text__same_seed_same_bytes(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        texts a;
        texts b;
        texts other;
        texts alone;
        o.payments = 5000;
        o.incidents = 14;
        o.is_utxo = k;
        make_texts(&a, &o, true);
        make_texts(&b, &o, true);
        make_texts(&alone, &o, false);
        o.seed = 2;
        make_texts(&other, &o, true);
        for (int i = 0; i < 4; i++) {
            assert_true(a.len[i] > 100);
            assert_true(is_same(&a, &b, i));
            assert_false(is_same(&a, &other, i));
        }
        assert_true(is_same(&a, &alone, 0)); /* asking for more changes no transfer */
        free_texts(&a);
        free_texts(&b);
        free_texts(&other);
        free_texts(&alone);
    }
}

static void test_text__full_disk_is_told(void **state)
{
    (void)state;
    wr_sim_files f = {.seed = 1, .transfers = fopen("/dev/full", "wb")};
    assert_non_null(f.transfers);
    assert_ok(wr_chain_find(&f.chain, WR_TEXT_LIT("eip155:1337"), &err));
    wr_sim_opts o = WR_SIM_OPTS_INIT;
    const wr_sim_sink sink = wr_sim_files_sink(&f);
    assert_err(WR_EIO, wr_simulate(&o, &sink, &err));
    assert_err(WR_EIO, wr_sim_files_end(&f, &err));
    (void)fclose(f.transfers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_simulate__plants_what_was_asked_for),
        wr_unit_test(test_simulate__limits),
        wr_unit_test(test_simulate__public_percent_is_kept),
        wr_unit_test(test_simulate__option_errors),
        wr_unit_test(test_simulate__sink_error_and_stop),
        wr_unit_test(test_simulate__only_payments_and_out_of_memory),
        wr_unit_test(test_typology_name__all_and_unknown),
        wr_unit_test(test_text__same_seed_same_bytes),
        wr_unit_test(test_text__full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
