/*
 * simulate_int.h - the world that background traffic and incidents share.
 */
#ifndef WR_INGEST_SIMULATE_INT_H
#define WR_INGEST_SIMULATE_INT_H

#include "ingest/simulate.h"
#include "util/mem.h"
#include "util/rng.h"

enum {
    SIM_SERVICES = 28,
    SIM_FRIENDS = 4,
    SIM_CAST_MAX = 48,    /* wallets of one incident */
    SIM_SCRIPT_MAX = 128, /* payments of one incident */
    SIM_ACTIVE_MAX = 512, /* incidents at a time */
    SIM_RINGS = 4,        /* of launderers, at a time */
    SIM_DESKS = 8,        /* honest ones */
    SIM_BROKERS = 4       /* wallets of a ring or desk: a lender, then outlets */
};
_Static_assert((int)SIM_SCRIPT_MAX == (int)WR_SIM_STEPS_MAX, "as documented");

typedef struct sim_user {
    wr_sim_wallet wallet;
    uint64_t balance; /* base units */
    uint32_t friends[SIM_FRIENDS];
} sim_user;

/* Professionals whom several programs share; replaced by new wallets after a while. */
typedef struct sim_ring {
    wr_sim_wallet wallet[SIM_BROKERS];
    uint64_t balance[SIM_BROKERS];
    uint32_t left;  /* programs that they will still serve */
    uint32_t users; /* running programs that know them: not replaced before these end */
} sim_ring;

/* One end of a scripted payment. */
typedef enum sim_end {
    SIM_CAST,
    SIM_VICTIM, /* a user drawn when it happens */
    SIM_EXCHANGE,
    SIM_MIXER,
    /* with look-alikes only */
    SIM_SMALL,  /* one of few small exchanges */
    SIM_SHOP,   /* a service of another kind */
    SIM_PAYER,  /* the user of that number */
    SIM_PERSON, /* payee: a user drawn when it happens, active ones more often */
    SIM_LENDER, /* payer: first wallet of the ring */
    SIM_OUTLET  /* wallet of that number of the ring */
} sim_end;

typedef struct sim_step {
    int64_t time_s;
    sim_end from, to;
    uint32_t from_at, to_at; /* numbers of cast, user, wallet of the ring */
    uint16_t percent; /* of the balance of cast and outlet; of a usual sum otherwise */
} sim_step;

typedef struct sim_incident {
    uint64_t number; /* 0 = free place; crimes and look-alikes count apart */
    uint64_t order;  /* of its start among all */
    wr_sim_typology typology;
    uint32_t cast, steps, next;
    bool is_public, is_honest;
    sim_ring *ring;                 /* NULL = none */
    bool is_ring_used[SIM_BROKERS]; /* its wallets that the script pays or borrows from */
    uint64_t balance[SIM_CAST_MAX];
    const char *role[SIM_CAST_MAX];
    sim_step step[SIM_SCRIPT_MAX];
} sim_incident;

/*
 * active[] holds the incidents that run, heap[] their places as a binary heap: the one
 * whose next payment is due first (ties: the older one) on top.
 */
typedef struct sim_world {
    const wr_sim_opts *o;
    const wr_sim_sink *sink;
    wr_rng rng;
    sim_user *user; /* [o->pool] */
    uint64_t users_born, customers, payments;
    uint64_t programs, programs_started; /* incidents and look-alikes */
    uint64_t incidents_started, brokers_made;
    sim_ring ring[SIM_RINGS + SIM_DESKS]; /* desks behind */
    wr_sim_service service[SIM_SERVICES];
    sim_incident active[SIM_ACTIVE_MAX];
    uint16_t heap[SIM_ACTIVE_MAX]; /* [running] places that run, then the free ones */
    uint32_t running;
    uint64_t steps_left; /* payments that running incidents still have to make */
} sim_world;

static inline wr_sim_wallet sim_wallet(wr_sim_class c, uint64_t number)
{
    return (uint64_t)c << 56 | number;
}

/* A sum around `typical` dollars with a long tail: 2^-4 .. 2^6 times it. */
uint64_t sim_sum(wr_rng *r, uint64_t typical);
/* A service of that category; there is at least one of each that is asked for. */
wr_sim_wallet sim_service_of(sim_world *w, const char *category);

/* Few users do most: the larger of skewed draws. */
sim_user *sim_any_user(sim_world *w);
/* What o asks for in all. */
uint64_t sim_programs(const wr_sim_opts *o);
/* With look-alikes the first quarter of each day, from start_s on, is a quiet night: when
   what is due at time_s is shown.  Monotone. */
int64_t sim_clock(const wr_sim_opts *o, int64_t time_s);

wr_status sim_emit(sim_world *w, wr_sim_payment *p, wr_err *err) WR_NODISCARD;

/* Incidents: write the script of the next one into a free place (running is below
   SIM_ACTIVE_MAX), tell the cast. */
wr_status sim_incident_start(sim_world *w, int64_t time_s, wr_err *err) WR_NODISCARD;
/* A mean gap of payments so that programs end within a tenth of the span and that half
   of the places suffice for as many as were asked for. */
int64_t sim_pace(sim_world *w);
/* Script of a program among look-alikes: in knows its number, typology and side. */
void sim_program_write(sim_world *w, sim_incident *in, int64_t time_s);
/* When the next incident payment is due; INT64_MAX = none runs. */
int64_t sim_incident_due(const sim_world *w);
/* Make that payment, at time_s. */
wr_status sim_incident_step(sim_world *w, int64_t time_s, wr_err *err) WR_NODISCARD;

#endif
