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
