/*
 * simulate.h - a seeded economy of wallets with planted crimes, as a stream.
 *
 * Users come and go through a pool of fixed size; they are funded by exchanges, pay each
 * other (mostly people they know), use services, cash out and leave.  Beside them run
 * incidents: small programs of payments whose wallets and roles are known, so that a
 * detector can be graded.  Memory does not depend on how many transfers are asked for.
 *
 *   account   payments from one address to another
 *   UTXO      the same payments as transactions: the payer's whole coin goes in, the
 *             payee's part and the change come out; users take a fresh address for
 * change. A base unit is a satoshi there, so 100 "dollars" are one coin
 *
 * Among look-alikes (lookalike_percent > 0) crimes are hard to tell.  For each 100
 * incidents so many honest programs of the same seven shapes run, by one writer
 * (simulate_programs.c) with the same sums, counts and freshness; nothing is told of
 * them. What the design puts in, so that nobody takes a figure measured here for one of
 * reality:
 *
 *   whom they deal with   crimes share a few rings of launderers (a lender, three
 * outlets, unlabelled, used by 4 to 14 incidents, then replaced): 60 of 100 dealings with
 * a wallet, and those cash out at two small exchanges.  Look-alikes deal with the person
 * behind them, other users, and in 30 of 100 with honest desks, built like rings but with
 * more ordinary people around them.  Victims are strangers or one rich holder, honest
 * payers mostly know each other manner, a little      crimes hurry (shortest of three
 * draws of the mean gap), empty wallets more often (85 to 55 of 100), are used again less
 * often not at all            sums, numbers of wallets and payments, first money from an
 *                         exchange, how often a service is the other end, hours of the
 * day
 *
 * A launderer is in the truth of every incident it serves, as "infrastructure"; it never
 * has a label, and hidden incidents may share it with known ones.  Users live as before;
 * the first quarter of each day has a tenth of all payments.
 *
 * Every incident that was asked for is planted and comes to its end within the payments
 * asked for: towards the end, what is left belongs to the incidents.
 *
 * Same options, same bytes, on every machine: integers and splitmix64; of doubles only
 * products and quotients (for times), no libm.
 * Thread: one object one thread.
 */
#ifndef WR_INGEST_SIMULATE_H
#define WR_INGEST_SIMULATE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"
#include "util/progress.h"

/* A wallet: class in the top byte, number below; simulate_text.h makes the address. */
typedef uint64_t wr_sim_wallet;
typedef enum wr_sim_class {
    WR_SIM_USER = 1,
    WR_SIM_SERVICE = 2,
    WR_SIM_CRIME = 3,
    WR_SIM_PERSON = 4, /* of an honest look-alike */
    WR_SIM_BROKER = 5  /* deals with several programs: infrastructure, honest desk */
} wr_sim_class;

static inline wr_sim_class wr_sim_class_of(wr_sim_wallet w)
{
    return (wr_sim_class)(w >> 56);
}

typedef enum wr_sim_typology {
    WR_SIM_THEFT,          /* theft -> layering -> cash-out */
    WR_SIM_FAN_IN,         /* many victims pay one collector */
    WR_SIM_FAN_OUT,        /* one wallet spreads to many mules */
    WR_SIM_SCATTER_GATHER, /* one -> many -> one */
    WR_SIM_CYCLE,          /* the money comes back */
    WR_SIM_PEEL_CHAIN,     /* a large sum walks on, small parts peel off */
    WR_SIM_MIXER_USE,      /* stolen money through a mixing service */
    WR_SIM_TYPOLOGY_COUNT
} wr_sim_typology;

const char *wr_sim_typology_name(wr_sim_typology t);

enum {
    WR_SIM_DECIMALS = 6,
    WR_SIM_STEPS_MAX = 128 /* most payments of one incident */
};

typedef struct wr_sim_payment {
    uint64_t number; /* 0.. in order of output; the transaction hash comes from it */
    int64_t time_s;  /* never decreases */
    wr_sim_wallet from, to, change_to;
    uint64_t amount, change; /* base units, 10^-6 dollars; change 0 = none */
    uint64_t incident;       /* 0 = background */
} wr_sim_payment;

typedef struct wr_sim_role {
    uint64_t incident; /* 1.. */
    wr_sim_typology typology;
    wr_sim_wallet wallet;
    const char *role; /* "source", "layer", "mule", "collector", "cash_out";
                         "infrastructure": serves other incidents as well */
    bool is_public;   /* a label about it is published */
    int64_t time_s;
} wr_sim_role;

typedef struct wr_sim_service {
    wr_sim_wallet wallet;
    const char *category; /* id of data/categories.yaml */
    char name[32];
} wr_sim_service;

typedef struct wr_sim_customer {
    uint64_t number;
    wr_sim_wallet account;
    int64_t since_s;
} wr_sim_customer;

/* Functions may be NULL, except payment. */
typedef struct wr_sim_sink {
    wr_status (*payment)(void *ctx, const wr_sim_payment *p, wr_err *err);
    wr_status (*role)(void *ctx, const wr_sim_role *r, wr_err *err);
    wr_status (*service)(void *ctx, const wr_sim_service *s, wr_err *err);
    wr_status (*customer)(void *ctx, const wr_sim_customer *c, wr_err *err);
    void *ctx;
} wr_sim_sink;

typedef struct wr_sim_opts {
    uint64_t seed;
    uint64_t payments;  /* how many, >= 1 */
    uint64_t incidents; /* how many are planted; they and their look-alikes are at most
                           payments / WR_SIM_STEPS_MAX */
    uint32_t lookalike_percent; /* honest look-alikes per 100 incidents, 0..10000 */
    uint32_t pool;              /* users active at a time, 16..2^24 */
    int64_t start_s;            /* time of the first payment */
    int64_t span_s;             /* time they cover, >= 1 */
    uint32_t public_percent;    /* incidents whose source gets a public label, 0..100 */
    bool is_utxo;               /* keep change addresses */
    const wr_progress *pg;
} wr_sim_opts;

#define WR_SIM_OPTS_INIT                                                           \
    {                                                                              \
        .seed = 1, .payments = 100000, .incidents = 20, .pool = 4096,              \
        .start_s = 1735689600, .span_s = INT64_C(90) * 86400, .public_percent = 50 \
    }

/*
 * Errors  WR_EINVAL (an option outside its range: names it), WR_ENOMEM, WR_ESTOPPED, of
 *         the sink
 * Cost    O(payments); 32 bytes per pool user and about 3 MB
 */
wr_status wr_simulate(const wr_sim_opts *o, const wr_sim_sink *sink,
                      wr_err *err) WR_NODISCARD;

#endif
