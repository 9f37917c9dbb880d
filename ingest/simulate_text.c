#include "ingest/simulate_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "model/address.h"
#include "model/script.h"
#include "util/clock.h"
#include "util/rng.h"

enum { HASH_BYTES = 32, KEY_BYTES = 20 };

static void fill_bytes(uint8_t *out, size_t len, uint64_t seed, uint64_t tag)
{
    wr_rng r = {.s = seed ^ (tag * 0x9E3779B97F4A7C15ULL)};
    (void)wr_rng_u64(&r);
    for (size_t i = 0; i < len; i += 8) {
        const uint64_t v = wr_rng_u64(&r) ^ tag;
        for (size_t k = 0; k < 8 && i + k < len; k++)
            out[i + k] = (uint8_t)(v >> (8 * k));
    }
}

static void put_hex(char *out, const uint8_t *bytes, size_t len)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digit[bytes[i] >> 4];
        out[2 * i + 1] = digit[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

/* An address that its chain's rule accepts: 0x + 40 hex, or P2WPKH. */
static wr_status address_of(char out[WR_ADDRESS_MAX + 1], const wr_sim_files *f,
                            wr_sim_wallet w, wr_err *err)
{
    if (!f->is_utxo) {
        uint8_t key[KEY_BYTES];
        fill_bytes(key, sizeof key, f->seed, w);
        out[0] = '0';
        out[1] = 'x';
        put_hex(out + 2, key, sizeof key);
        return WR_OK;
    }
    uint8_t script[2 + KEY_BYTES] = {0x00, KEY_BYTES};
    fill_bytes(script + 2, KEY_BYTES, f->seed, w);
    wr_script_kind kind;
    return wr_script_address(out, &kind, f->chain, script, sizeof script, err);
}

static void hash_of(char out[2 * HASH_BYTES + 1], const wr_sim_files *f, uint64_t number)
{
    uint8_t hash[HASH_BYTES];
    fill_bytes(hash, sizeof hash, ~f->seed, number + 1);
    put_hex(out, hash, sizeof hash);
}

/* --- transfers -------------------------------------------------------------------------
 */

static wr_status write_account(const wr_sim_files *f, const wr_sim_payment *p,
                               const char *hash, wr_err *err)
{
    char from[WR_ADDRESS_MAX + 1];
    char to[WR_ADDRESS_MAX + 1];
    WR_TRY(address_of(from, f, p->from, err));
    WR_TRY(address_of(to, f, p->to, err));
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
    WR_TRY(address_of(from, f, p->from, err));
    WR_TRY(address_of(to, f, p->to, err));
    (void)fprintf(f->transfers,
                  "{\"chain\":\"%s\",\"txid\":\"%s\",\"time\":%" PRId64
                  ",\"inputs\":[{\"address\":\"%s\",\"amount\":%" PRIu64
                  "}],\"outputs\":[{\"address\":\"%s\",\"amount\":%" PRIu64 "}",
                  f->chain->id, hash, p->time_s, from, p->amount + p->change, to,
                  p->amount);
    if (p->change) {
        WR_TRY(address_of(change, f, p->change_to, err));
        (void)fprintf(f->transfers, ",{\"address\":\"%s\",\"amount\":%" PRIu64 "}",
                      change, p->change);
    }
    (void)fputs("]}\n", f->transfers);
    return WR_OK;
}

static wr_status write_payment(void *ctx, const wr_sim_payment *p, wr_err *err)
{
    const wr_sim_files *f = ctx;
    char hash[2 * HASH_BYTES + 1];
    hash_of(hash, f, p->number);
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
    WR_TRY(address_of(address, f, r->wallet, err));
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
    WR_TRY(address_of(address, f, s->wallet, err));
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
    WR_TRY(address_of(address, f, c->account, err));
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
