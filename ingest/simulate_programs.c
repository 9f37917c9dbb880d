/*
 * Programs among look-alikes: crimes, and honest undertakings of the same seven shapes.
 *
 *   theft           treasury moves           fan_in          collections, a merchant
 *   fan_out         payroll, airdrop         scatter_gather  savings through own wallets
 *   cycle           friends paying round     peel_chain      spending from a big balance
 *   mixer_use       somebody who likes privacy
 *
 * One writer for both: sizes, sums, first money from an exchange and how often a payment
 * has a service at its other end are drawn alike.  The sides differ in whom they deal
 * with, and a little in manner: pace, emptying, later use (`side_of` below):
 *
 *   a crime         lender and outlets mostly of a ring of launderers that other crimes
 *                   use as well, and the ring cashes out at two small exchanges; payers
 *                   are strangers to each other, or one rich victim
 *   a look-alike    mostly the person behind it, other users, sometimes an honest desk
 *                   that ordinary people pay and are paid by too; payers know each other
 */
#include <assert.h>

#include "ingest/simulate_int.h"

enum { CIRCLE_MAX = 30 };

/* All that differs; percents where nothing else is said. */
typedef struct side {
    uint32_t pro;      /* of dealings with a wallet: those with ring or desk */
    uint32_t owner;    /* of the others: with the person behind the program */
    uint32_t small;    /* of cash-outs at an exchange: at a small one */
    uint32_t friend;   /* a payer knows the one before */
    uint32_t rich_of;  /* who gives the big sum: the richest of so many */
    uint32_t walk_ins; /* most ordinary people whom ring or desk deals with meanwhile */
    /* manner: what a wallet's own payments may show */
    uint32_t all;   /* the last payment of a wallet takes all that it has */
    uint32_t again; /* most later uses of its wallets */
    uint32_t hurry; /* pace: the shortest of so many draws */
} side;

static const side side_of[2] = {{.pro = 60,
                                 .owner = 40,
                                 .small = 50,
                                 .friend = 0,
                                 .rich_of = 8,
                                 .walk_ins = 2,
                                 .all = 85,
                                 .again = 2,
                                 .hurry = 3},
                                {.pro = 30,
                                 .owner = 60,
                                 .small = 17, /* as it comes: 2 of 12 */
                                 .friend = 70,
                                 .rich_of = 1,
                                 .walk_ins = 3,
                                 .all = 55,
                                 .again = 4,
                                 .hurry = 1}};

typedef struct author {
    sim_world *w;
    sim_incident *in;
    const side *side;
    int64_t now_s, pace_s;
    uint32_t owner;  /* user: the person behind it */
    uint32_t backer; /* user: who gives the big sum */
} author;

static uint32_t between(author *a, uint32_t lo, uint32_t hi)
{
    return lo + (uint32_t)wr_rng_below(&a->w->rng, hi - lo + 1);
}

static bool is_by_chance(author *a, uint32_t percent)
{
    return wr_rng_below(&a->w->rng, 100) < percent;
}

static uint32_t any_number(author *a)
{
    return (uint32_t)wr_rng_below(&a->w->rng, a->w->o->pool);
}

static void pay(author *a, sim_end from, uint32_t from_at, sim_end to, uint32_t to_at,
                uint32_t percent)
{
    sim_incident *in = a->in;
    assert(in->steps < SIM_SCRIPT_MAX);
    a->now_s += 1 + (int64_t)wr_rng_below(&a->w->rng, (uint64_t)(2 * a->pace_s));
    in->step[in->steps++] = (sim_step){.time_s = a->now_s,
                                       .from = from,
                                       .to = to,
                                       .from_at = from_at,
                                       .to_at = to_at,
                                       .percent = (uint16_t)percent};
    if (from == SIM_LENDER)
        in->is_ring_used[0] = true;
    if (to == SIM_OUTLET)
        in->is_ring_used[to_at] = true;
}

/* --- dealings --------------------------------------------------------------------------
 */

/* A wallet, and what it begins with: a little from an exchange, from somebody, nothing.
 */
static uint32_t add(author *a, const char *role)
{
    sim_incident *in = a->in;
    assert(in->cast < SIM_CAST_MAX);
    const uint32_t at = in->cast++;
    in->role[at] = role;
    const uint32_t dice = between(a, 0, 99);
    const uint32_t percent = between(a, 2, 40);
    if (dice < 45)
        pay(a, SIM_EXCHANGE, 0, SIM_CAST, at, percent);
    else if (dice < 80 && is_by_chance(a, a->side->pro))
        pay(a, SIM_LENDER, 0, SIM_CAST, at, percent);
    else if (dice < 80)
        pay(a, SIM_PAYER, is_by_chance(a, a->side->owner) ? a->owner : any_number(a),
            SIM_CAST, at, percent);
    return at;
}

