/*
 * Planted crimes: each typology writes a script of payments over a cast of fresh wallets.
 *
 *   theft           victim -> source -> layers (branching) -> exchanges
 *   fan_in          victims -> collector -> exchange
 *   fan_out         victim -> source -> mules -> exchanges
 *   scatter_gather  victim -> source -> mules -> collector -> exchange
 *   cycle           victim -> source -> x1 -> … -> source -> exchange
 *   peel_chain      victim -> source -> x1 -> x2 …, each peels a little to an exchange
 *   mixer_use       victim -> source -> mixer; mixer -> fresh wallet -> exchange
 *
 * Layers, mules and cash-outs sometimes hold money of their own as well.
 */
#include <assert.h>
#include <string.h>

#include "ingest/simulate_int.h"

enum { MINUTE = 60, HOUR = 3600 };

/* Appends to the script; time runs on by minutes to hours. */
typedef struct writer {
    sim_incident *in;
    wr_rng *rng;
    int64_t now_s;
    int64_t pace_s; /* mean gap */
} writer;

static void step(writer *w, sim_end from, uint32_t from_at, sim_end to, uint32_t to_at,
                 uint32_t percent)
{
    sim_incident *in = w->in;
    if (in->steps == SIM_SCRIPT_MAX)
        return;
    w->now_s += 1 + (int64_t)wr_rng_below(w->rng, (uint64_t)(2 * w->pace_s));
    in->step[in->steps++] = (sim_step){.time_s = w->now_s,
                                       .from = from,
                                       .to = to,
                                       .from_at = from_at,
                                       .to_at = to_at,
                                       .percent = (uint16_t)percent};
}

static uint32_t add_cast(sim_incident *in, const char *role)
{
    in->role[in->cast] = role;
    return in->cast++;
}

static uint32_t between(wr_rng *r, uint32_t lo, uint32_t hi)
{
    return lo + (uint32_t)wr_rng_below(r, hi - lo + 1);
}

/* Accomplices have money of their own: every third one gets some, so that not all of what
   passes through them is stolen. */
static void add_own_money(writer *w, uint32_t at)
{
    if (wr_rng_below(w->rng, 3) == 0)
        step(w, SIM_EXCHANGE, 0, SIM_CAST, at, between(w->rng, 50, 600));
}

static void write_theft(writer *w)
{
    sim_incident *in = w->in;
    const uint32_t source = add_cast(in, "source");
    const uint32_t layers = between(w->rng, 2, 4);
    step(w, SIM_VICTIM, 0, SIM_CAST, source, 3000);
    uint32_t first = source;
    uint32_t count = 1;
    for (uint32_t l = 0; l < layers; l++) {
        const uint32_t next = in->cast;
        const uint32_t width = l == 0 ? between(w->rng, 2, 4) : between(w->rng, 3, 8);
        assert(width > 0);
        for (uint32_t i = 0; i < width; i++)
            add_own_money(w, add_cast(in, l + 1 == layers ? "cash_out" : "layer"));
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < 2; k++) /* all of it, in two parts */
                step(w, SIM_CAST, first + i, SIM_CAST, next + (2 * i + k) % width,
                     k == 0 ? between(w->rng, 30, 70) : 100);
        for (uint32_t i = 2 * count; i < width; i++) /* what the first ones pass on */
            step(w, SIM_CAST, next, SIM_CAST, next + i, between(w->rng, 10, 40));
        first = next;
        count = width;
    }
    for (uint32_t i = 0; i < count; i++)
        step(w, SIM_CAST, first + i, SIM_EXCHANGE, 0, 100);
}

static void write_fan_in(writer *w)
{
    const uint32_t collector = add_cast(w->in, "source");
    const uint32_t victims = between(w->rng, 10, 40);
    for (uint32_t i = 0; i < victims; i++)
        step(w, SIM_VICTIM, 0, SIM_CAST, collector, between(w->rng, 50, 200));
    const uint32_t out = add_cast(w->in, "cash_out");
    step(w, SIM_CAST, collector, SIM_CAST, out, 95);
    step(w, SIM_CAST, out, SIM_EXCHANGE, 0, 100);
}

