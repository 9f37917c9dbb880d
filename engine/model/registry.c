#include "model/registry.h"

const char *wr_model_status_name(wr_model_status s)
{
    static const char *const name[] = {
        [WR_MODEL_CANDIDATE] = "candidate",
        [WR_MODEL_ACTIVE] = "active",
        [WR_MODEL_RETIRED] = "retired",
    };
    return (unsigned)s < sizeof name / sizeof *name ? name[s] : "unknown";
}