/* Out of the program: to an exchange or to a wallet. */
static void let_out(author *a, uint32_t at, uint32_t percent)
{
    if (is_by_chance(a, 30))
        pay(a, SIM_CAST, at, is_by_chance(a, a->side->small) ? SIM_SMALL : SIM_EXCHANGE,
            0, percent);
    else if (is_by_chance(a, a->side->pro))
        pay(a, SIM_CAST, at, SIM_OUTLET, between(a, 1, SIM_BROKERS - 1), percent);
    else if (is_by_chance(a, a->side->owner))
        pay(a, SIM_CAST, at, SIM_PAYER, a->owner, percent);
    else
        pay(a, SIM_CAST, at, SIM_PERSON, 0, percent);
}

static uint32_t most(author *a)
{
    return is_by_chance(a, a->side->all) ? 100 : between(a, 60, 99);
}

/* The big sum, in up to three payments. */
static void receive(author *a, uint32_t at, uint32_t percent)
{
    const uint32_t parts = between(a, 1, 3);
    const bool is_withdrawn = is_by_chance(a, 40); /* straight from the giver's account */
    for (uint32_t i = 0; i < parts; i++)
        pay(a, is_withdrawn ? SIM_EXCHANGE : SIM_PAYER, a->backer, SIM_CAST, at,
            percent / parts);
}

/* Everything of `from` to wallets first .. first+count-1, which exist. */
static void spread(author *a, uint32_t from, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        pay(a, SIM_CAST, from, SIM_CAST, first + i,
            i + 1 == count ? most(a) : 100 / (count - i));
}

/* --- the seven shapes ------------------------------------------------------------------
 */

static void write_layers(author *a)
{
    const uint32_t layers = between(a, 2, 4);
    uint32_t first = add(a, "source");
    uint32_t count = 1;
    receive(a, first, 3000);
    for (uint32_t l = 0; l < layers; l++) {
        const uint32_t next = a->in->cast;
        const uint32_t width = l == 0 ? between(a, 2, 4) : between(a, 3, 8);
        assert(width > 0);
        for (uint32_t i = 0; i < width; i++)
            (void)add(a, l + 1 == layers ? "cash_out" : "layer");
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < 2; k++)
                pay(a, SIM_CAST, first + i, SIM_CAST, next + (2 * i + k) % width,
                    k == 0 ? between(a, 30, 70) : most(a));
        for (uint32_t i = 2 * count; i < width; i++) /* what the first ones pass on */
            pay(a, SIM_CAST, next, SIM_CAST, next + i, between(a, 10, 40));
        first = next;
        count = width;
    }
    for (uint32_t i = 0; i < count; i++)
        let_out(a, first + i, most(a));
}

static void write_fan_in(author *a)
{
    uint32_t circle[CIRCLE_MAX] = {0};
    const uint32_t count = between(a, 6, CIRCLE_MAX);
    const uint32_t payments = between(a, 10, 40);
    const uint32_t collector = add(a, "source");
    for (uint32_t i = 0; i < count; i++)
        circle[i] =
            i && is_by_chance(a, a->side->friend)
                ? a->w->user[circle[i - 1]].friends[between(a, 0, SIM_FRIENDS - 1)]
                : any_number(a);
    for (uint32_t i = 0; i < payments; i++)
        pay(a, is_by_chance(a, 30) ? SIM_EXCHANGE : SIM_PAYER,
            circle[between(a, 0, count - 1)], SIM_CAST, collector, between(a, 50, 200));
    const uint32_t out = add(a, "cash_out");
    pay(a, SIM_CAST, collector, SIM_CAST, out, most(a));
    let_out(a, out, most(a));
}

static void write_fan_out(author *a)
{
    const uint32_t count = between(a, 10, 30);
    const uint32_t source = add(a, "source");
    receive(a, source, 3000);
    for (uint32_t i = 0; i < count; i++)
        (void)add(a, "mule");
    spread(a, source, source + 1, count);
    for (uint32_t i = 0; i < count; i++)
        let_out(a, source + 1 + i, most(a));
}

static void write_scatter_gather(author *a)
{
    const uint32_t count = between(a, 5, 20);
    const uint32_t source = add(a, "source");
    receive(a, source, 3000);
    for (uint32_t i = 0; i < count; i++)
        (void)add(a, "mule");
    spread(a, source, source + 1, count);
    const uint32_t collector = add(a, "collector");
    for (uint32_t i = 0; i < count; i++)
        pay(a, SIM_CAST, source + 1 + i, SIM_CAST, collector, most(a));
    let_out(a, collector, most(a));
}

static void write_cycle(author *a)
{
    const uint32_t length = between(a, 3, 7);
    const uint32_t source = add(a, "source");
    uint32_t at = source;
    receive(a, source, 1500);
    for (uint32_t i = 1; i < length; i++) {
        const uint32_t next = add(a, "layer");
        pay(a, SIM_CAST, at, SIM_CAST, next, between(a, 85, 98));
        at = next;
    }
    pay(a, SIM_CAST, at, SIM_CAST, source, between(a, 85, 98));
    let_out(a, source, most(a));
}