static void write_fan_out(writer *w)
{
    const uint32_t source = add_cast(w->in, "source");
    const uint32_t mules = between(w->rng, 10, 30);
    step(w, SIM_VICTIM, 0, SIM_CAST, source, 3000);
    for (uint32_t i = 0; i < mules; i++) {
        const uint32_t mule = add_cast(w->in, "mule");
        add_own_money(w, mule);
        step(w, SIM_CAST, source, SIM_CAST, mule,
             i + 1 == mules ? 100 : 100 / (mules - i));
    }
    for (uint32_t i = 0; i < mules; i++)
        step(w, SIM_CAST, source + 1 + i, SIM_EXCHANGE, 0, between(w->rng, 80, 100));
}

static void write_scatter_gather(writer *w)
{
    const uint32_t source = add_cast(w->in, "source");
    const uint32_t mules = between(w->rng, 5, 20);
    step(w, SIM_VICTIM, 0, SIM_CAST, source, 3000);
    for (uint32_t i = 0; i < mules; i++) {
        const uint32_t mule = add_cast(w->in, "mule");
        add_own_money(w, mule);
        step(w, SIM_CAST, source, SIM_CAST, mule,
             i + 1 == mules ? 100 : 100 / (mules - i));
    }
    const uint32_t collector = add_cast(w->in, "collector");
    for (uint32_t i = 0; i < mules; i++)
        step(w, SIM_CAST, source + 1 + i, SIM_CAST, collector, between(w->rng, 90, 100));
    step(w, SIM_CAST, collector, SIM_EXCHANGE, 0, 100);
}

static void write_cycle(writer *w)
{
    const uint32_t source = add_cast(w->in, "source");
    const uint32_t length = between(w->rng, 3, 7);
    step(w, SIM_VICTIM, 0, SIM_CAST, source, 1500);
    uint32_t at = source;
    for (uint32_t i = 1; i < length; i++) {
        const uint32_t next = add_cast(w->in, "layer");
        step(w, SIM_CAST, at, SIM_CAST, next, between(w->rng, 90, 98));
        at = next;
    }
    step(w, SIM_CAST, at, SIM_CAST, source, between(w->rng, 90, 98));
    step(w, SIM_CAST, source, SIM_EXCHANGE, 0, 100);
}

static void write_peel_chain(writer *w)
{
    const uint32_t length = between(w->rng, 6, 25);
    uint32_t at = add_cast(w->in, "source");
    step(w, SIM_VICTIM, 0, SIM_CAST, at, 5000);
    for (uint32_t i = 0; i < length; i++) {
        step(w, SIM_CAST, at, SIM_EXCHANGE, 0, between(w->rng, 3, 12));
        const uint32_t next = add_cast(w->in, "layer");
        step(w, SIM_CAST, at, SIM_CAST, next, 100);
        at = next;
    }
    step(w, SIM_CAST, at, SIM_EXCHANGE, 0, 100);
}

static void write_mixer_use(writer *w)
{
    const uint32_t source = add_cast(w->in, "source");
    const uint32_t parts = between(w->rng, 3, 10);
    step(w, SIM_VICTIM, 0, SIM_CAST, source, 2000);
    for (uint32_t i = 0; i < parts; i++)
        step(w, SIM_CAST, source, SIM_MIXER, 0, i + 1 == parts ? 100 : 100 / (parts - i));
    for (uint32_t i = 0; i < parts; i++) {
        const uint32_t out = add_cast(w->in, "cash_out");
        step(w, SIM_MIXER, 0, SIM_CAST, out, 200);
        step(w, SIM_CAST, out, SIM_EXCHANGE, 0, 100);
    }
}

/* --- which is next ---------------------------------------------------------------------
 */

static bool is_before(const sim_world *w, uint32_t a, uint32_t b)
{
    const sim_incident *x = &w->active[w->heap[a]];
    const sim_incident *y = &w->active[w->heap[b]];
    const int64_t x_s = x->step[x->next].time_s;
    const int64_t y_s = y->step[y->next].time_s;
    return x_s != y_s ? x_s < y_s : x->order < y->order;
}

static void swap(sim_world *w, uint32_t a, uint32_t b)
{
    const uint16_t place = w->heap[a];
    w->heap[a] = w->heap[b];
    w->heap[b] = place;
}

