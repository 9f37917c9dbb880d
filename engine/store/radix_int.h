/*
 * radix_int.h - stable radix sort of 64-bit words, for batches that go into a database in
 * the order of a key.  Thread: safe (caller's memory only).
 */
#ifndef WR_STORE_RADIX_INT_H
#define WR_STORE_RADIX_INT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Sort v [n] ascending by the bits from low_bit up; words that agree in them keep their
 * order.  scratch [n].
 * Cost  2 passes over v per 11 bits in which the words differ
 */
void wr_radix_sort(uint64_t *v, uint64_t *scratch, size_t n, unsigned low_bit);

#endif