static void write_peel_chain(author *a)
{
    const uint32_t length = between(a, 6, 25);
    uint32_t at = add(a, "source");
    receive(a, at, 5000);
    for (uint32_t i = 0; i < length; i++) {
        let_out(a, at, between(a, 3, 12));
        const uint32_t next = add(a, "layer");
        pay(a, SIM_CAST, at, SIM_CAST, next, most(a));
        at = next;
    }
    let_out(a, at, most(a));
}

static void write_mixer_use(author *a)
{
    const uint32_t parts = between(a, 3, 10);
    const uint32_t source = add(a, "source");
    receive(a, source, 2000);
    for (uint32_t i = 0; i < parts; i++)
        pay(a, SIM_CAST, source, SIM_MIXER, 0,
            i + 1 == parts ? most(a) : 100 / (parts - i));
    for (uint32_t i = 0; i < parts; i++) {
        const uint32_t out = add(a, "cash_out");
        pay(a, SIM_MIXER, 0, SIM_CAST, out, 200);
        let_out(a, out, most(a));
    }
}

/* --- around them -----------------------------------------------------------------------
 */

/* Ring or desk turns over what it took in, and deals with ordinary people. */
static void work_on(author *a)
{
    for (uint32_t i = 1; i < SIM_BROKERS; i++) {
        if (!a->in->is_ring_used[i])
            continue;
        pay(a, SIM_OUTLET, i, is_by_chance(a, a->side->small) ? SIM_SMALL : SIM_EXCHANGE,
            0, between(a, 50, 100));
        if (is_by_chance(a, 40)) /* the lender's float */
            pay(a, SIM_EXCHANGE, 0, SIM_OUTLET, 0, between(a, 100, 400));
        const uint32_t people = between(a, 0, a->side->walk_ins);
        for (uint32_t k = 0; k < people; k++) {
            pay(a, SIM_PAYER, any_number(a), SIM_OUTLET, i, between(a, 30, 300));
            pay(a, SIM_OUTLET, i, SIM_PERSON, 0, between(a, 10, 60));
        }
    }
}

/* Some wallets are used again for this and that, later. */
static void live_on(author *a)
{
    const uint32_t again = between(a, 0, a->side->again);
    a->pace_s *= 3;
    for (uint32_t i = 0; i < again; i++) {
        const uint32_t at = between(a, 0, a->in->cast - 1);
        pay(a, is_by_chance(a, 60) ? SIM_EXCHANGE : SIM_PAYER, any_number(a), SIM_CAST,
            at, between(a, 20, 200));
        pay(a, SIM_CAST, at, is_by_chance(a, 60) ? SIM_SHOP : SIM_PERSON, 0,
            between(a, 20, 100));
    }
}

/* One of those that serve this side; who has done enough and is not busy goes, and others
   with new wallets come. */
static sim_ring *pick_ring(author *a)
{
    enum { SERVES_MIN = 4, SERVES_MAX = 14 };
    sim_world *w = a->w;
    sim_ring *r = a->in->is_honest ? &w->ring[SIM_RINGS + between(a, 0, SIM_DESKS - 1)]
                                   : &w->ring[between(a, 0, SIM_RINGS - 1)];
    if (!r->left && !r->users) {
        *r = (sim_ring){.left = between(a, SERVES_MIN, SERVES_MAX)};
        for (uint32_t i = 0; i < SIM_BROKERS; i++)
            r->wallet[i] = sim_wallet(WR_SIM_BROKER, ++w->brokers_made);
    }
    r->left -= r->left ? 1 : 0;
    r->users++;
    return r;
}

static uint32_t pick_backer(author *a)
{
    uint32_t best = any_number(a);
    for (uint32_t i = 1; i < a->side->rich_of; i++) {
        const uint32_t other = any_number(a);
        if (a->w->user[other].balance > a->w->user[best].balance)
            best = other;
    }
    return best;
}

void sim_program_write(sim_world *w, sim_incident *in, int64_t time_s)
{
    static void (*const write[])(author *) = {
        write_layers, write_fan_in,     write_fan_out,  write_scatter_gather,
        write_cycle,  write_peel_chain, write_mixer_use};
    _Static_assert(sizeof write / sizeof *write == WR_SIM_TYPOLOGY_COUNT, "one each");
    author a = {.w = w,
                .in = in,
                .side = &side_of[in->is_honest],
                .now_s = time_s,
                .pace_s = sim_pace(w)};
    for (uint32_t i = 1; i < a.side->hurry; i++) {
        const int64_t other_s = sim_pace(w);
        a.pace_s = other_s < a.pace_s ? other_s : a.pace_s;
    }
    in->ring = pick_ring(&a);
    a.owner = any_number(&a);
    a.backer = pick_backer(&a);
    write[in->typology](&a);
    work_on(&a);
    live_on(&a);
}
