/* Among look-alikes: both sides are there, only one is told, and they look alike. */
#include "wr_test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/simulate.h"

enum {
    WALLETS_CAP = 1 << 16, /* twice what any world here has */
    INCIDENTS_MAX = 256,
    ROLES_MAX = 64,
    QUARTER_S = 21600
};

typedef struct wallet {
    wr_sim_wallet w; /* 0 = free */
    uint64_t has;
    uint32_t roles, in, out, in_service, out_service;
    bool is_in_background, is_begun_by_exchange, is_infrastructure;
} wallet;

typedef struct incident {
    wr_sim_typology typology;
    uint32_t roles, payments;
    wr_sim_wallet wallet[ROLES_MAX];
    bool is_seen[ROLES_MAX];
    bool has_public_source;
} incident;

typedef struct world {
    const wr_sim_opts *o;
    wallet wallet[WALLETS_CAP];
    incident incident[INCIDENTS_MAX + 1];
    uint64_t payments, wrong, night[WR_SIM_BROKER + 1], moves[WR_SIM_BROKER + 1];
    uint64_t public_roles, infrastructure_roles;
    int64_t last_s;
    uint64_t hash;
} world;

static uint64_t mix(uint64_t hash, uint64_t v)
{
    return ((hash ^ v) * UINT64_C(0x9E3779B97F4A7C15)) ^ (hash >> 29);
}

static wallet *at(world *x, wr_sim_wallet w)
{
    uint64_t i = (w * 0x9E3779B97F4A7C15ULL) >> 48;
    while (x->wallet[i % WALLETS_CAP].w && x->wallet[i % WALLETS_CAP].w != w)
        i++;
    x->wallet[i % WALLETS_CAP].w = w;
    return &x->wallet[i % WALLETS_CAP];
}

static bool is_cast(wr_sim_wallet w)
{
    return wr_sim_class_of(w) == WR_SIM_CRIME || wr_sim_class_of(w) == WR_SIM_PERSON;
}

/* The payment has an end in the incident's roles, and no criminal who is not in them. */
static void meet_roles(world *x, const wr_sim_payment *p)
{
    incident *in = &x->incident[p->incident];
    bool is_from = false;
    bool is_to = false;
    for (uint32_t i = 0; i < in->roles; i++) {
        is_from = is_from || in->wallet[i] == p->from;
        is_to = is_to || in->wallet[i] == p->to;
        in->is_seen[i] =
            in->is_seen[i] || in->wallet[i] == p->from || in->wallet[i] == p->to;
    }
    in->payments++;
    x->wrong += !is_from && !is_to;
    x->wrong += wr_sim_class_of(p->from) == WR_SIM_CRIME && !is_from;
    x->wrong += wr_sim_class_of(p->to) == WR_SIM_CRIME && !is_to;
    x->wrong += wr_sim_class_of(p->from) == WR_SIM_PERSON ||
                wr_sim_class_of(p->to) == WR_SIM_PERSON;
}

static void move_money(world *x, const wr_sim_payment *p)
{
    wallet *from = at(x, p->from);
    wallet *to = at(x, p->to);
    from->is_in_background = from->is_in_background || !p->incident;
    to->is_in_background = to->is_in_background || !p->incident;
    if (is_cast(p->from)) {
        x->wrong += from->has < p->amount + p->change;
        from->has -= p->amount;
        x->wrong += p->change && (p->change != from->has || p->change_to != p->from);
    }
    to->has += p->amount;
    to->is_begun_by_exchange = to->in + to->out
                                   ? to->is_begun_by_exchange
                                   : wr_sim_class_of(p->from) == WR_SIM_SERVICE;
    from->out++;
    to->in++;
    from->out_service += wr_sim_class_of(p->to) == WR_SIM_SERVICE;
    to->in_service += wr_sim_class_of(p->from) == WR_SIM_SERVICE;
}

static wr_status take_payment(void *ctx, const wr_sim_payment *p, wr_err *err)
{
    (void)err;
    world *x = ctx;
    const wr_sim_class side = is_cast(p->from) ? wr_sim_class_of(p->from)
                              : is_cast(p->to) ? wr_sim_class_of(p->to)
                                               : WR_SIM_USER;
    x->wrong += p->number != x->payments++ || p->time_s < x->last_s || p->amount == 0 ||
                p->from == p->to || !p->from || !p->to;
    x->wrong += (p->change != 0) != (p->change_to != 0) || (p->change && !x->o->is_utxo);
    x->last_s = p->time_s;
    x->moves[side]++;
    x->night[side] += (p->time_s - x->o->start_s) % 86400 < QUARTER_S;
    move_money(x, p);
    if (p->incident)
        meet_roles(x, p);
    const uint64_t words[] = {(uint64_t)p->time_s, p->from,   p->to,      p->change_to,
                              p->amount,           p->change, p->incident};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        x->hash = mix(x->hash, words[i]);
    return WR_OK;
}

