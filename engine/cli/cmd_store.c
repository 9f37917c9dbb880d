/* migrate, doctor: the state of the store. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"

wr_status wr_cmd_migrate(wr_cli *cli, wr_err *err)
{
    const wr_args args = {.usage = "walletrisk migrate",
                          .purpose = "Create or update the tables of the store. Safe to "
                                     "repeat, and while other programs start.",
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_store_open(&st, cli->cfg.dsn, err));
    wr_migrate_report rep = {0};
    WR_TRY(wr_store_migrate(st, &rep, err));
    if (rep.before == rep.after)
        (void)printf("%s: schema %" PRIu32 ", nothing to do\n", wr_store_kind(st),
                     rep.after);
    else
        (void)printf("%s: schema %" PRIu32 " -> %" PRIu32 "\n", wr_store_kind(st),
                     rep.before, rep.after);
    return WR_OK;
}

typedef struct ledger {
    uint64_t sources, records, accounted, broken;
} ledger;

static wr_status check_source(void *ctx, const wr_source *s, wr_err *err)
{
    ledger *l = ctx;
    (void)err;
    l->sources++;
    l->records += s->records;
    const uint64_t accounted = s->inserted + s->duplicates + s->dead;
    l->accounted += accounted;
    if (accounted != s->records) {
        l->broken++;
        (void)printf("BAD  source %.*s partition %" PRId32 ": %" PRIu64
                     " records, but inserted + duplicates + dead letters = %" PRIu64 "\n",
                     WR_TEXT_ARG(s->source), s->partition, s->records, accounted);
    }
    return WR_OK;
}

wr_status wr_cmd_doctor(wr_cli *cli, wr_err *err)
{
    const wr_args args = {.usage = "walletrisk doctor",
                          .purpose =
                              "Check configuration, schema and the ingestion ledger.",
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    wr_config_print(stdout, &cli->cfg);
    WR_AUTO(wr_settings) cfg = NULL;
    WR_TRY(wr_settings_load(&cfg, &cli->cfg, err));
    (void)printf("ok   %" PRIu32 " categories, %" PRIu32 " floors, configuration %.16s\n",
                 cfg->taxonomy.count, cfg->policy.floor_count, cfg->digest.s);
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    char id[WR_STORE_ID_HEX + 1];
    WR_TRY(wr_store_id(st, id, err));
    (void)printf("ok   %s store %s, schema as this program needs it\n", wr_store_kind(st),
                 id);
    wr_counts c = {0};
    WR_TRY(wr_store_counts(st, &c, err));
    (void)printf("ok   %" PRIu64 " transfers, %" PRIu64 " wallets, %" PRIu64
                 " labels, %" PRIu64 " dead letters, %" PRIu64 " runs\n",
                 c.transfers, c.wallets, c.labels, c.dead, c.runs);
    ledger l = {0};
    WR_TRY(wr_store_sources(st, check_source, &l, err));
    if (l.broken)
        return wr_fail(err, WR_ECORRUPT,
                       "%" PRIu64 " of %" PRIu64 " sources do not reconcile", l.broken,
                       l.sources);
    (void)printf("ok   %" PRIu64 " sources reconcile: %" PRIu64
                 " records = inserted + duplicates + dead letters\n",
                 l.sources, l.records);
    return WR_OK;
}
