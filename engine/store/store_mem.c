#include "store/backend_int.h"

static wr_status mem_open(wr_store **out, const char *dsn, wr_err *err)
{
    (void)out;
    (void)dsn;
    return wr_fail(err, WR_EIO, "this program was built without the memory store");
}

const wr_store_backend wr_store_memory = {
    .kind = "memory",
    .dialect = "sqlite",
    .open = mem_open,
};
