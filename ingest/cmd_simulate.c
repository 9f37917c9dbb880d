/* simulate: a seeded economy with planted crimes, as files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ingest/ingest.h"
#include "ingest/simulate_text.h"
#include "util/clock.h"

typedef struct simulate_flags {
    const char *kind, *out, *truth, *labels, *customers, *start, *chain;
    int64_t transfers, incidents, seed, users, days, public_percent;
} simulate_flags;

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static wr_status open_file(FILE **to, const char *path, wr_err *err)
{
    *to = NULL;
    if (!path)
        return WR_OK;
    *to = is_stdout(path) ? stdout : fopen(path, "wb");
    return *to ? WR_OK : wr_fail(err, WR_EIO, "%s: %s", path, strerror(errno));
}

static void close_file(FILE *f)
{
    if (f && f != stdout)
        (void)fclose(f); /* wr_sim_files_end has told of write errors */
}

static wr_status make_opts(wr_sim_opts *o, wr_sim_files *f, const simulate_flags *s,
                           wr_command_line *cl, wr_err *err)
{
    f->is_utxo = strcmp(s->kind, "utxo") == 0;
    if (!f->is_utxo && strcmp(s->kind, "account") != 0)
        return wr_fail(err, WR_EINVAL, "--kind: '%s' is none of account, utxo", s->kind);
    const char *chain = s->chain ? s->chain : f->is_utxo ? "BTC" : "eip155:1337";
    WR_TRY(wr_chain_find(&f->chain, wr_text_of(chain), err));
    if (f->is_utxo != (f->chain->address_kind == WR_ADDRESS_BITCOIN) ||
        (!f->is_utxo && f->chain->address_kind != WR_ADDRESS_EVM))
        return wr_fail(err, WR_EINVAL, "--chain: %s does not fit --kind %s", f->chain->id,
                       s->kind);
    *o = (wr_sim_opts)WR_SIM_OPTS_INIT;
    o->seed = (uint64_t)s->seed;
    o->payments = (uint64_t)s->transfers;
    o->incidents = s->incidents < 0 ? o->payments / 2000 : (uint64_t)s->incidents;
    o->pool = (uint32_t)s->users;
    o->span_s = s->days * 86400;
    o->public_percent = (uint32_t)s->public_percent;
    o->is_utxo = f->is_utxo;
    o->pg = &cl->pg;
    f->seed = o->seed;
    return s->start ? wr_time_parse(&o->start_s, wr_text_of(s->start), err) : WR_OK;
}

static wr_status run(wr_sim_files *f, const wr_sim_opts *o, const simulate_flags *s,
                     wr_err *err)
{
    if (is_stdout(s->out) + is_stdout(s->truth) + is_stdout(s->labels) +
            is_stdout(s->customers) >
        1)
        return wr_fail(err, WR_EINVAL,
                       "only one of --out, --truth, --labels and --customers "
                       "can be '-'");
    WR_TRY(open_file(&f->transfers, s->out, err));
    WR_TRY(open_file(&f->truth, s->truth, err));
    WR_TRY(open_file(&f->labels, s->labels, err));
    WR_TRY(open_file(&f->customers, s->customers, err));
    WR_TRY(wr_sim_files_begin(f, err));
    const wr_sim_sink sink = wr_sim_files_sink(f);
    WR_TRY(wr_simulate(o, &sink, err));
    return wr_sim_files_end(f, err);
}

wr_status wr_ingest_cmd_simulate(wr_command_line *cl, wr_err *err)
{
    simulate_flags s = {.kind = "account",
                        .out = "-",
                        .transfers = 100000,
                        .incidents = -1,
                        .seed = 1,
                        .users = 4096,
                        .days = 90,
                        .public_percent = 50};
    const wr_arg arg[] = {
        {"kind", WR_ARG_TEXT, &s.kind, 0, 0, "K  account | utxo (account)"},
        {"transfers", WR_ARG_INT, &s.transfers, 1, 1e12, "N  how many payments (100000)"},
        {"incidents", WR_ARG_INT, &s.incidents, 0, 1e9,
         "N  planted crimes (transfers / 2000)"},
        {"seed", WR_ARG_INT, &s.seed, 0, 9e15, "N  same seed, same bytes (1)"},
        {"users", WR_ARG_INT, &s.users, 16, 1 << 24, "N  users active at a time (4096)"},
        {"start", WR_ARG_TEXT, &s.start, 0, 0, "T  first payment (2025-01-01)"},
        {"days", WR_ARG_INT, &s.days, 1, 3650, "N  time that they cover (90)"},
        {"public", WR_ARG_INT, &s.public_percent, 0, 100,
         "P  percent of incidents whose source gets a label (50)"},
        {"chain", WR_ARG_TEXT, &s.chain, 0, 0,
         "C  of all wallets (eip155:1337; BTC for utxo)"},
        {"out", WR_ARG_TEXT, &s.out, 0, 0,
         "PATH  transfers: CSV, for utxo NDJSON (stdout)"},
        {"truth", WR_ARG_TEXT, &s.truth, 0, 0, "PATH  ground truth as CSV"},
        {"labels", WR_ARG_TEXT, &s.labels, 0, 0, "PATH  public labels as CSV"},
        {"customers", WR_ARG_TEXT, &s.customers, 0, 0,
         "PATH  synthetic customers as CSV"},
    };
    const wr_args args = {.usage = "walletrisk-ingest simulate [flags]",
                          .purpose =
                              "Make transfers with planted crimes and their truth; "
                              "any size in constant memory.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    wr_sim_files f = {0};
    wr_sim_opts o;
    WR_TRY(make_opts(&o, &f, &s, cl, err));
    wr_status st = run(&f, &o, &s, err);
    close_file(f.transfers);
    close_file(f.truth);
    close_file(f.labels);
    close_file(f.customers);
    return st;
}
