#include "ingest/simulate_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ingest/simulate_transfer.h"
#include "model/address.h"
#include "util/clock.h"
#include "util/rng.h"

/* --- transfers -------------------------------------------------------------------------
 */

static wr_status write_account(const wr_sim_files *f, const wr_sim_payment *p,
                               const char *hash, wr_err *err)
{
    char from[WR_ADDRESS_MAX + 1];
    char to[WR_ADDRESS_MAX + 1];
    WR_TRY(wr_sim_address(from, f->chain, f->seed, p->from, err));
    WR_TRY(wr_sim_address(to, f->chain, f->seed, p->to, err));
    (void)fprintf(f->transfers, "%s,%" PRId64 ",0x%s,%s,%s,USD,%d,%" PRIu64 "\n",
                  f->chain->id, p->time_s, hash, from, to, WR_SIM_DECIMALS, p->amount);
    return WR_OK;
}

static wr_status write_utxo(const wr_sim_files *f, const wr_sim_payment *p,
                            const char *hash, wr_err *err)
{
    char from[WR_ADDRESS_MAX + 1];
    char to[WR_ADDRESS_MAX + 1];
    char change[WR_ADDRESS_MAX + 1];
    WR_TRY(wr_sim_address(from, f->chain, f->seed, p->from, err));
    WR_TRY(wr_sim_address(to, f->chain, f->seed, p->to, err));
    (void)fprintf(f->transfers,
                  "{\"chain\":\"%s\",\"txid\":\"%s\",\"time\":%" PRId64
                  ",\"inputs\":[{\"address\":\"%s\",\"amount\":%" PRIu64
                  "}],\"outputs\":[{\"address\":\"%s\",\"amount\":%" PRIu64 "}",
                  f->chain->id, hash, p->time_s, from, p->amount + p->change, to,
                  p->amount);
    if (p->change) {
        WR_TRY(wr_sim_address(change, f->chain, f->seed, p->change_to, err));
        (void)fprintf(f->transfers, ",{\"address\":\"%s\",\"amount\":%" PRIu64 "}",
                      change, p->change);
    }
    (void)fputs("]}\n", f->transfers);
    return WR_OK;
}

static wr_status write_payment(void *ctx, const wr_sim_payment *p, wr_err *err)
{
    const wr_sim_files *f = ctx;
    char hash[WR_SIM_HASH_HEX + 1];
    wr_sim_hash(hash, f->seed, p->number);
    WR_TRY(f->is_utxo ? write_utxo(f, p, hash, err) : write_account(f, p, hash, err));
    if (f->truth && p->incident)
        (void)fprintf(f->truth, "%" PRIu64 ",,transfer,,%s%s,%" PRId64 "\n", p->incident,
                      f->is_utxo ? "" : "0x", hash, p->time_s);
    return ferror(f->transfers) ? wr_fail(err, WR_EIO, "transfers: %s", strerror(errno))
                                : WR_OK;
}

/* --- truth, labels, customers ----------------------------------------------------------
 */

static wr_status write_role(void *ctx, const wr_sim_role *r, wr_err *err)
{
    static const char *const category[] = {"hack", "phishing", "hack",      "scam",
                                           "hack", "hack",     "ransomware"};
    _Static_assert(sizeof category / sizeof *category == WR_SIM_TYPOLOGY_COUNT,
                   "one each");
    const wr_sim_files *f = ctx;
    char address[WR_ADDRESS_MAX + 1];
    WR_TRY(wr_sim_address(address, f->chain, f->seed, r->wallet, err));
    if (f->truth)
        (void)fprintf(f->truth, "%" PRIu64 ",%s,wallet,%s,%s,%" PRId64 "\n", r->incident,
                      wr_sim_typology_name(r->typology), r->role, address, r->time_s);
    if (f->labels && r->is_public)
        (void)fprintf(f->labels, "%s,%s,%s,90,simulator,incident %" PRIu64 "\n",
                      f->chain->id, address, category[r->typology], r->incident);
    return WR_OK;
}

