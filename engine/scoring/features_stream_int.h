/*
 * features_stream_int.h - the state behind features_stream.h.
 *
 * features_stream.c moves it, features_stream_row.c reads it.  Indices of the log are
 * absolute (they only grow); entry i lies at i & (log_cap - 1) while i >= tail of the
 * longest window.
 */
#ifndef WR_SCORING_FEATURES_STREAM_INT_H
#define WR_SCORING_FEATURES_STREAM_INT_H

#include <stdbool.h>

#include "scoring/features_stream.h"

/* Windows; DAY and longer also count parties, first contacts and value. */
enum { HOUR, DAY, WEEK, MONTH, WINDOWS, LONG_WINDOWS = WINDOWS - DAY };

enum { WR_CHAIN_MAX = 255 };

static const uint32_t WR_WINDOW_S[WINDOWS] = {WR_HOUR_S, WR_DAY_S, WR_WEEK_S, WR_MONTH_S};

/* What a wallet paid, or what it received. */
typedef struct wr_side {
    uint32_t count[WINDOWS];
    uint32_t parties[LONG_WINDOWS];   /* [window - DAY] */
    uint32_t new_count[LONG_WINDOWS]; /* first contacts */
    double value[LONG_WINDOWS], new_value[LONG_WINDOWS];
    uint64_t fan;        /* sum over the month of the other ends' fans */
    uint32_t days_month; /* days whose first transfer is inside */
    /* life */
    uint32_t life_count, life_parties, last_s;
    uint32_t new_s; /* of the last first contact, when life_parties > 0 */
    wr_vid new_party;
    uint32_t days, new_days;
    uint32_t day_count, day_max; /* on the day of last_s; on the busiest */
    bool is_last_new;
    double life_value, mean, m2, max, last, last_new;
} wr_side;

typedef struct wr_wallet {
    wr_side out, in;
    uint32_t first_s, chain_s;
    uint8_t chain; /* 0 = none */
} wr_wallet;

typedef struct wr_pair {
    wr_vid from, to;
    uint32_t count, first_s, last_s;
    uint32_t out_port, in_port; /* 1.. */
    uint64_t last_log;
    double value;
} wr_pair;

typedef struct wr_log_entry {
    wr_vid from, to;
    uint32_t time_s, pair;
    double value; /* on the grid */
    uint32_t from_fan, to_fan;
    bool is_new;
    bool is_from_day, is_to_day; /* the side's first one of its day */
} wr_log_entry;

struct wr_feature_stream {
    wr_feature_stream_opts o;
    uint32_t now_s;
    wr_wallet *wallet;
    size_t wallet_count, wallet_cap;
    wr_pair *pair;
    size_t pair_count, pair_cap;
    uint32_t *table; /* [table_size] pair + 1, 0 = free; a power of two */
    size_t table_size;
    wr_log_entry *log; /* [log_cap], a power of two */
    size_t log_cap;
    uint64_t tail[WINDOWS], end;
};

static inline bool wr_wallet_is_known(const wr_wallet *w)
{
    return w->out.life_count || w->in.life_count;
}

/* Pair (from, to), or NULL. */
const wr_pair *wr_feature_stream_pair(const wr_feature_stream *s, wr_vid from, wr_vid to);

/* Row of e; both wallets have their place and the windows stand at e->time_s. */
void wr_feature_stream_row(float *row, const wr_feature_stream *s,
                           const wr_feature_event *e);

#endif
