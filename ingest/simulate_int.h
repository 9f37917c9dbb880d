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
    SIM_ACTIVE_MAX = 512  /* incidents at a time */
};
_Static_assert((int)SIM_SCRIPT_MAX == (int)WR_SIM_STEPS_MAX, "as documented");

typedef struct sim_user {
    wr_sim_wallet wallet;
    uint64_t balance; /* base units */
    uint32_t friends[SIM_FRIENDS];
} sim_user;

/* One end of a scripted payment. */
typedef enum sim_end { SIM_CAST, SIM_VICTIM, SIM_EXCHANGE, SIM_MIXER } sim_end;

typedef struct sim_step {
    int64_t time_s;
    sim_end from, to;
    uint16_t from_at, to_at; /* cast numbers */
    uint16_t percent; /* of the payer's balance; of a usual sum when not the cast pays */
} sim_step;

typedef struct sim_incident {
    uint64_t number; /* 0 = free place */
    wr_sim_typology typology;
    uint32_t cast, steps, next;
    bool is_public;
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
    uint64_t users_born, customers, payments, incidents_started;
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

wr_status sim_emit(sim_world *w, wr_sim_payment *p, wr_err *err) WR_NODISCARD;

/* Incidents: write the script of the next one into a free place (running is below
   SIM_ACTIVE_MAX), tell the cast. */
wr_status sim_incident_start(sim_world *w, int64_t time_s, wr_err *err) WR_NODISCARD;
/* When the next incident payment is due; INT64_MAX = none runs. */
int64_t sim_incident_due(const sim_world *w);
/* Make that payment, at time_s. */
wr_status sim_incident_step(sim_world *w, int64_t time_s, wr_err *err) WR_NODISCARD;

#endif
