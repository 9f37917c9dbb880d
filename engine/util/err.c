#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_name[] = {
    [WR_OK] = "ok",
    [WR_EINVAL] = "invalid",
    [WR_EPARSE] = "parse",
    [WR_ELIMIT] = "limit",
    [WR_ENOTFOUND] = "not_found",
    [WR_ECONFLICT] = "conflict",
    [WR_ENOCONV] = "no_convergence",
    [WR_EIO] = "io",
    [WR_ETIMEOUT] = "timeout",
    [WR_ESTOPPED] = "stopped",
    [WR_ECORRUPT] = "corrupt",
    [WR_ENOMEM] = "no_memory",
};
_Static_assert(sizeof status_name / sizeof *status_name == WR_STATUS_COUNT,
               "every status has a name");

const char *wr_status_name(wr_status s)
{
    return (unsigned)s < WR_STATUS_COUNT ? status_name[s] : "unknown";
}

/* Names in parentheses: err.h makes macros of them for the analyzer. */
wr_status(wr_fail)(wr_err *err, wr_status code, const char *fmt, ...)
{
    if (err && err->code == WR_OK) {
        va_list ap;
        va_start(ap, fmt);
        err->code = code;
        (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
    }
    return code;
}

wr_status(wr_fail_ctx)(wr_err *err, wr_status code, const char *fmt, ...)
{
    if (err && err->code != WR_OK) {
        size_t used = strlen(err->msg);
        char what[WR_ERR_MSG_MAX];
        va_list ap;
        va_start(ap, fmt);
        (void)vsnprintf(what, sizeof what, fmt, ap);
        va_end(ap);
        (void)snprintf(err->msg + used, sizeof err->msg - used, " (while %s)", what);
    }
    return code;
}