static wr_status take_role(void *ctx, const wr_sim_role *r, wr_err *err)
{
    (void)err;
    world *x = ctx;
    incident *in = &x->incident[r->incident];
    const bool is_broker = wr_sim_class_of(r->wallet) == WR_SIM_BROKER;
    x->wrong += is_broker != (strcmp(r->role, "infrastructure") == 0);
    x->wrong += !is_broker && wr_sim_class_of(r->wallet) != WR_SIM_CRIME;
    x->wrong += r->is_public && (is_broker || strcmp(r->role, "source") != 0);
    x->wrong += r->time_s < x->last_s;
    in->typology = r->typology;
    in->has_public_source = in->has_public_source || r->is_public;
    in->wallet[in->roles++] = r->wallet;
    at(x, r->wallet)->roles++;
    at(x, r->wallet)->is_infrastructure = is_broker;
    x->public_roles += r->is_public;
    x->infrastructure_roles += is_broker;
    return WR_OK;
}

static world *make(const wr_sim_opts *o)
{
    world *x = wr_calloc(1, sizeof *x);
    assert_non_null(x);
    x->o = o;
    x->last_s = o->start_s;
    const wr_sim_sink sink = {.payment = take_payment, .role = take_role, .ctx = x};
    assert_ok(wr_simulate(o, &sink, &err));
    return x;
}

static wr_sim_opts small_world(uint64_t seed, uint32_t percent)
{
    wr_sim_opts o = WR_SIM_OPTS_INIT;
    o.seed = seed;
    o.incidents = 14;
    o.lookalike_percent = percent;
    o.payments = 14 * (100 + (uint64_t)percent) / 100 * WR_SIM_STEPS_MAX + 2000;
    o.pool = 200;
    o.is_utxo = seed % 2;
    return o;
}

/* How many programs of that side the wallets of it come from. */
static uint64_t count_programs(const world *x, wr_sim_class side)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < WALLETS_CAP; i++)
        if (x->wallet[i].w && wr_sim_class_of(x->wallet[i].w) == side) {
            const uint64_t number = (x->wallet[i].w & ((UINT64_C(1) << 56) - 1)) >> 8;
            last = number > last ? number : last;
        }
    return last; /* they are numbered from 1; check_world sees that none is without */
}

static void check_incidents(const world *x)
{
    for (uint64_t k = 1; k <= x->o->incidents; k++) {
        const incident *in = &x->incident[k];
        assert_int_equal(in->typology, (k - 1) % WR_SIM_TYPOLOGY_COUNT);
        assert_in_range(in->payments, 5, WR_SIM_STEPS_MAX);
        for (uint32_t i = 0; i < in->roles; i++)
            if (!in->is_seen[i])
                fail_msg("seed %" PRIu64 ": wallet %" PRIu32 " of incident %" PRIu64
                         " (%s) is in no payment of it",
                         x->o->seed, i, k, wr_sim_typology_name(in->typology));
    }
    assert_int_equal(x->incident[x->o->incidents + 1].roles, 0);
}

static void check_world(const wr_sim_opts *o)
{
    WR_AUTO_ARRAY world *x = make(o);
    assert_int_equal(x->payments, o->payments);
    assert_int_equal(x->wrong, 0);
    assert_true(x->last_s < o->start_s + o->span_s);
    check_incidents(x);
    assert_int_equal(count_programs(x, WR_SIM_CRIME), o->incidents);
    assert_int_equal(count_programs(x, WR_SIM_PERSON),
                     o->incidents * o->lookalike_percent / 100);
    for (uint32_t i = 0; i < WALLETS_CAP; i++) {
        const wallet *w = &x->wallet[i];
        if (w->w && wr_sim_class_of(w->w) == WR_SIM_CRIME)
            assert_int_equal(w->roles, 1);
        if (w->w && wr_sim_class_of(w->w) == WR_SIM_PERSON)
            assert_int_equal(w->roles, 0);
        if (w->is_infrastructure || (w->w && wr_sim_class_of(w->w) == WR_SIM_CRIME))
            assert_false(w->is_in_background);
    }
}

static void test_lookalikes__both_sides_are_planted_and_one_is_told(void **state)
{
    (void)state;
    static const uint32_t percent[] = {10, 100, 400};
    for (uint64_t seed = 0; seed < 30; seed++) {
        const wr_sim_opts o = small_world(seed, percent[seed % 3]);
        check_world(&o);
    }
}