static void sift_up(sim_world *w, uint32_t at)
{
    for (; at && is_before(w, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(w, at, (at - 1) / 2);
}

static void sift_down(sim_world *w, uint32_t at)
{
    for (;;) {
        uint32_t first = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < w->running && is_before(w, child, first))
                first = child;
        if (first == at)
            return;
        swap(w, at, first);
        at = first;
    }
}

int64_t sim_incident_due(const sim_world *w)
{
    const sim_incident *in = &w->active[w->heap[0]];
    return w->running ? in->step[in->next].time_s : INT64_MAX;
}

/* --- life of an incident ---------------------------------------------------------------
 */

static wr_sim_wallet cast_wallet(const sim_incident *in, uint32_t at)
{
    return sim_wallet(in->is_honest ? WR_SIM_PERSON : WR_SIM_CRIME, in->number << 8 | at);
}

static wr_status tell(const sim_world *w, const sim_incident *in, wr_sim_wallet wallet,
                      const char *role, bool is_public, int64_t time_s, wr_err *err)
{
    const wr_sim_role r = {.incident = in->number,
                           .typology = in->typology,
                           .wallet = wallet,
                           .role = role,
                           .is_public = is_public,
                           .time_s = sim_clock(w->o, time_s)};
    return w->sink->role(w->sink->ctx, &r, err);
}

static wr_status tell_cast(const sim_world *w, const sim_incident *in, int64_t time_s,
                           wr_err *err)
{
    if (in->is_honest || !w->sink->role)
        return WR_OK;
    for (uint32_t i = 0; i < in->cast; i++)
        WR_TRY(tell(w, in, cast_wallet(in, i), in->role[i], i == 0 && in->is_public,
                    time_s, err));
    for (uint32_t i = 0; i < SIM_BROKERS; i++)
        if (in->is_ring_used[i])
            WR_TRY(
                tell(w, in, in->ring->wallet[i], "infrastructure", false, time_s, err));
    return WR_OK;
}

int64_t sim_pace(sim_world *w)
{
    const int64_t pace_s =
        (int64_t)10 * MINUTE + (int64_t)wr_rng_below(&w->rng, (uint64_t)3 * HOUR);
    const double share = 0.45 * SIM_ACTIVE_MAX / (double)w->programs;
    const double room_s =
        (double)w->o->span_s * (share < 0.1 ? share : 0.1) / SIM_SCRIPT_MAX;
    return pace_s < (int64_t)room_s ? pace_s : (int64_t)room_s + 1;
}

static void write_crime(sim_world *w, sim_incident *in, int64_t time_s)
{
    static void (*const write[])(writer *) = {
        write_theft, write_fan_in,     write_fan_out,  write_scatter_gather,
        write_cycle, write_peel_chain, write_mixer_use};
    _Static_assert(sizeof write / sizeof *write == WR_SIM_TYPOLOGY_COUNT, "one each");
    writer wr = {.in = in, .rng = &w->rng, .now_s = time_s, .pace_s = sim_pace(w)};
    write[in->typology](&wr);
}

/* Which side the next program is on: drawn so that in the end the numbers are right. */
static bool is_next_honest(sim_world *w)
{
    const uint64_t crimes = w->o->incidents - w->incidents_started;
    const uint64_t left = w->programs - w->programs_started;
    return crimes < left && wr_rng_below(&w->rng, left) >= crimes;
}

wr_status sim_incident_start(sim_world *w, int64_t time_s, wr_err *err)
{
    sim_incident *in = &w->active[w->heap[w->running]];
    memset(in, 0, sizeof *in);
    in->is_honest = is_next_honest(w);
    in->number = in->is_honest ? w->programs_started - w->incidents_started + 1
                               : ++w->incidents_started;
    in->order = ++w->programs_started;
    in->typology = (wr_sim_typology)((in->number - 1) % WR_SIM_TYPOLOGY_COUNT);
    in->is_public = wr_rng_below(&w->rng, 100) < w->o->public_percent;
    if (w->o->lookalike_percent)
        sim_program_write(w, in, time_s);
    else
        write_crime(w, in, time_s);
    w->steps_left += in->steps;
    sift_up(w, w->running++);
    return tell_cast(w, in, time_s, err);
}

/* Of a balance, what a step takes. */
static uint64_t take_part(const sim_world *w, uint64_t *balance, uint32_t percent,
                          wr_sim_payment *p)
{
    const uint64_t amount = percent == 100 ? *balance : *balance / 100 * percent;
    *balance -= amount;
    p->change = w->o->is_utxo ? *balance : 0;
    p->change_to = p->change ? p->from : 0;
    return amount;
}

/* A sum from someone who may have more than we saw come in. */
static void take_sum(const sim_world *w, uint64_t *balance, uint64_t amount,
                     wr_sim_payment *p)
{
    *balance -= amount < *balance ? amount : *balance;
    p->change = w->o->is_utxo ? *balance : 0;
    p->change_to = p->change ? p->from : 0;
}

static wr_sim_wallet service_at(sim_world *w, sim_end end)
{
    enum { SMALL = 10, SMALL_COUNT = 2 }; /* the last of the exchanges */
    static const char *const shop[] = {"service", "service", "defi", "gambling"};
    if (end == SIM_SMALL)
        return w->service[SMALL + wr_rng_below(&w->rng, SMALL_COUNT)].wallet;
    if (end == SIM_SHOP)
        return sim_service_of(w, shop[wr_rng_below(&w->rng, sizeof shop / sizeof *shop)]);
    return sim_service_of(w, end == SIM_MIXER ? "mixer" : "exchange");
}

/* The payer of a step and what it pays; a victim is a user of the pool, a service never
   runs dry. */
static uint64_t take_from(sim_world *w, sim_incident *in, const sim_step *s,
                          wr_sim_payment *p)
{
    enum { USUAL = 100 };
    if (s->from == SIM_CAST) {
        p->from = cast_wallet(in, s->from_at);
        return take_part(w, &in->balance[s->from_at], s->percent, p);
    }
    if (s->from == SIM_OUTLET) {
        p->from = in->ring->wallet[s->from_at];
        return take_part(w, &in->ring->balance[s->from_at], s->percent, p);
    }
    const uint64_t amount = sim_sum(&w->rng, USUAL) / 100 * s->percent;
    if (s->from == SIM_LENDER) {
        p->from = in->ring->wallet[0];
        take_sum(w, &in->ring->balance[0], amount, p);
    } else if (s->from == SIM_VICTIM || s->from == SIM_PAYER) {
        sim_user *u = &w->user[s->from == SIM_PAYER ? s->from_at
                                                    : wr_rng_below(&w->rng, w->o->pool)];
        p->from = u->wallet;
        take_sum(w, &u->balance, amount, p);
    } else {
        p->from = service_at(w, s->from);
    }
    return amount;
}

static void give_to(sim_world *w, sim_incident *in, const sim_step *s, wr_sim_payment *p)
{
    if (s->to == SIM_CAST) {
        p->to = cast_wallet(in, s->to_at);
        in->balance[s->to_at] += p->amount;
    } else if (s->to == SIM_OUTLET) {
        p->to = in->ring->wallet[s->to_at];
        in->ring->balance[s->to_at] += p->amount;
    } else if (s->to == SIM_PERSON || s->to == SIM_PAYER) {
        sim_user *u = s->to == SIM_PAYER ? &w->user[s->to_at] : sim_any_user(w);
        p->to = u->wallet;
        u->balance += p->amount;
    } else {
        p->to = service_at(w, s->to);
    }
}

wr_status sim_incident_step(sim_world *w, int64_t time_s, wr_err *err)
{
    sim_incident *in = &w->active[w->heap[0]];
    const sim_step s = in->step[in->next];
    wr_sim_payment p = {.time_s = time_s, .incident = in->is_honest ? 0 : in->number};
    p.amount = take_from(w, in, &s, &p);
    give_to(w, in, &s, &p);
    in->next++;
    w->steps_left--;
    if (in->next == in->steps) { /* over: the place is free */
        if (in->ring)
            in->ring->users--;
        swap(w, 0, --w->running);
    }
    sift_down(w, 0);
    return p.amount ? sim_emit(w, &p, err) : WR_OK;
}
