#include "pipeline/scorer/column_words.h"

#include <string.h>

static const char *const WHO[WR_HOP_COUNT] = {
    [WR_HOP_IN] = "the wallets that paid it",
    [WR_HOP_OUT] = "the wallets it paid",
    [WR_HOP_IN_IN] = "the payers of its payers",
    [WR_HOP_OUT_OUT] = "the payees of its payees",
    [WR_HOP_IN_OUT] = "the payees of its payers",
    [WR_HOP_OUT_IN] = "the payers of its payees",
};

static const char *const STAT[WR_STAT_COUNT] = {
    [WR_STAT_MEAN] = "mean", [WR_STAT_MAX] = "largest", [WR_STAT_STD] = "spread"};

/* What follows "prefix_" in name, or NULL. */
static const char *behind(const char *name, const char *prefix)
{
    const size_t len = strlen(prefix);
    return strncmp(name, prefix, len) == 0 && name[len] == '_' ? name + len + 1 : NULL;
}

/* "<hop>_<stat>_<name>"; feature NULL when the name is no such thing. */
static wr_column_words aggregate_of(const char *name)
{
    for (int h = 0; h < WR_HOP_COUNT; h++) {
        const char *rest = behind(name, wr_aggregate_hop_name((wr_aggregate_hop)h));
        for (int s = 0; rest && s < WR_STAT_COUNT; s++) {
            const char *base = behind(rest, wr_aggregate_stat_name((wr_aggregate_stat)s));
            const int at = base ? wr_feature_find(WR_FEATURE_WALLET, base) : -1;
            if (at < 0)
                continue;
            return (wr_column_words){.feature =
                                         wr_feature_at(WR_FEATURE_WALLET, (uint32_t)at),
                                     .is_of_neighbours = true,
                                     .hop = (wr_aggregate_hop)h,
                                     .stat = (wr_aggregate_stat)s};
        }
    }
    return (wr_column_words){0};
}

wr_column_words wr_column_words_of(wr_feature_kind kind, const char *name)
{
    const int at = wr_feature_find(kind, name);
    return at < 0 ? aggregate_of(name)
                  : (wr_column_words){.feature = wr_feature_at(kind, (uint32_t)at)};
}

void wr_column_meaning(wr_buf *out, const wr_column_words *w)
{
    if (w->is_of_neighbours)
        wr_buf_addf(out, "%s over %s of %s: ", STAT[w->stat], WHO[w->hop],
                    w->feature->name);
    if (w->feature)
        wr_buf_adds(out, w->feature->meaning);
}

void wr_column_unit(wr_buf *out, const wr_column_words *w)
{
    if (!w->feature)
        return;
    const bool is_log =
        w->is_of_neighbours && wr_feature_scaled(w->feature, 2.0F) != 2.0F;
    wr_buf_addf(out, "%s%s%s", is_log ? "log(1 + " : "", w->feature->unit,
                is_log ? ")" : "");
}
