#include "ingest/simulate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ingest/simulate_int.h"

static const char *const typology_name[] = {
    "theft", "fan_in", "fan_out", "scatter_gather", "cycle", "peel_chain", "mixer_use"};
_Static_assert(sizeof typology_name / sizeof *typology_name == WR_SIM_TYPOLOGY_COUNT,
               "every typology has a name");

const char *wr_sim_typology_name(wr_sim_typology t)
{
    return (unsigned)t < WR_SIM_TYPOLOGY_COUNT ? typology_name[t] : "unknown";
}

uint64_t sim_sum(wr_rng *r, uint64_t typical)
{
    uint64_t octave = 0; /* sum of four dice: a bell around 5 in 0..10 */
    octave +=
        wr_rng_below(r, 3) + wr_rng_below(r, 3) + wr_rng_below(r, 4) + wr_rng_below(r, 4);
    uint64_t units = typical * UINT64_C(1000000) >> 4;
    units <<= octave > 10 ? 10 : octave;
    return units / 2 + wr_rng_below(r, units) + 1;
}

int64_t sim_clock(const wr_sim_opts *o, int64_t time_s)
{
    enum { DAY = 86400, NIGHT = DAY / 4, NIGHT_PART = DAY / 10 }; /* a tenth of all */
    if (!o->lookalike_percent)
        return time_s;
    const int64_t last_s = o->start_s + o->span_s - 1;
    const int64_t since_s = (time_s - o->start_s) % DAY;
    const int64_t shown_s =
        since_s < NIGHT_PART
            ? since_s * NIGHT / NIGHT_PART
            : NIGHT + (since_s - NIGHT_PART) * (DAY - NIGHT) / (DAY - NIGHT_PART);
    const int64_t at_s = time_s - since_s + shown_s;
    return at_s < last_s ? at_s : last_s;
}

uint64_t sim_programs(const wr_sim_opts *o)
{
    return o->incidents + o->incidents * o->lookalike_percent / 100;
}

wr_status sim_emit(sim_world *w, wr_sim_payment *p, wr_err *err)
{
    p->number = w->payments++;
    p->time_s = sim_clock(w->o, p->time_s);
    if (w->payments % 65536 == 0)
        WR_TRY(wr_progress_at(w->o->pg, "simulate", w->payments, w->o->payments, err));
    return w->sink->payment(w->sink->ctx, p, err);
}

/* --- services --------------------------------------------------------------------------
 */

static wr_status open_services(sim_world *w, wr_err *err)
{
    static const struct {
        const char *category, *name;
        uint32_t count;
    } kind[] = {{"exchange", "Exchange", 12}, {"defi", "Dex", 4},
                {"bridge", "Bridge", 1},      {"mining", "Miner", 2},
                {"service", "Shop", 5},       {"gambling", "Casino", 2},
                {"mixer", "Mixer", 2}};
    uint32_t n = 0;
    for (size_t k = 0; k < sizeof kind / sizeof *kind; k++)
        for (uint32_t i = 0; i < kind[k].count; i++) {
            wr_sim_service *s = &w->service[n];
            s->wallet = sim_wallet(WR_SIM_SERVICE, n++);
            s->category = kind[k].category;
            (void)snprintf(s->name, sizeof s->name, "%s %" PRIu32, kind[k].name, i + 1);
            if (w->sink->service)
                WR_TRY(w->sink->service(w->sink->ctx, s, err));
        }
    return WR_OK;
}

wr_sim_wallet sim_service_of(sim_world *w, const char *category)
{
    uint32_t first = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < SIM_SERVICES; i++)
        if (strcmp(w->service[i].category, category) == 0) {
            first = count ? first : i;
            count++;
        }
    return w->service[first + wr_rng_below(&w->rng, count ? count : 1)].wallet;
}

/* --- users -----------------------------------------------------------------------------
 */

static wr_status be_born(sim_world *w, sim_user *u, int64_t now_s, wr_err *err)
{
    enum { CUSTOMERS_PERCENT = 25 };
    u->wallet = sim_wallet(WR_SIM_USER, w->users_born++);
    u->balance = 0;
    for (int i = 0; i < SIM_FRIENDS; i++)
        u->friends[i] = (uint32_t)wr_rng_below(&w->rng, w->o->pool);
    if (wr_rng_below(&w->rng, 100) >= CUSTOMERS_PERCENT || !w->sink->customer)
        return WR_OK;
    const wr_sim_customer c = {++w->customers, u->wallet, sim_clock(w->o, now_s)};
    return w->sink->customer(w->sink->ctx, &c, err);
}

