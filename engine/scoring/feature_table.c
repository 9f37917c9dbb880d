#include "scoring/feature.h"

#include <assert.h>
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
