#include "ingest/transfer_flags.h"

#include "util/clock.h"

static wr_status read_time_unit(wr_time_unit *out, const char *t, wr_err *err)
{
    static const struct {
        const char *name;
        wr_time_unit unit;
    } table[] = {{"auto", WR_TIME_AUTO},
                 {"s", WR_TIME_SECONDS},
                 {"ms", WR_TIME_MILLISECONDS},
                 {"steps", WR_TIME_STEPS}};
    for (size_t i = 0; t && i < sizeof table / sizeof *table; i++)
        if (strcmp(t, table[i].name) == 0) {
            *out = table[i].unit;
            return WR_OK;
        }
    return t ? wr_fail(err, WR_EINVAL, "--time-unit: '%s' is none of auto, s, ms, steps",
                       t)
             : WR_OK;
}

static wr_status read_position(wr_position_rule *out, const char *t, wr_err *err)
{
    if (!t)
        return WR_OK;
    if (strcmp(t, "zero") == 0)
        *out = WR_POSITION_ZERO;
    else if (strcmp(t, "derived") == 0)
        *out = WR_POSITION_DERIVED;
    else if (strcmp(t, "auto") != 0)
        return wr_fail(err, WR_EINVAL, "--position: '%s' is none of auto, zero, derived",
                       t);
    return WR_OK;
}

wr_status wr_transfer_flags_opts(wr_transfer_opts *o, const wr_transfer_flags *f,
                                 wr_err *err)
{
    *o = (wr_transfer_opts)WR_TRANSFER_OPTS_INIT;
    o->format = f->format;
    o->map = f->map;
    o->chain = f->chain;
    o->asset = f->asset;
    o->decimals = (int)f->decimals;
    o->is_rounding = f->is_rounding ? 1 : -1;
    o->step_s = f->step_s;
    if (f->time_base)
        WR_TRY(wr_time_parse(&o->step_base_s, wr_text_of(f->time_base), err));
    WR_TRY(read_position(&o->position_rule, f->position, err));
    return read_time_unit(&o->time_unit, f->time_unit, err);
}
