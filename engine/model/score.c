#include "model/score.h"

#include <assert.h>
#include <math.h>

static const char *const level_name[WR_LEVEL_COUNT] = {
    [WR_LEVEL_LOW] = "low",
    [WR_LEVEL_MEDIUM] = "medium",
    [WR_LEVEL_HIGH] = "high",
    [WR_LEVEL_SEVERE] = "severe",
};

const char *wr_level_name(wr_level l)
{
    return (unsigned)l < WR_LEVEL_COUNT ? level_name[l] : "unknown";
}

const char *wr_state_name(wr_state s)
{
    static const char *const name[WR_STATE_COUNT] = {
        [WR_STATE_SCORED] = "scored",
        [WR_STATE_NOT_IN_GRAPH] = "not_in_graph",
        [WR_STATE_STALE] = "stale",
        [WR_STATE_LABELS_UNAVAILABLE] = "labels_unavailable",
    };
    return (unsigned)s < WR_STATE_COUNT ? name[s] : "unknown";
}

const char *wr_direction_name(wr_direction d)
{
    return d == WR_RECEIVING ? "receiving" : d == WR_SENDING ? "sending" : "unknown";
}

wr_status wr_level_parse(wr_level *out, wr_text t, wr_err *err)
{
    for (unsigned l = 0; l < WR_LEVEL_COUNT; l++)
        if (wr_text_eq(t, wr_text_of(level_name[l]))) {
            *out = (wr_level)l;
            return WR_OK;
        }
    return wr_fail(err, WR_EPARSE, "level '%s' is none of low, medium, high, severe",
                   wr_text_quote(t, 40).s);
}

/*
 * score is m * 2^-shift with a whole m < 2^53, so that 10000 * m decides the rounding
 * without one of its own; score * 1e4 in double would turn near-ties into ties.
 */
double wr_score_publish(double score)
{
    assert(score >= 0.0 && score <= 1.0);
    __extension__ typedef unsigned __int128 u128;
    int exp;
    double fraction = frexp(score, &exp);
    uint64_t m = (uint64_t)ldexp(fraction, 53);
    int shift = 53 - exp; /* >= 52, as score <= 1 */
    if (shift > 100)
        return 0.0;
    u128 scaled = (u128)m * 10000;
    u128 whole = scaled >> shift;
    u128 rest = scaled - (whole << shift);
    u128 half = (u128)1 << (shift - 1);
    whole += rest > half || (rest == half && (whole & 1));
    return (double)(uint64_t)whole / 100.0;
}
