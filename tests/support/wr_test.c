#include "wr_test.h"

int wr_test_no_blocks_left(void **state)
{
    (void)state;
    if (wr_mem_test_live() != 0) {
        print_error("%ld blocks still allocated\n", wr_mem_test_live());
        return -1;
    }
    return 0;
}

void wr_test_status(wr_status want, wr_status got, const wr_err *err, const char *call,
                    const char *file, int line)
{
    if (got == want && (want == WR_OK || (err->code == want && err->msg[0])))
        return;
    print_error("ERROR: %s: wanted %s, got %s '%s'\n", call, wr_status_name(want),
                wr_status_name(got), err->msg);
    _fail(file, line);
}