static void test_lookalikes__limits(void **state)
{
    (void)state;
    static const struct {
        uint64_t payments, incidents;
        uint32_t percent, pool;
        int64_t span_s;
    } list[] = {
        {1, 0, 400, 16, 1},           {640, 1, 400, 16, 1},
        {4480, 7, 400, 16, 86400},    {25600, 100, 100, 64, 60},
        {12928, 1, 10000, 16, 36000}, {20000, 3, 10, 4096, 315360000},
    };
    for (size_t i = 0; i < 2 * (sizeof list / sizeof *list); i++) {
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        o.seed = i;
        o.payments = list[i / 2].payments;
        o.incidents = list[i / 2].incidents;
        o.lookalike_percent = list[i / 2].percent;
        o.pool = list[i / 2].pool;
        o.span_s = list[i / 2].span_s;
        o.is_utxo = i % 2;
        check_world(&o);
    }
}

/* Infrastructure serves several incidents; desks exist and are never told. */
static void test_lookalikes__launderers_are_shared(void **state)
{
    (void)state;
    const wr_sim_opts o = {.seed = 3,
                           .payments = 30000,
                           .incidents = 40,
                           .lookalike_percent = 300,
                           .pool = 500,
                           .start_s = 1735689600,
                           .span_s = INT64_C(60) * 86400};
    WR_AUTO_ARRAY world *x = make(&o);
    uint64_t infrastructure = 0;
    uint64_t desks = 0;
    uint32_t most = 0;
    for (uint32_t i = 0; i < WALLETS_CAP; i++) {
        const wallet *w = &x->wallet[i];
        if (!w->w || wr_sim_class_of(w->w) != WR_SIM_BROKER)
            continue;
        infrastructure += w->is_infrastructure;
        desks += !w->is_infrastructure;
        most = w->roles > most ? w->roles : most;
    }
    assert_true(infrastructure >= 8 && desks >= 8);
    assert_true(x->infrastructure_roles >= 2 * infrastructure);
    assert_in_range(most, 4, o.incidents - 1); /* and others come after them */
}

static void test_lookalikes__public_percent_is_kept(void **state)
{
    (void)state;
    for (uint32_t percent = 0; percent <= 100; percent += 100) {
        wr_sim_opts o = small_world(5, 200);
        o.public_percent = percent;
        WR_AUTO_ARRAY world *x = make(&o);
        assert_int_equal(x->public_roles, percent ? o.incidents : 0);
        for (uint64_t k = 1; k <= o.incidents; k++)
            assert_int_equal(x->incident[k].has_public_source, percent == 100);
    }
}

/* --- alike -------------------------------------------------------------------------- */

typedef struct manners {
    double wallets, in, out, in_service, out_service, begun_by_exchange, night, moves;
} manners;

static void add_manners(manners *m, const world *x, wr_sim_class side)
{
    for (uint32_t i = 0; i < WALLETS_CAP; i++) {
        const wallet *w = &x->wallet[i];
        if (!w->w || wr_sim_class_of(w->w) != side)
            continue;
        m->wallets++;
        m->in += w->in;
        m->out += w->out;
        m->in_service += w->in_service;
        m->out_service += w->out_service;
        m->begun_by_exchange += w->is_begun_by_exchange;
    }
    m->night += (double)x->night[side];
    m->moves += (double)x->moves[side];
}

static void assert_near(double crime, double honest, const char *what)
{
    if (!(crime > 0.85 * honest && crime < 1.18 * honest))
        fail_msg("%s: %f of crimes, %f of look-alikes", what, crime, honest);
}

static void test_lookalikes__own_manners_hardly_tell(void **state)
{
    (void)state;
    manners crime = {0};
    manners honest = {0};
    for (uint64_t seed = 0; seed < 8; seed++) {
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        o.seed = seed;
        o.payments = 40000;
        o.incidents = 140;
        o.lookalike_percent = 100;
        WR_AUTO_ARRAY world *x = make(&o);
        add_manners(&crime, x, WR_SIM_CRIME);
        add_manners(&honest, x, WR_SIM_PERSON);
    }
    assert_near(crime.wallets, honest.wallets, "wallets");
    assert_near(crime.in / crime.wallets, honest.in / honest.wallets, "receipts");
    assert_near(crime.out / crime.wallets, honest.out / honest.wallets, "payments");
    assert_near(crime.in_service / crime.in, honest.in_service / honest.in,
                "receipts from services");
    assert_near(crime.out_service / crime.out, honest.out_service / honest.out,
                "payments to services");
    assert_near(crime.begun_by_exchange / crime.wallets,
                honest.begun_by_exchange / honest.wallets, "begun by a service");
    assert_near(crime.night / crime.moves, honest.night / honest.moves, "at night");
    assert_true(crime.night / crime.moves < 0.15); /* an even day would have 0.25 */
}