sim_user *sim_any_user(sim_world *w)
{
    const uint64_t a = wr_rng_below(&w->rng, w->o->pool);
    const uint64_t b = wr_rng_below(&w->rng, w->o->pool);
    return &w->user[a < b ? a : b];
}

static sim_user *partner_of(sim_world *w, const sim_user *u)
{
    enum { FRIENDS_PERCENT = 70 };
    if (wr_rng_below(&w->rng, 100) < FRIENDS_PERCENT)
        return &w->user[u->friends[wr_rng_below(&w->rng, SIM_FRIENDS)]];
    return sim_any_user(w);
}

/* The payer's side: the whole coin goes in; a user takes a fresh address for the change.
 */
static wr_sim_payment pay_from_user(sim_world *w, sim_user *u, wr_sim_wallet to,
                                    uint64_t amount, int64_t now_s)
{
    wr_sim_payment p = {.time_s = now_s, .from = u->wallet, .to = to, .amount = amount};
    u->balance -= amount;
    if (w->o->is_utxo && u->balance) {
        u->wallet = sim_wallet(WR_SIM_USER, w->users_born++);
        p.change_to = u->wallet;
        p.change = u->balance;
    }
    return p;
}

static wr_status fund(sim_world *w, sim_user *u, const char *category, uint64_t typical,
                      int64_t now_s, wr_err *err)
{
    wr_sim_payment p = {.time_s = now_s,
                        .from = sim_service_of(w, category),
                        .to = u->wallet,
                        .amount = sim_sum(&w->rng, typical)};
    u->balance += p.amount;
    return sim_emit(w, &p, err);
}

static wr_status spend(sim_world *w, sim_user *u, wr_sim_wallet to, sim_user *payee,
                       uint32_t percent_max, int64_t now_s, wr_err *err)
{
    const uint64_t percent = 1 + wr_rng_below(&w->rng, percent_max);
    uint64_t amount = u->balance / 100 * percent;
    amount = amount ? amount : u->balance;
    wr_sim_payment p = pay_from_user(w, u, to, amount, now_s);
    if (payee)
        payee->balance += amount;
    return sim_emit(w, &p, err);
}

static const char *service_category(wr_rng *r)
{
    static const char *const use[] = {"defi",    "defi",   "service", "service",
                                      "service", "bridge", "gambling"};
    return use[wr_rng_below(r, sizeof use / sizeof *use)];
}

static wr_status background(sim_world *w, int64_t now_s, wr_err *err)
{
    enum { TYPICAL = 400, POOR = 2000000 };
    sim_user *u = sim_any_user(w);
    const uint64_t dice = wr_rng_below(&w->rng, 1000);
    if (u->balance < POOR || dice < 160)
        return fund(w, u, "exchange", TYPICAL, now_s, err);
    if (dice < 180)
        return fund(w, u, "mining", TYPICAL / 4, now_s, err);
    if (dice < 220)
        return fund(w, u, service_category(&w->rng), TYPICAL / 2, now_s, err);
    if (dice < 380)
        return spend(w, u, sim_service_of(w, "exchange"), NULL, 100, now_s, err);
    if (dice < 480)
        return spend(w, u, sim_service_of(w, service_category(&w->rng)), NULL, 40, now_s,
                     err);
    if (dice < 484) /* honest people value privacy as well */
        return spend(w, u, sim_service_of(w, "mixer"), NULL, 60, now_s, err);
    if (dice < 520) { /* leaves with everything; somebody new takes the place */
        const wr_sim_wallet to = sim_service_of(w, "exchange");
        wr_sim_payment p = pay_from_user(w, u, to, u->balance, now_s);
        WR_TRY(sim_emit(w, &p, err));
        return be_born(w, u, now_s, err);
    }
    sim_user *payee = partner_of(w, u);
    if (payee == u)
        return fund(w, u, "exchange", TYPICAL, now_s, err);
    return spend(w, u, payee->wallet, payee, 50, now_s, err);
}

/* --- the run ---------------------------------------------------------------------------
 */

