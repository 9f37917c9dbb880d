#include "model/run.h"

const char *wr_run_status_name(wr_run_status s)
{
    static const char *const name[] = {
        [WR_RUN_RUNNING] = "running",
        [WR_RUN_COMPLETE] = "complete",
        [WR_RUN_FAILED] = "failed",
    };
    return (unsigned)s < sizeof name / sizeof *name ? name[s] : "unknown";
}