/* --- bytes, errors ------------------------------------------------------------------ */

static bool is_same(wr_sim_opts a, wr_sim_opts b)
{
    WR_AUTO_ARRAY world *x = make(&a);
    WR_AUTO_ARRAY world *y = make(&b);
    return x->hash == y->hash;
}

static void test_lookalikes__same_options_same_payments(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        const wr_sim_opts o = small_world(seed, 150);
        wr_sim_opts other = o;
        assert_true(is_same(o, o));
        other.seed += 2;
        assert_false(is_same(o, other));
        other = o;
        other.lookalike_percent = 100;
        assert_false(is_same(o, other));
        other = o;
        other.lookalike_percent = 0;
        assert_false(is_same(o, other));
    }
}

static wr_status only_hash(void *ctx, const wr_sim_payment *p, wr_err *err)
{
    (void)err;
    uint64_t *hash = ctx;
    *hash = mix(*hash, p->from ^ p->to ^ p->amount ^ p->incident);
    return WR_OK;
}

static wr_status pass_role(void *ctx, const wr_sim_role *r, wr_err *err)
{
    (void)ctx;
    (void)r;
    (void)err;
    return WR_OK;
}

static wr_status pass_customer(void *ctx, const wr_sim_customer *c, wr_err *err)
{
    (void)ctx;
    (void)c;
    (void)err;
    return WR_OK;
}

/* Who asks for truth and customers as well gets the same payments. */
static void test_lookalikes__only_payments_and_out_of_memory(void **state)
{
    (void)state;
    uint64_t alone = 0;
    uint64_t with_all = 0;
    const wr_sim_opts o = small_world(4, 100);
    wr_sim_sink sink = {.payment = only_hash, .ctx = &alone};
    assert_ok(wr_simulate(&o, &sink, &err));
    sink = (wr_sim_sink){.payment = only_hash,
                         .role = pass_role,
                         .customer = pass_customer,
                         .ctx = &with_all};
    assert_ok(wr_simulate(&o, &sink, &err));
    assert_true(alone == with_all && alone != 0);
    assert_oom_safe(wr_simulate(&o, &sink, &err));
}

/* What `simulate` made before there were look-alikes: data/sample and tests hang on it.
 */
static void test_lookalikes__none_keeps_the_bytes_of_before(void **state)
{
    (void)state;
    static const uint64_t want[2] = {0xb83420f372fde9b4, 0xab34300fa82c0617};
    for (uint64_t k = 0; k < 2; k++) {
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        o.payments = 20000;
        o.incidents = 70;
        o.is_utxo = k;
        WR_AUTO_ARRAY world *x = make(&o);
        if (x->hash != want[k])
            fail_msg("utxo %" PRIu64 ": %#" PRIx64, k, x->hash);
    }
}

static void test_lookalikes__option_errors(void **state)
{
    (void)state;
    static const struct {
        uint64_t payments, incidents;
        uint32_t percent;
        const char *message;
    } bad[] = {
        {100000, 1, 10001, "lookalike_percent 10001 is outside 0..10000"},
        {639, 1, 400,
         "1 incidents with 400 % look-alikes do not fit 639 payments: 5 programs, at "
         "most 1 in 128"},
        {127, 1, 400, "1 incidents do not fit 127 payments: at most 1 in 128"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_sim_opts o = WR_SIM_OPTS_INIT;
        o.payments = bad[i].payments;
        o.incidents = bad[i].incidents;
        o.lookalike_percent = bad[i].percent;
        uint64_t hash = 0;
        const wr_sim_sink sink = {.payment = only_hash, .ctx = &hash};
        wr_err err = {0};
        assert_int_equal(wr_simulate(&o, &sink, &err), WR_EINVAL);
        assert_string_equal(err.msg, bad[i].message);
        assert_int_equal(hash, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_lookalikes__both_sides_are_planted_and_one_is_told),
        wr_unit_test(test_lookalikes__limits),
        wr_unit_test(test_lookalikes__launderers_are_shared),
        wr_unit_test(test_lookalikes__public_percent_is_kept),
        wr_unit_test(test_lookalikes__own_manners_hardly_tell),
        wr_unit_test(test_lookalikes__same_options_same_payments),
        wr_unit_test(test_lookalikes__only_payments_and_out_of_memory),
        wr_unit_test(test_lookalikes__none_keeps_the_bytes_of_before),
        wr_unit_test(test_lookalikes__option_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
