#include "model/policy.h"

#include <assert.h>

wr_level wr_policy_level(const wr_policy *p, double score)
{
    assert(score >= 0.0 && score <= 1.0);
    int level = WR_LEVEL_COUNT - 1;
    while (level > WR_LEVEL_LOW && score < p->level_min[level])
        level--;
    return (wr_level)level;
}
