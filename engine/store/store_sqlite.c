#include "store/backend_int.h"

static wr_status sqlite_open(wr_store **out, const char *dsn, wr_err *err)
{
    (void)out;
    (void)dsn;
    return wr_fail(err, WR_EIO, "this program was built without SQLite");
}

const wr_store_backend wr_store_sqlite = {
    .kind = "sqlite",
    .dialect = "sqlite",
    .open = sqlite_open,
};
