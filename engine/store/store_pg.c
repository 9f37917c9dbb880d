#include "store/backend_int.h"

static wr_status pg_open(wr_store **out, const char *dsn, wr_err *err)
{
    (void)out;
    (void)dsn;
    return wr_fail(err, WR_EIO, "this program was built without PostgreSQL");
}

const wr_store_backend wr_store_pg = {
    .kind = "postgresql",
    .dialect = "postgres",
    .open = pg_open,
};