static wr_status write_service(void *ctx, const wr_sim_service *s, wr_err *err)
{
    const wr_sim_files *f = ctx;
    char address[WR_ADDRESS_MAX + 1];
    WR_TRY(wr_sim_address(address, f->chain, f->seed, s->wallet, err));
    if (f->labels)
        (void)fprintf(f->labels, "%s,%s,%s,100,simulator,%s\n", f->chain->id, address,
                      s->category, s->name);
    return WR_OK;
}

/* A made-up person: every syllable from the number. */
static void name_of(char out[32], uint64_t number)
{
    static const char *const given[] = {"Ada", "Ben",  "Cora", "Dan",  "Eva", "Finn",
                                        "Gus", "Hana", "Ivo",  "Jule", "Kai", "Lea",
                                        "Max", "Nora", "Ola",  "Pia"};
    static const char *const first[] = {"Ab", "Bel", "Cor", "Dal",
                                        "Er", "Fal", "Gar", "Hol"};
    static const char *const last[] = {"berg", "dal",  "ford", "gren",
                                       "holt", "kamp", "mark", "stad"};
    wr_rng r = {.s = number};
    (void)snprintf(out, 32, "%s %s%s", given[wr_rng_below(&r, 16)],
                   first[wr_rng_below(&r, 8)], last[wr_rng_below(&r, 8)]);
}

static wr_status write_customer(void *ctx, const wr_sim_customer *c, wr_err *err)
{
    static const char *const country[] = {"DE", "FR", "NL", "ES", "IT", "PL", "SE", "PT"};
    static const char *const rating[] = {"low", "low", "low", "medium", "high"};
    const wr_sim_files *f = ctx;
    char address[WR_ADDRESS_MAX + 1];
    char name[32];
    char since[WR_RFC3339_MAX];
    WR_TRY(wr_sim_address(address, f->chain, f->seed, c->account, err));
    name_of(name, f->seed ^ c->number);
    wr_time_format(since, c->since_s);
    wr_rng r = {.s = f->seed + c->number};
    (void)fprintf(f->customers, "C%08" PRIu64 ",%s,%s,%u,%s,%s,A%08" PRIu64 ",%s,%s\n",
                  c->number, name, country[wr_rng_below(&r, 8)],
                  1940 + (unsigned)wr_rng_below(&r, 66), rating[wr_rng_below(&r, 5)],
                  since, c->number, f->chain->id, address);
    return WR_OK;
}

/* --- files -----------------------------------------------------------------------------
 */

static wr_status check_file(FILE *to, const char *what, wr_err *err)
{
    if (to && (fflush(to) != 0 || ferror(to)))
        return wr_fail(err, WR_EIO, "%s: %s", what, strerror(errno));
    return WR_OK;
}

wr_status wr_sim_files_begin(const wr_sim_files *f, wr_err *err)
{
    if (!f->is_utxo)
        (void)fputs("chain,time,tx_hash,from,to,asset,decimals,amount\n", f->transfers);
    if (f->truth)
        (void)fputs("incident,typology,record,role,id,time\n", f->truth);
    if (f->labels)
        (void)fputs("chain,address,category,confidence,source,name\n", f->labels);
    if (f->customers)
        (void)fputs(
            "customer_id,name,country,birth_year,risk_rating,since,account_id,chain,"
            "address\n",
            f->customers);
    return check_file(f->transfers, "transfers", err);
}

wr_sim_sink wr_sim_files_sink(wr_sim_files *f)
{
    return (wr_sim_sink){.payment = write_payment,
                         .role = write_role,
                         .service = write_service,
                         .customer = f->customers ? write_customer : NULL,
                         .ctx = f};
}

wr_status wr_sim_files_end(const wr_sim_files *f, wr_err *err)
{
    WR_TRY(check_file(f->transfers, "transfers", err));
    WR_TRY(check_file(f->truth, "truth", err));
    WR_TRY(check_file(f->labels, "labels", err));
    return check_file(f->customers, "customers", err);
}
