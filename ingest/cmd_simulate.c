/* simulate: a seeded economy with planted crimes, as files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ingest/ingest.h"
#include "ingest/simulate_flags.h"
#include "ingest/simulate_text.h"

typedef struct simulate_flags {
    wr_sim_flags stream;
    const char *out, *truth, *labels, *customers, *chain;
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
    simulate_flags s = {.stream = WR_SIM_FLAGS_INIT, .out = "-"};
    const wr_arg arg[] = {
        WR_SIM_FLAG_ROWS(&s.stream),
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
    WR_TRY(wr_sim_flags_opts(&o, &f.chain, &s.stream, s.chain, err));
    o.pg = &cl->pg;
    f.is_utxo = o.is_utxo;
    f.seed = o.seed;
    wr_status st = run(&f, &o, &s, err);
    close_file(f.transfers);
    close_file(f.truth);
    close_file(f.labels);
    close_file(f.customers);
    return st;
}
