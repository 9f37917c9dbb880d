/*
 * wr_test.h - the few helpers every test uses: cmocka, asserts that print the
 * error record, a fault-injection loop.  References live beside the test that needs them.
 *
 * cmocka leaves a failed assertion by longjmp: never assert inside an OpenMP
 * region; collect there, assert after it.
 */
#ifndef WR_TEST_H
#define WR_TEST_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/mem.h"
#include "util/rng.h"

#define assert_ok(call)                                             \
    do {                                                            \
        wr_err err = {0};                                           \
        wr_status s_ = (call);                                      \
        wr_test_status(WR_OK, s_, &err, #call, __FILE__, __LINE__); \
    } while (0)

#define assert_err(want, call)                                     \
    do {                                                           \
        wr_err err = {0};                                          \
        wr_status s_ = (call);                                     \
        wr_test_status(want, s_, &err, #call, __FILE__, __LINE__); \
    } while (0)

/* Fails the test of that line unless the call returned `want` and its record agrees. */
void wr_test_status(wr_status want, wr_status got, const wr_err *err, const char *call,
                    const char *file, int line);

/*
 * Run `call` with 0, 1, 2, ... allocations allowed until it succeeds.  Each
 * failing run must report WR_ENOMEM and leave no block behind.
 */
#define assert_oom_safe(call)                                        \
    do {                                                             \
        long live0_ = wr_mem_test_live();                            \
        for (long k_ = 0;; k_++) {                                   \
            wr_err err = {0};                                        \
            wr_mem_test_fail_after(k_);                              \
            wr_status s_ = (call);                                   \
            wr_mem_test_fail_after(-1);                              \
            if (s_ == WR_OK)                                         \
                break;                                               \
            assert_int_equal(s_, WR_ENOMEM);                         \
            assert_int_equal(wr_mem_test_live(), live0_);            \
            if (k_ > 10000)                                          \
                fail_msg("still failing after %ld allocations", k_); \
        }                                                            \
    } while (0)

/* A test that ends with a block still allocated has failed, with or without ASan. */
#define wr_unit_test(f) cmocka_unit_test_teardown(f, wr_test_no_blocks_left)
int wr_test_no_blocks_left(void **state);

#endif
