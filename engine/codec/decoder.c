/* Options to decoder: what is given once and holds for every record. */
#include "codec/preset_int.h"
#include "util/mem.h"

/* AMLSim's own base_date; steps count days from it. */
static const int64_t STEP_BASE_S = INT64_C(1483228800); /* 2017-01-01T00:00:00Z */
static const int64_t STEP_S = 86400;

static bool is_set(const char *s)
{
    return s && *s;
}

wr_status wr_decoder_use(wr_transfer_decoder *d, const wr_preset *p, wr_err *err)
{
    const wr_transfer_opts *o = &d->opts;
    d->preset = p;
    if (!d->is_chain_given && p->chain)
        WR_TRY(wr_chain_find(&d->chain, wr_text_of(p->chain), err));
    if (!d->asset[0] && p->asset)
        memcpy(d->asset, p->asset, strlen(p->asset) + 1);
    d->decimals = o->decimals >= 0 ? o->decimals : p->decimals;
    d->is_rounding = o->is_rounding >= 0 ? o->is_rounding > 0 : p->is_rounding;
    d->time_unit = o->time_unit != WR_TIME_BY_FORMAT ? o->time_unit : p->time_unit;
    d->step_base_s = o->step_base_s ? o->step_base_s : STEP_BASE_S;
    d->step_s = o->step_s ? o->step_s : STEP_S;
    wr_position_rule rule =
        o->position_rule != WR_POSITION_BY_FORMAT ? o->position_rule : p->position_rule;
    d->position_rule = rule == WR_POSITION_BY_FORMAT ? WR_POSITION_ZERO : rule;
    d->now_s = o->now_s;
    return WR_OK;
}

wr_field wr_decoder_field(const wr_transfer_decoder *d, wr_text name)
{
    for (uint32_t i = 0; i < d->map_count; i++)
        if (wr_text_eq(name, wr_text_of(d->map[i].name)))
            return d->map[i].field;
    wr_field f = wr_field_find(name);
    for (uint32_t i = 0; i < d->map_count; i++)
        if (f == d->map[i].field) /* the map says where this field is; not here */
            return WR_F_NONE;
    return f;
}

/* One "field=name" of the map. */
static wr_status add_map(wr_transfer_decoder *d, wr_text pair, wr_err *err)
{
    const char *eq = memchr(pair.p, '=', pair.len);
    const uint32_t left = eq ? (uint32_t)(eq - pair.p) : 0;
    const wr_text name = {.p = eq ? eq + 1 : NULL, .len = eq ? pair.len - left - 1 : 0};
    const wr_field f = wr_field_find((wr_text){.p = pair.p, .len = left});
    if (!eq || !name.len || name.len > WR_NAME_MAX)
        return wr_fail(err, WR_EINVAL, "map: '%.*s' is not field=column",
                       WR_TEXT_ARG(pair));
    if (f == WR_F_NONE)
        return wr_fail(
            err, WR_EINVAL,
            "map: '%.*s' is no field; fields are from, to, tx_hash, time, amount, "
            "value, value_usd, position, block, asset, chain, decimals, memo, "
            "contract_address, is_error",
            (int)left, pair.p);
    if (d->map_count == WR_MAP_MAX)
        return wr_fail(err, WR_EINVAL, "map: more than %d entries", (int)WR_MAP_MAX);
    d->map[d->map_count].field = f;
    memcpy(d->map[d->map_count].name, name.p, name.len);
    d->map[d->map_count].name[name.len] = '\0';
    d->map_count++;
    return WR_OK;
}

static wr_status parse_map(wr_transfer_decoder *d, const char *map, wr_err *err)
{
    for (const char *p = map; is_set(p);) {
        const char *comma = strchr(p, ',');
        size_t len = comma ? (size_t)(comma - p) : strlen(p);
        WR_TRY(add_map(d, (wr_text){.p = p, .len = (uint32_t)len}, err));
        p = comma ? comma + 1 : NULL;
    }
    return WR_OK;
}

static wr_status check(const wr_transfer_opts *o, wr_err *err)
{
    if (o->decimals > WR_DECIMALS_MAX)
        return wr_fail(err, WR_EINVAL, "decimals %d are more than %d", o->decimals,
                       (int)WR_DECIMALS_MAX);
    if (o->step_s < 0)
        return wr_fail(err, WR_EINVAL, "a step of %lld seconds", (long long)o->step_s);
    if (is_set(o->asset) && strlen(o->asset) > WR_ASSET_MAX)
        return wr_fail(err, WR_EINVAL, "asset '%.40s...' is longer than %d bytes",
                       o->asset, (int)WR_ASSET_MAX);
    return WR_OK;
}

wr_status wr_transfer_decoder_new(wr_transfer_decoder **out, const wr_transfer_opts *o,
                                  wr_err *err)
{
    WR_TRY(check(o, err));
    WR_AUTO(wr_transfer_decoder) d = wr_calloc(1, sizeof *d);
    if (!d)
        return wr_fail(err, WR_ENOMEM, "no memory for the decoder");
    d->opts = *o;
    d->is_detecting = !is_set(o->format);
    const wr_preset *p = wr_preset_find(d->is_detecting ? "ndjson" : o->format);
    if (!p)
        return wr_fail(err, WR_EINVAL,
                       "format '%.40s' is unknown; formats are csv, ndjson, utxo, "
                       "dumplings, etherscan, etherscan-internal, etherscan-token, "
                       "blockscout, eth, mftracer, saml-d, amlworld, amlsim, amlgentex",
                       o->format);
    d->is_chain_given = is_set(o->chain);
    if (d->is_chain_given)
        WR_TRY(wr_chain_find(&d->chain, wr_text_of(o->chain), err));
    if (is_set(o->asset))
        memcpy(d->asset, o->asset, strlen(o->asset) + 1);
    WR_TRY(parse_map(d, o->map, err));
    WR_TRY(wr_decoder_use(d, p, err));
    *out = WR_STEAL(d);
    return WR_OK;
}

void wr_transfer_decoder_free(wr_transfer_decoder *d)
{
    wr_free(d);
}
