#include "ingest/simulate_flags.h"

#include <string.h>

#include "util/clock.h"

wr_status wr_sim_flags_opts(wr_sim_opts *o, const wr_chain **chain, const wr_sim_flags *s,
                            const char *chain_name, wr_err *err)
{
    const bool is_utxo = strcmp(s->kind, "utxo") == 0;
    if (!is_utxo && strcmp(s->kind, "account") != 0)
        return wr_fail(err, WR_EINVAL, "--kind: '%s' is none of account, utxo", s->kind);
    if (!chain_name)
        chain_name = is_utxo ? "BTC" : "eip155:1337";
    WR_TRY(wr_chain_find(chain, wr_text_of(chain_name), err));
    if (is_utxo != ((*chain)->address_kind == WR_ADDRESS_BITCOIN) ||
        (!is_utxo && (*chain)->address_kind != WR_ADDRESS_EVM))
        return wr_fail(err, WR_EINVAL, "--chain: %s does not fit --kind %s", (*chain)->id,
                       s->kind);
    *o = (wr_sim_opts)WR_SIM_OPTS_INIT;
    o->seed = (uint64_t)s->seed;
    o->payments = (uint64_t)s->transfers;
    o->incidents = s->incidents < 0 ? o->payments / 2000 : (uint64_t)s->incidents;
    o->pool = (uint32_t)s->users;
    o->span_s = s->days * 86400;
    o->public_percent = (uint32_t)s->public_percent;
    o->lookalike_percent = (uint32_t)s->lookalike_percent;
    o->is_utxo = is_utxo;
    return s->start ? wr_time_parse(&o->start_s, wr_text_of(s->start), err) : WR_OK;
}