static wr_status check(const wr_sim_opts *o, wr_err *err)
{
    enum { LOOKALIKE_MAX = 10000 };
    if (o->payments < 1)
        return wr_fail(err, WR_EINVAL, "payments must be at least 1");
    if (o->pool < 16 || o->pool > 1u << 24)
        return wr_fail(err, WR_EINVAL, "pool %" PRIu32 " is outside 16..%u", o->pool,
                       1u << 24);
    if (o->span_s < 1)
        return wr_fail(err, WR_EINVAL, "span %" PRId64 " s must be at least 1",
                       o->span_s);
    if (o->public_percent > 100)
        return wr_fail(err, WR_EINVAL, "public_percent %" PRIu32 " is outside 0..100",
                       o->public_percent);
    if (o->incidents > o->payments / WR_SIM_STEPS_MAX)
        return wr_fail(err, WR_EINVAL,
                       "%" PRIu64 " incidents do not fit %" PRIu64
                       " payments: at most 1 in %d",
                       o->incidents, o->payments, (int)WR_SIM_STEPS_MAX);
    if (o->lookalike_percent > LOOKALIKE_MAX)
        return wr_fail(err, WR_EINVAL, "lookalike_percent %" PRIu32 " is outside 0..%d",
                       o->lookalike_percent, (int)LOOKALIKE_MAX);
    if (sim_programs(o) > o->payments / WR_SIM_STEPS_MAX)
        return wr_fail(err, WR_EINVAL,
                       "%" PRIu64 " incidents with %" PRIu32
                       " %% look-alikes do not fit %" PRIu64 " payments: %" PRIu64
                       " programs, at most 1 in %d",
                       o->incidents, o->lookalike_percent, o->payments, sim_programs(o),
                       (int)WR_SIM_STEPS_MAX);
    return WR_OK;
}

/* When program k (0..) begins: the span in equal parts, the last tenth left for them to
 * end.  Among look-alikes only what three programs in a hundred last: a world whose last
 * tenth has no new wallets but those of users would tell the time. */
static int64_t start_time(const sim_world *w, uint64_t k)
{
    const double part = w->o->lookalike_percent ? 0.97 : 0.9;
    const double at = part * ((double)k + 0.5) / (double)w->programs;
    return w->o->start_s + (int64_t)((double)w->o->span_s * at);
}

/* Incidents whose time has come, or for which there is only just enough room left. */
static wr_status start_due(sim_world *w, int64_t now_s, wr_err *err)
{
    const wr_sim_opts *o = w->o;
    while (w->programs_started < w->programs && w->running < SIM_ACTIVE_MAX) {
        const uint64_t waiting = w->programs - w->programs_started;
        const uint64_t needed = w->steps_left + waiting * WR_SIM_STEPS_MAX;
        if (start_time(w, w->programs_started) > now_s &&
            o->payments - w->payments > needed)
            return WR_OK;
        WR_TRY(sim_incident_start(w, now_s, err));
    }
    return WR_OK;
}

static bool is_incident_next(const sim_world *w, int64_t now_s)
{
    const uint64_t waiting = w->programs - w->programs_started;
    const uint64_t needed = w->steps_left + waiting * WR_SIM_STEPS_MAX;
    return w->running &&
           (sim_incident_due(w) <= now_s || w->o->payments - w->payments <= needed);
}

static wr_status run(sim_world *w, wr_err *err)
{
    const wr_sim_opts *o = w->o;
    WR_TRY(open_services(w, err));
    for (uint32_t i = 0; i < o->pool; i++)
        WR_TRY(be_born(w, &w->user[i], o->start_s, err));
    while (w->payments < o->payments) {
        /* Background payments come at even times; incidents push in between. */
        const double part = (double)w->payments / (double)o->payments;
        const int64_t now_s = o->start_s + (int64_t)((double)o->span_s * part);
        WR_TRY(start_due(w, now_s, err));
        if (is_incident_next(w, now_s))
            WR_TRY(sim_incident_step(w, now_s, err));
        else
            WR_TRY(background(w, now_s, err));
    }
    return WR_OK;
}

wr_status wr_simulate(const wr_sim_opts *o, const wr_sim_sink *sink, wr_err *err)
{
    WR_TRY(check(o, err));
    WR_AUTO_ARRAY sim_world *w = wr_calloc(1, sizeof *w);
    WR_AUTO_ARRAY sim_user *user = wr_calloc(o->pool, sizeof *user);
    if (!w || !user)
        return wr_fail(err, WR_ENOMEM, "pool of %" PRIu32 " users", o->pool);
    w->o = o;
    w->sink = sink;
    w->rng.s = o->seed;
    w->user = user;
    w->programs = sim_programs(o);
    for (size_t i = 0; i < SIM_ACTIVE_MAX; i++)
        w->heap[i] = (uint16_t)i;
    return run(w, err);
}
