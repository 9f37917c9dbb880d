#include "scoring/feature.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ROW(id, name, group, unit, window, sign, meaning) \
    {name, meaning, unit, WR_FEATURE_##group, window, sign},

static const wr_feature TRANSFER[] = {WR_TRANSFER_FEATURES(ROW)};
static const wr_feature WALLET[] = {WR_WALLET_FEATURES(ROW)};

static const struct {
    const char *name;
    const wr_feature *row;
    uint32_t count;
} KIND[WR_FEATURE_KIND_COUNT] = {
    [WR_FEATURE_TRANSFER] = {"transfer", TRANSFER, WR_TF_COUNT},
    [WR_FEATURE_WALLET] = {"wallet", WALLET, WR_WF_COUNT},
};

static const char *const GROUP[WR_FEATURE_GROUP_COUNT] = {
    [WR_FEATURE_EXPOSURE] = "exposure", [WR_FEATURE_CONTACT] = "contact",
    [WR_FEATURE_VELOCITY] = "velocity", [WR_FEATURE_AMOUNT] = "amount",
    [WR_FEATURE_FLOW] = "flow",         [WR_FEATURE_STRUCTURE] = "structure",
    [WR_FEATURE_MOTIF] = "motif",
};

static const uint16_t BASE[WR_FEATURE_BASE] = {
    WR_WF_IN_PARTIES,
    WR_WF_OUT_PARTIES,
    WR_WF_IN_VALUE,
    WR_WF_OUT_VALUE,
    WR_WF_IN_NEW_7D,
    WR_WF_OUT_NEW_7D,
    WR_WF_PASS_24H,
    WR_WF_RETAINED,
    WR_WF_HOLD,
    WR_WF_AGE,
    WR_WF_IDLE,
    WR_WF_RECIPROCITY,
    /* one hop only */
    WR_WF_IN_COUNT,
    WR_WF_OUT_COUNT,
    WR_WF_IN_COUNT_7D,
    WR_WF_OUT_COUNT_7D,
    WR_WF_IN_MEAN,
    WR_WF_OUT_MEAN,
    WR_WF_IN_TOP_PARTY,
    WR_WF_OUT_TOP_PARTY,
    WR_WF_GAP_CV,
    WR_WF_BURST,
    WR_WF_ROUND,
    WR_WF_IN_SERVICE,
};

uint32_t wr_feature_count(wr_feature_kind kind)
{
    assert(kind < WR_FEATURE_KIND_COUNT);
    return KIND[kind].count;
}

const wr_feature *wr_feature_at(wr_feature_kind kind, uint32_t at)
{
    assert(kind < WR_FEATURE_KIND_COUNT && at < KIND[kind].count);
    return &KIND[kind].row[at];
}

int wr_feature_find(wr_feature_kind kind, const char *name)
{
    for (uint32_t i = 0; i < wr_feature_count(kind); i++)
        if (strcmp(KIND[kind].row[i].name, name) == 0)
            return (int)i;
    return -1;
}

const uint16_t *wr_feature_base(void)
{
    return BASE;
}

void wr_feature_base_row(float *base, const float *row)
{
    for (int k = 0; k < WR_FEATURE_BASE; k++)
        base[k] = wr_feature_scaled(&WALLET[BASE[k]], row[BASE[k]]);
}

float wr_feature_scaled(const wr_feature *f, float x)
{
    static const struct {
        const char *unit;
        bool is_signed; /* -1 is a value like others */
    } LINEAR[] = {{"share", false},
                  {"flag", false},
                  {"ratio", false},
                  {"1", false},
                  {"deviations", true}};
    for (size_t k = 0; k < sizeof LINEAR / sizeof *LINEAR; k++)
        if (strcmp(f->unit, LINEAR[k].unit) == 0)
            return x == WR_FEATURE_NONE && !LINEAR[k].is_signed ? 0 : x;
    return x > 0 ? (float)log1p((double)x) : 0;
}

const char *wr_feature_kind_name(wr_feature_kind k)
{
    assert(k < WR_FEATURE_KIND_COUNT);
    return KIND[k].name;
}

const char *wr_feature_group_name(wr_feature_group g)
{
    assert(g < WR_FEATURE_GROUP_COUNT);
    return GROUP[g];
}
